"""Print what runs a monitor on time: a line for cron, a service and a timer for systemd, a CronJob for Kubernetes."""

import getpass
import hashlib
import json
import os
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from anomembed import __version__
from anomembed.config import Config, load_config
from anomembed.errors import ConfigError, shown
from anomembed.monitor.address import VARIABLE
from anomembed.read.databases.addresses import is_address
from anomembed.read.files.kinds import GLOB

MINUTES = 5  # between two runs: one that finds nothing new costs a third of a second
LONGEST = 40  # letters of a name; Kubernetes takes 52, with what it adds itself
OPTIONS = ("--quiet", "--wait", "60s")


@dataclass(frozen=True)
class Job:
    """What is to run.

    Parameters
    ----------
    name : str
        Name of the unit.
    program : list of str
        The command ``anomembed``, by its full path.
    arguments : list of str
        Its arguments, with full paths.
    folder : Path
        Where it runs.
    folders : tuple of Path
        Folders of all files that it needs.
    variables : tuple of str
        What it takes from the environment.
    """

    name: str
    program: list[str]
    arguments: list[str]
    folder: Path
    folders: tuple[Path, ...]
    variables: tuple[str, ...]

    @classmethod
    def of(cls, path: Path, given: dict[str, Any]) -> Self:
        """Return the job of a configuration file; raises `ConfigError` when that cannot be read."""
        config, folder = load_config(path, given), Path.cwd()
        store = ["--store", str(Path(config.store.path).absolute())] if given.get("store") else []
        return cls(
            name=_name(config.monitor.name or path.stem),
            program=_program(),
            arguments=["monitor", str(path.absolute()), *store, *OPTIONS],
            folder=folder,
            folders=_folders(path, config, folder),
            variables=tuple(sorted({name for c in config.monitor.channels for name in VARIABLE.findall(c.to or "")})),
        )


def _name(monitor: str) -> str:
    """Return a name that systemd and Kubernetes take."""
    plain = re.sub(r"[^a-z0-9]+", "-", monitor.lower()).strip("-")[:LONGEST].strip("-")
    return f"anomembed-{plain or hashlib.sha256(monitor.encode()).hexdigest()[:8]}"


def _program() -> list[str]:
    """Return the command of this installation; cron and systemd know no virtual environment."""
    script = Path(sys.executable).with_name("anomembed")
    return [str(script)] if script.exists() else [sys.executable, "-m", "anomembed"]


def _folders(path: Path, config: Config, folder: Path) -> tuple[Path, ...]:
    """Return the folders of all files that a run reads or writes; none that is within another."""
    monitor, database = config.monitor, config.source.database
    read = [None if is_address(database or "") else database, config.embedding.vectors]
    told = [
        channel.to for channel in monitor.channels if channel.kind == "file" and not VARIABLE.search(str(channel.to))
    ]
    named = filter(None, (*read, monitor.metrics, *told))
    found = sorted({folder, *map(_folder, (path, Path(config.store.path), *map(Path, named)))})
    return tuple(f for f in found if not any(other in f.parents for other in found))


def _folder(file: Path) -> Path:
    """Return the folder of a file, or the one that all files of a glob are in."""
    path = file.absolute().parent
    while GLOB.search(str(path)) and not path.is_dir():
        path = path.parent
    return path.resolve()


def print_unit(kind: str, path: Path, given: dict[str, Any]) -> None:
    """Print a unit of one of `UNITS` on standard output."""
    job = Job.of(path, given)
    words = [*job.program, *job.arguments, str(job.folder)]
    if wrong := next((word for word in words if not word.isprintable()), None):
        raise ConfigError(f"a unit cannot name {shown(wrong)}: rename it")
    sys.stdout.write(UNITS[kind](job) + "\n")


def _cron(job: Job) -> str:
    command = f"cd {shlex.quote(str(job.folder))} && {shlex.join([*job.program, *job.arguments])}"
    needs = [f"# it needs {name}: add a line {name}=... above" for name in job.variables]
    return "\n".join([*needs, f"*/{MINUTES} * * * *  {command.replace('%', chr(92) + '%')}"])


def _systemd(job: Job) -> str:
    """Return a service and a timer, each below the name of its file; `:` before a command keeps `$` as it is."""
    is_root = os.geteuid() == 0
    file = f"{_plain(str(job.folder))}/{job.name}.env"
    needs = f"# a line NAME=... there for {', '.join(job.variables)}"
    environment = [needs, f"EnvironmentFile={file}"] if job.variables else []
    service = [
        "[Unit]",
        f"Description=anomembed monitor {job.name}",
        "",
        "[Service]",
        "Type=oneshot",
        *([] if is_root else [f"User={getpass.getuser()}"]),
        f"WorkingDirectory={_plain(str(job.folder))}",
        *environment,
        f"ExecStart=:{_quoted(job.program[0])} {' '.join(map(_quoted, [*job.program[1:], *job.arguments]))}",
        "# 3: another run has the store; the next one goes on",
        "SuccessExitStatus=3",
    ]
    timer = [
        "[Unit]",
        f"Description=anomembed monitor {job.name}",
        "",
        "[Timer]",
        f"OnCalendar=*:0/{MINUTES}",
        "# a run that was missed while the machine was off is made up for",
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    place = f"# /etc/systemd/system/{job.name}"
    return "\n".join([f"{place}.service", *service, "", f"{place}.timer", *timer])


def _plain(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    return '"' + _plain(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _kubernetes(job: Job) -> str:
    """Return a CronJob; texts are in JSON, which YAML reads."""
    needs = ", ".join(job.variables)
    container = [
        f"- name: {job.name}",
        f"  image: {json.dumps(f'anomembed:{__version__}')}  # of yours, with anomembed installed by pip",
        f"  command: {json.dumps(['anomembed', *job.arguments])}",
        f"  workingDir: {json.dumps(str(job.folder))}",
        *([f"  envFrom: [{{secretRef: {{name: {job.name}}}}}]  # {needs}"] if job.variables else []),
        "  volumeMounts:",
        *(f"    - {{name: folder-{n}, mountPath: {json.dumps(str(f))}}}" for n, f in enumerate(job.folders)),
    ]
    pod = [
        "restartPolicy: Never  # the next run goes on",
        "containers:",
        *_indented(container, 1),
        "volumes:",
        *(f"  - {{name: folder-{n}, hostPath: {{path: {json.dumps(str(f))}}}}}" for n, f in enumerate(job.folders)),
    ]
    spec = [
        f'schedule: "*/{MINUTES} * * * *"',
        "concurrencyPolicy: Forbid  # one run at a time has the store",
        "jobTemplate:",
        "  spec:",
        "    backoffLimit: 0",
        "    template:",
        "      spec:",
        *_indented(pod, 4),
    ]
    head = ["apiVersion: batch/v1", "kind: CronJob", "metadata:", f"  name: {job.name}", "spec:"]
    return "\n".join([*head, *_indented(spec, 1)])


def _indented(lines: Sequence[str], depth: int) -> Iterable[str]:
    return ("  " * depth + line for line in lines)


UNITS = {"cron": _cron, "systemd": _systemd, "kubernetes": _kubernetes}
