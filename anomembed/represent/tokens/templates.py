"""Messages as templates: ``Connection from 10.0.0.7 closed`` is ``Connection from <ip> closed``, with a parameter.

Lines are masked (see `masking`), and words that vary between otherwise equal lines become variables (see `merging`).
The parameters of a message are its first address, path, identifier, and word that varies. Templates depend on the set
of lines that they were learnt from, not on their order.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.tokens.masking import VARIABLE, Tokenised, tokenise
from anomembed.represent.tokens.merging import line_hashes, token_hashes
from anomembed.represent.tokens.parameters import PARAMETERS, Places, find_spans
from anomembed.represent.tokens.shapes import shapes

UNKNOWN = -1
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")  # in labels a question mark
TEMPLATE, PARAMETER = "template:", "parameter:"  # prefixes of the columns derived from a column of messages


@dataclass(frozen=True)
class Templates:
    """The templates of a column of messages, most frequent first.

    Parameters
    ----------
    labels : pl.Series
        Label of each template, such as ``Connection from <ip> closed``.
    counts : ndarray of shape (n_templates,)
        Messages with each in the reference.
    words : pl.Series
        The tokens of all templates, template by template; `VARIABLE` for variables.
    lengths : ndarray of shape (n_templates,)
        Tokens of each template.
    is_open : ndarray of shape (n_words,)
        Which of `words` are words that vary.
    shapes : pl.Series
        Shapes of the reference.
    codes : ndarray of shape (n_shapes,)
        Template of each shape.
    n_versions : ndarray of shape (n_templates,)
        How many places of each, before its first address, look like one but hold versions.
    id_positions : ndarray of shape (n_templates,)
        Position of the first identifier of each, in tokens; -1 where most messages have none. Empty in models of older
        versions.
    """

    labels: pl.Series
    counts: NDArray[np.float64]
    words: pl.Series
    lengths: NDArray[np.int64]
    is_open: NDArray[np.bool_]
    shapes: pl.Series
    codes: NDArray[np.int32]
    n_versions: NDArray[np.int64]
    id_positions: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def encode(self, texts: pl.Series) -> NDArray[np.int32]:
        """Return the template of every message; `UNKNOWN` if it matches none, or is null; shape (n_texts,)."""
        found, index = distinct_texts(shapes(texts))
        return np.append(self._of_shapes(found)[0], np.int32(UNKNOWN))[index]

    def parse(
        self, texts: pl.Series, kinds: Sequence[str] = tuple(PARAMETERS)
    ) -> tuple[NDArray[np.int32], pl.DataFrame]:
        """Return the template and the parameters of every message.

        Parameters
        ----------
        texts : pl.Series
            Messages.
        kinds : sequence of str
            Which of `PARAMETERS` to return.

        Returns
        -------
        codes : ndarray of shape (n_texts,)
            As from `encode`.
        parameters : pl.DataFrame
            A column of text for each of `kinds`; null without such a parameter.
        """
        if not kinds:
            return self.encode(texts), pl.DataFrame()
        found, index = distinct_texts(shapes(texts))
        codes, tokens = self._of_shapes(found, with_tokens=True)
        id_positions = self.id_positions if len(self.id_positions) else np.full(len(self.lengths), -1)
        places = Places(self._open_positions, np.append(self.n_versions, 0), np.append(id_positions, -1))
        spans = find_spans(tokens, codes, places)
        return np.append(codes, np.int32(UNKNOWN))[index], spans.cut(texts, index, kinds)

    def like(self, text: str) -> str:
        """Return the label of a message; one without a template is masked as if it were the only one.

        Examples
        --------
        >>> from anomembed.represent.tokens.template_learning import fit_templates
        >>> known = fit_templates(count_shapes(pl.Series(["up", "down"])))
        >>> known.like("Failed password for root from 203.0.113.9 port 37159 ssh2")
        'Failed password for root from <ip> port <num>'
        """
        known = self.name(pl.Series([text]))[0]
        return str(known) if known != text else mask(text)

    def name(self, texts: pl.Series) -> pl.Series:
        """Return the labels of messages; messages without a template, and null, stay unchanged."""
        codes = pl.Series(self.encode(texts))
        return pl.select(pl.when(codes >= 0).then(self.labels.gather(codes.clip(0))).otherwise(texts)).to_series()

    def _of_shapes(self, found: pl.Series, *, with_tokens: bool = False) -> tuple[NDArray[np.int32], Tokenised]:
        known = found.replace_strict(self.shapes, self.codes, default=UNKNOWN, return_dtype=pl.Int32).to_numpy()
        codes = np.array(known, np.int32)
        new = np.flatnonzero(codes == UNKNOWN)
        tokens = tokenise(found if with_tokens else found.gather(new))
        if len(new):
            codes[new] = self._match(tokens, new if with_tokens else np.arange(len(new)))
        return codes, tokens

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(self.lengths)])

    @cached_property
    def _vocabulary(self) -> pl.Series:
        return pl.concat([pl.Series([VARIABLE]), self.words.filter(self.words != VARIABLE).unique().sort()])

    @cached_property
    def _ids(self) -> NDArray[np.int64]:
        return _indices_in(self._vocabulary, self.words)

    @cached_property
    def _open_positions(self) -> NDArray[np.int64]:
        """Position of the first word that varies in every template, in tokens; -1 without one."""
        first = np.full(len(self.lengths) + 1, -1)
        opens = np.flatnonzero(self.is_open)[::-1]
        template = np.searchsorted(self._starts, opens, side="right") - 1
        first[template] = opens - self._starts[template]
        return first

    def _match(self, tokens: Tokenised, rows: NDArray[np.intp]) -> NDArray[np.int32]:
        """Find the template whose words are all in an unknown line; of several, the one with the fewest variables."""
        ids = _indices_in(self._vocabulary, tokens.words)[tokens.ids]
        marks = is_mark(tokens.words)[tokens.ids]
        found = np.full(len(rows), UNKNOWN, np.int32)
        for length in np.unique(tokens.lengths[rows]).tolist():
            templates = np.flatnonzero(self.lengths == length)
            of_length = np.flatnonzero(tokens.lengths[rows] == length)
            if len(templates):
                cells = tokens.starts[rows[of_length]][:, None] + np.arange(length)
                patterns = self._ids[self._starts[templates][:, None] + np.arange(length)]
                is_open = self.is_open[self._starts[templates][:, None] + np.arange(length)]
                hashes = token_hashes(len(self._vocabulary) + 1)
                index = _match_lines(ids[cells], marks[cells], patterns, is_open, hashes)
                found[of_length] = np.append(templates, UNKNOWN)[index]
        return found


@lru_cache(maxsize=10_000)
def mask(text: str) -> str:
    """Return a message with its addresses, paths, numbers and the like masked, without control characters."""
    tokens = tokenise(shapes(pl.Series([text])))
    spaced = zip(["", *tokens.gaps[1:].tolist()], tokens.kinds, strict=True) if len(tokens.kinds) else ()
    return CONTROLS.sub("?", "".join(f"{' ' if gap else ''}{kind}" for gap, kind in spaced)) or text


def count_shapes(texts: pl.Series) -> pl.DataFrame:
    """Count the shapes of messages: ``value`` and ``n_records``; nulls left out."""
    counted = shapes(texts).rename("value").drop_nulls().value_counts(name="n_records")
    return counted.cast({"n_records": pl.Int64})


def parameter_name(source: str, kind: str) -> str:
    """Return the name in a frame of a parameter of a column of messages."""
    return f"{PARAMETER}{source} {kind}"


def parse_messages(frame: pl.DataFrame, source: str, templates: Templates, wanted: Collection[str]) -> pl.DataFrame:
    """Add the templates of messages and their parameters to a frame, unless it has them.

    Parameters
    ----------
    frame : pl.DataFrame
        Records.
    source : str
        The column of messages.
    templates : Templates
        Of this column.
    wanted : collection of str
        Names of the parameters to add, as from `parameter_name`.

    Returns
    -------
    pl.DataFrame
    """
    if TEMPLATE + source in frame.columns:
        return frame
    names = {kind: parameter_name(source, kind) for kind in PARAMETERS}
    kinds = [kind for kind, name in names.items() if name in wanted]
    codes, parameters = templates.parse(frame[source], kinds)
    return frame.with_columns(pl.Series(TEMPLATE + source, codes), *(parameters[k].alias(names[k]) for k in kinds))


def read_templates(frame: pl.DataFrame, source: str, templates: Templates) -> NDArray[np.int32]:
    """Return the templates of the messages of a frame, from `parse_messages` if it was called before."""
    found = frame.get_column(TEMPLATE + source, default=None)
    return templates.encode(frame[source]) if found is None else found.to_numpy()


def distinct_texts(texts: pl.Series) -> tuple[pl.Series, NDArray[np.int64]]:
    """Return the distinct texts, and the index of each text among them; -1 for null."""
    found = texts.drop_nulls().unique()
    indices = pl.int_range(len(found), dtype=pl.Int64, eager=True)
    return found, texts.replace_strict(found, indices, default=-1, return_dtype=pl.Int64).to_numpy()


def _match_lines(
    lines: NDArray[np.int64],
    is_mark: NDArray[np.bool_],
    patterns: NDArray[np.int64],
    is_open: NDArray[np.bool_],
    hashes: NDArray[np.uint64],
) -> NDArray[np.int64]:
    """Return the index of the pattern that each line matches, -1 for none."""
    parts, wanted = line_hashes(lines, hashes), line_hashes(patterns, hashes)
    found = np.full(len(lines), -1)
    layouts, layout = np.unique(is_open, axis=0, return_inverse=True)
    layout = layout.reshape(-1)
    for number in np.argsort(layouts.sum(axis=1), kind="stable").tolist():
        varies, members = layouts[number], np.flatnonzero(layout == number)
        totals = wanted[np.ix_(members, ~varies)].sum(axis=1)
        order = np.argsort(totals, kind="stable")
        total = parts[:, ~varies].sum(axis=1)
        nearest = members[order[np.searchsorted(totals[order], total).clip(0, len(order) - 1)]]
        agrees = (wanted[nearest][:, ~varies].sum(axis=1) == total) & ~is_mark[:, varies].any(axis=1)
        found = np.where((found < 0) & agrees, nearest, found)
    return found


def is_mark(words: pl.Series) -> NDArray[np.bool_]:
    """Return which words are punctuation marks."""
    return ~(words.str.contains(r"\w") | (words == VARIABLE)).to_numpy()


def _indices_in(vocabulary: pl.Series, words: pl.Series) -> NDArray[np.int64]:
    """Return the index of every word in `vocabulary`, or its length if it is not there."""
    indices = pl.int_range(len(vocabulary), dtype=pl.Int64, eager=True)
    return words.replace_strict(vocabulary, indices, default=len(vocabulary), return_dtype=pl.Int64).to_numpy()
