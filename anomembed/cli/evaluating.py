"""Run ``evaluate``: check the options, learn, measure, print, draw."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anomembed.cli.console import Teller, fall_of
from anomembed.cli.printing import print_tables
from anomembed.cli.running import open_source
from anomembed.config import Config
from anomembed.errors import ConfigError
from anomembed.evaluate.comparison import check_learners, compare_learners
from anomembed.evaluate.embeddings import check_corpus, learn_twice, measure_quality
from anomembed.evaluate.grouping import Grouping, find_grouped, read_grouping
from anomembed.evaluate.labels import IS_ABNORMAL, hide_column, read_labels
from anomembed.evaluate.points import map_points
from anomembed.evaluate.tables import cluster_tokens, tabulate
from anomembed.fit.model import check_embedding, find_roles, split_corpus
from anomembed.represent.embeddings.corpus import SplitCorpus
from anomembed.represent.quality.projection import check_projection
from anomembed.score.detectors import check_detector
from anomembed.write.map import check_map_path, draw_map


@dataclass(frozen=True)
class Asked:
    """The options of ``evaluate``.

    Parameters
    ----------
    compare : str or None
        Methods to compare, separated by commas.
    label, positive : str or None
        The label column, and its value for abnormal records.
    group : str or None
        Two columns, separated by an equals sign.
    map_file : Path or None
        File to draw the tokens in.
    projection : str
        Projection of the map.
    is_plain : bool
        Whether ``--embeddings`` was given.
    roles : mapping of str to sequence of str
        Columns by the role that an option gives them.
    """

    compare: str | None
    label: str | None
    positive: str | None
    group: str | None
    map_file: Path | None
    projection: str
    is_plain: bool
    roles: Mapping[str, Sequence[str]]

    @property
    def learners(self) -> tuple[str, ...]:
        """Methods to compare."""
        return tuple(name.strip() for name in self.compare.split(",")) if self.compare is not None else ()

    def check(self, config: Config) -> None:
        """Refuse options that cannot be combined, before any work.

        Raises
        ------
        ConfigError
            When two options exclude each other, or one has a wrong value.
        """
        check_detector(config.detector.name)
        if self.compare is not None:
            check_learners(self.learners, is_ordered=config.sequence.is_whole)
        else:
            check_embedding(config)
        if self.group is not None and not re.search(".=.", self.group, re.DOTALL):
            raise ConfigError("--group needs two columns, such as merchant=merchant_category")
        if self.positive is not None and self.label is None:
            raise ConfigError("--positive is a value of the label column: name the column by --label")
        is_comparison = self.compare is not None or self.label is not None
        if is_comparison and (self.is_plain or self.map_file):
            other = "--embeddings" if self.is_plain else "--map"
            raise ConfigError(f"{other} cannot be combined with --compare or --label: leave one of them out")
        check_projection(self.projection)
        if self.map_file:
            check_map_path(self.map_file, config.source.database)


def evaluate_table(config: Config, asked: Asked, form: str, *, quiet: bool) -> None:
    """Measure the embeddings of a table."""
    asked.check(config)
    teller = Teller(is_quiet=quiet)
    with open_source(config) as table:
        teller.read(table.name, table.count(), table.notes)
        grouped = None if asked.group is None else find_grouped(table, asked.group)
        hidden = {"--label": asked.label, "--group": grouped[1] if grouped else None}
        for option, name in hidden.items():
            config = config if name is None else hide_column(config, table, name, option, asked.roles)
        roles, source = find_roles(table, config), config.source
        teller.roles(roles)
        unit = "sequences" if config.sequence.is_whole else "records"
        labels = None if asked.label is None else read_labels(table, roles, asked.label, asked.positive, source.where)
        if labels is not None:
            teller.labels(labels[IS_ABNORMAL], unit)
        split = split_corpus(table, roles, config)
        check_corpus(split)
        grouping = read_grouping(table, roles, split.corpus, grouped, source.fit_where) if grouped else None
        n_learnt, n_held_out = int(split.corpus.times.sum()), len(split.held_out)
        teller.say("measured", f"on {n_held_out:,} held out of {n_learnt + n_held_out:,} {unit}")
        if asked.compare is not None or labels is not None:
            names = asked.learners or (config.embedding.method,)
            found = compare_learners(
                table, roles, config, split, names, grouping, labels, lambda name: teller.say("learning", name)
            )
            print_tables({"learners": found}, form, transposed=True)
            return
    _measure(config, asked, split, grouping, form, teller, table.name)


def _measure(
    config: Config,
    asked: Asked,
    split: SplitCorpus,
    grouping: Grouping | None,
    form: str,
    teller: Teller,
    name: str,
) -> None:
    learnt, again = learn_twice(split, config)
    what = f"{split.corpus.n_used:,} tokens; {learnt.method} embeddings {learnt.width} wide"
    teller.say("learnt", what + fall_of(learnt.losses))
    for note in learnt.notes:
        teller.say("note", note)
    quality = measure_quality(learnt, again, split, grouping)
    if asked.map_file:
        points, what, how = map_points(learnt, split.corpus, grouping, asked.projection, config.seed)
        if grouping and (near := quality.grouping):
            how += f"; {near.share:.0%} of nearest neighbours have the same {grouping.by} ({near.chance:.0%} by chance)"
        draw_map(asked.map_file, points, f"{name}: {what}", how)
        teller.say("drawn", f"{asked.map_file}: {what}; {how}")
    clusters = cluster_tokens(learnt, split.corpus)
    print_tables(tabulate(quality, clusters, split.corpus, grouping), form)
