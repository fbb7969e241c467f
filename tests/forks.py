"""Command lines in processes of their own that need not import the libraries: each is a fork of one that has.

Started by `run_apart`, with the code of a test that comes before everything is imported.
"""

import gc
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple


class Ended(NamedTuple):
    code: int
    out: str
    err: str


def run_apart(*commands, before="", stdout=None):
    """Run command lines, one after another; `stdout` is a descriptor that takes what they print, instead of a file."""
    with tempfile.TemporaryDirectory() as folder:
        kept = "2" if stdout else "12"
        lines = json.dumps([[*map(str, command)] for command in commands])
        start = [sys.executable, __file__, folder, before, kept, lines]
        done = subprocess.run(start, stdout=stdout, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr
        ends = json.loads(Path(folder, "ends").read_text())
        return [Ended(code, *(_text(Path(folder, f"{n}.{stream}")) for stream in "12")) for n, code in enumerate(ends)]


def _text(path):
    return path.read_text(encoding="utf-8") if path.exists() else ""


def run_forks(folder, kept, commands):
    """Run every command in a fork, and keep how it ended; a fork returns to end as its process would."""
    from anomembed.cli import main

    ends = []
    for number, arguments in enumerate(commands):
        if child := os.fork():
            ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            continue
        for stream in kept:
            os.dup2(os.open(f"{folder}/{number}.{stream}", os.O_WRONLY | os.O_CREAT), int(stream))
        sys.argv = ["anomembed", *arguments]
        return main()
    Path(folder, "ends").write_text(json.dumps(ends))
    return None


if __name__ == "__main__":
    folder, before, kept, commands = sys.argv[1:]
    exec(before)
    from numba.core.registry import cpu_target

    import anomembed.cli.evaluating
    import anomembed.cli.running  # what is imported here need not be imported by every fork
    import anomembed.score.nearest  # noqa: F401

    cpu_target.typing_context.refresh()  # what Numba knows of Python, which it would read at the first loop
    cpu_target.target_context.refresh()
    gc.collect()
    gc.freeze()  # nor are they to be looked through when a fork ends, which takes longer than most commands
    run_forks(folder, kept, json.loads(commands))
