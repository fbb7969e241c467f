"""Which tests are slow: those that take longest, until a third of the time is left for all others.

    python -m pytest -m "not drill" --durations=0 -vv > durations.txt
    python tests/slowest.py durations.txt

renews slow.txt, a function a line. Shares of the time, unlike seconds, are about the same on every machine.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

SLOW = Path(__file__).with_name("slow.txt")
KEPT = 1 / 3
PASSED = re.compile(r"PASSED (\S+?::\w+)")
DURATION = re.compile(r"^\s*([\d.]+)s (?:call|setup|teardown)\s+(\S+?)(?:\[.*)?$", re.MULTILINE)


def find_slow(durations: str) -> list[str]:
    """Return the functions whose tests take longest on average; `durations` is what pytest prints of them."""
    seconds, n_tests = defaultdict(float), defaultdict(int)
    for taken, function in DURATION.findall(durations):
        seconds[function] += float(taken)
    for function in PASSED.findall(durations):
        n_tests[function] += 1
    if not n_tests:
        sys.exit("no line says which tests passed: run pytest with -vv, and without -n 0")
    left, slow = sum(seconds.values()), []
    for function in sorted(seconds, key=lambda name: -seconds[name] / max(n_tests[name], 1)):
        if left <= KEPT * sum(seconds.values()):
            break
        left -= seconds[function]
        slow.append(function)
    return sorted(slow)


if __name__ == "__main__":
    SLOW.write_text("".join(f"{name}\n" for name in find_slow(Path(sys.argv[1]).read_text(errors="replace"))))
