"""Reads plans and fails if an arena is more than 2 % above the bytes alive at one time."""
import re
import sys

programs = re.findall(r"plan\.program @(\S+) .*?arena_bytes = (\d+).*?liveness_bound = (\d+)",
                      sys.stdin.read())
assert programs, "no plan.program"
for name, arena, bound in programs:
    print(f"{name}: arena {arena}, alive {bound}")
    assert int(bound) <= int(arena) <= 1.02 * int(bound), name
