"""Write `server.log`, the log of a made-up server, for the guide on log files: `python examples/server_log.py`.

5,000 lines of a day: logins, jobs and web requests, and among them four lines that do not fit.
"""

import random
from datetime import datetime, timedelta
from pathlib import Path

USERS = ("ana", "ben", "chloe", "deploy")
HOMES = {"ana": "10.0.1", "ben": "10.0.2", "chloe": "10.0.3", "deploy": "10.0.9"}
JOBS = ("/usr/bin/backup --daily", "/usr/bin/logrotate /etc/logrotate.conf", "/opt/shop/bin/sync-stock")
PAGES = ("/", "/cart", "/checkout", "/products/17", "/products/23", "/login")
ODD = {
    1300: "sshd[4711]: Accepted password for deploy from 203.0.113.66 port 4242 ssh2",
    2600: "CRON[612]: (deploy) CMD (/tmp/.x/run)",
    3300: "kernel: Out of memory: Killed process 2211 (postgres)",
    4100: "shop[88]: payment provider timed out after 30000 ms, order 5123 left open",
}


def line_at(number: int, rng: random.Random) -> str:
    """Return what some program says."""
    if number in ODD:
        return ODD[number]
    user, pid, port = rng.choice(USERS), rng.randint(300, 9000), rng.randint(30000, 60000)
    address = f"{HOMES[user]}.{rng.choice((7, 8, 20))}"
    lines = {
        f"sshd[{pid}]: Accepted publickey for {user} from {address} port {port} ssh2": 12,
        f"sshd[{pid}]: Failed password for {user} from {address} port {port} ssh2": 6,
        f"sshd[{pid}]: Connection closed by {address} port {port}": 12,
        f"CRON[{pid}]: (root) CMD ({rng.choice(JOBS)})": 10,
        f"shop[{rng.randint(80, 90)}]: GET {rng.choice(PAGES)} 200 in {rng.randint(3, 90)} ms": 50,
        f"shop[{rng.randint(80, 90)}]: order {5000 + number // 20} paid in {rng.randint(200, 900)} ms": 13,
    }
    return rng.choices(list(lines), list(lines.values()))[0]


def main() -> None:
    """Write the log into the current folder."""
    rng, at = random.Random(0), datetime(2025, 6, 2)
    with Path("server.log").open("w", encoding="utf-8") as log:
        for number in range(5_000):
            at += timedelta(seconds=rng.expovariate(1 / 17))
            log.write(f"{at:%Y-%m-%dT%H:%M:%S}+00:00 web1 {line_at(number, rng)}\n")
    print("wrote server.log: 5,000 lines")


if __name__ == "__main__":
    main()
