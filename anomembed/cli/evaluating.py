"""What ``evaluate`` does behind its options: check all that was asked, learn, measure, print, draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from anomembed.cli.console import Teller
from anomembed.cli.options import Format
from anomembed.cli.printing import print_tables
from anomembed.cli.running import open_source
from anomembed.comparison import check_learners, compare_learners
from anomembed.config import Config
from anomembed.embedding_quality import (
    Grouping,
    check_corpus,
    cluster_tokens,
    learn_twice,
    measure_quality,
    read_grouping,
    tabulate,
    token_names,
)
from anomembed.errors import ConfigError
from anomembed.evaluation import IS_ABNORMAL, hide_column, read_labels
from anomembed.fitting import check_embedding, find_roles, split_corpus
from anomembed.pipeline import check_key
from anomembed.read.roles import Roles
from anomembed.read.table import Table
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus, SplitCorpus
from anomembed.represent.quality.projection import check_projection, project
from anomembed.score.detectors import check_detector
from anomembed.write.map import Points, check_map_path, draw_map

MOST_DRAWN = 2_000  # tokens of a map, the most frequent


@dataclass(frozen=True)
class Asked:
    """What ``evaluate`` was asked for.

    Parameters
    ----------
    compare : str or None
        Learners, with commas between.
    label, positive : str or None
        The column that says which records are abnormal, and by which value.
    group : str or None
        Two columns, with an equals sign between.
    map_file : Path or None
        Where to draw the tokens.
    projection : str
        How to put them on a plane.
    is_plain : bool
        The embeddings themselves are to be measured.
    """

    compare: str | None
    label: str | None
    positive: str | None
    group: str | None
    map_file: Path | None
    projection: str
    is_plain: bool

    @property
    def learners(self) -> tuple[str, ...]:
        """Names of the learners to compare; none when nothing is."""
        return tuple(name.strip() for name in self.compare.split(",")) if self.compare is not None else ()

    @property
    def columns(self) -> tuple[str, str] | None:
        """The column whose values are grouped, and the one that groups them."""
        if self.group is None:
            return None
        column, _, by = self.group.partition("=")
        return column, by

    def check(self, config: Config) -> None:
        """Refuse what does not go together, before any work.

        Raises
        ------
        ConfigError
            In one sentence.
        """
        check_detector(config.detector.name)
        if self.compare is not None:
            check_learners(self.learners, is_ordered=config.sequence.is_whole)
        else:
            check_embedding(config)
        if self.columns is not None and not all(self.columns):
            raise ConfigError("--group takes two columns, such as merchant=merchant_category")
        if self.positive is not None and self.label is None:
            raise ConfigError("--positive says which value of a label is abnormal: name the label by --label")
        is_comparison = self.compare is not None or self.label is not None
        if is_comparison and (self.is_plain or self.map_file):
            other = "--embeddings" if self.is_plain else "--map"
            raise ConfigError(f"{other} is for one learner without labels: leave out --compare and --label")
        check_projection(self.projection)
        if self.map_file:
            check_map_path(self.map_file, config.source.database)


def evaluate_table(config: Config, asked: Asked, form: Format, *, quiet: bool) -> None:
    """Measure the embeddings of a table."""
    asked.check(config)
    teller = Teller(is_quiet=quiet)
    with open_source(config) as table:
        teller.read(table.name, table.count(), table.notes)
        config = _hide(config, asked, table)
        roles = find_roles(table, config)
        teller.roles(roles)
        labels = (
            None if asked.label is None else _read_labels(table, roles, asked.label, asked.positive, config, teller)
        )
        split = split_corpus(table, roles, config)
        check_corpus(split)
        where = config.source.fit_where
        grouping = read_grouping(table, roles, split.corpus, asked.columns, where) if asked.columns else None
        n_learnt, n_held_out = int(split.corpus.times.sum()), len(split.held_out)
        what = "sequences" if split.corpus.is_ordered else "records"
        teller.say("measured", f"on {n_held_out:,} {what} held out of the {n_learnt + n_held_out:,} at hand")
        if asked.compare is not None or labels is not None:
            names = asked.learners or (config.embedding.method,)
            found = compare_learners(
                table, roles, config, split, names, grouping, labels, lambda name: teller.say("learning", name)
            )
            print_tables({"learners": found}, form)
            return
    _measure(config, asked, split, grouping, form, teller, table.name)


def _hide(config: Config, asked: Asked, table: Table) -> Config:
    if asked.label is not None:
        config = hide_column(config, table, asked.label, "--label")
    return hide_column(config, table, asked.columns[1], "--group") if asked.columns else config


def _read_labels(
    table: Table, roles: Roles, label: str, positive: str | None, config: Config, teller: Teller
) -> pl.DataFrame:
    check_key(roles, table, config.source.where)
    labels = read_labels(table, roles, label, positive, config.source.where)
    known = labels[IS_ABNORMAL].drop_nulls()
    teller.say("labels", f"{len(known):,} records, {known.sum():,} of them abnormal")
    if len(known) < labels.height:
        teller.say("note", f"{labels.height - len(known):,} records without a label count for neither side")
    return labels


def _measure(
    config: Config,
    asked: Asked,
    split: SplitCorpus,
    grouping: Grouping | None,
    form: Format,
    teller: Teller,
    name: str,
) -> None:
    learnt, again = learn_twice(split, config)
    teller.say("learnt", f"{split.corpus.n_used:,} tokens; {learnt.method} embeddings {learnt.width} wide")
    for note in learnt.notes:
        teller.say("note", note)
    quality = measure_quality(learnt, again, split, grouping)
    if asked.map_file:
        points, what, how = _points(config, asked, learnt, split.corpus, grouping)
        draw_map(asked.map_file, points, f"{name}: {what}", how)
        teller.say("drawn", f"{asked.map_file}: {what}; {how}")
    clusters = cluster_tokens(learnt, split.corpus)
    print_tables(tabulate(quality, clusters, split.corpus, grouping), form)


def _points(
    config: Config, asked: Asked, learnt: Embeddings, corpus: Corpus, grouping: Grouping | None
) -> tuple[Points, str, str]:
    """Choose the tokens to draw, and their colours: by group where there is one, else by column."""
    kinds: Sequence[str] = [column.name for column in corpus.columns for _ in column.labels]
    used = np.flatnonzero(corpus.occurrences)
    names, what = token_names(corpus), "tokens"
    if grouping:
        group_of = dict(zip(grouping.tokens.tolist(), grouping.groups.tolist(), strict=True))
        kinds = [grouping.names[group_of[token]] if token in group_of else "" for token in range(corpus.size)]
        used, what = np.sort(grouping.tokens), f"values of {grouping.column}, by {grouping.by}"
        names = [label for column in corpus.columns for label in column.labels]
    often = used[np.argsort(-corpus.occurrences[used], kind="stable")]
    drawn = often[:MOST_DRAWN]
    placed = project(learnt.vectors[drawn], asked.projection, config.seed)
    weights = tuple(corpus.occurrences[drawn].tolist())
    points = Points(placed.places, tuple(names[t] for t in drawn), tuple(kinds[t] for t in drawn), weights)
    of = "" if len(drawn) == len(often) else f" of {len(often):,}, the most frequent"
    return points, f"{len(drawn):,}{of} {what}", f"{learnt.method} embeddings {learnt.width} wide; {placed.method}"
