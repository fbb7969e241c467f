"""Fit a model of records: counts, embeddings, views, calibration."""

from dataclasses import replace

import numpy as np

from anomembed.fit.learnt import FitSettings, Learnt
from anomembed.fit.reference import Reference, count_corpus
from anomembed.represent.attributes import find_attributes
from anomembed.represent.batch import Batch
from anomembed.represent.counts import Counts
from anomembed.represent.embeddings.aligning import aligned
from anomembed.represent.embeddings.fitting import fit_embeddings
from anomembed.represent.keys import distinct
from anomembed.represent.pooling import fit_pooling
from anomembed.represent.ranges import fit_ranges
from anomembed.represent.tokens.arrivals import as_new
from anomembed.score.calibration import fit_calibration
from anomembed.score.combine import calibrate_views
from anomembed.score.detectors import choose_detector
from anomembed.views import fit_record_views
from anomembed.views.view import Basis


def learn_records(reference: Reference, learning: FitSettings) -> Learnt:
    """Fit the parts of a model to reference records.

    Parameters
    ----------
    reference : Reference
        From `anomembed.fit.reference.read_reference`.
    learning : FitSettings
        Settings of the fit.
    """
    vocabulary, learnt, clean = reference.vocabulary, reference.learnt, learning.clean
    corpus = count_corpus(vocabulary, learnt.tokens)
    embeddings = fit_embeddings(corpus, learning.embedding, learning.seed, learning.progress, learning.vectors)
    if learning.before:
        embeddings = aligned(embeddings, vocabulary.token_names, learning.before)
    attributes = find_attributes(vocabulary, corpus.counts, reference.entities.columns)
    basis = Basis(
        records=learnt,
        vocabulary=vocabulary,
        counts=corpus.counts,
        embeddings=embeddings,
        pooling=fit_pooling(vocabulary, embeddings, by_rarity=not clean, attributes=attributes),
        entities=reference.entities,
        clean=clean,
        is_own=not reference.is_split,
        seed=learning.seed,
        attributes=attributes,
        derived=reference.derived,
    )
    n_distinct = _count_distinct(learnt) if learnt.vectors else len(corpus.times)
    detector = choose_detector(learning.detector, clean=clean, n_records=len(learnt), n_distinct=n_distinct)
    calibrated = calibrate_views(
        fit_record_views(basis), detector, learnt, _as_they_came(reference), seed=learning.seed, clean=clean
    )
    return Learnt(
        vocabulary=vocabulary,
        counts=corpus.counts,
        embeddings=embeddings,
        ranges=fit_ranges(_all_read(reference), vocabulary, reference.entities.columns),
        views=calibrated.views if learning.is_own else tuple(view.for_others() for view in calibrated.views),
        calibration=fit_calibration(calibrated.total(), is_own=learning.is_own),
        detector=detector,
        n_learnt=len(learnt),
        n_distinct=n_distinct,
        n_held_out=len(reference.held_out) if reference.is_split else 0,
        held_out=reference.held_out.tokens if reference.is_split else reference.held_out.tokens[:0],
        notes=(*calibrated.notes, *_note_counts(corpus.counts, len(learnt)), *reference.notes, *embeddings.notes),
    )


def _as_they_came(reference: Reference) -> Batch:
    """Return the records to calibrate on, with what was new when they came as never seen."""
    if reference.new is None:
        return reference.held_out
    tokens = as_new(reference.vocabulary, reference.held_out.tokens, reference.new)
    return replace(reference.held_out, tokens=tokens)


def _all_read(reference: Reference) -> Batch:
    """Return tokens and numbers of all records that were read, to calibrate on or to fit to."""
    parts = (reference.learnt, reference.held_out) if reference.is_split else (reference.learnt,)
    return Batch(np.concatenate([part.tokens for part in parts]), np.concatenate([part.numbers for part in parts]))


def _count_distinct(records: Batch) -> int:
    """Count the records that differ in their tokens or their vectors."""
    return len(distinct(np.hstack([records.tokens, *(vectors.view(np.int32) for vectors in records.vectors)]))[0])


def _note_counts(counts: Counts, n_learnt: int) -> list[str]:
    notes = []
    if not counts.compared.all():
        notes.append(f"{len(counts.compared):,} columns: each is compared only with the few it depends on most")
    if counts.n_records < n_learnt:
        notes.append(
            f"pairs of values were counted in {counts.n_records:,} records: more would have too many distinct pairs"
        )
    return notes
