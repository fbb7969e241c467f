"""Run ``evaluate``: check the options, learn, measure, print, draw."""

import re
from dataclasses import dataclass
from pathlib import Path

from anomembed.cli.console import Teller, describe_losses
from anomembed.cli.printing import print_tables
from anomembed.config import Config
from anomembed.errors import ConfigError
from anomembed.evaluate.comparison import check_learners, compare_learners
from anomembed.evaluate.embeddings import learn_twice, measure_quality
from anomembed.evaluate.labels import IS_ABNORMAL
from anomembed.evaluate.material import Material, Truth, read_material
from anomembed.evaluate.points import map_points
from anomembed.evaluate.tables import cluster_tokens, tabulate
from anomembed.fit.model import check_embedding
from anomembed.opening import open_source
from anomembed.represent.quality.projection import check_projection
from anomembed.score.detectors import check_detector
from anomembed.write.files import check_not_read
from anomembed.write.map import check_map_path, draw_map


@dataclass(frozen=True)
class Asked:
    """The options of ``evaluate``.

    Parameters
    ----------
    compare : str or None
        Methods to compare, separated by commas.
    truth : Truth
        What to compare with.
    map_file : Path or None
        File to draw the tokens in.
    projection : str
        Projection of the map.
    is_plain : bool
        Whether ``--embeddings`` was given.
    force : bool
        Replace an existing file, whatever it holds.
    """

    compare: str | None
    truth: Truth
    map_file: Path | None
    projection: str
    is_plain: bool
    force: bool = False

    @property
    def is_comparison(self) -> bool:
        """Whether learners are compared, or scores with labels, instead of one learner being measured."""
        return self.compare is not None or self.truth.label is not None

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
        if self.truth.group is not None and not re.search(".=.", self.truth.group, re.DOTALL):
            raise ConfigError("--group needs two columns, such as merchant=merchant_category")
        if self.truth.positive is not None and self.truth.label is None:
            raise ConfigError("--positive is a value of the label column: name the column by --label")
        if self.is_comparison and (self.is_plain or self.map_file):
            other = "--embeddings" if self.is_plain else "--map"
            raise ConfigError(f"{other} cannot be combined with --compare or --label: leave one of them out")
        check_projection(self.projection)
        if self.map_file:
            check_map_path(self.map_file, config.source.database, config.embedding.vectors, force=self.force)


def evaluate_table(config: Config, asked: Asked, form: str, *, quiet: bool) -> None:
    """Measure the embeddings of a table."""
    asked.check(config)
    teller = Teller(is_quiet=quiet)
    with open_source(config) as table:
        if asked.map_file:
            check_not_read(asked.map_file, "map", {"a file that the records are read from": table.files})
        teller.read(table.name, table.count(), table.notes)
        material = read_material(table, config, asked.truth, teller)
        _print_material(material, teller)
        if asked.is_comparison:
            names = asked.learners or (config.embedding.method,)
            found = compare_learners(table, material, names, lambda name: teller.say("learning", name))
            print_tables({"learners": found}, form, transposed=True)
            return
    _measure(material, asked, form, teller, table.name)


def _print_material(material: Material, teller: Teller) -> None:
    unit = "sequences" if material.roles.is_sequential else "records"
    if material.labels is not None:
        teller.labels(material.labels[IS_ABNORMAL], unit)
    n_held_out, n_all = material.n_held_out, material.n_learnt + material.n_held_out
    teller.say("measured", f"on {n_held_out:,} held out of {n_all:,} {unit}")


def _measure(material: Material, asked: Asked, form: str, teller: Teller, name: str) -> None:
    split, grouping = material.split, material.grouping
    learnt, again = learn_twice(split, material.config)
    what = f"{split.corpus.n_used:,} tokens; {learnt.method} embeddings {learnt.width} wide"
    teller.say("learnt", what + describe_losses(learnt.losses))
    for note in learnt.notes:
        teller.say("note", note)
    quality = measure_quality(learnt, again, split, grouping)
    if asked.map_file:
        points, what, how = map_points(learnt, split.corpus, grouping, asked.projection, material.config.seed)
        if grouping and (near := quality.grouping):
            how += f"; {near.share:.0%} of nearest neighbours have the same {grouping.by} ({near.chance:.0%} by chance)"
        draw_map(asked.map_file, points, f"{name}: {what}", how)
        teller.say("drawn", f"{asked.map_file}: {what}; {how}")
    clusters = cluster_tokens(learnt, split.corpus)
    print_tables(tabulate(quality, clusters, split.corpus, grouping), form)
