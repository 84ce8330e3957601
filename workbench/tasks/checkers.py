"""CHECKERS: the ways of comparing an answer with the known one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from workbench.tasks.math_answers import answers_equal, canonical_answer

LONGEST_NUMBER = 300
"""Characters; a longer text is not a number but a model that does not stop."""

_WHOLE = re.compile(r"([+-]?)\s*0*([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.0*)?")
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,14}")
_SHORT_NUMBER = re.compile(
    r"(-?)(?:((?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,6})?)"
    r"|([0-9]{1,9})/([1-9][0-9]{0,8})|\\frac\{([0-9]{1,9})\}\{([1-9][0-9]{0,8})\})"
)
FAR_APART = Fraction(1, 10_000)
"""Numbers that differ by more are unequal to math-verify, which rounds to six decimals."""
_TEXT_MACRO = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf)\s*\{([^{}]*)\}")
_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)"
_NUMBER = re.compile(
    rf"(?P<sign>[+-]?)\s*[$€£¥]?\s*(?P<sign2>[+-]?)"
    rf"(?:\\[dt]?frac\s*\{{(?P<top>[0-9]+)\}}\s*\{{(?P<bottom>[0-9]+)\}}"
    rf"|(?P<number>{_DIGITS}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE](?P<power>[+-]?[0-9]{{1,3}}))?"
    rf"(?:\s*/\s*(?P<under>[0-9]+))?)"
    r"\s*(?:%|[€£¥]|(?:[^\W\d_]|[ .°²³/-])*)"
)


@dataclass(frozen=True, slots=True)
class Checker:
    """How answers of one kind are spelt and compared."""

    canonical: Callable[[str], str]
    """The spelling under which an answer is counted and compared; applied to its own result, it
    changes nothing."""
    equal: Callable[[str, str], bool | None]
    """(gold, answer) -> whether it is right; None where the check timed out. The canonical spelling
    of either gives the same result."""
    quick: Callable[[str, str], bool | None] | None = None
    """Only for a checker whose ``equal`` can take long or hang: the verdict on two canonical texts
    where it is certain. Where it returns None, ``equal`` has to decide, in a worker process."""


def exact_text(answer: str) -> str:
    r"""Return a text without differences of spelling that do not make two answers different.

    These are upper and lower case, the amount of white space, outer dollar signs, final full stops,
    and ``\text{}`` around the whole.

    Example:
        >>> exact_text(r"\text{New  York}.")
        'new york'
    """
    text = answer.casefold()
    while (plainer := _plainer(text)) and plainer != text:
        text = plainer
    return text


def _plainer(text: str) -> str:
    text = " ".join(text.split()).strip("$ ").rstrip(" .")
    inside = _TEXT_MACRO.fullmatch(text)
    return inside[1] if inside else text


def number_text(answer: str) -> str:
    r"""Return a number as a reduced fraction (``1/2``, ``-1234``), anything else as exact text.

    A number is an integer, decimal, fraction (``3/4``, ``\frac{3}{4}``) or power of ten
    (``1.5e3``), with thousands commas, a currency sign, a percent sign or words behind it
    (``$1,234.50``, ``18 dollars``, ``60 km/h``). Signs and units are dropped, not converted:
    50 % is 50 and not 0.5. Two numbers, or one inside a formula, are no number.

    Example:
        >>> number_text("$1,234.50"), number_text("0.75"), number_text("two")
        ('2469/2', '3/4', 'two')
    """
    value = _value(answer)
    return exact_text(answer) if value is None else str(value)


def _value(answer: str) -> Fraction | None:
    text = exact_text(answer).replace("\\$", "$").replace("\\%", "%").replace("{,}", ",")
    text = text.replace("\N{MINUS SIGN}", "-")
    found = _NUMBER.fullmatch(text) if len(text) <= LONGEST_NUMBER else None
    if found is None or (found["sign"] and found["sign2"]):
        return None
    under = int(found["bottom"] or found["under"] or 1)
    if under == 0:
        return None
    size = Fraction((found["number"] or found["top"]).replace(",", "")) / under
    size *= Fraction(10) ** int(found["power"] or 0)
    return -size if "-" in (found["sign"], found["sign2"]) else size


def _same_number(gold: str, answer: str, *, tolerance: Fraction) -> bool:
    known, found = _value(gold), _value(answer)
    if known is None or found is None:
        return number_text(gold) == number_text(answer)
    return abs(found - known) <= tolerance * abs(known)


def numeric(tolerance: float = 0.0) -> Checker:
    """Return the comparison of numbers.

    An answer may be off by ``tolerance``, as a share of the known one; 0: not at all, by exact
    arithmetic (``0.5`` is ``1/2``, and ``0.333`` is not ``1/3``).

    Example:
        >>> numeric(0.01).equal("200", "201"), numeric().equal("200", "201")
        (True, False)
    """
    share = Fraction(str(tolerance))
    return Checker(number_text, partial(_same_number, tolerance=share))


def integer_text(answer: str) -> str:
    """Return an integer without leading zeros, plus sign, thousands commas or ``.0``.

    What is not an integer comes back as it is, so that it can be counted but equals no other.

    Example:
        >>> integer_text("+1,024.0"), integer_text("half")
        ('1024', 'half')
    """
    match = _WHOLE.fullmatch(answer.strip(" \t\n$"))
    if not match:
        return answer.strip()
    sign, digits = match[1], match[2].replace(",", "")
    return f"-{digits}" if sign == "-" and digits != "0" else digits


def letter_text(answer: str) -> str:
    r"""Return a choice's letter as a capital: ``(b)``, ``B.`` and ``\text{B}`` are ``B``.

    Example:
        >>> letter_text("(b)"), letter_text("B.")
        ('B', 'B')
    """
    text, plainer = "", exact_text(answer)
    while plainer != text:
        text, plainer = plainer, exact_text(plainer.strip("()[].:*\"' "))
    return text.upper() or answer.strip()


def _same(spelt: Callable[[str], str], gold: str, answer: str) -> bool:
    return spelt(gold) == spelt(answer)


def _quick_math(gold: str, answer: str) -> bool | None:
    """Decide in place of math-verify, which takes milliseconds, where its verdict is certain.

    It is certain for equal texts, for two plain integers, which are equal only if their texts are,
    and for two short numbers that are equal or far apart.
    """
    if gold == answer:
        return True
    if _INTEGER.fullmatch(gold) and _INTEGER.fullmatch(answer):
        return False
    known, found = _short_number(gold), _short_number(answer)
    if known is None or found is None:
        return None
    if known == found:
        return True
    return None if abs(known - found) <= FAR_APART else False


def _short_number(text: str) -> Fraction | None:
    r"""Return an integer, decimal, ``a/b`` or ``\frac{a}{b}`` that floats hold to six decimals."""
    found = _SHORT_NUMBER.fullmatch(text)
    if found is None:
        return None
    whole, top, under = found[2], found[3] or found[5], found[4] or found[6]
    size = Fraction(whole) if whole else Fraction(int(top), int(under))
    return -size if found[1] else size


CHECKERS = {
    "exact": Checker(exact_text, partial(_same, exact_text)),
    "integer": Checker(integer_text, partial(_same, integer_text)),
    "numeric": numeric(),
    "choice": Checker(letter_text, partial(_same, letter_text)),
    "math": Checker(canonical_answer, answers_equal, _quick_math),
}
