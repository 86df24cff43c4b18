"""Tests of models on the CPU, as they are, on the emulated GPU."""
import unittest

import batches_test
import freeze_test
from emulated_gpu import OnTheEmulator


class Batches(OnTheEmulator, batches_test.BatchesTest):
    pass


class Freeze(OnTheEmulator, freeze_test.FreezeTest):
    pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
