"""The examples for Airflow and Dagster, run by the real ones where their commands are on the path."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from anomembed.cli import BUG
from anomembed.errors import LockedError, UserError

TOP = Path(__file__).parents[1]
EXAMPLES = TOP / "examples" / "monitor"
FILES = [EXAMPLES / "airflow_dag.py", EXAMPLES / "dagster_job.py"]
FLAGGED, KILLED = 1, 137
AIRFLOW = """
import sys
import airflow_dag as example
from airflow.sdk.exceptions import AirflowFailException
assert (example.hourly.max_active_runs, example.hourly.catchup) == (1, False)
assert example.hourly.timetable.expression == "0 * * * *"
judge = example.hourly.get_task("judge")
assert judge.retries > 0
example.COMMAND[:] = sys.argv[1:]
try:
    judge.python_callable()
except AirflowFailException as error:
    print("failed", error)
except Exception as error:
    print("tried again", error)
else:
    print("fine")
"""
DAGSTER = """
import sys, tempfile
import dagster_job as example
from dagster import DagsterInstance, DagsterRunStatus, Failure, RetryRequested, RunRequest, SkipReason
from dagster import build_op_context, build_schedule_context
with tempfile.TemporaryDirectory() as folder, DagsterInstance.local_temp(folder) as instance:
    def hour():
        return type(example.hourly(build_schedule_context(instance=instance)))
    assert hour() is RunRequest
    run = instance.create_run_for_job(example.anomembed_payments, status=DagsterRunStatus.STARTED)
    assert hour() is SkipReason
    instance.report_run_failed(run)
    assert hour() is RunRequest
example.COMMAND[:] = sys.argv[1:]
try:
    example.judge(build_op_context())
except Failure as error:
    print("failed" if not error.allow_retries else "tried again", error.description)
except RetryRequested:
    print("tried again")
else:
    print("fine")
"""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_only_what_cannot_succeed_later_is_final(path):
    """What can be said without them: the names that the modules bind to constants."""
    assigned = {node.targets[0].id: node.value for node in ast.parse(path.read_text()).body if type(node) is ast.Assign}
    assert ast.literal_eval(assigned["FINAL"]) == {FLAGGED, UserError.exit_code, BUG}
    assert LockedError.exit_code not in ast.literal_eval(assigned["FINAL"])
    assert ast.literal_eval(assigned["COMMAND"])[:2] == ["anomembed", "monitor"]


def ran(program, script, command, folder):
    """What the environment of a scheduler says of an example whose command is another."""
    executable = shutil.which(program)
    if executable is None:
        pytest.skip(f"there is no {program} on the path")
    python = Path(executable).with_name("python")
    environment = {**os.environ, "AIRFLOW_HOME": str(folder), "DAGSTER_HOME": "", "PYTHONPATH": f"{EXAMPLES}:{TOP}"}
    done = subprocess.run([python, "-c", script, *command], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("program", "script"), [("airflow", AIRFLOW), ("dagster", DAGSTER)])
@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, "fine"),
        (FLAGGED, "failed"),
        (UserError.exit_code, "failed"),
        (LockedError.exit_code, "tried again"),
        (BUG, "failed"),
        (KILLED, "tried again"),
    ],
)
def test_an_exit_code_is_what_the_scheduler_makes_of_it(program, script, code, said, tmp_path):
    out = ran(program, script, ["sh", "-c", f"echo because >&2; exit {code}"], tmp_path)
    assert out.splitlines()[-1].startswith(said)
    if said == "failed":
        assert out.splitlines()[-1].endswith(f"ended with {code}: because")


@pytest.mark.parametrize(("program", "script"), [("airflow", AIRFLOW), ("dagster", DAGSTER)])
def test_the_sentence_of_a_monitor_is_that_of_the_task(program, script, tmp_path):
    command = [sys.executable, "-m", "anomembed", "monitor", "nowhere.toml"]
    out = ran(program, script, command, tmp_path)
    assert "ended with 2: anomembed: no such configuration file: nowhere.toml" in out
