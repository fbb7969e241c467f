"""Sequences of events: as token ids, which events stand near each other, and which follow which."""

from anomembed.represent.sequences.events import Sequences, encode_sequences, name_events
from anomembed.represent.sequences.neighbours import NEAR, count_neighbours, usual_counts
from anomembed.represent.sequences.ngrams import LONGEST_GRAM, NGrams, count_ngrams, count_steps, longest_gram

__all__ = [
    "LONGEST_GRAM",
    "NEAR",
    "NGrams",
    "Sequences",
    "count_neighbours",
    "count_ngrams",
    "count_steps",
    "encode_sequences",
    "longest_gram",
    "name_events",
    "usual_counts",
]
