"""Command lines that are killed: each is a fork of a process that has imported everything and computed nothing.

Started by `Forker`; runs one command at a time, or beside others, and ends it by kill -9 after some seconds.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple


class Ended(NamedTuple):
    code: int
    out: str
    err: str
    seconds: float


class Forker:
    """Runs command lines in the current folder, with the current environment; use as a context manager."""

    def __enter__(self):
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_):
        self._server.stdin.close()
        self._server.wait()

    def run(self, *arguments, kill_after=None, once=None):
        """Run a command to its end, or kill it after some seconds, or so long after a file is there; its code is -9."""
        folder = os.getcwd()  # noqa: PTH109
        sent = [list(map(str, arguments)), kill_after, once and f"{folder}/{once}", folder, dict(os.environ)]
        self._server.stdin.write(json.dumps(sent) + "\n")
        self._server.stdin.flush()
        return Ended(*json.loads(self._server.stdout.readline()))


def _serve():
    from anomembed.cli import main

    for line in sys.stdin:
        arguments, kill_after, once, folder, environment = json.loads(line)
        names = [f"{folder}/.forked-{os.getpid()}.{stream}" for stream in "12"]
        started = time.monotonic()
        if not (child := os.fork()):
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(environment)
            for stream, name in zip((1, 2), names, strict=True):
                os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
            sys.argv = ["anomembed", *arguments]
            return main()
        code = _wait(child, started, kill_after, once)
        texts = [Path(name).read_text(encoding="utf-8") for name in names]
        sys.stdout.write(json.dumps([code, *texts, time.monotonic() - started]) + "\n")
        sys.stdout.flush()
    return None


def _wait(child, started, kill_after, once):
    while kill_after is not None and time.monotonic() - started < kill_after:
        if once and not os.path.exists(once):  # noqa: PTH110  # a Path takes as long as what is waited for
            started = time.monotonic()
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    if kill_after is not None:
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    import gc

    from numba.core.registry import cpu_target

    import anomembed.cli.commands
    import anomembed.cli.console
    import anomembed.cli.monitoring
    import anomembed.monitor.beginning
    import anomembed.monitor.judging
    import anomembed.monitor.learning
    import anomembed.score.nearest  # noqa: F401

    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()
    gc.collect()
    gc.freeze()
    _serve()
