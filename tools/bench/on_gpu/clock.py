"""What is left of a run's time."""
import time


class Deadline:
    """A moment by which something must have ended."""

    def __init__(self, seconds, outer=None):
        self.until = time.monotonic() + seconds
        if outer:
            self.until = min(self.until, outer.until)

    def left(self):
        return max(0.0, self.until - time.monotonic())

    def passed(self):
        return self.left() <= 0
