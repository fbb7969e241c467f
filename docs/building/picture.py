"""A terminal as a picture, light and dark, by Rich."""

import html
import io
import re

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from building.terminal import WIDTH

INK, PALE = (36, 41, 47), (230, 237, 243)
COLOURS = {
    "light": [(207, 34, 46), (17, 99, 41), (77, 45, 0), (9, 105, 218), (130, 80, 223), (27, 124, 131), (110, 119, 129)],
    "dark": [(255, 123, 114), (63, 185, 80), (210, 153, 34), (88, 166, 255), (188, 140, 255), (57, 197, 207), PALE],
}
THEMES = {
    "light": TerminalTheme((246, 248, 250), INK, [INK, *COLOURS["light"]]),
    "dark": TerminalTheme((13, 17, 23), PALE, [(110, 118, 129), *COLOURS["dark"]]),
}
# A picture in a page must not load fonts from elsewhere.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def draw(name: str, command: str, styled: str) -> dict[str, str]:
    """Return the pictures of a command and what it printed, by the name of their file."""
    pictures = {}
    for shade, theme in THEMES.items():
        console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False)
        console.print(Text.assemble(("$ ", "dim"), (command, "bold")))
        console.print(Text.from_ansi(styled))
        pictures[f"{name}-{shade}.svg"] = console.export_svg(
            title="anomembed", theme=theme, code_format=FORMAT, unique_id=f"{name}-{shade}"
        )
    return pictures


def text_of(svg: str) -> str:
    """Return the words in a picture, without their arrangement."""
    texts = re.findall(r"<text [^>]*>(.*?)</text>", svg, re.DOTALL)
    return " ".join(html.unescape(" ".join(texts)).split())
