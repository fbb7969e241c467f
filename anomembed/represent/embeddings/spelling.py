"""How a name is spelled elsewhere: in a file of word vectors, or with other case, accents and punctuation."""

import re
import unicodedata

WORD = re.compile(r"[^\W_]+")


def spell(name: str) -> str:
    """Write a name without white space or control characters, as files of word vectors need it.

    Examples
    --------
    >>> spell("shop=100% Corner Shop")
    'shop=100%25%20Corner%20Shop'
    """
    return "".join(
        letter if letter != "%" and letter.isprintable() and not letter.isspace() else _escaped(letter)
        for letter in name
    )


def _escaped(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode(errors="surrogatepass"))


def plain_spelling(text: str) -> str:
    """Return the words of a text without case, accents and punctuation.

    Examples
    --------
    >>> plain_spelling("Café-Bar_Zürich, 2nd")
    'cafe bar zurich 2nd'
    """
    apart = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(WORD.findall("".join(letter for letter in apart if not unicodedata.combining(letter))))
