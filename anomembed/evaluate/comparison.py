"""Several ways to learn embeddings on one table, side by side: quality, seconds and memory."""

import time
import tracemalloc
from collections.abc import Callable, Sequence

import polars as pl

from anomembed.config import Config
from anomembed.errors import ConfigError
from anomembed.evaluate.embeddings import Grouping, measure_quality
from anomembed.evaluate.labels import rank
from anomembed.fit.records import learn_model
from anomembed.read.roles import Roles
from anomembed.read.table import Table
from anomembed.read.vectors import TokenVectors, read_wanted_vectors
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus, SplitCorpus
from anomembed.represent.embeddings.fitting import fit_embeddings
from anomembed.represent.learners import LEARNERS, check_method
from anomembed.represent.quality.neighbours import compare_neighbours
from anomembed.scoring import VALUES, score_batches

MIB = 2**20


def check_learners(names: Sequence[str], *, is_ordered: bool) -> None:
    """Refuse learners that cannot be compared, before any work.

    Parameters
    ----------
    names : sequence of str
        The learners.
    is_ordered : bool
        Whether whole sequences are learnt from.

    Raises
    ------
    ConfigError
        When one of them cannot learn this (see `check_method`), or one is named twice.
    """
    for name in names:
        check_method(name, is_ordered=is_ordered, has_vectors=False)  # those that take none are compared without
    if len(set(names)) < len(names):
        raise ConfigError("--compare: name different learners, such as ppmi-svd,skipgram")


def compare_learners(
    table: Table,
    roles: Roles,
    config: Config,
    split: SplitCorpus,
    names: Sequence[str],
    grouping: Grouping | None,
    labels: pl.DataFrame | None,
    progress: Callable[[str], None],
) -> pl.DataFrame:
    """Learn embeddings in several ways and measure each.

    Parameters
    ----------
    table, roles
        The open table and the part of every column; a label has none.
    config : Config
        All settings but the learner.
    split : SplitCorpus
        From the same table.
    names : sequence of str
        The learners.
    grouping : Grouping or None
        A grouping that the nearest neighbours should reproduce.
    labels : pl.DataFrame or None
        From `read_labels`; with them each learner's scores, as of a scan, are held against them.
    progress : callable
        Told the name of every learner before its turn.

    Returns
    -------
    pl.DataFrame
        A row per learner. ``fit_seconds`` is what learning the embeddings took; ``fit_peak_mib`` the most memory that
        Python and NumPy held meanwhile, beyond what they held before (tracemalloc), in another fit, because watching
        it takes time; ``agreement`` is the share of nearest neighbours that the first learner has too.
    """
    rows: list[dict[str, object]] = []
    first: Embeddings | None = None
    vectors = read_wanted_vectors(config.embedding.vectors)
    for name in names:
        progress(name)
        chosen, taken = _choose(name, config, vectors)
        ranked = {} if labels is None else _rank(table, roles, chosen, labels, taken)
        again, peak = _watched(split.corpus, chosen, taken)  # compiles, too, which is no learning
        learnt, seconds = _timed(split.corpus, chosen, taken)
        first = first or learnt
        figures = _figures(first, learnt, again, split, grouping)
        rows.append({"learner": name, **ranked, **figures, "fit_seconds": seconds, "fit_peak_mib": peak})
    return pl.DataFrame(rows)


def _choose(name: str, config: Config, vectors: TokenVectors | None) -> tuple[Config, TokenVectors | None]:
    """Return the settings of a learner, and the imported vectors if it takes any."""
    taken = vectors if LEARNERS[name].takes_vectors else None
    settings = {"method": name} if taken else {"method": name, "vectors": None, "vectors_use": None}
    return config.model_copy(update={"embedding": config.embedding.model_copy(update=settings)}), taken


def _figures(
    first: Embeddings, learnt: Embeddings, again: Embeddings, split: SplitCorpus, grouping: Grouping | None
) -> dict[str, object]:
    quality = measure_quality(learnt, again, split, grouping)
    used = split.corpus.occurrences > 0
    return {
        **quality.means(),
        "stability": quality.stability.share,
        "agreement": compare_neighbours(first.vectors[used], learnt.vectors[used]).share,
        **({"same_group": quality.grouping.share} if quality.grouping else {}),
        "explained": learnt.explained,
        "width": learnt.width,
    }


def _rank(
    table: Table, roles: Roles, config: Config, labels: pl.DataFrame, vectors: TokenVectors | None
) -> dict[str, object]:
    source = config.source
    hold_out = source.fit_where != source.where
    model = learn_model(table, config, hold_out=hold_out, roles=roles, vectors=vectors)
    scores = pl.concat(frame.select(pl.exclude(VALUES)) for frame in score_batches(model, table, source.where))
    ranking = rank(scores, labels)
    return {"roc_auc": ranking.roc_auc, "average_precision": ranking.average_precision}


def _timed(corpus: Corpus, config: Config, vectors: TokenVectors | None) -> tuple[Embeddings, float]:
    started = time.perf_counter()
    learnt = fit_embeddings(corpus, config.embedding, config.seed, vectors=vectors)
    return learnt, time.perf_counter() - started


def _watched(corpus: Corpus, config: Config, vectors: TokenVectors | None) -> tuple[Embeddings, float]:
    tracemalloc.start()
    try:
        again = fit_embeddings(corpus, config.embedding, config.seed + 1, vectors=vectors)
        return again, tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()
