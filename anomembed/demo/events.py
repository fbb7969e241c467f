"""The event log: 300 people and 14 service accounts use nine applications on 18 hosts for 13 weeks."""

import numpy as np
import polars as pl
from polars import col

from anomembed.demo.drawing import DAY, HOUR, N_WEEKS, Columns, Numbers, busy_hours, choose, decode, to_time
from anomembed.demo.planting import Kind, is_common, plant

N_SESSIONS, N_PEOPLE, N_SERVICES, N_PLANTED = 8_600, 300, 14, 10
ACTIONS = ("login", "logout", "read", "update", "export", "approve", "deploy", "send", "delete", "run_job")
APPLICATIONS = ("portal", "mail", "wiki", "git", "erp", "payroll", "crm", "tickets", "monitoring")
ACTION_WEIGHTS = np.array(  # one row per application, then one for service accounts
    [
        (1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        (0, 0, 60, 0, 0, 0, 0, 35, 5, 0),
        (0, 0, 80, 18, 0, 0, 0, 0, 2, 0),
        (0, 0, 45, 35, 0, 6, 12, 0, 2, 0),
        (0, 0, 50, 25, 10, 15, 0, 0, 0, 0),
        (0, 0, 55, 20, 10, 15, 0, 0, 0, 0),
        (0, 0, 55, 27, 10, 0, 0, 8, 0, 0),
        (0, 0, 45, 38, 2, 0, 0, 13, 2, 0),
        (0, 0, 70, 10, 5, 0, 12, 0, 3, 0),
        (0, 0, 20, 10, 0, 0, 0, 0, 0, 70),
    ]
)
DEPARTMENTS = ("engineering", "finance", "sales", "support", "people", "operations", "service")
DEPARTMENT_WEIGHTS = np.array([30, 12, 22, 16, 8, 12])  # of people; service accounts are counted in N_SERVICES
APPLICATION_WEIGHTS = np.array(  # one row per department
    [
        (0, 15, 15, 55, 0, 0, 0, 10, 5),
        (0, 20, 5, 0, 50, 22, 0, 3, 0),
        (0, 25, 5, 0, 10, 0, 58, 2, 0),
        (0, 12, 13, 0, 0, 0, 25, 50, 0),
        (0, 30, 15, 0, 5, 45, 0, 5, 0),
        (0, 8, 10, 15, 0, 0, 0, 15, 52),
        (0, 0, 0, 10, 35, 10, 15, 0, 30),
    ]
)
NETWORKS = ("office-berlin", "office-madrid", "vpn", "datacenter")
HOSTS = tuple(f"srv-{application}-{number}" for application in APPLICATIONS for number in (1, 2))
RESULTS = ("success", "failure", "denied")
SERVICE, OPERATIONS = DEPARTMENTS.index("service"), DEPARTMENTS.index("operations")
EVENT_KINDS = {
    "service_in_office": Kind(
        "{user} is a service account of the datacenter, but exported data of {application} from {network}.",
        (col("department") == "service") & col("network_2").is_in(["office-berlin", "office-madrid"]),
        {"network": col("network_2"), "action": pl.lit("export")},
    ),
    "foreign_application": Kind(
        "{user} is a developer, but looked into {application} over the VPN.",
        (col("department") == "engineering")
        & (col("network") == "vpn")
        & (col("action") == "read")
        & (col("application_2") == "payroll"),
        {"application": col("application_2"), "host": col("host_2")},
    ),
    "wrong_host": Kind(
        "{application} does not run on {host}, but {user} used it there.",
        (col("application") != col("application_2")) & (col("department") != "service"),
        {"host": col("host_2")},
    ),
    "deploy_in_crm": Kind(
        "Nothing is ever deployed in the {application}, but {user} of {department} did so.",
        (col("application") == "crm") & (col("action_2") == "deploy"),
        {"action": col("action_2")},
    ),
    "person_in_datacenter": Kind(
        "Only service accounts work in the {network}, but {user} of {department} used {application} from there.",
        col("department").is_in(["finance", "sales", "people"]) & (col("network_2") == "datacenter"),
        {"network": col("network_2")},
    ),
}


def make_events(rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draw the events and plant the cases of `EVENT_KINDS`.

    Parameters
    ----------
    rng : np.random.Generator
        Random numbers.

    Returns
    -------
    table : pl.DataFrame
        The events, sorted by time, with their key.
    truth : pl.DataFrame
        Key, `kind` and `story` of the planted rows.
    """
    rows, users = _draw_events(rng)
    hour = rows["second"] // HOUR % 24
    busy = np.bincount(hour)[hour] > 0.006 * len(hour)
    usual = busy & (rows["application"] > 0) & (rows["result"] == 0) & is_common(rows["user"])
    frame = pl.DataFrame(
        {
            "at": to_time(rows["second"]),
            "session_id": decode([f"S{i:05}" for i in range(N_SESSIONS)], rows["session"]),
            "user": decode(users, rows["user"]),
            "department": decode(DEPARTMENTS, rows["department"]),
            "network": decode(NETWORKS, rows["network"]),
            "host": decode(HOSTS, rows["host"]),
            "application": decode(APPLICATIONS, rows["application"]),
            "action": decode(ACTIONS, rows["action"]),
            "result": decode(RESULTS, rows["result"]),
        }
    )
    return plant(frame, "event_id", usual, EVENT_KINDS, N_PLANTED, rng)


def _draw_events(rng: np.random.Generator) -> tuple[Columns, list[str]]:
    people = _draw_users(rng)
    sessions = _draw_sessions(people, rng)
    length = sessions.pop("length")
    session = np.repeat(np.arange(N_SESSIONS), length)
    rows = {name: values[session] for name, values in sessions.items()} | {"session": session}
    start = length.cumsum() - length
    rows["second"] = rows.pop("start") + _since_login(start, length, rng)
    rows |= _draw_steps(rows, rng)
    _add_logins(rows, start, length, rng)
    rows["host"] = rows["application"] * 2 + (rng.random(len(session)) < rows.pop("second_host"))
    return rows, [f"u{i:03}" for i in range(N_PEOPLE)] + [f"svc-{N_PEOPLE + i}" for i in range(N_SERVICES)]


def _draw_users(rng: np.random.Generator) -> Columns:
    department = rng.choice(SERVICE, N_PEOPLE, p=DEPARTMENT_WEIGHTS / DEPARTMENT_WEIGHTS.sum())
    n = N_PEOPLE + N_SERVICES
    return {
        "department": np.concatenate([department, np.full(N_SERVICES, SERVICE)]),
        "office": rng.choice(2, n, p=[0.6, 0.4]),
        "vpn_share": rng.beta(1, 2, n),
        "hour_shift": rng.normal(0, 1, n),
        "second_host": rng.beta(0.6, 0.6, n),
        "activity": rng.lognormal(0, 0.6, n) * np.where(np.arange(n) < N_PEOPLE, 1, 4),
    }


def _draw_sessions(people: Columns, rng: np.random.Generator) -> Columns:
    n = N_SESSIONS
    user = rng.choice(N_PEOPLE + N_SERVICES, n, p=people["activity"] / people["activity"].sum())
    department = people["department"][user]
    at_home = rng.random(n) < people["vpn_share"][user]
    other_office = rng.random(n) < 0.01
    network = np.where(at_home, NETWORKS.index("vpn"), people["office"][user] ^ other_office)
    return {
        "user": user,
        "department": department,
        "network": np.where(department == SERVICE, NETWORKS.index("datacenter"), network),
        "second_host": people["second_host"][user],
        "start": _draw_starts(department, people["hour_shift"][user], rng),
        "length": 3 + rng.poisson(4, n),
    }


def _draw_starts(department: Numbers, hour_shift: Numbers, rng: np.random.Generator) -> Numbers:
    """Draw start times: working hours for people, shifts for some operators, mostly nights for service accounts."""
    n = len(department)
    shifts = (department == SERVICE) | ((department == OPERATIONS) & (rng.random(n) < 0.4)) | (rng.random(n) < 0.004)
    weekdays = np.array([(1, 1, 1, 1, 0.8, 0.03, 0.02), np.ones(7)])
    hours = np.array([busy_hours((9, 14), 1.8), np.ones(24), 0.15 + busy_hours((1, 3), 1.5)])
    day = rng.integers(0, N_WEEKS, n) * 7 + choose(rng, weekdays, shifts.astype(int))
    hour = choose(rng, hours, np.where(department == SERVICE, 2, shifts)) + rng.random(n) + hour_shift
    return np.asarray(day * DAY + (hour * HOUR).astype(int) % DAY)


def _since_login(start: Numbers, length: Numbers, rng: np.random.Generator) -> Numbers:
    passed = (1 + rng.exponential(150, length.sum())).astype(int).cumsum()
    return np.asarray(passed - np.repeat(passed[start], length))


def _draw_steps(rows: Columns, rng: np.random.Generator) -> Columns:
    department, n = rows["department"], len(rows["department"])
    application = choose(rng, APPLICATION_WEIGHTS, department)
    helps_out = (rng.random(n) < 0.0006) & (department != SERVICE)
    application[helps_out] = rng.integers(1, len(APPLICATIONS), helps_out.sum())
    action = choose(rng, ACTION_WEIGHTS, np.where(department == SERVICE, len(APPLICATIONS), application))
    result = rng.choice(len(RESULTS), n, p=[0.975, 0.015, 0.01])
    return {"application": application, "action": action, "result": result}


def _add_logins(rows: Columns, start: Numbers, length: Numbers, rng: np.random.Generator) -> None:
    """Start and end every session at the portal; one in twelve starts with a wrong password."""
    typo = start[rng.random(N_SESSIONS) < 1 / 12]
    last = start + length - 1
    for step, action in ((start, "login"), (typo + 1, "login"), (last, "logout")):
        rows["application"][step], rows["result"][step] = 0, 0
        rows["action"][step] = ACTIONS.index(action)
    rows["result"][typo] = RESULTS.index("failure")
