"""Charts of a page as SVG, each drawn for light and for dark; the same figures give the same bytes."""

import io
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from anomembed.errors import shorten
from anomembed.views.reason import clean_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INKS = {"light": ("#22262b", "#2f62a8", "#c04a26", "#a7adb5"), "dark": ("#e6e9ee", "#7fb0f0", "#f2936f", "#6b727c")}
STYLE: Any = {
    "svg.hashsalt": "anomembed",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.usetex": False,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
MOST_NAMED, LONGEST_NAME = 10, 32  # values with a label on a map, and its characters
ROOM = (0.4, 0.06)  # shares of the width and the height that a name takes
SIZE = (6.4, 3.0)  # inches
FORMS = ("%Y-%m-%d", "%Y-%m-%d\n%H:%M", "%Y-%m-%d\n%H:%M:%S", "%H:%M:%S.%f")  # of the times below a chart


@dataclass(frozen=True)
class Chart:
    """A chart for a page.

    Parameters
    ----------
    title, text : str
        What it shows, and the same in words for who cannot see it.
    light, dark : str
        The pictures, as addresses that hold them.
    """

    title: str
    text: str
    light: str
    dark: str


Inks = tuple[str, str, str, str]


def draw(title: str, text: str, plot: "Callable[[Axes, Inks], None]", size: tuple[float, float] = SIZE) -> Chart:
    """Draw a chart twice.

    Parameters
    ----------
    title, text : str
        See `Chart`.
    plot : callable
        Draws on axes in given colours: of text, of what is shown, of what stands out, and of what does not.
    size : tuple of float
        Width and height in inches.
    """
    return Chart(title, text, *(_svg(plot, inks, size) for inks in INKS.values()))


def _svg(plot: "Callable[[Axes, Inks], None]", inks: Inks, size: tuple[float, float]) -> str:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    colours: Any = dict.fromkeys(
        ("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.edgecolor"), inks[0]
    )
    with mpl.rc_context({**STYLE, **colours}):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        axes.set_facecolor("none")
        plot(axes, inks)
        file = io.BytesIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": "anomembed"})
    return f"data:image/svg+xml;base64,{b64encode(file.getvalue()).decode()}"


def chart_of_columns(names: Sequence[str], sums: Sequence[float]) -> Chart:
    """Draw which columns drive the flags."""
    shown = [_short(name, 40) for name in names]

    def plot(axes: "Axes", inks: Inks) -> None:
        axes.barh(range(len(shown)), sums, color=inks[1])
        axes.set_yticks(range(len(shown)), shown)
        axes.invert_yaxis()
        axes.set_xlabel("nats, over all flags")

    first = ", ".join(f"{name} ({total:,.1f})" for name, total in list(zip(shown, sums, strict=True))[:3])
    size = (SIZE[0], max(1.6, 0.6 + 0.26 * len(shown)))
    return draw("Which columns drive the flags", f"Sum of what each column adds to the scores: {first}.", plot, size)


def chart_of_times(moments: Sequence[datetime], name: str) -> Chart:
    """Draw when the flagged records were."""
    seconds = np.array([moment.timestamp() for moment in moments])
    counts, edges = np.histogram(seconds, bins=min(60, max(5, len(moments))))

    def plot(axes: "Axes", inks: Inks) -> None:
        axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color=inks[2])
        ticks = np.linspace(edges[0], edges[-1], 4)
        axes.set_xticks(ticks, _moments(ticks.tolist()))
        axes.set_ylabel("flags")
        axes.locator_params(axis="y", integer=True)

    ends = f"{min(moments):%Y-%m-%d %H:%M} to {max(moments):%Y-%m-%d %H:%M}"
    text = f"{len(moments):,} flags by {clean_text(name)}, from {ends}; at most {counts.max():,} in one bar."
    return draw("Flags over time", text, plot)


def _moments(seconds: Sequence[float]) -> list[str]:
    """Return moments as texts, no finer than it takes to tell them apart."""
    moments = [datetime.fromtimestamp(second, UTC) for second in seconds]
    texts = [[f"{moment:{form}}" for moment in moments] for form in FORMS]
    return next((found for found in texts if len(set(found)) == len(found)), texts[-1])


def chart_of_scores(
    grid: Sequence[float], own: Sequence[float], reference: Sequence[float] | None, threshold: float | None
) -> Chart:
    """Draw which share of the records, and of the reference, has at least each raw score.

    Parameters
    ----------
    grid : sequence of float
        Raw scores.
    own, reference : sequence of float
        Shares with at least each; None where that of the reference is not known any more.
    threshold : float or None
        The lowest raw score of a flag.
    """

    def plot(axes: "Axes", inks: Inks) -> None:
        if reference is not None:
            axes.plot(grid, reference, color=inks[3], linewidth=4, label="reference")
        axes.plot(grid, np.maximum(own, 1e-12), color=inks[1], linewidth=1.6, label="these records")
        if threshold is not None:
            axes.axvline(threshold, color=inks[2], linestyle="--", label="lowest flag")
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0e}" if share < 0.01 else f"{share:.0%}")
        axes.yaxis.set_minor_formatter(lambda *_: "")
        axes.set_ylim(max(1e-8, min(reference or own) / 2), 1.5)
        axes.set_xlabel("raw score, nats (high = abnormal)")
        axes.set_ylabel("share at least as high")
        axes.legend(frameon=False)

    where = "nothing is flagged" if threshold is None else f"flags begin at {threshold:.3g}"
    beside = "" if reference is None else ", beside that of the reference"
    text = f"Share of the records with at least a raw score{beside}; {where}."
    return draw("Scores" if reference is None else "Scores against the reference", text, plot)


def chart_of_values(places: Any, is_flagged: Sequence[bool], names: Sequence[str]) -> Chart:  # noqa: ANN401
    """Draw the embeddings of values on a plane, those of flags marked and named."""
    marked = np.array(is_flagged, bool)
    named = _apart(places, np.flatnonzero(marked).tolist())

    def plot(axes: "Axes", inks: Inks) -> None:
        for which, size, ink in ((~marked, 10, inks[3]), (marked, 34, inks[2])):
            axes.scatter(places[which, 0], places[which, 1], size, ink, alpha=0.8, linewidths=0)
        for at in named:
            axes.annotate(_short(names[at]), places[at], (4, 3), textcoords="offset points", fontsize=8)
        axes.set_xticks([])
        axes.set_yticks([])

    said = f"; of those of the first flags: {', '.join(_short(names[at]) for at in named)}" if named else ""
    text = f"{len(names):,} values by two principal components of their embeddings{said}."
    return draw("Values that keep the same company are near", text, plot, (6.4, 4.2))


def _short(name: str, longest: int = LONGEST_NAME) -> str:
    return shorten(clean_text(name), longest)


def _apart(places: Any, wanted: Sequence[int]) -> list[int]:  # noqa: ANN401
    """Return the points that have room for a name, the first ones first."""
    size = np.maximum(np.ptp(places, axis=0), 1e-12)
    found: list[int] = []
    for at in wanted:
        if all((np.abs(places[at] - places[other]) / size > ROOM).any() for other in found):
            found.append(at)
    return found[:MOST_NAMED]
