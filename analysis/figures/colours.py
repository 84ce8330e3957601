"""The colours and markers of every figure: one for each selection, an order for what has one.

Each colour has a contrast of 3 to 1 or more with white and with the dark ground of a page, as marks
should have (WCAG 2.2, 1.4.11), so that one chart serves both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from workbench.analysis.figures.facets import Field
from workbench.core.conditions import UNKNOWN

CATEGORIES = ("#1a73d5", "#dd5403", "#25984d", "#9e4dd0", "#b5820c", "#1d97a3", "#e23a81")
"""For what has no order, such as prompts: told apart at a glance."""
SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "triangle-down",
    "cross",
    "triangle-right",
    "triangle-left",
)
"""One more than categories, so that a colour's second turn has another shape."""
ORDERED = ("#3362e1", "#7b54de", "#aa48c5", "#ce409c", "#e54167", "#ed5316", "#d07d05")
"""From the least, blue, to the most, orange. Equal steps of hue in OKLCH (Ottosson 2020), and of
lightness from 0.54 to 0.665: viridis and plasma reach further, and vanish on one ground."""
NONE = "#808080"
"""What is neither more nor less, such as an unknown temperature among known ones."""
GREY_LEVELS = (UNKNOWN, f"T = {UNKNOWN}")


@dataclass(frozen=True)
class SeriesLook:
    """How a line looks."""

    colour: str
    shape: str


SELECTIONS = {
    "single sample": SeriesLook("#808080", "cross"),
    "coverage": SeriesLook("#25984d", "triangle-up"),
    "maj": SeriesLook("#1a73d5", "circle"),
    "best": SeriesLook("#dd5403", "square"),
    "weighted": SeriesLook("#9e4dd0", "diamond"),
    "sem_mbr": SeriesLook("#1d97a3", "triangle-down"),
    "lex_mbr": SeriesLook("#b5820c", "triangle-right"),
    "exec_mbr": SeriesLook("#b0564f", "circle"),
    "best_of_majority": SeriesLook("#e23a81", "triangle-left"),
    "filtered": SeriesLook("#6952db", "triangle-up"),
    "borda": SeriesLook("#848f1e", "diamond"),
}
"""In every figure, page and run. Selections that are not here have one by their names."""
SAME_AS = {"oracle": "coverage", "random": "single sample"}
"""What figures of rewards call them."""
FURTHER = (
    "#be6f76", "#a55d47", "#b57a47", "#906d22", "#928c3f", "#627e3a", "#5a9a68", "#1b866d",
    "#229c9c", "#078099", "#4a91bf", "#5372ae", "#8380c3", "#8362a0", "#ab72a6", "#9f5979",
)  # fmt: skip
"""For selections of plug-ins and for those by further rewards: paler than those above."""


def selection_look(name: str) -> SeriesLook:
    """Return how a selection looks, by its name alone, so that it looks so everywhere.

    Example:
        >>> selection_look("maj"), selection_look("maj (drawn)") == selection_look("maj")
        (SeriesLook(colour='#1a73d5', shape='circle'), True)
        >>> selection_look("best:orm") == selection_look("best:orm")
        True
    """
    plain = name.removesuffix(" (drawn)")
    plain = SAME_AS.get(plain, plain)
    if plain in SELECTIONS:
        return SELECTIONS[plain]
    code = crc32(plain.encode())
    return SeriesLook(FURTHER[code % len(FURTHER)], SHAPES[code // len(FURTHER) % len(SHAPES)])


def ordered_colours(count: int) -> list[str]:
    """Return as many colours as are asked for, from the least to the most, all different.

    Example:
        >>> ordered_colours(3)
        ['#3362e1', '#ce409c', '#d07d05']
    """
    if count < 2:
        return [ORDERED[0]] * count
    return [_at(place / (count - 1)) for place in range(count)]


def _at(share: float) -> str:
    """Return the colour at a share of the way through ``ORDERED``."""
    place = share * (len(ORDERED) - 1)
    start = min(int(place), len(ORDERED) - 2)
    low, high = ([int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in ORDERED[start : start + 2])
    mixed = [round(a + (place - start) * (b - a)) for a, b in zip(low, high, strict=True)]
    return "#" + "".join(f"{value:02x}" for value in mixed)


def looks_of(names: Sequence[str], lines: str = "", *, ordered: bool = False) -> list[SeriesLook]:
    """Return how the lines of a figure look.

    Args:
        names: of the lines, in order.
        lines: what they are: a ``selection`` or a ``reward`` has its own look, others one by place.
        ordered: whether they rise, as temperatures do; an unknown one among them is grey.
    """
    if lines == "selection":
        return [selection_look(name) for name in names]
    if lines == "reward":  # named without the selection, which is best
        return [selection_look(name if name in SAME_AS else f"best:{name}") for name in names]
    shapes = [SHAPES[place % len(SHAPES)] for place in range(len(names))]
    if not ordered:
        colours = [CATEGORIES[place % len(CATEGORIES)] for place in range(len(names))]
    else:
        known = [name for name in names if name not in GREY_LEVELS]
        rising = dict(zip(known, ordered_colours(len(known)), strict=True))
        colours = [rising.get(name, NONE) for name in names]
    return [SeriesLook(*look) for look in zip(colours, shapes, strict=True)]


def field_looks(field: Field) -> list[SeriesLook]:
    """Return a look for each level of a field.

    Example:
        >>> [look.colour for look in field_looks(Field(name="a", levels=("x", "y")))]
        ['#1a73d5', '#dd5403']
    """
    return looks_of(field.levels, field.name if field.of is None else "", ordered=field.numeric)
