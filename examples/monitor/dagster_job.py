"""Run a monitor every hour by Dagster: `dagster dev -f dagster_job.py`. Tested with Dagster 1.13.29.

A run judges all that came since the last one, so those that were missed need not be made up for, and only one at a time
has the store: while it goes on, the schedule skips.
"""

import subprocess

from dagster import (
    DagsterRunStatus,
    Definitions,
    Failure,
    OpExecutionContext,
    RetryRequested,
    RunRequest,
    RunsFilter,
    ScheduleEvaluationContext,
    SkipReason,
    job,
    op,
    schedule,
)

COMMAND = ["anomembed", "monitor", "/etc/anomembed/payments.toml"]  # with full paths
FINAL = {1, 2, 70}  # flags found, with --fail-on-flags; something to be changed first; a bug
OVER = {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED}


@op
def judge(context: OpExecutionContext) -> None:
    """Judge what is new; what may succeed later, such as when a file is locked (3), is tried again."""
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    context.log.info(done.stdout + done.stderr)
    if done.returncode in FINAL:  # a second try after flags would find nothing new, and be green
        raise Failure(f"anomembed ended with {done.returncode}: {done.stderr.strip()}", allow_retries=False)
    if done.returncode:
        raise RetryRequested(max_retries=3, seconds_to_wait=300)


@job
def anomembed_payments() -> None:
    """Define what runs every hour."""
    judge()


@schedule(job=anomembed_payments, cron_schedule="0 * * * *")
def hourly(context: ScheduleEvaluationContext) -> RunRequest | SkipReason:
    """Start a run unless one goes on."""
    unfinished = RunsFilter(job_name=anomembed_payments.name, statuses=[s for s in DagsterRunStatus if s not in OVER])
    return SkipReason("the run before goes on") if context.instance.get_runs(unfinished, limit=1) else RunRequest()


definitions = Definitions(jobs=[anomembed_payments], schedules=[hourly])
