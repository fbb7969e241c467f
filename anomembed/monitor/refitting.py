"""Learn a model anew: from the reference and what was judged since, tried beside the one before, told, and then used.

All of it happens before a run judges anything, and is kept in one transaction: a run that is killed begins it anew.
"""

from dataclasses import asdict, dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl

from anomembed.config import MonitorConfig
from anomembed.errors import ConfigError
from anomembed.fit.model import learn_model
from anomembed.model import Model
from anomembed.monitor.clock import DAY, MICROSECOND, as_moment, position_of
from anomembed.monitor.forgetting import memory_of
from anomembed.monitor.learning import DEFAULT_THRESHOLD, reference_of, rule_of
from anomembed.monitor.notices import OF_MODEL, About, begin_notice
from anomembed.monitor.parts import Judge
from anomembed.monitor.plan import Plan
from anomembed.monitor.staleness import drift_words, of_last_day
from anomembed.pipeline import learnt_where
from anomembed.read.roles.assigned import Roles, match_roles
from anomembed.read.table import Table
from anomembed.read.vectors import read_wanted_vectors
from anomembed.score.calibration import count_in
from anomembed.score.flags import FlagRule
from anomembed.scoring import score_batches
from anomembed.write.feedback import correct_reference
from anomembed.write.ledger import keep_fitted_to
from anomembed.write.models import save_model
from anomembed.write.refits import judged_since, keep_refit, last_refit, newest_since, open_changes

WEEK = timedelta(days=7)
SOONEST = timedelta(days=3)  # from one new model to the next
ALLOWED = 3  # times the flags that the threshold lets expect, which a new model may have on the day that it is tried on


@dataclass(frozen=True)
class Trial:
    """What two models make of the same records.

    Parameters
    ----------
    n_records : int
        Records that both scored.
    n_flagged_old, n_flagged : int
        How many the old one flags, and how many the new one.
    agreement : float or None
        Rank correlation of their scores; None without any.
    """

    n_records: int
    n_flagged_old: int
    n_flagged: int
    agreement: float | None

    def is_passed(self, threshold: float) -> bool:
        """Tell whether the new one may take over: it flags no more than the old one, or than it may."""
        return self.n_flagged <= max(self.n_flagged_old, ALLOWED * (1 + threshold * self.n_records))

    def __str__(self) -> str:
        order = "" if self.agreement is None else f", rank correlation {self.agreement:.2f}"
        return (
            f"of the last day's {self.n_records:,} records it flags {self.n_flagged:,}, "
            f"the one before {self.n_flagged_old:,}{order}"
        )


def refit(judge: Judge, position: int) -> Judge:
    """Return what judges from now on: with a new model, where one is due and passes its trial.

    Parameters
    ----------
    judge : Judge
        With the model so far.
    position : int
        What was before this has been judged.

    Raises
    ------
    ConfigError
        When the configuration wants what cannot be.
    """
    why = _why(judge, position)
    if why is None:
        return judge
    model = _with_missing(judge, _learn(judge, position), position)
    after = replace(judge, model=model, rule=rule_of(judge.source.config, model))
    trial = _try(judge, after, position)
    is_passed = trial.is_passed(_threshold(after.rule))
    with judge.store.transaction():
        model_id = save_model(model, judge.store) if is_passed else None
        if model_id:
            keep_fitted_to(judge.store, model_id, judge.plan.watermark.column, position - 1)
        said = f"model {model_id} takes over from {judge.model_id}" if is_passed else "a new model does not take over"
        sentence = f"{said} ({why}): {trial}"
        at = as_moment(position)
        about = {"monitor": judge.monitor, "at": at, "old_model_id": judge.model_id, "model_id": model_id, "why": why}
        keep_refit(judge.store, about | asdict(trial))
        begin_notice(judge.store, judge.monitor, About(OF_MODEL), sentence, at, at, judge.settings, is_over=True)
    return replace(after, model_id=model_id) if model_id else judge


def _threshold(rule: FlagRule) -> float:
    return rule.value if rule.name == "threshold" else DEFAULT_THRESHOLD


def check_refit(settings: MonitorConfig, plan: Plan, *, is_sequential: bool) -> None:
    """Refuse settings that want to learn anew what cannot be.

    Raises
    ------
    ConfigError
        When it is no records with times.
    """
    if settings.refit != "never" and (is_sequential or not plan.watermark.is_time):
        raise ConfigError(f'monitor.refit = "{settings.refit}" is for records with times; run `anomembed fit` instead')


def _why(judge: Judge, position: int) -> str | None:
    """Return why a new model is due; None when none is."""
    store, monitor, when = judge.store, judge.monitor, judge.settings.refit
    check_refit(judge.settings, judge.plan, is_sequential=judge.model.is_sequential)
    at, since = as_moment(position), newest_since(store, monitor)
    last = last_refit(store, monitor)
    if since is None or at - since < DAY or (last is not None and at - last < SOONEST):
        return None
    if when == "weekly":
        start = since if last is None else max(since, last)
        return f"after {(at - start).days} days" if at - start >= WEEK else None
    changed = open_changes(store, monitor, at - DAY)
    words = list(drift_words(store, monitor, position)) if of_last_day(store, monitor, position) else []
    return "; ".join([*words, *(f"{name} has new values" for name in changed)]) or None


def _learn(judge: Judge, position: int) -> Model:
    """Learn from the reference and all that was judged and not flagged, as far as they are remembered."""
    config = judge.source.config
    with judge.source.opened() as table:
        judge.plan.units(table, config)
        roles = _all_roles(judge.model.roles, table)
        learnt, _ = _learnt_where(judge, table, position)
        reference = correct_reference(judge.store, table, roles, learnt)
        vectors = read_wanted_vectors(config.embedding.vectors)
        anew = learnt_where(config, reference.where)
        model = learn_model(table, anew, roles=roles, vectors=vectors, before=judge.model, when_read=table.close)
    return replace(model, config=judge.model.config)


def _all_roles(roles: Roles, table: Table) -> Roles:
    """Return the roles of a table, with the columns that are not judged: these are not new to the model."""
    matched, there = match_roles(roles, table).columns, {column.name for column in table.columns}
    names = {column.name for column in matched}
    others = (column for column in roles.columns if column.name not in names and column.name in there)
    return Roles((*matched, *others))


def _with_missing(judge: Judge, model: Model, position: int) -> Model:
    """Return a model whose tail probabilities count the normal records that its reference lacks.

    Of the records that were flagged, as many are normal as the threshold lets expect: the least abnormal. Without them
    each model would flag more than the one before.
    """
    with judge.source.opened() as table:
        judge.plan.units(table, judge.source.config)
        learnt, judged = _learnt_where(judge, table, position)
        reference = correct_reference(judge.store, table, model.roles, learnt)
        n_by_chance = round(_threshold(judge.rule) * table.count(f"({learnt}) AND {judged}"))
        if not reference.n_left_out or not n_by_chance:
            return model
        left_out = _scores(model, table, f"({learnt}) AND NOT ({reference.where})")["raw_score"]
    missing = np.sort(left_out.to_numpy())[:n_by_chance]
    share = len(missing) / (model.summary.n_reference + len(missing))
    return replace(model, calibration=count_in(model.calibration, missing, share))


def _learnt_where(judge: Judge, table: Table, position: int) -> tuple[str, str]:
    """Return the SQL conditions of what there is to learn from, and of what of it was judged."""
    at, since = judge.plan.position(table), judged_since(judge.store, judge.monitor)
    reference, judged = reference_of(judge.source.config), f"{at} >= {position_of(since)}" if since else "false"
    if judge.where:
        judged = f"{judged} AND (\n{judge.where}\n)"
    whole = f"(\n{reference}\n) OR ({judged})" if reference else "true"
    learnt, memory = f"({whole}) AND {at} < {position}", memory_of(judge.source.config)
    key = tuple(table.column(name) for name in judge.plan.key)
    return memory.condition(table, key, f"{position} - {at}", learnt) if memory else learnt, judged


def _try(judge: Judge, after: Judge, position: int) -> Trial:
    """Score the records of the last day by both models, each with its rule."""
    with judge.source.opened() as table:
        judge.plan.units(table, judge.source.config)
        at = judge.plan.position(table)
        where = f"{at} >= {position - DAY // MICROSECOND} AND {at} < {position}"
        both = f"(\n{judge.where}\n) AND ({where})" if judge.where else where
        found = [_scores(one.model, table, both) for one in (judge, after)]
    old, new = found
    if not old.height:
        return Trial(0, 0, 0, None)
    names = list(judge.model.roles.key_names)
    paired = old.unique(names).join(new.unique(names), on=names, suffix="_new", nulls_equal=True)
    agreement = paired.select(pl.corr("raw_score", "raw_score_new", method="spearman")).item()
    thresholds = (_threshold(one.rule) for one in (judge, after))
    tails = zip((old["tail_probability"], new["tail_probability"]), thresholds, strict=True)
    n_old, n_new = (int((tail <= threshold).sum()) for tail, threshold in tails)
    known = agreement is not None and agreement == agreement  # NaN where all scores are the same
    return Trial(old.height, n_old, n_new, float(agreement) if known else None)


def _scores(model: Model, table: Table, where: str) -> pl.DataFrame:
    names = [*model.roles.key_names, "raw_score", "tail_probability"]
    frames = list(score_batches(model, table, where))
    return (
        pl.concat([frame.select(names) for frame in frames]) if frames else pl.DataFrame({name: [] for name in names})
    )
