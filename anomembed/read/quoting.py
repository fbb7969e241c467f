"""Quote names and texts for SQL; nothing else does."""


def quote_identifier(name: str) -> str:
    """Return `name` as a quoted SQL identifier; no other function quotes identifiers.

    Examples
    --------
    >>> quote_identifier('a"b; drop table x')
    '"a""b; drop table x"'
    """
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Return `text` as an SQL string literal, where SQL takes no parameter.

    Examples
    --------
    >>> quote_text("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
