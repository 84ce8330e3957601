"""KaTeX, for pages whose texts hold formulae: its script, style and the fonts that they need.

The package djangocms-katex carries KaTeX whole; nothing else of it is used, so that neither it nor
Django is imported. Where it is not installed, a page shows formulae as they are written.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

CARRIER = "djangocms_katex"
FORMULA = re.compile(r"\\\(|\\\[|\$\$|\\begin\{|(?<![\\$\w])\$(?![\s$])[^$\n]*[^\s$\\]\$(?!\d)")
"""Text that may hold a formula; ``typesetting.js`` looks at it more closely."""
ALWAYS = ("Main-Regular", "Math-Italic", "Size1-", "Size2-", "Size3-", "Size4-", "AMS-Regular")
FONTS = {
    "Main-Bold": r"\\(?:mathbf|textbf|bold|bf|boldsymbol|bm|vec)\b",
    "Main-Italic": r"\\(?:mathit|textit|emph|it)\b",
    "Main-BoldItalic": r"\\(?:textbf|textit)\b",
    "Math-BoldItalic": r"\\(?:boldsymbol|bm|mathbf)\b",
    "Caligraphic": r"\\(?:mathcal|cal)\b",
    "Script": r"\\mathscr\b",
    "Fraktur": r"\\(?:mathfrak|frak|Re|Im)\b",
    "SansSerif": r"\\(?:mathsf|textsf|sf)\b",
    "Typewriter": r"\\(?:mathtt|texttt|tt)\b",
}
"""By font: the commands that ask for it."""


def needed_fonts(text: str) -> set[str]:
    r"""Return which of ``FONTS`` a text asks for.

    Example:
        >>> needed_fonts(r"$\mathcal{L}$")
        {'Caligraphic'}
    """
    return {font for font, commands in FONTS.items() if re.search(commands, text)}


def has_formula(text: str) -> bool:
    r"""Say whether a text may hold a formula; amounts of dollars are none.

    Example:
        >>> has_formula(r"so \(x^2\)"), has_formula("$n$ of them"), has_formula("$5 and $6")
        (True, True, False)
    """
    return bool(FORMULA.search(text))


def katex(fonts: Iterable[str]) -> dict[str, str]:
    """Return KaTeX's ``script`` and ``style`` with these fonts inside; empty without the package.

    Args:
        fonts: names of ``FONTS`` beside those that every formula may need.
    """
    found = find_spec(CARRIER)
    if found is None or not found.submodule_search_locations:
        return {}
    home = Path(found.submodule_search_locations[0]) / "static" / CARRIER / "vendor" / "katex"
    wanted = (*ALWAYS, *(f"{font}-" for font in fonts))

    def inlined(rule: re.Match[str]) -> str:
        path = re.search(r"url\(([^)]+\.woff2)\)", rule[0])
        # "Main-BoldItalic" begins as "Main-Bold" does, but goes on before the dash
        name = Path(path[1]).stem.removeprefix("KaTeX_") if path else ""
        if path is None or not any(f"{name}-".startswith(start) for start in wanted):
            return ""
        data = base64.b64encode((home / path[1]).read_bytes()).decode()
        source = f'src:url(data:font/woff2;base64,{data}) format("woff2")'
        return re.sub(r"src:[^;}]*", source, rule[0])

    style = (home / "katex.min.css").read_text(encoding="utf-8")
    return {
        "script": (home / "katex.min.js").read_text(encoding="utf-8"),
        "style": re.sub(r"@font-face\{[^}]*\}", inlined, style),
    }
