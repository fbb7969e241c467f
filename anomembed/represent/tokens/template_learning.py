"""Learn templates from the shapes of messages."""

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.tokens.masking import VARIABLE, Tokenised, tokenise
from anomembed.represent.tokens.merging import VARIABLE_ID, merge_lines, token_hashes
from anomembed.represent.tokens.parameters import MOST_VERSIONS, VALID, find_identifiers, is_address
from anomembed.represent.tokens.templates import CONTROLS, Templates, is_mark

EMPTY = "(empty)"  # label of the template of messages without text
MOST_SHAPES = 100_000  # most frequent shapes that templates are learnt from


def fit_templates(counts: pl.DataFrame) -> Templates:
    """Learn templates.

    Parameters
    ----------
    counts : pl.DataFrame
        ``value``, the distinct shapes of messages, without null, and ``n_records``; in any order.

    Returns
    -------
    Templates
        Those of the `MOST_SHAPES` most frequent shapes.

    Notes
    -----
    Masking first and then merging similar lines follows Drain (He, Zhu, Zheng, Lyu: ICWS 2017). Here lines merge when
    they have many distinct words at one position and are otherwise equal, not by similarity to earlier templates.
    """
    counts = counts.sort("n_records", "value", descending=[True, False]).head(MOST_SHAPES).sort("value")
    tokens = tokenise(counts["value"])
    ids = _merge(tokens)
    codes, first = _group(ids, tokens)
    labels, is_open = _labels(ids, tokens, codes, first)
    times = np.bincount(codes, counts["n_records"].to_numpy(), minlength=len(first))
    order = pl.DataFrame({"times": times, "label": labels}).select(
        pl.arg_sort_by("times", "label", descending=[True, False])
    )
    kept = order.to_series().to_numpy().astype(np.int64)
    rank = np.empty_like(kept)
    rank[kept] = np.arange(len(kept))
    cells = _cells(tokens.starts[first[kept]], tokens.lengths[first[kept]])
    return Templates(
        labels=pl.Series(labels, dtype=pl.String).gather(kept),
        counts=times[kept],
        words=tokens.words.gather(ids[cells]),
        lengths=tokens.lengths[first[kept]],
        is_open=is_open[cells],
        shapes=counts["value"],
        codes=rank[codes].astype(np.int32),
        n_versions=np.zeros(len(kept), np.int64),
        id_positions=find_identifiers(tokens, rank[codes], counts["n_records"].to_numpy(), len(kept)),
    )


def find_versions(templates: Templates, messages: pl.Series) -> Templates:
    """Tell versions such as ``23.0.1271.64`` from addresses, by all messages of a template together.

    Parameters
    ----------
    templates : Templates
        Of the messages.
    messages : pl.Series
        Messages of the reference, or a sample of them.

    Returns
    -------
    Templates
        The same, with its `n_versions`, and with the versions in its labels.
    """
    for passed in range(MOST_VERSIONS if len(templates.labels) else 0):
        codes, parameters = templates.parse(messages, ("ip",))
        is_there = (codes >= 0) & parameters["ip"].is_not_null().to_numpy() & (templates.n_versions[codes] == passed)
        is_valid = is_address(parameters["ip"]).fill_null(value=False).to_numpy()
        n_templates = len(templates.labels)
        times = np.bincount(codes[is_there], minlength=n_templates)
        valid = np.bincount(codes[is_there & is_valid], minlength=n_templates)
        holds_versions = valid < VALID * times
        if not holds_versions.any():
            break
        named = templates.labels.str.replace("<ip>", "<version>", literal=True)
        labels = pl.select(pl.when(pl.Series(holds_versions)).then(named).otherwise(templates.labels)).to_series()
        templates = replace(templates, labels=labels, n_versions=templates.n_versions + holds_versions)
    return templates


def _merge(tokens: Tokenised) -> NDArray[np.int64]:
    ids = tokens.ids.copy()
    is_word = tokens.words.str.contains(r"\pL").to_numpy() & (tokens.words != VARIABLE).to_numpy()
    marks = is_mark(tokens.words)
    for length in np.unique(tokens.lengths[tokens.lengths > 0]).tolist():
        rows = np.flatnonzero(tokens.lengths == length)
        cells = tokens.starts[rows][:, None] + np.arange(length)
        ids[cells] = merge_lines(ids[cells], is_word, marks)
    return ids


def _group(ids: NDArray[np.int64], tokens: Tokenised) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the group of each line, made of lines with the same tokens, and the first line of each group."""
    line = np.repeat(np.arange(len(tokens.lengths)), tokens.lengths)
    position = np.arange(len(ids)) - np.repeat(tokens.starts[:-1], tokens.lengths)
    mixed = token_hashes(len(tokens.words))[ids] * (token_hashes(int(tokens.lengths.max(initial=0)) + 1)[position] | 1)
    totals = tokens.lengths.astype(np.uint64)
    np.add.at(totals, line, mixed)
    _, first, codes = np.unique(totals, return_index=True, return_inverse=True)
    return codes, first


def _labels(
    ids: NDArray[np.int64], tokens: Tokenised, codes: NDArray[np.int64], first: NDArray[np.int64]
) -> tuple[pl.Series, NDArray[np.bool_]]:
    """Return the label of each group, from its first line, and which tokens are words that vary."""
    line = np.repeat(np.arange(len(tokens.lengths)), tokens.lengths)
    cells = pl.DataFrame(
        {
            "code": codes[line],
            "position": np.arange(len(ids)) - tokens.starts[line],
            "is_first": first[codes[line]] == line,
            "kind": tokens.kinds,
            "is_merged": (ids == VARIABLE_ID) & (tokens.ids != VARIABLE_ID),
        }
    )
    one = pl.col("kind").n_unique().over("code", "position") == 1
    cells = cells.with_columns(
        shown=pl.when(one | (pl.Series(ids) != VARIABLE_ID)).then("kind").otherwise(pl.lit(VARIABLE)),
        is_open=pl.col("is_merged").any().over("code", "position"),
        gap=pl.when(pl.Series(tokens.gaps) & (pl.col("position") > 0)).then(pl.lit(" ")).otherwise(pl.lit("")),
    )
    called = (
        cells.filter("is_first")
        .group_by("code", maintain_order=True)
        .agg((pl.col("gap") + pl.col("shown")).str.join(""))
    )
    names = pl.select(code=pl.int_range(len(first))).join(called, on="code", how="left", maintain_order="left")
    labels = names[names.columns[1]].fill_null(EMPTY).str.replace_all(CONTROLS.pattern, "?")
    return labels, cells["is_open"].to_numpy()


def _cells(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices of the tokens of lines that begin at `starts`, line by line."""
    ends = np.cumsum(lengths)
    return np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(starts - ends + lengths, lengths)
