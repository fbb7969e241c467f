"""The text of a line without what only a terminal or a program reads."""

from anomembed.read.lines.formats import BOM
from anomembed.read.quoting import quote_text

ASIDE = chr(0x1E)  # in a message: what follows, such as the frames of a stack trace, is kept but not learnt from

# Escape sequences as they are, and colours as programs that must not pass them on spell them.
_CONTROLS = (
    r"(?:\x1b\[|\x{9b})[0-?]*[ -/]*[@-~]",  # colours, and moves of the cursor
    r"\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?",  # titles and links
    r"\x1b[ -/]*[0-~]?",
    r"(?:#033|\^\[|\\(?:u001[bB]|x1[bB]|033|e))\[[0-9;]*[mK]",
    r"[^\x08]?\x08",  # struck over
    rf"[\x07\x0e\x0f{ASIDE}]",
)
_MAY_HAVE = rf"[\x07\x08\x0e\x0f\x1b\x{{9b}}{ASIDE}]|(?:#033|\^\[|\\(?:u001[bB]|x1[bB]|033|e))\["
_LINE = f"rtrim(ltrim(text, {quote_text(BOM)}), E'\\r\\n')"
CLEAN = (
    f"CASE WHEN regexp_matches(text, {quote_text(_MAY_HAVE)}) "
    f"THEN regexp_replace({_LINE}, {quote_text('|'.join(_CONTROLS))}, '', 'g') ELSE {_LINE} END"
)
"""SQL of the column ``text`` without its line end, byte order mark, and the controls of terminals."""
