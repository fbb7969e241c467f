"""What an alert says: an object for programs, and text for people."""

import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring

from anomembed.monitor.clock import as_local, position_of
from anomembed.read.quoting import quote_text
from anomembed.score.wording import tail_text
from anomembed.write.sinks import inert

EXPANDED = frozenset('$`\\"!\n')  # by a shell within double quotes
FURTHER = "look further: "  # before a command
MOST_LISTED = 10  # reasons in a message about many alerts
VERBS = {"opened": "new", "grown": "goes on", "closed": "over"}


class Message(NamedTuple):
    """What is told."""

    title: str
    text: str
    html: str
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
    if "notice" in content:
        return _message_of_notice(content, store, zone)
    further = _asked(store, _why(content))
    tail = tail_text(content["tail_probability"])
    again = ", judged again" if content["again"] else ""
    title = f"[{content['level']}] {content['monitor']}: {VERBS[content['event']]}{again}: {content['reason']}"
    lines = [
        content["reason"],
        "",
        _count(content, zone),
        f"most abnormal: {content['key']}, tail probability {tail}, view {content['view']}",
        f"finding: {content['dedup_key']}, alert {content['alert_id']}",
        f"look further: {further}",
    ]
    return Message(title, "\n".join(lines) + "\n", html_of(title, lines), {**content, "look_further": further})


def _message_of_notice(content: dict[str, Any], store: str, zone: str) -> Message:
    sql = f"FROM notices WHERE notice_id = {quote_text(content['dedup_key'])} ORDER BY occurrence"
    further = _asked(store, sql)
    title = f"[{content['level']}] {content['monitor']}: {VERBS[content['event']]}: {content['reason']}"
    over = f", over {_local(content['last_seen'], zone)}" if content["event"] == "closed" else ""
    lines = [content["reason"], "", f"since {_local(content['first_seen'], zone)}{over} ({zone})"]
    if content["n_flags"]:
        lines.append(f"flags that were held back: {content['n_flags']:,}")
    lines += [f"notice: {content['dedup_key']}, alert {content['alert_id']}", f"look further: {further}"]
    return Message(title, "\n".join(lines) + "\n", html_of(title, lines), {**content, "look_further": further})


def _count(content: dict[str, Any], zone: str) -> str:
    """Say how many flags there are, and when they were: the new ones, and before them others; or all."""
    n_flags = content["n_flags"]
    n_new = content.get("n_new", n_flags)  # which an alert of an older version does not have
    is_all = content["event"] == "closed" or n_new == n_flags
    first, last = (_local(content[name], zone) for name in ("first_seen" if is_all else "new_since", "last_seen"))
    if is_all:
        return f"flags: {n_flags:,}, from {first} to {last} ({zone})"
    return f"flags: {n_new:,} new, from {first} to {last} ({zone}); {n_flags - n_new:,} before"


def rest_of(contents: Sequence[dict[str, Any]], store: str, n_before: int) -> Message:
    """Return the one message of all alerts that are too many to be told one by one, or were collected.

    Parameters
    ----------
    contents : sequence of dict
        Of the alerts.
    store : str
        The store, to look further.
    n_before : int
        How many were told one by one before.
    """
    first = contents[0]
    worst = min(content["level"] for content in contents)  # by the alphabet, too
    count = f"and {len(contents):,} more" if n_before else f"{len(contents):,} alerts"
    title = f"[{worst}] {first['monitor']}: {count}"
    listed = [f"- {content['reason']} ({content['n_flags']:,} flags)" for content in contents[:MOST_LISTED]]
    if len(contents) > MOST_LISTED:
        listed.append(f"- and {len(contents) - MOST_LISTED:,} others")
    further = _asked(store, "FROM findings ORDER BY tail_probability")
    data = {
        "event": "more",
        "level": worst,
        "monitor": first["monitor"],
        "n_alerts": len(contents),
        "alert_ids": [content["alert_id"] for content in contents],
        "dedup_key": f"{first['alert_id']}.more",
        "look_further": further,
    }
    lines = [*listed, f"look further: {further}"]
    return Message(title, "\n".join(lines) + "\n", html_of(title, lines), data)


def html_of(title: str, lines: Sequence[str]) -> str:
    """Return a page for mail; whatever the lines hold is text, because the page is built and not written.

    Examples
    --------
    >>> html_of("odd", ["a <b>", "look further: duckdb s"])
    '<html><body><h3>odd</h3><p>a &lt;b&gt;</p><p>look further: <code>duckdb s</code></p></body></html>'
    """
    page = Element("html")
    body = SubElement(page, "body")
    SubElement(body, "h3").text = inert(title)
    for line in filter(None, lines):
        paragraph = SubElement(body, "p")
        before, is_further, further = line.partition(FURTHER)
        paragraph.text = inert(before) + is_further
        if is_further:
            SubElement(paragraph, "code").text = inert(further)
    return tostring(page, encoding="unicode", method="html")


def _asked(store: str, sql: str) -> str:
    """Return a command line that asks the store; in double quotes where a shell finds nothing to expand in them.

    It needs no shell of DuckDB, and meets no run: such a shell would keep the store from the next one while it is open.
    """
    quoted = shlex.quote(sql) if EXPANDED.intersection(sql) else f'"{sql}"'
    return f"anomembed sql --store {shlex.quote(str(Path(store).absolute()))} {quoted}"


def _why(content: dict[str, Any]) -> str:
    return f"FROM why({quote_text(content['key'])}, of_run := {content['run_id']})"


def _local(moment: str, zone: str) -> str:
    return as_local(position_of(datetime.fromisoformat(moment)), zone)
