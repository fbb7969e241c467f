"""What an alert says: an object for programs, and text for people."""

import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from anomembed.monitor.clock import EPOCH, MICROSECOND, as_local
from anomembed.read.quoting import quote_text

EXPANDED = frozenset('$`\\"!\n')  # by a shell within double quotes
MOST_LISTED = 10  # reasons in a message about many alerts
VERBS = {"opened": "new", "grown": "goes on", "closed": "over"}


class Message(NamedTuple):
    """What is told."""

    title: str
    text: str
    data: dict[str, Any]


def message_of(content: dict[str, Any], store: str, zone: str) -> Message:
    """Return the message of one alert.

    Parameters
    ----------
    content : dict
        From `Alert.content`.
    store : str
        The store, to look further.
    zone : str
        Zone that times are shown in.
    """
    further = _in_duckdb(store, _why(content))
    again = ", judged again" if content["again"] else ""
    title = f"[{content['level']}] {content['monitor']}: {VERBS[content['event']]}{again}: {content['reason']}"
    lines = [
        content["reason"],
        "",
        _count(content, zone),
        f"most abnormal: {content['key']}, tail probability {content['tail_probability']:.1e}, view {content['view']}",
        f"finding: {content['dedup_key']}, alert {content['alert_id']}",
        f"look further: {further}",
    ]
    return Message(title, "\n".join(lines) + "\n", {**content, "look_further": further})


def _count(content: dict[str, Any], zone: str) -> str:
    """Say how many flags there are, and when they were: the new ones, and before them others; or all."""
    n_new, n_flags = content["n_new"], content["n_flags"]
    is_closed = content["event"] == "closed"
    first, last = (_local(content[name], zone) for name in ("first_seen" if is_closed else "new_since", "last_seen"))
    if is_closed or n_new == n_flags:
        return f"flags: {n_flags:,}, from {first} to {last} ({zone})"
    return f"flags: {n_new:,} new, from {first} to {last} ({zone}); {n_flags - n_new:,} before"


def rest_of(contents: Sequence[dict[str, Any]], store: str) -> Message:
    """Return the one message of all alerts that are too many to be told one by one."""
    first = contents[0]
    title = f"[{first['level']}] {first['monitor']}: and {len(contents):,} more"
    listed = [f"- {content['reason']} ({content['n_flags']:,} flags)" for content in contents[:MOST_LISTED]]
    if len(contents) > MOST_LISTED:
        listed.append(f"- and {len(contents) - MOST_LISTED:,} others")
    further = _in_duckdb(store, "FROM findings ORDER BY tail_probability")
    data = {
        "event": "more",
        "monitor": first["monitor"],
        "n_alerts": len(contents),
        "alert_ids": [content["alert_id"] for content in contents],
        "dedup_key": f"{first['alert_id']}.more",
        "look_further": further,
    }
    return Message(title, "\n".join([*listed, f"look further: {further}"]) + "\n", data)


def _in_duckdb(store: str, sql: str) -> str:
    """Return a command line that asks the store; in double quotes where a shell finds nothing to expand in them."""
    quoted = shlex.quote(sql) if EXPANDED.intersection(sql) else f'"{sql}"'
    return f"duckdb {shlex.quote(str(Path(store).absolute()))} {quoted}"


def _why(content: dict[str, Any]) -> str:
    return f"FROM why({quote_text(content['key'])}, of_run := {content['run_id']})"


def _local(moment: str, zone: str) -> str:
    return as_local((datetime.fromisoformat(moment) - EPOCH) // MICROSECOND, zone)
