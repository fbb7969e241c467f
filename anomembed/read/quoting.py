"""Names and texts in SQL; nothing else puts them there."""


def quote_identifier(name: str) -> str:
    """Return `name` as a quoted SQL identifier; the only place where identifiers are quoted.

    Examples
    --------
    >>> quote_identifier('a"b; drop table x')
    '"a""b; drop table x"'
    """
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Return `text` as an SQL string literal, for the few places that take no parameter.

    Examples
    --------
    >>> quote_text("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
