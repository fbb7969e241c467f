"""Ways to look at a record or a sequence, one file each. The lists below are the only other place that knows them.

To add a view, write a file with a subclass of `ViewOfRecords`, `ViewOfVectors` or `ViewOfSequences` (`view` says what
it must answer) and add it to its list: it is then fitted, scored, explained and kept in the store.
tests/test_new_view.py does so with a toy; `make docs` lists the new view in the documentation.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, groupby

from anomembed.views import shared
from anomembed.views.agreement import AgreementView
from anomembed.views.burst import BurstView
from anomembed.views.characters import CharactersView
from anomembed.views.confusable import ConfusableView
from anomembed.views.dependency import DependencyView
from anomembed.views.dormancy import DormancyView
from anomembed.views.duplicate import DuplicateView
from anomembed.views.entity import EntityView
from anomembed.views.extreme import ExtremeView
from anomembed.views.facts import WORDS
from anomembed.views.gap import GapView
from anomembed.views.habit import HabitView
from anomembed.views.heaping import HeapingView
from anomembed.views.joint import JointView
from anomembed.views.link import LinkView
from anomembed.views.match import MatchView
from anomembed.views.message import MessageView
from anomembed.views.novelty import NoveltyView
from anomembed.views.number import NumberView
from anomembed.views.order import OrderView
from anomembed.views.pace import PaceView
from anomembed.views.pair import PairView
from anomembed.views.rarity import RarityView
from anomembed.views.rate import RateView
from anomembed.views.reconstruction import ReconstructionView
from anomembed.views.record import RecordView
from anomembed.views.rhythm import RhythmView
from anomembed.views.sequence import SequenceView
from anomembed.views.share import ShareView
from anomembed.views.sign import SignView
from anomembed.views.step import StepView
from anomembed.views.stuck import StuckView
from anomembed.views.travel import TravelView
from anomembed.views.unseen import UnseenView
from anomembed.views.vector import VectorView
from anomembed.views.view import Basis, SequenceBasis, View, ViewOfRecords, ViewOfSequences, ViewOfVectors
from anomembed.workers.blocks import n_processors

# In the order in which the terms of a score are added up.
RECORD_VIEWS: list[type[ViewOfRecords]] = [
    RecordView, RarityView, ShareView, NoveltyView, NumberView, ExtremeView, SignView, JointView, VectorView, MatchView,
    MessageView, PairView, DependencyView, AgreementView, ReconstructionView, LinkView, EntityView, HabitView, PaceView,
    DormancyView, StepView, RhythmView, DuplicateView, HeapingView, RateView, BurstView, TravelView, StuckView,
    ConfusableView, CharactersView,
]  # fmt: skip
SEQUENCE_VIEWS: list[type[ViewOfSequences]] = [SequenceView, UnseenView, OrderView, GapView]


def fit_record_views(basis: Basis) -> list[ViewOfRecords]:
    """Fit all views of records that apply, several at a time."""
    with ThreadPoolExecutor(n_processors()) as threads:
        fitted = dict(zip(RECORD_VIEWS, threads.map(lambda kind: kind.fit(basis), RECORD_VIEWS), strict=True))
    views: list[ViewOfRecords] = []
    for _, kinds in groupby(RECORD_VIEWS, key=lambda kind: issubclass(kind, ViewOfVectors)):
        found = [view for kind in kinds for view in fitted[kind]]
        # Of several columns of vectors, one is looked at in all ways before the next.
        views += sorted(found, key=lambda view: view.index if isinstance(view, ViewOfVectors) else 0)
    return views


def fit_sequence_views(basis: SequenceBasis) -> list[ViewOfSequences]:
    """Fit all views of sequences that apply."""
    return [view for kind in SEQUENCE_VIEWS for view in kind.fit(basis)]


def words() -> Mapping[str, str]:
    """Return the sentences of all kinds of reasons."""
    kinds: chain[type[View]] = chain(RECORD_VIEWS, SEQUENCE_VIEWS)
    return WORDS | shared.WORDS | {kind: sentence for view in kinds for kind, sentence in view.words.items()}
