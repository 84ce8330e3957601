r"""Reads numbers as people write them: with thousands, units, scales, percent signs and fractions.

Numbers are exact fractions. A unit may be left out on one side of a comparison (``18 dollars`` is
18), but what changes the size may not: 1.5 million is 1,500,000 and never 1.5, and 3 hours 20
minutes are 200 minutes and never 3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache

LONGEST_NUMBER = 300
"""Characters; a longer text is not a number but a model that does not stop."""
ROUNDED = Fraction(1, 1_000_000)
"""A decimal may be off by this share where the other side is no decimal: ``0.333333`` is 1/3."""

SCALES = {
    "hundred": 10**2, "thousand": 10**3, "million": 10**6, "mn": 10**6, "billion": 10**9,
    "bn": 10**9, "trillion": 10**12, "dozen": 12,
}  # fmt: skip
_KNOWN_UNITS: dict[str, dict[str, int | Fraction]] = {
    "time": {
        "second seconds sec secs s": 1, "minute minutes min mins": 60,
        "hour hours hr hrs h": 3600, "day days": 86400, "week weeks": 604800,
    },
    "length": {
        "mm millimeter millimeters": 1, "cm centimeter centimeters": 10,
        "m meter meters metre metres": 1000, "km kilometer kilometers": 10**6,
        "in inch inches": Fraction("25.4"), "ft foot feet": Fraction("304.8"),
        "yd yard yards": Fraction("914.4"), "mi mile miles": 1609344,
    },
    "mass": {
        "mg milligram milligrams": 1, "g gram grams": 1000, "kg kilogram kilograms": 10**6,
    },
    "volume": {"ml milliliter milliliters": 1, "l liter liters litre litres": 1000},
    "money": {"cent cents": 1, "dollar dollars usd $": 100},
}  # fmt: skip
UNITS = {
    name: (dimension, Fraction(size))
    for dimension, sizes in _KNOWN_UNITS.items()
    for names, size in sizes.items()
    for name in names.split()
}
"""A unit's dimension and its size within it; all other words are units of no known size."""
_FORMULA_WORDS = frozenset({
    "pi", "sqrt", "sin", "cos", "tan", "cot", "sec", "csc", "log", "ln", "exp", "inf", "infinity",
    "infty", "theta", "alpha", "beta", "gamma", "phi", "mod", "choose", "and", "or", "to", "if",
    "than", "base", "half", "halves", "third", "thirds", "quarter", "quarters", "factorial",
    "squared", "cubed", "plus", "minus", "times", "over", "divided",
})  # fmt: skip
"""Words behind a number that belong to a formula, or make a text more than a number and a unit."""
_ARGUMENT = r"\s*(?:\{{\s*(?P<{0}>-?\d+)\s*\}}|(?P<{0}_digit>\d))"
_POWER_OF_TEN = (
    r"[eE](?P<power>[-+]?\d{1,3})(?![\d.])|\s*(?:\\times|\\cdot|\*)\s*10\s*\^\s*"
    r"(?:\{\s*(?P<power_in_braces>[-+]?\d{1,3})\s*\}|(?P<power_digit>\d)(?!\d))"
)
_NUMBER = re.compile(
    r"\s*(?P<sign>[-+]?)\s*(?P<money>(?:US)?(?:\\?\$|[\u20ac\u00a3\u00a5])|)\s*(?P<sign2>[-+]?)\s*"
    r"(?:(?P<whole>\d+)\s+(?P<over>\d+)\s*/\s*(?P<under>\d+)(?![\d.])"
    rf"|(?:(?P<mixed>\d+)\s*)?\\frac{_ARGUMENT.format('top')}{_ARGUMENT.format('low')}"
    r"|(?P<digits>(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d*)?|\.\d+)"
    rf"(?:{_POWER_OF_TEN})?(?:\s*/\s*(?P<divisor>\d+)(?![\d.]))?)"
)
_TEXT = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox|operatorname|rm)\s*\{([^{}]*)\}"
)
_UNIT_PART = re.compile(
    r"\s*(?:(?P<text>\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox|rm)\s*\{(?P<inside>[^{}]*)\})"
    r"|(?P<degrees>\^\s*\{?\s*\\circ\s*\}?|\\degree(?![a-z]))|(?P<percent>\\?%)"
    r"|(?P<money>\\?\$|[\u20ac\u00a3\u00a5])|(?P<power>\^\s*(?:\{\s*-?\d\s*\}|\d))"
    r"|(?P<joint>/|-|\\cdot|\.)|(?P<word>[^\W\d_]+))"
)
_SEPARATOR = re.compile(r"\s*(?:,|and\b)*\s*(?=\d)")
_ASSIGNED = re.compile(r"[a-zA-Z](?:_\w+)?\s*=(?=\s*[-+\d.\\$])")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with what stands beside it."""

    value: Fraction
    unit: str = ""
    """Words, ``%``, or nothing."""
    decimal: bool = False
    """Whether it is written with a decimal point, and so may be rounded."""
    letter: bool = False
    r"""Whether the unit is a letter outside ``\text{}``, which may be a variable: ``5m``."""

    @property
    def number(self) -> str:
        """The number without its unit, as a decimal if it is written as one."""
        if not self.decimal:
            return str(self.value)
        with localcontext(prec=LONGEST_NUMBER):
            return format(Decimal(self.value.numerator) / Decimal(self.value.denominator), "f")


@lru_cache(maxsize=1 << 14)
def read_quantity(text: str, *, prose: bool = False) -> Quantity | None:
    r"""Return the number that a whole text is, or None: two numbers or a formula are none.

    The text is in the spelling of ``unified``. Several numbers with units of one dimension are
    one, in the first of these units. In ``prose`` letters are always words, never variables, and a
    name with an equals sign may stand in front.

    Example:
        >>> str(read_quantity("3 1/2").value), str(read_quantity(r"1.5 \text{ million}").value)
        ('7/2', '1500000')
        >>> str(read_quantity("3 hours 20 minutes").value), read_quantity("5x+1")
        ('10/3', None)
    """
    if len(text) > LONGEST_NUMBER:
        return None
    inside = _TEXT.fullmatch(text)
    words = prose or inside is not None
    rest = inside[1].strip() if inside else text
    if prose and (assigned := _ASSIGNED.match(rest)):
        rest = rest[assigned.end() :]
    total: Quantity | None = None
    while rest:
        if total is None:
            part, rest = _quantity_at(rest, words)
            total = part
        else:
            separator = _SEPARATOR.match(rest)
            part, rest = _quantity_at(rest[separator.end() :] if separator else rest, words)
            total = _sum(total, part)
        if total is None:
            return None
    return total


def _quantity_at(text: str, words: bool) -> tuple[Quantity | None, str]:
    """Return the number that a text begins with, with its unit, and the rest of the text."""
    found = _NUMBER.match(text)
    if found is None or (found["sign"] and found["sign2"]):
        return None, ""
    under = int(found["under"] or found["low"] or found["low_digit"] or found["divisor"] or 1)
    if under == 0:
        return None, ""
    if found["digits"]:
        power = int(found["power"] or found["power_in_braces"] or found["power_digit"] or 0)
        size = Fraction(found["digits"].replace(",", "").rstrip("."))
        size = size * Fraction(10) ** power / under
    else:
        over = Fraction(int(found["over"] or found["top"] or found["top_digit"]), under)
        size = int(found["whole"] or found["mixed"] or 0) + over
        if over < 0 and (found["mixed"] or found["sign"]):
            return None, ""
    if "-" in (found["sign"], found["sign2"]):
        size = -size
    names, rest, letter = _unit_at(text[found.end() :], words)
    if names is None:
        return None, ""
    while names and names[0].lower().rstrip("s") in SCALES:
        size *= SCALES[names.pop(0).lower().rstrip("s")]
    unit = " ".join(names) or found["money"].lstrip("US").lstrip("\\")
    return Quantity(size, unit, "." in (found["digits"] or ""), letter), rest


def _is_known(letter: str) -> bool:
    """Say whether a letter directly behind a number is a unit, and no large number's: k, M, B."""
    return letter in UNITS or letter == "L"


def _unit_at(text: str, words: bool) -> tuple[list[str] | None, str, bool]:
    """Return the words of a unit, the rest of a text, and whether they may be variables.

    The words are None where something else than a unit follows.
    """
    names: list[str] = []
    position, letter = 0, False
    while found := _UNIT_PART.match(text, position):
        name = found["word"]
        if name == "and" and names:
            break
        if name and not words:
            attached = found.start("word") == position
            if not _is_unit_in_formula(name, attached, names):
                return None, "", False
            letter = letter or (len(name) == 1 and not names)
        elif name in _FORMULA_WORDS or (name and found.end() == 1 and not _is_known(name)):
            return None, "", False  # 8Z is a slip and 5k may be five thousand; 5m is a length
        if name:
            names.append(name)
        elif found["text"]:
            inner = re.findall(r"[^\W\d_]+|[%$/]|\d", found["inside"])
            if not inner or (set(inner) & {"and", "or", "to"}) - {"and"}:
                return None, "", False
            names += [word for word in inner if word != "and"]
        elif found["degrees"]:
            names.append("degrees")
        elif found["percent"]:
            names.append("%")
        elif found["money"]:
            names.append("$" if "$" in found["money"] else found["money"])
        elif not names:  # a power or a slash that belongs to no unit
            return None, "", False
        elif found["power"]:
            names.append(re.sub(r"[{}\s]", "", found["power"]))
        elif found["joint"] != ".":
            names.append(found["joint"])
        position = found.end()
    if [name.lower() for name in names] in (["percent"], ["per", "cent"]):
        names = ["%"]
    rest = text[position:].strip()
    if rest and not (names and _SEPARATOR.match(text, position)):
        return None, "", False
    return names, rest, letter


def _is_unit_in_formula(name: str, attached: bool, before: list[str]) -> bool:
    r"""Say whether letters outside of ``\text{}`` are a word rather than a product of variables."""
    if name.lower() in _FORMULA_WORDS:
        return False
    if before and before[-1] in ("/", "per"):
        return True
    if known_unit(name):
        return True
    return len(name) >= 3 and not attached


def known_unit(name: str) -> tuple[str, Fraction] | None:
    """Return the dimension of a unit and its size within it, where they are known."""
    return UNITS.get(name if len(name) == 1 else name.lower())


def _sum(total: Quantity, more: Quantity | None) -> Quantity | None:
    """Return 3 hours and 20 minutes as hours; None where the second is no smaller unit."""
    first, second = known_unit(total.unit), known_unit(more.unit) if more else None
    if not more or not first or not second or total.value < 0:
        return None
    if first[0] != second[0] or second[1] >= first[1]:
        return None
    value = total.value + more.value * second[1] / first[1]
    return Quantity(value, total.unit, total.decimal or more.decimal)


def same_quantity(gold: Quantity, answer: Quantity) -> bool:
    """Whether two numbers are equal, exactly but for what is named here.

    A per cent value equals its number and a hundredth of it; a unit may be left out; and a decimal
    of at least six digits equals what it is rounded from, but never another decimal or integer.

    Example:
        >>> same_quantity(read_quantity("1/3"), read_quantity("0.333333"))
        True
        >>> same_quantity(read_quantity("5 m"), read_quantity("5 cm"))
        False
    """
    known, found = known_unit(gold.unit), known_unit(answer.unit)
    value = answer.value
    if gold.letter and not answer.unit:
        return False
    if known and found:
        if known[0] != found[0]:
            return False
        value = value * found[1] / known[1]
    if same_value(gold, answer, value):
        return True
    if (gold.unit == "%") != (answer.unit == "%"):
        hundredth = gold.value / 100 if gold.unit == "%" else gold.value
        return hundredth == (value / 100 if answer.unit == "%" else value)
    return False


def same_value(gold: Quantity, answer: Quantity, value: Fraction) -> bool:
    """Whether values are equal, or one is a decimal that the other, no decimal, is rounded to."""
    if gold.value == value:
        return True
    exact, rounded = (value, gold.value) if gold.decimal else (gold.value, value)
    if gold.decimal == answer.decimal or exact.denominator == 1:
        return False
    return abs(exact - rounded) <= ROUNDED * abs(exact)
