# IR tests: RUN lines over the tools in build/bin, checked with FileCheck.
import os
import lit.formats

config.name = "graven"
config.test_format = lit.formats.ShTest(execute_external=True)
config.suffixes = [".mlir", ".test"]
config.test_source_root = os.path.join(config.graven_source, "test")
config.test_exec_root = os.path.join(config.graven_build, "test")
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.graven_build, "bin"), config.llvm_tools, os.environ["PATH"]])
config.substitutions.append(("%examples", os.path.join(config.graven_source, "docs", "examples")))
