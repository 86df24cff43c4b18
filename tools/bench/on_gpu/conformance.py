"""Cases that must come out: launches that the emulator has run, and rows of all ops with gradients."""
import concurrent.futures
import json
import os
import queue
import subprocess
import threading

SILENCE = 60  # seconds after which a case counts as hanging: it may include a compilation
KEPT = 50     # failures told one by one


class Group:
    """Runs gpu_cases over some files, again from the next case where one ended the program."""

    def __init__(self, command, files, environment, deadline, every=1, usual_statuses=()):
        self.command, self.files, self.environment = command, files, environment
        self.deadline, self.every, self.usual_statuses = deadline, every, usual_statuses
        self.begun = self.under_way = None  # the last case's number; its name until it has answered
        self.cases, self.worst, self.failures, self.complete = 0, 0.0, [], True
        self.output = ""  # what stands between the lines, of a tool around the program

    def run(self):
        first = 0
        while first is not None and self.files:
            if self.deadline.passed():
                self.complete = False
                return self
            first = self.run_from(first)
        return self

    def fail(self, case, reason):
        self.failures.append({"case": case, "error": reason})

    def run_from(self, first):
        """Runs from case `first` on; the case to go on from, or None at the end."""
        words = [*self.command, "--first", first, "--every", self.every, *self.files]
        process = subprocess.Popen([str(w) for w in words], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, errors="replace",
                                   env=self.environment)
        lines = queue.Queue()

        def read():
            for line in process.stdout:
                lines.put(line)
            lines.put("")

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        self.begun, self.under_way = None, None
        silent = False
        while not silent:
            try:
                line = lines.get(timeout=max(0.1, min(SILENCE, self.deadline.left())))
            except queue.Empty:
                silent = True
                break
            if not line:
                break
            self.take(line)
        if silent:
            process.kill()
        status = process.wait()
        reader.join()
        process.stdout.close()
        return self.next_after(silent, status)

    def next_after(self, silent, status):
        if silent and self.deadline.passed():
            self.complete = False
            return None
        if silent:
            self.fail(self.under_way or "(start)", f"no answer within {SILENCE} s")
        elif self.under_way:
            self.fail(self.under_way, f"the program ended with status {status}: " + self.last_words())
        elif status == 3:  # the GPU failed in a case that has said so
            return self.begun + 1
        elif status not in (0, 1, *self.usual_statuses):
            self.fail("(all)", f"the program ended with status {status}: " + self.last_words())
            return None
        else:
            return None
        return None if self.begun is None else self.begun + 1

    def last_words(self):
        return self.output.strip()[-300:]

    def take(self, line):
        """One line of output."""
        try:
            found = json.loads(line) if line.startswith("{") else None
        except ValueError:
            found = None
        if not found:
            self.output = (self.output + line)[-20000:]
        elif "begin" in found:
            self.begun, self.under_way = found["begin"], found["case"]
        else:
            self.under_way = None
            self.cases += 1
            self.worst = max(self.worst, found["worst"])
            if found["error"]:
                self.fail(found["case"], found["error"])


def split(files, count):
    """The files in `count` groups of about equal size."""
    groups = [[0, []] for _ in range(count)]
    for path in sorted(files, key=lambda p: -p.stat().st_size):
        least = min(groups, key=lambda g: g[0])
        least[0] += path.stat().st_size
        least[1].append(path)
    return [sorted(g[1]) for g in groups if g[1]]


def run(program, files, environment, deadline, processes=None):
    """What became of the cases in `files`, by several processes at once."""
    processes = processes or min(8, len(os.sched_getaffinity(0)))
    groups = [Group([program], part, environment, deadline) for part in split(files, processes)]
    with concurrent.futures.ThreadPoolExecutor(max(1, len(groups))) as pool:
        done = list(pool.map(Group.run, groups))
    failures = [f for g in done for f in g.failures]
    return {"cases": sum(g.cases for g in done), "failed": len(failures),
            "worst": max([0.0, *(g.worst for g in done)]),
            "complete": all(g.complete for g in done), "failures": failures[:KEPT]}
