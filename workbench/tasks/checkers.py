"""CHECKERS: the ways of comparing an answer with the known one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache, partial
from math import nan
from operator import eq

from workbench.tasks.answer_numbers import read_quantity
from workbench.tasks.answer_spelling import (
    MINUS_SIGNS,
    answer_within,
    with_decimal_point,
    without_marks,
)
from workbench.tasks.math_answers import (
    Key,
    answer_key,
    answers_equal,
    canonical_answer,
    quickly_equal,
)
from workbench.tasks.text_answers import TEXT_MACRO, contains_text, folded_text

# Of a text in capitals without the brackets around it: neither one of two, nor part of a formula.
_NOT_TWO = r"(?!\)?\s*(?:[=+^/*&]|,?\s*(?:OR|AND)\b|,?\s*\(?[A-Z]\)?$))"
_LETTER_WITH_TEXT = re.compile(
    rf"(?:OPTION|CHOICE|ANSWER)\s*:?\s*\(?([A-Z])(?:$|[).:]){_NOT_TWO}"
    rf"|([A-Z])(?:\){_NOT_TWO}|[.:](?=\s|[-\d$\\(]))"
    r"|\\(?:TEXT|MATH)[A-Z]*\s*\{[\s$(]*(?:OPTION |CHOICE )?([A-Z])"
    r"(?:[).:]+[\s}]|\}\s*(?:$|[.:),]|\\(?:[ ,;:]|QUAD)|~))"
)


FLOAT_TOLERANCE = Fraction(1, 1_000_000)
"""How far two numbers may differ, as a share of the larger, where the task does not say."""
_SMALLEST = Fraction(1, 10**300)
"""What is smaller, or larger than its inverse, is not compared as a float."""


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
    """The verdict on two canonical texts where it is certain; needed where ``equal`` can take long
    or hang. Where it returns None, ``equal`` has to decide, in a worker process."""
    key: Callable[[str], Key | None] | None = None
    """Beside ``quick``: what a canonical text comes to, found in a worker process once for all its
    comparisons; texts whose keys differ are unequal. TimeoutError where it cannot be found."""
    as_spelt: bool = False
    """Whether two samples agree only in the same spelling, because ``equal`` asks something else of
    the gold than of the answer."""
    summary: str = ""
    """What is right, in one line, for the list of comparisons."""

    def __repr__(self) -> str:
        """Name the function that spells an answer."""
        spell = getattr(self.canonical, "func", self.canonical)
        return f"Checker(canonical={spell.__name__})"


def exact_text(answer: str) -> str:
    r"""Return a text without differences of spelling that do not make two answers different.

    These are upper and lower case, the amount of white space, outer dollar signs, final full stops,
    and ``\text{}`` around the whole.

    Example:
        >>> exact_text(r"\text{New  York}.")
        'new york'
    """
    text = answer_within(answer).casefold().translate(MINUS_SIGNS)
    while (plainer := _plainer(text)) and plainer != text:
        text = plainer
    return text


def _plainer(text: str) -> str:
    text = without_marks(" ".join(text.split())).strip("$ ").rstrip(" .")
    inside = TEXT_MACRO.fullmatch(text)
    return inside[1] if inside else text


def number_text(answer: str) -> str:
    r"""Return a number as a reduced fraction (``1/2``, ``-1234``), anything else as exact text.

    A number is an integer, decimal, fraction (``3/4``, ``\frac{3}{4}``), mixed number or power of
    ten (``1.5e3``), with thousands, a currency sign, a percent sign, a name in front (``x = 5``) or
    words behind it (``$1,234.50``, ``18 dollars``, ``60 km/h``). Signs and units are dropped, not
    converted: 50 % is 50 and not 0.5. What changes the size is counted: ``1.5 million``. Two
    numbers, or one inside a formula, are no number.

    Example:
        >>> number_text("$1,234.50"), number_text("0.75"), number_text("two")
        ('2469/2', '3/4', 'two')
    """
    value = _value(answer)
    return exact_text(answer) if value is None else str(value)


@lru_cache(maxsize=1 << 14)
def _value(answer: str) -> Fraction | None:
    quantity = read_quantity(canonical_answer(answer), prose=True)
    return None if quantity is None else quantity.value


@lru_cache(maxsize=1 << 14)
def _rough_value(answer: str) -> float:
    """Return the value as a float; NaN where there is none, for 0 and for sizes floats lose."""
    value = _value(answer) or Fraction(0)
    return float(value) if _SMALLEST < abs(value) < 1 / _SMALLEST else nan


def _is_exact(value: Fraction) -> bool:
    """Say whether it is a whole number of which a float loses nothing."""
    return value.denominator == 1 and abs(value) <= 2**53


def _same_number(gold: str, answer: str, *, share: Fraction, twice: float, whole: bool) -> bool:
    """Compare numbers; ``whole``: two whole numbers may differ as well."""
    one, other = _rough_value(gold), _rough_value(answer)
    if abs(one - other) > twice * max(abs(one), abs(other)):  # never with NaN
        return False  # a pool has up to a million pairs, and fractions are slow
    known, found = _value(gold), _value(answer)
    if known is None or found is None:
        return number_text(gold) == number_text(answer)
    if known == found or (not whole and _is_exact(known) and _is_exact(found)):
        return known == found
    return abs(found - known) <= share * max(abs(known), abs(found))


def numeric(tolerance: float | None = None) -> Checker:
    """Return the comparison of numbers.

    Two may differ by ``tolerance``, as a share of the larger one, as in ``math.isclose``. By
    default that is 1e-6, which is more than floats lose (3.999999999999999 is 4), but two whole
    numbers up to 2**53 have to be the same (1,000,001 is not 1,000,000). 0: not at all, by exact
    arithmetic (``0.5`` is ``1/2``, and 0.333 is not 1/3). Only 0 is 0, whatever the tolerance.

    Example:
        >>> numeric(0.01).equal("200", "201"), numeric().equal("200", "201")
        (True, False)
        >>> numeric().equal("4", "3.999999999999999"), numeric(0).equal("4", "3.999999999999999")
        (True, False)
    """
    share = FLOAT_TOLERANCE if tolerance is None else Fraction(str(tolerance))
    whole = tolerance is not None
    same = partial(_same_number, share=share, twice=float(2 * share), whole=whole)
    return Checker(number_text, same, same if share else eq)


def integer_text(answer: str) -> str:
    r"""Return an integer without leading zeros, plus sign, thousands, ``.0`` or unit.

    What is not an integer comes back as it is, so that it can be counted but equals no other.

    Example:
        >>> integer_text("+1,024.0"), integer_text(r"\$5"), integer_text("half")
        ('1024', '5', 'half')
    """
    plain = canonical_answer(answer)
    value = _value(plain)
    whole = value is not None and value.denominator == 1 and "/" not in plain
    return str(value) if whole and "frac" not in plain else answer.strip()


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


def choice_letter(answer: str) -> str:
    r"""Return the letter of a choice that is named with or without its text, as a capital.

    ``B) 12 miles``, ``A)36``, ``\textbf{(B) } 12`` and ``option B`` name one; ``U.S.``, ``A or B``
    and words do not, and come back as capitals.

    Example:
        >>> choice_letter("A)36"), choice_letter("(b) 12 miles"), choice_letter("A train")
        ('A', 'B', 'A TRAIN')
    """
    text = letter_text(answer)
    named = _LETTER_WITH_TEXT.match(text)
    return text if named is None else next(filter(None, named.groups()))


def _same(spelt: Callable[[str], str], gold: str, answer: str) -> bool:
    return spelt(gold) == spelt(answer)


def _contains(gold: str, answer: str) -> bool:
    return contains_text(folded_text(gold), folded_text(answer))


def mathematics(*, any_order: bool = False) -> Checker:
    """Return the comparison of mathematical answers; in ``any_order`` lists are sets.

    Example:
        >>> mathematics().equal("1, 2", "2, 1"), mathematics(any_order=True).equal("1, 2", "2, 1")
        (False, True)
    """
    equal = partial(answers_equal, any_order=any_order)
    return Checker(canonical_answer, equal, partial(quickly_equal, any_order=any_order), answer_key)


def with_decimal_comma(checker: Checker) -> Checker:
    """Return a comparison that reads ``3,5`` as 3.5 and ``1.234,5`` as 1234.5, on either side.

    Example:
        >>> with_decimal_comma(CHECKERS["numeric"]).equal("3.5", "3,5")
        True
    """
    return Checker(
        partial(_spelt_with_point, checker.canonical),
        partial(_equal_with_point, checker.equal),
        checker.quick,
        checker.key,
    )


def _spelt_with_point(canonical: Callable[[str], str], answer: str) -> str:
    return canonical(with_decimal_point(answer))


def _equal_with_point(
    equal: Callable[[str, str], bool | None], gold: str, answer: str
) -> bool | None:
    return equal(with_decimal_point(gold), with_decimal_point(answer))


_TEXT = Checker(folded_text, partial(_same, folded_text), eq)

CHECKERS = {
    "exact": Checker(
        exact_text, partial(_same, exact_text), eq,
        summary="the same text but for case, white space and a final full stop"),
    "integer": Checker(
        integer_text, partial(_same, integer_text), eq,
        summary="the same whole number; thousands and units are dropped"),
    "numeric": replace(numeric(), summary="the same number within task.options.tolerance"),
    "choice": Checker(
        choice_letter, partial(_same, choice_letter), eq, summary="the same letter of a choice"),
    "math": replace(mathematics(), summary="the same value or formula, by math-verify"),
    "text": replace(_TEXT, summary="the same text but for case, articles and punctuation"),
    "contains": Checker(
        folded_text, _contains, contains_text, as_spelt=True,
        summary="the known answer stands in the answer as whole words"),
    "regex": replace(_TEXT, summary="the same text as what task.options.pattern finds"),
}  # fmt: skip
OF_WORDS = ("choice", "text", "contains", "regex")
"""Comparisons of words: neither numbers nor formulas are looked for in a text that marks none."""
