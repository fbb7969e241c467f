"""Several ways to learn embeddings on one table, side by side: quality, seconds and memory."""

import time
import tracemalloc
from collections.abc import Callable, Sequence

import polars as pl

from anomembed.config import Config
from anomembed.embedding_quality import Grouping, measure_quality
from anomembed.errors import ConfigError, nearest_name
from anomembed.evaluation import rank
from anomembed.fitting import learn_model
from anomembed.read.roles import Roles
from anomembed.read.table import Table
from anomembed.read.vectors import TokenVectors, read_wanted_vectors
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus, SplitCorpus
from anomembed.represent.embeddings.learners import LEARNERS, WITHOUT_VECTORS, check_embedding, fit_embeddings
from anomembed.represent.embeddings.neural import NEURAL, NEXT_EVENT
from anomembed.represent.quality.neighbours import compare_neighbours
from anomembed.scoring import VALUES, score_batches

MIB = 2**20


def check_learners(names: Sequence[str], *, is_ordered: bool) -> None:
    """Refuse names that no learner has, and learners that learn from other things than these.

    Parameters
    ----------
    names : sequence of str
        The learners.
    is_ordered : bool
        Whether whole sequences are learnt from.

    Raises
    ------
    ConfigError
        When there is no such learner, it cannot learn here, or one is named twice, or none is.
    """
    for name in names:
        if name not in LEARNERS:
            near = nearest_name(name, LEARNERS)
            known = "" if near.startswith("; there are") else f"; there are: {', '.join(LEARNERS)}"
            raise ConfigError(f"--compare: no such learner: {name!r}{near}{known}")
        if (name in NEURAL) and (name in NEXT_EVENT) != is_ordered:
            raise ConfigError(f"--compare: {name} learns from {'records' if is_ordered else 'whole sequences'}")
        check_embedding(name)
    if len(set(names)) < len(names) or not names:
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
    table : Table
        The open table.
    roles : Roles
        The part of every column; a label has none.
    config : Config
        All settings but the learner.
    split : SplitCorpus
        From the same table.
    names : sequence of str
        The learners.
    grouping : Grouping or None
        A grouping that the nearest neighbours should reproduce.
    labels : pl.DataFrame or None
        From `read_labels`; with them a model is fitted with each learner, as a scan does, and its scores are held
        against them.
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
        taken = None if name in WITHOUT_VECTORS else vectors
        settings = {"method": name} if taken else {"method": name, "vectors": None, "vectors_use": None}
        chosen = config.model_copy(update={"embedding": config.embedding.model_copy(update=settings)})
        ranked = {} if labels is None else _rank(table, roles, chosen, labels, taken)
        learnt, seconds = _timed(split.corpus, chosen, taken)
        again, peak = _watched(split.corpus, chosen, taken)
        quality = measure_quality(learnt, again, split, grouping)
        first = first or learnt
        used = split.corpus.occurrences > 0
        rows.append(
            {
                "learner": name,
                **ranked,
                **quality.means(),
                "stability": quality.stability.share,
                "agreement": compare_neighbours(first.vectors[used], learnt.vectors[used]).share,
                **({"same_group": quality.grouping.share} if quality.grouping else {}),
                "explained": learnt.explained,
                "width": learnt.width,
                "fit_seconds": seconds,
                "fit_peak_mib": peak,
            }
        )
    return pl.DataFrame(rows)


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
