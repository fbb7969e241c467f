"""Progress and notes on standard error.

Values come from attackers: they are printed as plain text without control characters, never as markup.
"""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import polars as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from anomembed.errors import plain_text
from anomembed.model import Model
from anomembed.pipeline import Run, Watcher
from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.role import JUDGED, Role
from anomembed.read.roles.suggestion import Suggestion
from anomembed.score.flags import HARDLY_ABNORMAL, n_ordinary
from anomembed.write.feedback import Reference

SHOWN_NAMES = 50  # columns listed per role; `init` lists all


class _Notes(Console):
    """Standard error; where nobody reads it any more, a run goes on without."""

    def on_broken_pipe(self) -> None:
        """Print nothing from now on, where Rich would exit."""
        self.quiet = True


class Teller(Watcher):
    """Prints progress and notes on standard error.

    Parameters
    ----------
    is_quiet : bool
        Print nothing.
    """

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self._console = _Notes(stderr=True, highlight=False, markup=False, soft_wrap=True)

    def say(self, head: str, text: str) -> None:
        """Print one line: a word in bold, then text."""
        if not self._is_quiet:
            self._console.print(Text.assemble((f"{head:<9} ", "bold"), plain_text(text)))

    def read(self, name: str, n_records: int, notes: Sequence[str]) -> None:
        """Print what was read, and notes on how."""
        self.say("read", f"{name}: {n_records:,} records")
        for note in notes:
            self.say("note", note)

    def roles(self, roles: Roles) -> None:
        """Print what should be known about some columns, what each is used for, and why some are not used."""
        for column in roles.columns:
            if column.note:
                self.say("note", f"{column.name}: {column.note}")
        for role in (Role.KEY, *JUDGED, Role.ORDER, Role.EVENT):
            names = [column.name for column in roles.of(role)]
            if names:
                self.say(role, _listed(names))
        if not roles.key:
            self.say(Role.KEY, "none found: records are identified by their row number")
        unused = roles.of(Role.IGNORE)
        for reason in dict.fromkeys(column.reason for column in unused):
            names = [column.name for column in unused if column.reason == reason]
            self.say("not used", f"{_listed(names)}: {reason}")

    def reference(self, reference: Reference) -> None:
        """Print what feedback changes about the reference."""
        changes = {
            f"left out of the reference as flagged: {reference.n_left_out:,}": reference.n_left_out,
            f"added to it as normal: {reference.n_joined:,}": reference.n_joined,
        }
        if said := ", ".join(text for text, count in changes.items() if count):
            self.say("feedback", said)

    def suggestion(self, suggestion: Suggestion) -> None:
        """Print what naming the entity would add."""
        entity, time, _ = suggestion
        options = f"--entity {shlex.quote(entity)} --time {shlex.quote(time)}"
        self.say(
            "hint", f"{entity} may be the entity: add {options} to compare each record with its {entity}'s past, too"
        )

    def labels(self, is_abnormal: pl.Series, unit: str) -> None:
        """Print how many records or sequences have a label; null where it is missing."""
        known = is_abnormal.drop_nulls()
        self.say("labels", f"{len(known):,} {unit}, {known.sum():,} of them abnormal")
        if len(known) < len(is_abnormal):
            self.say("note", f"{is_abnormal.null_count():,} {unit} have no label and are left out of the metrics")

    def model(self, model: Model) -> None:
        """Print what was learnt."""
        summary = model.summary
        of = "" if summary.n_learnt + summary.n_held_out >= summary.n_reference else f" of {summary.n_reference:,}"
        held = f", {summary.n_held_out:,} held out for calibration" if summary.n_held_out else ""
        self.say("reference", f"{summary.n_learnt:,}{of} {model.unit} ({summary.n_distinct:,} distinct){held}")
        embeddings = model.embeddings
        n_tokens = int((model.vocabulary.counts() > 0).sum())
        self.say(
            "learnt",
            f"{n_tokens:,} tokens; {embeddings.method} embeddings {embeddings.width} wide explain "
            f"{embeddings.explained:.0%} of the association between them{describe_losses(embeddings.losses)}",
        )
        self.say("detector", summary.detector)
        for note in summary.notes:
            self.say("note", note)

    def caution(self, text: str) -> None:
        """Print a warning about what the model can flag."""
        self.say("caution", text)

    def run(self, run: Run, rule: str) -> None:
        """Print what a run did, and by which rule."""
        unit = run.model.unit
        self.say("scored", f"{run.n_scored:,} {unit}, {run.flags.frame.height:,} flagged ({rule})")
        for caution in run.cautions:
            self.caution(caution)
        least = run.flags.frame["tail_probability"].min()
        if isinstance(least, float) and least > HARDLY_ABNORMAL:
            self.say("note", f"no flag stands out: {least:.0%} of normal {unit} are at least as abnormal as the first")
        self._note_last(run)
        beyond = int(run.flags.frame["extrapolated"].sum())
        if beyond:
            n_reference = run.model.calibration.n_reference
            told = f"rarer than {n_reference:,} reference {unit} can show: tail probabilities marked * are estimates"
            self.say("note", f"{beyond:,} flagged {'are' if beyond > 1 else 'is'} {told}")

    def _note_last(self, run: Run) -> None:
        """Say when a budget was filled up with records such as chance has among so many that are normal."""
        tails = run.flags.frame["tail_probability"].to_numpy()
        if run.rule.name != "budget" or not len(tails) or tails[0] > HARDLY_ABNORMAL:
            return
        if n_last := n_ordinary(tails, run.n_scored):
            ordinary = f"last {n_last:,} flags are" if n_last > 1 else "last flag is"
            self.say(
                "note",
                f"the {ordinary} ordinary: {tails[-1]:.2g} of normal {run.model.unit}, about "
                f"{tails[-1] * run.n_scored:,.0f} of so many, are at least as abnormal as the last; --threshold flags "
                "only what stands out",
            )

    @contextmanager
    def learning(self) -> Iterator[Callable[[int, int, float], None] | None]:
        """Show a progress bar of epochs with their loss, on a terminal only."""
        if self._is_quiet or not self._console.is_terminal:
            yield None
            return
        columns = (
            TextColumn("learning "),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.4g}"),
        )
        with Progress(*columns, TimeRemainingColumn(), console=self._console, transient=True) as progress:
            task = progress.add_task("", total=None, loss=0.0, visible=False)

            def show(epoch: int, epochs: int, loss: float) -> None:
                progress.update(task, completed=epoch, total=epochs, loss=loss, visible=True)

            yield show

    def farewell(self, run: Run, store: str) -> None:
        """Print where to find the rest."""
        self.say(
            "saved",
            f"run {run.run_id} and model {run.model_id} in {store}; to see all contributions to a flag, query the "
            f"store: FROM why('KEY', of_run := {run.run_id})",
        )


class LoggingTeller(Teller):
    """Says the same as lines of a log.

    Parameters
    ----------
    note : callable
        Takes a word and a text.
    """

    def __init__(self, note: Callable[[str, str], None]) -> None:
        super().__init__(is_quiet=True)
        self._note = note

    def say(self, head: str, text: str) -> None:
        """Say one line."""
        self._note(head, text)


def describe_losses(losses: Sequence[float]) -> str:
    """Return how far the loss fell, in words; nothing for a learner without epochs."""
    if not losses:
        return ""
    epochs = f"{len(losses):,} epoch{'s' * (len(losses) > 1)}"
    return f"; loss {losses[0]:.4g} to {losses[-1]:.4g} in {epochs}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more
