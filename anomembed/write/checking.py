"""Check a model from a store before anything computes with it: a store may come from somebody else.

Compiled code trusts indices, so everything that is one is held against what it points into. Fields that hold token
columns are known by their names, in every class, so that a new view is checked, too. In the end the model scores a few
made-up records: what no rule foresaw fails here, and not in the middle of a run.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from scipy import sparse

from anomembed.model import Model
from anomembed.represent.batch import Batch
from anomembed.represent.counts import Counts
from anomembed.represent.entities import Habits
from anomembed.represent.pooling import Pooling
from anomembed.represent.sequences import NGrams, longest_gram
from anomembed.represent.tokens.characters import BYTES, Characters
from anomembed.represent.tokens.templates import Templates
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, ColumnTokens, Vocabulary
from anomembed.score.combine import CalibratedView
from anomembed.write.checking_detectors import check_detector
from anomembed.write.narrow import widened

TOKEN_COLUMNS = {"column", "columns", "pairs", "entities", "context_columns", "given", "told", "context"}
LARGEST_PART = 1 << 30  # bytes of a part of a model
TRIED = 64  # made-up records
MOST_TIMES = 1e6  # of a value that another may be mistaken for


class DamagedError(ValueError):
    """What is in the model contradicts itself."""


def _ensure(is_right: object, what: str) -> None:
    if not is_right:
        raise DamagedError(what)


def check_archive(data: bytes) -> None:
    """Refuse an archive that takes more memory than it has bytes; ours are not compressed.

    Raises
    ------
    DamagedError
        When something in it is compressed, or said to be larger than it is.
    BadZipFile
        When it is no archive.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sizes = [entry.file_size for entry in archive.infolist()]
        is_plain = all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
    _ensure(is_plain and sum(sizes) <= min(len(data), LARGEST_PART), "its size is not what it says")


def load_arrays(data: bytes, kinds: Mapping[str, str]) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays of an npz archive; as they are kept, none of them is larger than the archive.

    Parameters
    ----------
    data : bytes
        The archive.
    kinds : mapping of str to str
        The type that the numbers of each array had before they were `narrowed`; those without one are as they were.

    Raises
    ------
    DamagedError
        When the header of an array says that it has more than there is, or they take too much memory together.
    """
    check_archive(data)
    arrays = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            content = archive.read(entry)
            file = io.BytesIO(content)
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, kind = read(file)
            n_bytes = int(np.prod([int(size) for size in shape], dtype=object)) * kind.itemsize
            _ensure(
                kind.kind in "biuf" and n_bytes == len(content) - file.tell(), "an array is not as large as it says"
            )
            file.seek(0)
            arrays[entry.filename.removesuffix(".npy")] = np.lib.format.read_array(file, allow_pickle=False)
    wanted = {name: np.dtype(kinds.get(name, array.dtype.str)) for name, array in arrays.items()}
    _ensure(
        sum(array.size * wanted[name].itemsize for name, array in arrays.items()) <= LARGEST_PART, "it is too large"
    )
    return {name: widened(array, wanted[name]) for name, array in arrays.items()}


def check_sparse(matrix: sparse.csr_array) -> None:
    """Refuse a sparse matrix whose indices point outside of it, or are not in order.

    Raises
    ------
    ValueError
        When it does.
    """
    matrix.check_format(full_check=True)
    is_next = matrix.indices[1:] > matrix.indices[:-1]
    starts = matrix.indptr[(matrix.indptr > 0) & (matrix.indptr < len(matrix.indices))]
    is_next[starts - 1] = True  # in another row than the one before
    _ensure(len(matrix.data) == len(matrix.indices) == matrix.indptr[-1] and is_next.all(), "counts are not in order")
    _ensure(matrix.data.dtype == np.float64 and np.isfinite(matrix.data).all(), "a count is no number")


def check_model(model: Model) -> None:
    """Refuse a model whose parts do not fit together.

    Raises
    ------
    Exception
        Of any kind, when they do not.
    """
    vocabulary = model.vocabulary
    _ensure(isinstance(vocabulary.columns, tuple) and vocabulary.columns, "it has no tokens")
    for part in _parts(vocabulary):
        if isinstance(part, ColumnTokens):
            _check_tokens(part)
    n_columns, n_tokens = len(vocabulary.columns), vocabulary.size
    _check_calendar(vocabulary)
    _ensure(model.held_out.dtype == np.int32, "the records held out are no tokens")
    _ensure(not model.held_out.size or model.held_out.shape[1:] == (n_columns,), "the records held out are others")
    for part in _parts(model):
        _check_columns(part, n_columns)
        _check_usual(getattr(part, "usual", None), n_tokens)
        if isinstance(getattr(part, "rows", None), np.ndarray) and hasattr(part, "absent"):
            _check_lives(part.rows, part.absent, n_tokens)
        _check_part(part, n_tokens, model)
    _try(model)


def _check_calendar(vocabulary: Vocabulary) -> None:
    n_parts = sum(len(vocabulary.columns[index].labels) for index in vocabulary.calendar)
    _check_absent(vocabulary.absent, n_parts, vocabulary.size)


def _check_absent(absent: Any, n_parts: int, n_tokens: int) -> None:  # noqa: ANN401
    is_right = absent.dtype == bool and absent.shape in ((0, 0), (n_parts, n_tokens))
    _ensure(is_right, "what was there on which days is not of the tokens")


def _check_lives(rows: Any, absent: Any, n_tokens: int) -> None:  # noqa: ANN401
    _ensure(rows.dtype == np.int32 and rows.shape in ((0,), (n_tokens,)), "what was there on which days is of others")
    _check_absent(absent, len(absent), n_tokens)
    _ensure(rows.max(initial=-1) < len(absent) and rows.min(initial=0) >= -1, "a day is not there")


def _parts(value: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield all dataclass objects within one, and itself."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple | list):
            waiting += part
        elif is_dataclass(part):
            yield part
            waiting += [getattr(part, field.name) for field in fields(part)]


def _check_columns(part: Any, n_columns: int) -> None:  # noqa: ANN401
    for field in fields(part):
        value = getattr(part, field.name)
        is_index = isinstance(value, int) or (isinstance(value, np.ndarray) and value.dtype.kind in "iu")
        if field.name in TOKEN_COLUMNS and is_index:
            lowest = -1 if field.name == "context" else 0  # -1: none
            inside = (np.asarray(value) >= lowest) & (np.asarray(value) < n_columns)
            _ensure(inside.all(), f"a column of {type(part).__name__} is not there")
        elif field.name in TOKEN_COLUMNS and isinstance(value, np.ndarray):
            _ensure(not value.size, f"a column of {type(part).__name__} is no number")
        if field.name == "pairs":
            is_pair = isinstance(value, np.ndarray) and value.dtype == np.int32 and value.shape[1:] == (2,)
            _ensure(is_pair, "a pair is not of two columns")


def _check_usual(usual: Any, n_tokens: int) -> None:  # noqa: ANN401
    if isinstance(usual, np.ndarray) and usual.dtype == np.int32:
        _check_codes(usual, -1, n_tokens)
    elif isinstance(usual, sparse.csr_array):
        _ensure(usual.shape[0] in (0, n_tokens), "usual shares are not those of the tokens")


def _check_part(part: Any, n_tokens: int, model: Model) -> None:  # noqa: ANN401
    match part:
        case Templates():
            _check_templates(part)
        case Characters():
            _check_codes(part.codes, 0, BYTES * BYTES)
            _ensure(len(part.times) == len(part.codes), "a pair of characters was not counted")
            _ensure(part.known.ndim == 1 and len(part.known), "no text tells how texts are written")
        case Counts():
            _ensure(part.n_records > 0, "nothing was counted")
            _ensure(part.together.shape == (n_tokens, n_tokens), "the pairs are not those of the tokens")
        case Habits():
            _check_habits(part, n_tokens)
        case Pooling():
            _ensure(len(part.vectors_of) == len(part.weights) == n_tokens, "vectors are not those of the tokens")
        case NGrams():
            _check_ngrams(part, model)
        case CalibratedView():
            check_detector(part.detector)


def _check_ngrams(ngrams: NGrams, model: Model) -> None:
    events = model.past.events if model.past and model.past.events else model.vocabulary.columns[0]
    _ensure(ngrams.n_tokens == len(events.labels), "the events are not those of the tokens")
    _ensure(1 < len(ngrams.grams) == len(ngrams.times) <= longest_gram(ngrams.n_tokens), "the events are not in order")
    for grams, times in zip(ngrams.grams, ngrams.times, strict=True):
        _ensure(grams.dtype == np.int64 and len(grams) == len(times), "the events are not in order")
        _ensure((np.diff(grams) > 0).all() and (grams >= 0).all(), "the events are not in order")


def _check_habits(habits: Habits, n_tokens: int) -> None:
    n_entities = len(habits.times)
    _ensure(habits.together.shape == (n_entities, n_tokens), "the habits are not those of the tokens")
    _ensure(0 <= habits.first <= n_tokens - n_entities, "the entities are not those of the tokens")
    _ensure(len(habits.since) == len(habits.until) == n_entities, "the times are not those of the entities")


def _check_tokens(tokens: ColumnTokens) -> None:
    n_tokens = len(tokens.labels)
    _ensure(n_tokens >= FIRST_VALUE and len(tokens.counts) == n_tokens, "a column lacks tokens")
    _ensure(all(isinstance(label, str) for label in tokens.labels), "a token has no name")
    _ensure(tokens.counts.dtype.kind == "f" and np.isfinite(tokens.counts).all(), "a count is no number")
    _ensure(tokens.n_records >= 0 and (tokens.counts >= 0).all(), "a count is negative")
    _check_codes(tokens.codes, 0, n_tokens)
    _ensure(len(tokens.values) in (0, len(tokens.codes)), "a value has no token")
    _ensure(0 <= tokens.arriving <= 1, "a share of new values is none")
    _ensure(tokens.edges.ndim == 1 and (np.diff(tokens.edges) >= 0).all(), "bins are not in order")
    _ensure(len(tokens.edges) <= n_tokens, "there are more bins than tokens")


def _check_templates(templates: Templates) -> None:
    lengths = templates.lengths
    _ensure(lengths.dtype.kind == "i" and (lengths >= 0).all(), "a template has no length")
    _ensure(lengths.sum() == len(templates.words) == len(templates.is_open), "the words are not those of the templates")
    _ensure(len(lengths) == len(templates.labels) == len(templates.counts), "a template has no name")
    _check_codes(templates.codes, -1, len(lengths))
    _ensure(len(templates.codes) == len(templates.shapes), "a shape has no template")
    places = templates.id_positions
    _ensure(places.dtype == np.int64 and places.shape in ((0,), lengths.shape), "an identifier has no template")
    _ensure(not len(places) or ((places >= -1) & (places < lengths)).all(), "an identifier is not in its template")


def _check_codes(codes: np.ndarray[Any, Any], lowest: int, n_all: int) -> None:
    is_inside = codes.dtype.kind == "i" and codes.ndim == 1 and ((codes >= lowest) & (codes < n_all)).all()
    _ensure(is_inside, "a code has no token")


def _try(model: Model) -> None:
    """Score made-up records; sequences are too varied to make up, and n-grams are compiled nowhere."""
    if model.is_sequential:
        return
    vocabulary = model.vocabulary
    sizes = np.diff(vocabulary.offsets)
    rows = np.arange(TRIED)[:, None]
    tokens = np.where(rows % 2, rows % sizes, sizes - 1 - rows % sizes) + vocabulary.offsets[:-1]  # both ends of each
    numbers = np.where(rows % 3, rows * 1.0, np.nan) + np.zeros((TRIED, len(model.numbers)))
    widths = [column.width for column in model.roles.columns if column.width]
    vectors = tuple(np.full((TRIED, width), np.nan, np.float32) for width in widths)
    steps = paces = rhythm = travel = runs = None
    if model.past:
        steps = None if model.past.events is None else np.full((TRIED, 3), model.past.start, np.int64)
        if steps is not None:
            steps[:, 0] = 0
        paces = np.full((TRIED, len(model.past.history.paces)), np.nan)
        rhythm = np.full((TRIED, len(model.past.history.rhythm)), np.nan)
        travel = np.full((TRIED, 2), np.nan) if model.past.history.travel else None
        runs = np.full((TRIED, len(model.past.history.runs)), np.nan) if model.past.history.runs else None
    nothing = model.derived.nothing(TRIED)
    characters = rows % 5 * np.ones(len(vocabulary.written))
    confusables = rows % 2 * np.full(len(vocabulary.named), MOST_TIMES)
    derived = (rhythm, nothing.get("twins"), nothing.get("bursts"), travel, runs, characters, confusables)
    batch = Batch(tokens.astype(np.int32), numbers, steps, paces, vectors, *derived)
    with np.errstate(all="ignore"):
        raw, _ = model.score(batch)
        tails = model.calibration.tail_probability(raw)
    _ensure(np.isfinite(raw).all() and ((tails >= 0) & (tails <= 1)).all(), "its scores are no numbers")
