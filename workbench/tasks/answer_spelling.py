r"""One spelling for what is written in many ways: signs, thousands, fractions, roots, brackets.

Only spellings of one value are unified, so this can be done to either side of a comparison and to
its own result. Everything here takes time in proportion to the length of a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_BRACE = re.compile(r"\\\\?(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)
_BOX_WITHOUT_BRACES = re.compile(r"\\boxed\s*(-?\d[\d.,/]*\b|[a-zA-Z]\b)")
MINUS_SIGNS = str.maketrans(dict.fromkeys("\u2212\ufe63\uff0d", "-"))
_CHARACTERS = MINUS_SIGNS | str.maketrans({
    **dict.fromkeys("\u00a0\u2007\u2009\u202f", " "),
    "\u00d7": r"\times ", "\u00b7": r"\cdot ", "\u22c5": r"\cdot ", "\u00f7": r"\div ",
    "\u03c0": r"\pi ", "\u221e": r"\infty ", "\u2264": r"\le ", "\u2265": r"\ge ",
    "\u2260": r"\neq ", "\u222a": r"\cup ", "\u2229": r"\cap ", "\u2208": r"\in ",
    "\u2205": r"\emptyset ", "\u00b0": r"^\circ ", "\u221a": r"\sqrt ",
    "\u00b2": "^{2}", "\u00b3": "^{3}", "\u00bd": r"\frac{1}{2}", "\u00bc": r"\frac{1}{4}",
    "\u00be": r"\frac{3}{4}",
})  # fmt: skip
_DASH_AS_MINUS = re.compile("(?<![\\w)\\]}.])[\u2010-\u2015](?=\\s*[\\d.\\\\(a-zA-Z])")
_NAMES = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "varnothing": "emptyset", "leq": "le",
    "leqslant": "le", "geq": "ge", "geqslant": "ge", "ne": "neq", "infin": "infty",
}  # fmt: skip
_NAME = re.compile(rf"\\({'|'.join(_NAMES)})(?![a-zA-Z])")
_BRACKET_SIZE = re.compile(r"\\(?:left|right|[bB]igg?[lr]?)(?![a-zA-Z])\s*(?!\.)")
_UPRIGHT_LETTER = re.compile(r"\\(?:mathrm|operatorname|text|rm)\s*\{\s*([ei])\s*\}")
_BARE_ROOT = re.compile(r"(?<![\\a-zA-Z])sqrt(?=\s*[({])")
_ROOT_IN_BRACKETS = re.compile(r"\\sqrt\s*\(([^()]*)\)")
_ROOT_OF_DIGITS = re.compile(r"\\sqrt\s*(\d+)")
_ROOT_OF_MINUS_ONE = re.compile(r"(?<![a-zA-Z])\\sqrt\s*\{\s*-\s*1\s*\}")
_BARE_TOP = re.compile(r"\\frac\s*([0-9a-zA-Z])")
_BARE_BOTTOM = re.compile(r"(\\frac\{[^{}]*\})\s*([0-9a-zA-Z])")
_EMPTY_SET = re.compile(r"\\\{\s*\\\}")
# A backslash that is not itself escaped, as in the line break of a matrix.
_SPACE_MACRO = re.compile(r"(?<!\\)\\[,;: ]|(?<!\\)\\q?quad(?![a-zA-Z])|~")
_THOUSANDS = re.compile(
    r"(?<![\d.,\\])(?<![a-zA-Z])(\d{1,3})((?:(?:\{,\}|,?\\[,! ]|[ ~])\d{3})+)(?![\d/]|\s*/)"
)
_GROUP_MARK = re.compile(r"\{,\}|,?\\[,! ]|[ ~]")
_LEADING_THOUSANDS = re.compile(
    r"((?:\\?\$|[-+\u20ac\u00a3\u00a5]|\s)*)(\d{1,3}(?:,\d{3})+)(?![\d,])([^,()\[\]]*)"
)
_DECIMAL_COMMA = re.compile(r"(?<![\d.,])(\d{1,3}(?:[. ]\d{3})+|\d+)(?:,|\{,\})(\d+)(?![\d,])")


def boxed(text: str) -> Iterator[str]:
    r"""Yield what stands in the boxes of a text that are closed and not empty, the last first.

    ``\boxed 5`` is a box of one character, as in LaTeX; here it takes a whole number.

    Example:
        >>> list(boxed(r"Either \boxed{1} or \boxed{\{2\}}, not \boxed{3"))
        ['\\{2\\}', '1']
    """
    starts: list[int | None] = []  # of each open brace: where the inside begins, if it is a box
    found: list[tuple[int, str]] = []
    for match in _BRACE.finditer(text):
        mark = match[0]
        if mark == "{":
            starts.append(None)
        elif mark == "}":
            start = starts.pop() if starts else None
            if start is not None and (inside := text[start : match.start()].strip()):
                found.append((start, inside))
        elif mark.endswith("{") and len(mark) > 2:
            starts.append(match.end())
    found += [(match.start(), match[1]) for match in _BOX_WITHOUT_BRACES.finditer(text)]
    return (inside for _, inside in sorted(found, reverse=True))


def answer_within(text: str) -> str:
    r"""Return the answer that a worked solution gives, and any other text as it is.

    That is what follows the last ``####``, as in GSM8K, or stands in the last ``\boxed{}``.

    Example:
        >>> answer_within("3 + 4 = 7 pens.\n#### 7"), answer_within(r"so \boxed{7}.")
        ('7', '7')
    """
    if "####" in text:
        return text.rpartition("####")[2].strip().split("\n", 1)[0].strip() or text
    return next(boxed(text), text) if "\\boxed" in text else text


def without_marks(text: str) -> str:
    r"""Return a text without what encloses it as a whole: dollar signs, ``\( \)``, ``**``.

    Example:
        >>> without_marks("**73**"), without_marks(r"\[ 5 \]"), without_marks("$x$")
        ('73', '5', 'x')
    """
    text = text.strip()
    for start, end in ((r"\(", r"\)"), (r"\[", r"\]"), ("**", "**"), ("__", "__"), ("`", "`")):
        if text.startswith(start) and text.endswith(end) and len(text) > len(start + end):
            inside = text[len(start) : -len(end)]
            if start not in inside and end not in inside:
                return inside.strip()
    return text.strip("$").strip()


def unified(text: str) -> str:
    r"""Return a formula in one of its many spellings.

    Example:
        >>> unified("\u2212\u221a(2)"), unified(r"\dfrac12"), unified(r"12\,345"), unified("1,234")
        ('-\\sqrt{2}', '\\frac{1}{2}', '12345', '1234')
    """
    text = _DASH_AS_MINUS.sub("-", text.translate(_CHARACTERS))
    text = _THOUSANDS.sub(lambda found: found[1] + _GROUP_MARK.sub("", found[2]), text)
    text = text.replace("{,}", ",").replace(r"\!", "")
    if thousands := _LEADING_THOUSANDS.fullmatch(text):
        text = thousands[1] + thousands[2].replace(",", "") + thousands[3]
    text = _NAME.sub(lambda found: "\\" + _NAMES[found[1]], text)
    text = _BRACKET_SIZE.sub("", _UPRIGHT_LETTER.sub(r"\1", text))
    text = _SPACE_MACRO.sub(" ", _EMPTY_SET.sub(r"\\emptyset", text))
    if "frac" in text:  # math-verify reads \frac{a}b as something else
        text = _BARE_BOTTOM.sub(r"\1{\2}", _BARE_TOP.sub(r"\\frac{\1}", text))
    if "sqrt" in text:
        text = _ROOT_IN_BRACKETS.sub(r"\\sqrt{\1}", _BARE_ROOT.sub(r"\\sqrt", text))
        text = _ROOT_OF_MINUS_ONE.sub("i", _ROOT_OF_DIGITS.sub(r"\\sqrt{\1}", text))
    return re.sub(r"\s+", " ", text).strip()


def with_decimal_point(text: str) -> str:
    """Return a text whose decimal commas are points: ``1.234,5`` and ``1234,5`` become ``1234.5``.

    In round and square brackets a comma separates, and nothing is changed. What is left has no
    decimal comma, so that a second reading changes nothing.

    Example:
        >>> [with_decimal_point(text) for text in ("3,5 kg", "1.234,50", "1,234")]
        ['3.5 kg', '1234.50', '1.2340']
    """
    if "(" in text or "[" in text or text.count(",") > 1:
        return text
    return _DECIMAL_COMMA.sub(_point, text)


def _point(found: re.Match[str]) -> str:
    places = found[2] + "0" * (len(found[2]) == 3)  # else they would be read as thousands
    return f"{re.sub('[. ]', '', found[1])}.{places}"
