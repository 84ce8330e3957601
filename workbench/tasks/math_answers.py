"""Compares mathematical answers, and clusters answers that agree.

math-verify decides equality. It is neither symmetric nor transitive (gold ``50%`` accepts ``0.5``
and ``50``), so correctness is always against gold directly, and never through a cluster.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from workbench.core.types import UNANSWERED
from workbench.tasks.answer_extraction import extract_answer as extract_answer  # a public name
from workbench.tasks.answer_forms import decided_by_form, has_form
from workbench.tasks.answer_numbers import read_quantity
from workbench.tasks.answer_spelling import answer_within, unified, without_marks
from workbench.tasks.math_numeric import CompoundValue, Value, differ, is_slow, value_of

TIMEOUT_SECONDS = 5
"""Limit for each of: parsing gold, parsing the answer, comparing the two."""
VALUE_SECONDS = 1
"""Limit for the value of a sum or integral, and for comparing one: most of these never end."""
Key = tuple[str, Value]
"""How math-verify spells a formula, and what it comes to."""

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,14}")


def canonical_answer(answer: str) -> str:
    r"""Return an answer in the spelling under which it is counted and compared.

    Only spellings that never change a value are unified (spaces, outer dollar signs, a final full
    stop, ``\left`` and ``\right``, ``\dfrac``, thousands, minus signs; see ``answer_spelling``), so
    that fewer strings are left for math-verify. Of a worked solution only its answer is left.

    Example:
        >>> canonical_answer(r"$\dfrac{1}{2}$."), canonical_answer("5 + 12 = 17 pens.\n#### 17")
        ('\\frac{1}{2}', '17')
    """
    answer = answer_within(answer)
    while (plainer := _plainer(answer)) != answer:
        answer = plainer
    return answer


def _plainer(answer: str) -> str:
    text = without_marks(answer)
    plain = text.rstrip(".$ \t\n")
    if plain.endswith(r"\right") and text != plain:
        plain += "."  # an invisible bracket
    return unified(plain) or answer.strip()


def answers_equal(gold: str, answer: str, *, any_order: bool = False) -> bool | None:
    r"""Whether ``answer`` is right when ``gold`` is the known answer.

    Not symmetric: gold comes first. Equal strings are equal; numbers, words, lists, points, sets
    and intervals are compared as ``answer_forms`` says, lists in their order unless in
    ``any_order``; the rest is math-verify's to decide; what neither it nor sympy can read or
    compare is not equal. Each pair is compared once and remembered.

    Returns:
        True or False, or None where reading or comparing took more than 5 seconds, or more memory
        than there is. Off the main thread, where alarms do not reach, there is no time limit.

    Source:
        math-verify 0.9, ``parse`` and ``verify``.

    Example:
        >>> answers_equal("0.5", r"\frac{1}{2}"), answers_equal("0.5", "0.6")
        (True, False)
        >>> answers_equal("(x + 1)^2", "x^2 + 2x + 1")
        True
    """
    return _compare(canonical_answer(gold), canonical_answer(answer), any_order)


def quickly_equal(gold: str, answer: str, *, any_order: bool = False) -> bool | None:
    """Return the verdict on two canonical texts where their form and their parts' forms decide.

    Takes microseconds, where math-verify takes milliseconds or seconds, and never hangs.

    Example:
        >>> quickly_equal("(1, 2)", "(1, 3)"), quickly_equal("x + 1", "1 + x")
        (False, None)
    """
    if gold == answer:
        return True
    if _INTEGER.fullmatch(gold) and _INTEGER.fullmatch(answer):
        return False
    try:
        equal = partial(quickly_equal, any_order=any_order)
        return decided_by_form(gold, answer, equal, any_order=any_order)
    except TimeoutError:
        return None


def answer_key(text: str) -> Key | None:
    """Return how math-verify spells a canonical text and its value; None where form decides.

    Raises:
        TimeoutError: the text takes too long to read.
    """
    if has_form(text):
        return None
    quantity = read_quantity(text)
    if quantity and quantity.unit == "%":
        per_cent = complex(quantity.value)
        return text, CompoundValue("percent", (per_cent, per_cent / 100))
    found = _parse(text)
    if found.too_long:
        raise TimeoutError
    if len(found.parsed) < 2 or found.value is None:
        return None
    return str(found.parsed[1]), found.value


def keys_differ(one: Key, other: Key) -> bool:
    """Say whether two texts are surely unequal: neither strings nor values can be found equal."""
    return one[0] != other[0] and differ(one[1], other[1])


@lru_cache(maxsize=1 << 16)
def _compare(gold: str, answer: str, any_order: bool) -> bool | None:
    if gold == answer:
        return True
    equal = partial(answers_equal, any_order=any_order)
    try:
        decided = decided_by_form(gold, answer, equal, any_order=any_order)
    except TimeoutError:
        return None
    return _compare_formulas(gold, answer) if decided is None else decided


def _compare_formulas(gold: str, answer: str) -> bool | None:
    """Return math-verify's verdict, unless the values of the two differ."""
    from math_verify import verify  # sympy takes a while to import
    from math_verify.errors import TimeoutException  # a BaseException: `except Exception` misses it

    _silence_loggers()
    try:
        known, found = _parse(gold), _parse(answer)
        if known.too_long or found.too_long:
            return None
        if _surely_unequal(known, found):
            return False
        readings, limit = ([*known.parsed], [*found.parsed]), _time_limit()
        if limit and any(map(is_slow, (*known.parsed[:1], *found.parsed[:1]))):
            limit = VALUE_SECONDS
        # raise_on_error: else a time-out would come back as False, a wrong answer
        return bool(verify(*readings, timeout_seconds=limit, raise_on_error=True))
    except (TimeoutException, MemoryError):
        return None
    except Exception:  # sympy raises many kinds of error; then the two were not shown to be equal
        return False


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """What math-verify makes of a text."""

    parsed: tuple[Any, ...]
    """An expression and its string, only a string, or nothing."""
    value: Value | None
    """The expression's value at one point, if it has one."""
    too_long: bool = False
    """Whether reading it took too long."""


@lru_cache(maxsize=1 << 12)
def _parse(text: str) -> ParsedAnswer:
    """Parse a bare LaTeX text with math-verify."""
    from math_verify import parse
    from math_verify.errors import TimeoutException
    from math_verify.utils import timeout

    quantity = read_quantity(text)
    if quantity and quantity.unit and not quantity.letter and quantity.unit != "%":
        text = quantity.number
    _silence_loggers()
    limit = _time_limit()
    try:
        parsed = tuple(parse(f"${text}$", parsing_timeout=limit, raise_on_error=True))
    except TimeoutException:
        return ParsedAnswer((), None, too_long=True)
    if parsed and parsed[-1].count("{") != parsed[-1].count("}"):  # only a part could be read
        parsed = ()
    if not parsed or (is_slow(parsed[0]) and limit is None):
        return ParsedAnswer(parsed, None)
    try:
        return ParsedAnswer(parsed, timeout(limit and VALUE_SECONDS)(value_of)(parsed[0]))
    except TimeoutException:
        return ParsedAnswer(parsed, None)


def _surely_unequal(gold: ParsedAnswer, answer: ParsedAnswer) -> bool:
    """Say whether ``verify`` can find neither the expressions equal nor their strings."""
    both_read = len(gold.parsed) == len(answer.parsed) == 2
    return both_read and gold.parsed[1] != answer.parsed[1] and differ(gold.value, answer.value)


def _time_limit() -> int | None:
    """Return the limit in seconds; none off the main thread, where alarms do not work."""
    return TIMEOUT_SECONDS if threading.current_thread() is threading.main_thread() else None


@lru_cache(maxsize=1)
def _silence_loggers() -> None:
    """Keep math-verify from logging, pair by pair, what ``answers_equal`` already returns."""
    for name in ("math_verify", "latex2sympy2_extended"):
        logging.getLogger(name).setLevel(logging.ERROR)


def clustering(
    texts: Sequence[str | None], *, as_spelt: bool = False
) -> Generator[tuple[str, str], bool | None, list[int]]:
    """Cluster the samples of one pool by their answers (leader clustering).

    The distinct answers are taken in order of falling count, then text; each joins the first
    cluster whose leader (its first answer) it equals in either direction, or leads a new one. A
    comparison that timed out does not join. Since equality is not transitive, members of a cluster
    may differ from each other, and from one another in correctness. ``texts`` are (N,) answers in
    their canonical spelling, None where a sample gave none; with ``as_spelt`` nothing is compared,
    and each spelling is a cluster.

    Yields:
        (gold, answer) to compare, no ordered pair twice; it is to be sent whether they are equal,
        None if unknown.

    Returns:
        (N,) cluster numbers from 0, in the order in which clusters were led; -1 = unanswered.

    Example:
        >>> asking = clustering(["8", "7", None, "7"])
        >>> next(asking)
        ('7', '8')
    """
    counts = Counter(text for text in texts if text is not None)
    leaders: list[str] = []
    cluster_of: dict[str | None, int] = {None: UNANSWERED}
    for text in sorted(counts, key=lambda text: (-counts[text], text)):
        for number, leader in enumerate(() if as_spelt else leaders):
            if (yield leader, text) or (yield text, leader):
                cluster_of[text] = number
                break
        else:
            cluster_of[text] = len(leaders)
            leaders.append(text)
    return [cluster_of[text] for text in texts]
