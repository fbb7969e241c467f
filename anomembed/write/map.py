"""Draw a map of tokens as PNG or SVG; the same points give the same bytes.

Text is drawn as outlines, so that no value can act in a browser and the picture looks the same everywhere.
"""

import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anomembed.errors import around_placeholder
from anomembed.views.reason import clean_text
from anomembed.write.files import check_file, completed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patheffects import AbstractPathEffect
    from matplotlib.transforms import Bbox

SUFFIXES = (".png", ".svg")
MAKER, HEAD = "drawn by anomembed", 4096  # in the metadata of a map, within so many bytes
COLOURS = ("#3b6fb6", "#d1603d", "#4c9a5b", "#8a63b0", "#c2a01e", "#3aa3a9", "#c65a92", "#7a5c45")
SHAPES = ("o", "D", "^")  # once all colours are taken
OTHER = ("#a7adb5", "o")
INK, PAPER = "#22262b", "#ffffff"
LONGEST_LABEL = 28  # characters of a label
MOST_NAMED = 60  # labels
SMALLEST, LARGEST = 14.0, 260.0  # areas of a point, in square points
STYLE: Any = {"svg.hashsalt": "anomembed", "svg.fonttype": "path", "font.family": "DejaVu Sans", "text.usetex": False}


@dataclass(frozen=True)
class Points:
    """Named points of several kinds.

    Parameters
    ----------
    positions : ndarray of shape (n_points, 2)
        Their coordinates.
    names : tuple of str
        Their labels; where there is no room for all, the first ones are drawn.
    kinds : tuple of str
        Their kinds: points of a kind share a colour and a shape.
    weights : tuple of float
        Their weights, which decide how large they are drawn.
    """

    positions: NDArray[np.float64]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    weights: tuple[float, ...]


def check_map_path(path: Path, source: str | None, vectors: str | None = None, *, force: bool = False) -> None:
    """Refuse a path that the map cannot or must not be drawn to; see `check_file`."""
    others = {"the source": source, "the file of vectors": vectors}
    check_file(path, "map", SUFFIXES, others, is_ours=_is_map, force=force)


def _is_map(path: Path) -> bool:
    with path.open("rb") as file:
        return MAKER.encode() in file.read(HEAD)


def draw_map(path: Path, points: Points, title: str, subtitle: str) -> None:
    """Draw a map; the file appears only when it is complete.

    Parameters
    ----------
    path : Path
        Ends in .png or .svg; replaced when it exists.
    points : Points
        What to draw.
    title, subtitle : str
        What the map shows, and how it was made.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # letters that the font does not have are boxes
        figure = Figure(figsize=(11, 7.5), dpi=160, facecolor=PAPER)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.02, 0.02, 0.7, 0.895))
        _draw_points(axes, points)
        plain: dict[str, Any] = {"color": INK, "va": "center", "parse_math": False}
        figure.text(0.02, 0.968, clean_text(title), fontsize=13, weight="bold", **plain)
        figure.text(0.02, 0.937, clean_text(subtitle), fontsize=10, **plain)
        _name_points(axes, points)
        about: dict[str, Any] = {"Date": None, "Creator": MAKER} if path.suffix == ".svg" else {"Software": MAKER}
        with completed(path) as unfinished:
            figure.savefig(unfinished, format=path.suffix[1:], metadata={"Title": clean_text(title), **about})


def _draw_points(axes: "Axes", points: Points) -> None:
    often = [kind for kind, _ in sorted(Counter(points.kinds).items(), key=lambda item: (-item[1], item[0]))]
    looks = [(colour, shape) for shape in SHAPES for colour in COLOURS]
    look_of = dict(zip(often, looks, strict=False))
    weights = np.sqrt(np.array(points.weights))
    areas = SMALLEST + (LARGEST - SMALLEST) * (weights / max(weights.max(initial=0), 1e-9)) ** 1.5
    x, y = points.positions.T
    of_point = [look_of.get(kind, OTHER) for kind in points.kinds]
    for look in (OTHER, *look_of.values()):  # rare kinds lie on top
        some = np.array([own == look for own in of_point], bool)
        colour, shape = look
        axes.scatter(x[some], y[some], areas[some], colour, marker=shape, alpha=0.72, edgecolors=PAPER, linewidths=0.7)
    shown = list(look_of.items())
    if len(often) > len(looks):
        shown.append((f"{len(often) - len(looks)} others", OTHER))
    signs = [axes.scatter([], [], 60, c, marker=shape, alpha=0.85, edgecolors="none") for _, (c, shape) in shown]
    where: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "handletextpad": 0.3}
    names = [_short(kind) for kind, _ in shown]
    legend = axes.legend(signs, names, **where, frameon=False, fontsize=10, labelcolor=INK)
    for text in legend.get_texts():
        text.set_parse_math(False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.margins(0.06)
    for spine in axes.spines.values():
        spine.set_color("#d5d9de")


def _name_points(axes: "Axes", points: Points) -> None:
    """Label as many points as there is room for, each on the first side that is free."""
    from matplotlib.patheffects import withStroke

    renderer = axes.figure.canvas.get_renderer()  # type: ignore[attr-defined]  # of the raster canvas
    inside, n_named = axes.get_window_extent(renderer), 0
    taken: list[Bbox] = []
    halo: list[AbstractPathEffect] = [withStroke(linewidth=2.5, foreground=PAPER)]
    for position, name in zip(points.positions, points.names, strict=True):
        if n_named == MOST_NAMED:
            break
        text = axes.annotate(
            _short(name), position, (0, 0), textcoords="offset points", fontsize=8, color=INK, parse_math=False
        )
        text.set_path_effects(halo)
        for side, (across, up) in {"left": (6, 0), "right": (-6, 0), "center": (0, 9), "center ": (0, -9)}.items():
            text.set(ha=side.strip(), va="center", position=(across, up))
            box = text.get_window_extent(renderer).padded(1.5)
            is_inside = inside.x0 < box.x0 and box.x1 < inside.x1 and inside.y0 < box.y0 and box.y1 < inside.y1
            if is_inside and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                n_named += 1
                break
        else:
            text.remove()


def _short(name: str) -> str:
    clean = clean_text(name)
    if len(clean) <= LONGEST_LABEL:
        return clean
    end, begin = LONGEST_LABEL // 2 - 1, len(clean) - LONGEST_LABEL // 2
    # A column is at the start, its value last.
    return f"{clean[: around_placeholder(clean, end)[0]]}…{clean[around_placeholder(clean, begin)[1] :]}"
