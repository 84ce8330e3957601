"""Colours of lines that belong together: a hue for each run, and shades of it for its conditions.

All are legible on white and on a dark page, and none comes twice.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Mapping, Sequence

PALE, DEEP = 0.27, 0.145
"""Relative luminance of the first and the last shade: both have a contrast of 3 to 1 and more
against white and against #15181b."""
HUES = (205, 24, 155, 322, 45, 265, 85, 0)
"""Degrees, in the order in which runs get them: blue, orange, green, pink, gold, violet, olive,
red; of more runs than that the hues stand at equal distances."""
COLD, HOT = 215.0, 0.0
"""Where the hues of a single run's conditions begin and end, by way of green."""


def related_colours(lines: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return a colour for each line of a figure.

    Args:
        lines: run -> the names of its lines, in the order of its conditions. The lines of a single
            run go from blue to red.

    Example:
        >>> found = related_colours({"base": ["base, T = 0.3", "base, T = 1"], "hot": ["hot"]})
        >>> list(found.values())
        ['#4695cc', '#0a6eb5', '#b14c09']
    """
    if len(lines) == 1:
        ((_, names),) = lines.items()
        steps = [place / max(1, len(names) - 1) for place in range(len(names))]
        return {
            name: _colour(COLD + step * (HOT - COLD), 0.85, PALE + step * (DEEP - PALE))
            for name, step in zip(names, steps, strict=True)
        }
    found: dict[str, str] = {}
    for place, names in enumerate(lines.values()):
        hue = HUES[place] if len(lines) <= len(HUES) else 360 * place / len(lines)
        for number, name in enumerate(names):
            step = number / (len(names) - 1) if len(names) > 1 else 1.0
            found[name] = _colour(hue, 0.57 + 0.33 * step, PALE + step * (DEEP - PALE))
    return found


def _colour(hue: float, saturation: float, luminance: float) -> str:
    """Return the colour of a hue that has this luminance, as ``#rrggbb``."""
    low, high = 0.0, 1.0
    for _ in range(20):  # the luminance rises with the lightness
        middle = (low + high) / 2
        if relative_luminance(_spelt(hue, middle, saturation)) < luminance:
            low = middle
        else:
            high = middle
    return _spelt(hue, high, saturation)


def _spelt(hue: float, lightness: float, saturation: float) -> str:
    parts = colorsys.hls_to_rgb(hue / 360 % 1, lightness, saturation)
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


def relative_luminance(colour: str) -> float:
    """Return how light a colour is to the eye, 0 to 1.

    Source:
        Web Content Accessibility Guidelines 2.2, "relative luminance".
    """
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else math.pow((p + 0.055) / 1.055, 2.4) for p in parts]
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
