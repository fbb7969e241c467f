"""Run a command and say what it cost: seconds, seconds of processors and peak memory of that process alone.

A child starts as a copy of its parent, and Linux counts that copy into the child's peak. So the command is started
by this very file, run in a bare interpreter that holds next to nothing.
"""

import json
import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PEAK_UNITS_PER_MIB = 1024**2 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Cost:
    """What one run of a command took; `error` is empty if and only if it ended with exit code 0."""

    seconds: float
    peak_mib: float
    error: str
    processor_seconds: float = 0.0


def run(command: list[str], folder: Path) -> Cost:
    """Run a command in a folder and wait for it."""
    bare = [sys.executable, "-I", "-S", str(Path(__file__).resolve()), *command]
    done = subprocess.run(bare, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    said = done.stderr.strip().splitlines() or ["nothing on stderr"]
    if not done.stdout:
        return Cost(0, 0, f"did not start: {said[-1]}")
    code, seconds, peak, busy = json.loads(done.stdout)
    return Cost(seconds, peak / PEAK_UNITS_PER_MIB, f"exit code {code}: {said[-1]}" if code else "", busy)


def read_command(words: str) -> list[str]:
    """Split a command line; a path in it holds from any folder."""
    program, *arguments = shlex.split(words)
    return [str(Path(program).absolute()) if os.sep in program else program, *arguments]


def launch(command: list[str]) -> None:
    """Start a command, its stdout sent to stderr; print exit code, seconds, peak memory, processor seconds."""
    started = time.perf_counter()
    child = subprocess.Popen(command, stdout=sys.stderr)
    _, status, usage = os.wait4(child.pid, 0)
    busy = usage.ru_utime + usage.ru_stime
    print(json.dumps([os.waitstatus_to_exitcode(status), time.perf_counter() - started, usage.ru_maxrss, busy]))


if __name__ == "__main__":
    launch(sys.argv[1:])
