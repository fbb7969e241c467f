"""The prompt of ``review``: shows a finding, reads a key, and does what it says."""

import sys

from anomembed.cli.case import print_case
from anomembed.errors import AnomembedError
from anomembed.investigate.explaining import explain_key
from anomembed.score.wording import in_words
from anomembed.write.reading import open_to_act, open_to_read
from anomembed.write.reviewing import ANOMALY, NORMAL, SILENCE, Item, items_to_review, settle, take_back
from anomembed.write.sinks import inert

PROMPT = "[n]ormal [a]nomaly [s]ilence s[k]ip [e]xplain [u]ndo [q]uit? "
STOPS = ("q", "\x03", "\x04", "")  # Ctrl-C, Ctrl-D, and the end of the input


def walk(path: str) -> None:
    """Walk through the findings of a store."""
    decided: list[tuple[Item, str]] = []
    with open_to_read(path) as store:
        items = items_to_review(store)
    if not items:
        _say("nothing to review: every open finding has a verdict, or there is none")
    for number, item in enumerate(items, 1):
        flags = f"{item.n_flags:,} flag{'s' * (item.n_flags != 1)}"
        _say(f"\n{number} of {len(items)}: {item.key}, {flags}, run {item.run_id}")
        _say(f"{item.reason}\n{in_words(item.tail_probability, item.unit)}")
        if not _settle(path, item, decided):
            break


def _settle(path: str, item: Item, decided: list[tuple[Item, str]]) -> bool:
    """Do what is asked for until the finding is done with; False to stop. `decided` gets what was decided."""
    while True:
        sys.stdout.write(PROMPT)
        sys.stdout.flush()
        pressed = read_key()
        if pressed in STOPS:
            _say("")
            return False
        if pressed == "k":
            _say("skipped")
            return True
        try:
            if pressed in DECISIONS:
                _decide(path, item, DECISIONS[pressed])
                decided.append((item, DECISIONS[pressed]))
                return True
            if pressed in OTHERS:
                OTHERS[pressed](path, item, decided)
            else:
                _say("one of n, a, s, k, e, u and q")
        except AnomembedError as error:
            _say(str(error))


def _say(text: str) -> None:
    sys.stdout.write(inert(text) + "\n")


def read_key() -> str:
    """Return the key that is pressed; without a terminal, the first letter of the next line, empty at the end."""
    if not sys.stdin.isatty():
        line = sys.stdin.readline()
        return line.strip().lower()[:1] or (" " if line else "")
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin, termios.TCSADRAIN)  # what was typed already counts
        pressed = sys.stdin.read(1).lower()
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
    _say(pressed if pressed.isprintable() else "")
    return pressed


def _decide(path: str, item: Item, decision: str) -> None:
    with open_to_act(path) as store:
        told = settle(store, item, decision)
    _say(f"{item.key}: {told}")


def _explain(path: str, item: Item, _: list[tuple[Item, str]]) -> None:
    with open_to_read(path) as store:
        case = explain_key(store, item.key, item.run_id)
    print_case(case, is_json=False)


def _undo(path: str, _: Item, decided: list[tuple[Item, str]]) -> None:
    """Take back the last decision; its finding is to be reviewed again the next time."""
    if not decided:
        _say("nothing to take back")
        return
    item, decision = decided[-1]
    with open_to_act(path) as store:
        take_back(store, item, decision)
    decided.pop()
    _say(f"{item.key}: {decision} is taken back; it is shown again the next time")


DECISIONS = {"n": NORMAL, "a": ANOMALY, "s": SILENCE}
OTHERS = {"e": _explain, "u": _undo}
