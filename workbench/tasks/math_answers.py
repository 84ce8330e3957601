"""Finds the answer in a text, compares mathematical answers, and clusters answers that agree.

math-verify decides equality. It is neither symmetric nor transitive (gold ``50%`` accepts ``0.5``
and ``50``), so correctness is always against gold directly, and never through a cluster.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from workbench.core.types import UNANSWERED
from workbench.tasks.math_numeric import Value, differ, value_of

RULES = ("boxed", "phrase", "last_number", "none")
"""The rules that find an answer, in the order in which they are tried; ``none``: no rule did. An
imported run may have answers that were ``given``, and a task may have its own rules."""

TIMEOUT_SECONDS = 5
"""Limit for each of: parsing gold, parsing the answer, comparing the two."""

_BOX = re.compile(r"\\boxed\s*\{")
_PHRASE = re.compile(r"\banswer(?:\s+is\s*:?|\s*[:=])", re.IGNORECASE)
_SENTENCE_END = re.compile(r"\.(?=\s|$)")
# A minus sign belongs to the number unless it stands behind something to subtract from.
_NUMBER = re.compile(
    r"(?:(?<![\w)\]}])-)?(?<![\w.,])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+|/\d+)?(?!\w)"
)


def extract_answer(text: str, *, last_number: bool = False) -> tuple[str | None, str]:
    r"""Return what a text gives as its answer, and the rule that found it.

    The rules, in order:

    - ``boxed``: the last ``\boxed{...}`` that is closed (braces balanced, ``\{`` and ``\}`` not
      counted) and not empty. A box cut off by the end of the text is not an answer.
    - ``phrase``: what follows the last "answer is", "answer:" or "answer =", up to the end of its
      sentence or line, or inside its dollar signs.
    - ``last_number``: the last integer, decimal or plain fraction, only where it is allowed.
    - ``none``: no answer, None.

    Example:
        >>> extract_answer(r"We get 4 + 9 = \boxed{13}.")
        ('13', 'boxed')
        >>> extract_answer("So the answer is 13.")
        ('13', 'phrase')
        >>> extract_answer("4 + 9 makes 13."), extract_answer("4 + 9 makes 13.", last_number=True)
        ((None, 'none'), ('13', 'last_number'))
    """
    text = text.replace("\N{MINUS SIGN}", "-")
    for inside in boxed(text):
        return inside, "boxed"
    for match in reversed(list(_PHRASE.finditer(text))):
        answer = _end_of_phrase(text[match.end() :])
        if answer:
            return answer, "phrase"
    if last_number and (numbers := _NUMBER.findall(text)):
        return numbers[-1], "last_number"
    return None, "none"


def boxed(text: str) -> Iterator[str]:
    r"""Yield what stands in the boxes of a text that are closed and not empty, the last first.

    Example:
        >>> list(boxed(r"Either \boxed{1} or \boxed{\{2\}}, not \boxed{3"))
        ['\\{2\\}', '1']
    """
    for match in reversed(list(_BOX.finditer(text))):
        inside = _before_closing_brace(text, match.end())
        if inside is not None and inside.strip():
            yield inside.strip()


def _before_closing_brace(text: str, start: int) -> str | None:
    """Return the text from ``start`` to the brace that closes it, or None if none does."""
    depth, position = 1, start
    while position < len(text):
        character = text[position]
        if character == "\\":  # \{ and \} are printed braces, not grouping ones
            position += 1
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return text[start:position]
        position += 1
    return None


def _end_of_phrase(rest: str) -> str:
    """Return the answer at the start of ``rest``, without dollar signs, stars and full stop."""
    line = rest.lstrip(" \t:*").split("\n", 1)[0]
    maths = re.match(r"\$+([^$]+)\$", line) or re.match(r"\\\((.+?)\\\)", line)
    if maths:
        return maths.group(1).strip()
    if "\\boxed" in line:  # an empty or unclosed box: the box rule has already refused it
        return ""
    return _SENTENCE_END.split(line, maxsplit=1)[0].strip(" \t*$")


def canonical_answer(answer: str) -> str:
    r"""Return an answer in the spelling under which it is counted and compared.

    Only spellings that never change a value are unified (spaces, outer dollar signs, a final full
    stop, ``\left`` and ``\right``, ``\dfrac``), so that fewer strings are left for math-verify.

    Example:
        >>> canonical_answer(r"$\dfrac{1}{2}$.")
        '\\frac{1}{2}'
    """
    while (plainer := _plainer(answer)) != answer:
        answer = plainer
    return answer


def _plainer(answer: str) -> str:
    text = answer.strip().strip("$").strip()
    if not text.endswith(r"\right."):
        text = text.removesuffix(".").rstrip().rstrip("$").rstrip()
    text = re.sub(r"\\[dt]frac(?![a-zA-Z])", r"\\frac", text)
    text = re.sub(r"\\(?:left|right)(?![a-zA-Z])\s*(?!\.)", "", text)
    return re.sub(r"\s+", " ", text).strip() or answer.strip()


def answers_equal(gold: str, answer: str) -> bool | None:
    r"""Whether ``answer`` is right when ``gold`` is the known answer.

    Not symmetric: gold comes first. Equal strings are equal; the rest is math-verify's to decide;
    what neither it nor sympy can read or compare is not equal. Each pair is compared once and
    remembered.

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
    return _compare(canonical_answer(gold), canonical_answer(answer))


@lru_cache(maxsize=1 << 16)
def _compare(gold: str, answer: str) -> bool | None:
    if gold == answer:
        return True
    from math_verify import verify  # sympy takes a while to import
    from math_verify.errors import TimeoutException  # a BaseException: `except Exception` misses it

    _silence_loggers()
    try:
        known, found = _parse(gold), _parse(answer)
        if _surely_unequal(known, found):
            return False
        readings, limit = ([*known.parsed], [*found.parsed]), _time_limit()
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


@lru_cache(maxsize=1 << 12)
def _parse(text: str) -> ParsedAnswer:
    """Parse a bare LaTeX text with math-verify."""
    from math_verify import parse

    parsed = tuple(parse(f"${text}$", parsing_timeout=_time_limit(), raise_on_error=True))
    return ParsedAnswer(parsed, value_of(parsed[0]) if parsed else None)


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


def clustering(texts: Sequence[str | None]) -> Generator[tuple[str, str], bool | None, list[int]]:
    """Cluster the samples of one pool by their answers (leader clustering).

    The distinct answers are taken in order of falling count, then text; each joins the first
    cluster whose leader (its first answer) it equals in either direction, or leads a new one. A
    comparison that timed out does not join. Since equality is not transitive, members of a cluster
    may differ from each other, and from one another in correctness. ``texts`` are (N,) answers in
    their canonical spelling, None where a sample gave none.

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
        for number, leader in enumerate(leaders):
            if (yield leader, text) or (yield text, leader):
                cluster_of[text] = number
                break
        else:
            cluster_of[text] = len(leaders)
            leaders.append(text)
    return [cluster_of[text] for text in texts]
