"""Parameters of messages: the first address, path, identifier, and word that varies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.arrays import Ints
from anomembed.represent.tokens.masking import Tokenised
from anomembed.represent.tokens.shapes import cut_out

PARAMETERS = ("ip", "path", "id", "word")
IDENTIFIERS = ("<id>", "<hex>", "<email>")
NOWHERE = -1
MOST_VERSIONS = 4  # places in a template that may hold a version before its first address
MOST_NUMBERS = 0.5  # share of messages with a number at the place of an identifier
VALID = 0.9  # share of valid addresses below which a place holds versions
_NO_QUAD = r"[^0-9./]"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_QUAD = rf"^/?{_OCTET}(?:\.{_OCTET}){{3}}$"


@dataclass(frozen=True)
class Spans:
    """Where the parameters of shapes are.

    Parameters
    ----------
    begins, sizes : dict of str to ndarray of shape (n_shapes + 1,)
        For every kind of parameter, its span in the shape, in bytes; size 0 where there is none, as at the end.
    """

    begins: dict[str, Ints]
    sizes: dict[str, Ints]

    def cut(self, texts: pl.Series, shape: Ints, kinds: Sequence[str]) -> pl.DataFrame:
        """Cut the parameters out of messages.

        Parameters
        ----------
        texts : pl.Series
            Messages.
        shape : ndarray of shape (n_texts,)
            Index of the shape of each; -1 where null.
        kinds : sequence of str
            Which of `PARAMETERS` to cut out.

        Returns
        -------
        pl.DataFrame
            A column of text for each of `kinds`; null without such a parameter.
        """
        found = {kind: cut_out(texts, self.begins[kind][shape], self.sizes[kind][shape]) for kind in kinds}
        if "ip" in found:
            found["ip"] = found["ip"].str.strip_chars_start("/")
        return pl.DataFrame(found)


def is_address(texts: pl.Series) -> pl.Series:
    """Return which texts that look like addresses can be one: in one of four parts, none is above 255 or begins with 0.

    Examples
    --------
    >>> is_address(pl.Series(["10.0.0.1", "23.0.1271.64", "fe80::1"])).to_list()
    [True, False, True]
    """
    return texts.str.contains(_NO_QUAD) | texts.str.contains(_QUAD)


class Places(NamedTuple):
    """Where templates have parameters; the last entry of each is of messages without a template.

    Parameters
    ----------
    opened : ndarray of shape (n_templates + 1,)
        Position of the first token of every template that is a varying word; -1 for none.
    n_versions : ndarray of shape (n_templates + 1,)
        How many tokens of every template look like addresses, but are versions, before the first address.
    identifiers : ndarray of shape (n_templates + 1,)
        Position of the first identifier of every template; -1 for none.
    """

    opened: Ints
    n_versions: Ints
    identifiers: Ints


def find_spans(tokens: Tokenised, codes: NDArray[np.int32], places: Places) -> Spans:
    """Find where the parameters of shapes are.

    Parameters
    ----------
    tokens : Tokenised
        Their tokens.
    codes : ndarray of shape (n_shapes,)
        Their templates; -1 for none.
    places : Places
        Where templates have parameters.

    Returns
    -------
    Spans
    """
    n_shapes = len(codes)
    line = np.repeat(np.arange(n_shapes), tokens.lengths)
    is_quad = (tokens.kinds == "<ip>").to_numpy()
    first = {
        "ip": _first(line, is_quad & (_rank(line, is_quad) >= places.n_versions[codes][line]), n_shapes),
        "path": _first(line, (tokens.kinds == "<path>").to_numpy(), n_shapes),
    }
    opened = places.opened[codes]
    word = np.where(opened >= 0, tokens.starts[:-1] + opened, NOWHERE)
    first["word"] = np.where((word == first["ip"]) | (word == first["path"]), NOWHERE, word)  # told as those already
    is_identifier = tokens.kinds.is_in(IDENTIFIERS).to_numpy().copy()
    is_identifier[first["word"][first["word"] >= 0]] = False  # it counts as a word already
    first["id"] = _first(line, is_identifier, n_shapes)
    # Of hexadecimal digits, some are all decimal, or look like 23e5: a number, where the others have an identifier.
    is_number = np.append((tokens.kinds == "<num>").to_numpy(), [False])
    placed = np.where(places.identifiers[codes] >= 0, tokens.starts[:-1] + places.identifiers[codes], NOWHERE)
    is_like = (first["id"] == NOWHERE) & is_number[placed] & (placed != first["word"])
    first["id"] = np.where(is_like, placed, first["id"])
    nowhere = {kind: np.append(token, NOWHERE) for kind, token in first.items()}
    return Spans(
        begins={kind: np.append(tokens.begins, 0)[token] for kind, token in nowhere.items()},
        sizes={kind: np.append(tokens.sizes, 0)[token] for kind, token in nowhere.items()},
    )


def find_identifiers(tokens: Tokenised, codes: Ints, n_records: Ints, n_templates: int) -> Ints:
    """Return the position of the first identifier of each template, in tokens; -1 where most messages have none.

    Parameters
    ----------
    tokens : Tokenised
        Tokens of the shapes of the reference.
    codes : ndarray of shape (n_shapes,)
        Template of each.
    n_records : ndarray of shape (n_shapes,)
        Messages of each.
    n_templates : int
        Number of templates.
    """
    line = np.repeat(np.arange(len(codes)), tokens.lengths)
    first = _first(line, tokens.kinds.is_in(IDENTIFIERS).to_numpy(), len(codes))
    has_one = np.flatnonzero(first >= 0)
    places = pl.DataFrame(
        {"code": codes[has_one], "at": (first - tokens.starts[:-1])[has_one], "n": n_records[has_one]}
    )
    usual = (
        places.group_by("code", "at")
        .agg(pl.col("n").sum())
        .sort("n", "at")
        .group_by("code", maintain_order=True)
        .last()
    )
    n_messages = np.bincount(codes, n_records, minlength=n_templates)
    positions = np.full(n_templates, -1)
    is_usual = usual["n"].to_numpy() > MOST_NUMBERS * n_messages[usual["code"].to_numpy()]
    positions[usual["code"].to_numpy()[is_usual]] = usual["at"].to_numpy()[is_usual]
    return positions


def _rank(line: NDArray[np.intp], is_wanted: NDArray[np.bool_]) -> Ints:
    """Return how many wanted tokens of its line come before every token."""
    before: Ints = np.cumsum(is_wanted) - is_wanted
    starts = np.flatnonzero(np.diff(line, prepend=-1))
    return np.asarray(before - before[starts][np.cumsum(np.diff(line, prepend=-1) > 0) - 1])


def _first(line: NDArray[np.intp], is_wanted: NDArray[np.bool_], n_lines: int) -> Ints:
    """Return the first wanted token of every line, `NOWHERE` without one."""
    first = np.full(n_lines, NOWHERE)
    wanted = np.flatnonzero(is_wanted)[::-1]
    first[line[wanted]] = wanted
    return first
