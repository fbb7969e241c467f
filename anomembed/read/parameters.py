"""Parameters of messages as columns that SQL computes, so that an address in a message can be an entity.

What `represent/tokens/parameters.py` learns from messages is judged; these can also be compared with their past, or be
the key of a sequence. The word that varies is learnt, and cannot be computed so.
"""

from anomembed.read.quoting import quote_text

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_QUAD = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_IPV6 = r"(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{1,4}|(?:[0-9a-fA-F]{1,4}:){0,6}:(?::?[0-9a-fA-F]{1,4}){1,7}"
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_EMAIL = r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+"
_SINGLE = r"0x[0-9a-fA-F]+|[A-Za-z_][\w\-]*\d[\w\-]*|[0-9a-f]{8,}"

PATTERNS = {
    "ip": rf"(?:^|[^\w.:])({_QUAD}|{_IPV6})(?:\.?(?:[^\w.]|$))",
    "path": r"(?:^|[\s=:\"'(\[,])((?:/|~/|\.{1,2}/|[A-Za-z]:\\)[\w.\-+@~$%#/\\]+)",
    "id": rf"(?:^|[^\w.\-])({_EMAIL}|{_UUID}|{_SINGLE})(?:[^\w]|$)",
}
"""Regular expressions of RE2 by kind of parameter; the first group is the value."""


def parameter_sql(text: str, kind: str) -> str:
    """Return SQL of the first parameter of a kind in a text; null without one.

    Parameters
    ----------
    text : str
        SQL of the text.
    kind : str
        One of `PATTERNS`.
    """
    return f"nullif(regexp_extract({text}, {quote_text(PATTERNS[kind])}, 1), '')"
