"""Compare learners of embeddings on one table: quality, seconds and memory."""

import time
import tracemalloc
from collections.abc import Callable, Sequence

import polars as pl

from anomembed.config import Config
from anomembed.errors import ConfigError
from anomembed.evaluate.embeddings import measure_quality
from anomembed.evaluate.labels import rank
from anomembed.evaluate.material import Material
from anomembed.pipeline import Watcher, fit_for_scan
from anomembed.read.table import VALUES, Table
from anomembed.read.vectors import TokenVectors, read_wanted_vectors
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.fitting import fit_embeddings
from anomembed.represent.learners import LEARNERS, check_method
from anomembed.represent.quality.neighbours import compare_neighbours
from anomembed.scoring import score_batches

MIB = 2**20


def check_learners(names: Sequence[str], *, is_ordered: bool) -> None:
    """Refuse learners that cannot be compared, before any work is done.

    Parameters
    ----------
    names : sequence of str
        Names of the learners.
    is_ordered : bool
        Whether the table is one of sequences.

    Raises
    ------
    ConfigError
        When a learner cannot be used on this table (see `check_method`), or is named twice.
    """
    for name in names:
        check_method(name, is_ordered=is_ordered, has_vectors=False)  # learners that take no vectors get none
    if len(set(names)) < len(names):
        raise ConfigError("--compare names a learner twice: name different ones, such as ppmi-svd,skipgram")


def compare_learners(
    table: Table, material: Material, names: Sequence[str], progress: Callable[[str], None]
) -> pl.DataFrame:
    """Learn embeddings with several learners and measure each.

    Parameters
    ----------
    table : Table
        An open table.
    material : Material
        From the same table. The learner in its settings is replaced by each of `names`; where it has labels, the scores
        of a scan with each learner are ranked against them.
    names : sequence of str
        Names of the learners.
    progress : callable
        Called with the name of every learner before it starts.

    Returns
    -------
    pl.DataFrame
        A row per learner. ``fit_seconds``: time to learn the embeddings. ``fit_peak_mib``: peak memory of Python and
        NumPy meanwhile, beyond what they held before (tracemalloc), measured in a separate fit because tracing is slow.
        ``agreement``: share of nearest neighbours in common with the first learner.
    """
    rows: list[dict[str, object]] = []
    first: Embeddings | None = None
    corpus = material.split.corpus
    vectors = read_wanted_vectors(material.config.embedding.vectors)
    for name in names:
        progress(name)
        settings, used_vectors = _configure(name, material.config, vectors)
        ranked = _rank(table, material, settings, used_vectors)
        again, peak = _fit_traced(corpus, settings, used_vectors)  # first, so that compiling is not timed
        learnt, seconds = _fit_timed(corpus, settings, used_vectors)
        first = first or learnt
        figures = _figures(first, learnt, again, material)
        rows.append({"learner": name, **ranked, **figures, "fit_seconds": seconds, "fit_peak_mib": peak})
    return pl.DataFrame(rows)


def _configure(name: str, config: Config, vectors: TokenVectors | None) -> tuple[Config, TokenVectors | None]:
    """Return the settings of a learner, and the imported vectors if it takes any."""
    used_vectors = vectors if LEARNERS[name].takes_vectors else None
    settings = {"method": name} if used_vectors else {"method": name, "vectors": None, "vectors_use": None}
    return config.model_copy(update={"embedding": config.embedding.model_copy(update=settings)}), used_vectors


def _figures(first: Embeddings, learnt: Embeddings, again: Embeddings, material: Material) -> dict[str, object]:
    quality = measure_quality(learnt, again, material.split, material.grouping)
    used = material.split.corpus.occurrences > 0
    return {
        **quality.means(),
        "stability": quality.stability.share,
        "agreement": compare_neighbours(first.vectors[used], learnt.vectors[used]).share,
        **({"same_group": quality.grouping.share} if quality.grouping else {}),
        "explained": learnt.explained,
        "width": learnt.width,
    }


def _rank(table: Table, material: Material, config: Config, vectors: TokenVectors | None) -> dict[str, object]:
    if material.labels is None:
        return {}
    model = fit_for_scan(table, config, Watcher(), roles=material.roles, vectors=vectors)
    scores = pl.concat(frame.select(pl.exclude(VALUES)) for frame in score_batches(model, table, config.source.where))
    ranking = rank(scores, material.labels)
    return {"roc_auc": ranking.roc_auc, "average_precision": ranking.average_precision}


def _fit_timed(corpus: Corpus, config: Config, vectors: TokenVectors | None) -> tuple[Embeddings, float]:
    started = time.perf_counter()
    learnt = fit_embeddings(corpus, config.embedding, config.seed, vectors=vectors)
    return learnt, time.perf_counter() - started


def _fit_traced(corpus: Corpus, config: Config, vectors: TokenVectors | None) -> tuple[Embeddings, float]:
    tracemalloc.start()
    try:
        again = fit_embeddings(corpus, config.embedding, config.seed + 1, vectors=vectors)
        return again, tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()
