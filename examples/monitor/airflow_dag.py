"""Run a monitor every hour by Airflow: for its folder of DAGs. Tested with Airflow 3.3.2.

A run judges all that came since the last one, so those that were missed need not be made up for (`catchup`), and only
one at a time has the store (`max_active_runs`).
"""

import subprocess
from datetime import datetime, timedelta

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException

COMMAND = ["anomembed", "monitor", "/etc/anomembed/payments.toml"]  # with full paths
FINAL = {1, 2, 70}  # flags found, with --fail-on-flags; something to be changed first; a bug


@task(retries=3, retry_delay=timedelta(minutes=5))
def judge() -> None:
    """Judge what is new; what may succeed later, such as when a file is locked (3), is tried again."""
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    print(done.stdout + done.stderr)  # into the log of the task
    if done.returncode:
        # A second try after flags would find nothing new, and be green.
        kind = AirflowFailException if done.returncode in FINAL else RuntimeError
        raise kind(f"anomembed ended with {done.returncode}: {done.stderr.strip()}")


@dag(schedule="@hourly", start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1)
def anomembed_payments() -> None:
    """Define what runs every hour."""
    judge()


hourly = anomembed_payments()
