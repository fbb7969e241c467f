"""All text that a user may read, in one file: `golden/messages.md`, collected from the source code by `messages.py`.

To renew it, run this file with ANOMEMBED_RENEW=1 and read the difference. A message says what happened, then what to
do.
"""

import os
from pathlib import Path

from messages import Collector, sql_errors

TOP = Path(__file__).parents[1]
GOLDEN = TOP / "tests" / "golden" / "messages.md"
HEAD = """# Messages

What a user may read: errors, notes, what commands say, and reasons of flags, as the source has them (expressions in
braces). Collected by `tests/messages.py`; renewed by `ANOMEMBED_RENEW=1 python -m pytest -n 0 tests/test_messages.py`.
"""


def test_messages_are_those_that_were_reviewed():
    found = Collector(sorted((TOP / "anomembed").rglob("*.py"))).found
    found |= {file: sql_errors(file.read_text()) for file in (TOP / "anomembed").rglob("*.sql")}
    text = HEAD
    for file, messages in sorted(found.items()):
        if messages:
            lines = "\n".join(sorted(message.replace("\n", "\\n") for message in messages))
            text += f"\n## {file.relative_to(TOP).as_posix()}\n```text\n{lines}\n```\n"
    if os.environ.get("ANOMEMBED_RENEW"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text(), "messages changed: review the difference, then renew golden/messages.md"


SOURCE = '''
"""A docstring is no message."""
class OddError(Exception): ...
LEFT_OUT = "a constant that nobody shows"
def run(path, teller, notes, part):
    what = f"a name {path} that is raised" if path else "or its other branch"
    other = "an assignment that reaches nobody"
    try:
        part["an index of no interest"]
    except KeyError as error:
        raise OddError(what) from error
    if path == "what is compared only":
        raise OddError("the sum of a text " + path + f" and {part!r} more")
    teller.say("head", f"what is said: {inner(path)}")
    notes.append(f"a note: {part:,}")
    left, reason = 1, "the reason of a pair"
    return Flag(reason="a reason by its name", size="a size of no interest")
def inner(path):
    return "text that " + ("a function" if path else "nobody else") + " returns"
def notes_of(path):
    yield "what is yielded as a note is not by this name"
def text_notes(path):
    yield "a note that is yielded"
class Teller:
    def sentence(self):
        return f"of a method {self._part()} of its own"
    def _part(self):
        return "that it calls"
'''


def test_messages_are_found_wherever_they_reach_a_user(tmp_path):
    source = tmp_path / "source.py"
    source.write_text(SOURCE)
    assert Collector([source]).found[source] == {
        "a name {path} that is raised",
        "or its other branch",
        "the sum of a text {path} and {part!r} more",
        "what is said: {inner(path)}",
        "a note: {part:,}",
        "the reason of a pair",
        "a reason by its name",
        "text that {'a function' if path else 'nobody else'} returns",
        "a note that is yielded",
        "of a method {self._part()} of its own",
        "that it calls",
    }


def test_messages_of_macros_are_found():
    sql = "CASE WHEN x THEN error('no such model') ELSE error(concat('no ', array_to_string(a::VARCHAR[], ', '))) END"
    assert sql_errors(sql) == {"'no such model'", "concat('no ', array_to_string(a::VARCHAR[], ', '))"}
