r"""Decides what the form of two answers decides: numbers, words, lists, points, sets, intervals.

math-verify reads letters as a product (``listen`` is ``silent``), drops what it cannot read
(``\neq 17`` is 17), sorts what has an order and leaves out scales (``1.5 million`` is 1.5). So
these forms are read here, and their parts compared; formulas are left to math-verify.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from workbench.tasks.answer_numbers import read_quantity, same_quantity

T = TypeVar("T")
Equal = Callable[[str, str], bool | None]
"""(gold, answer) -> whether the second is right; None where that took too long."""

_TEXT = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|operatorname)\s*\{([^{}]*)\}"
)
_WORDS = re.compile(r"[^\W\d_]+(?:(?:['\u2019-]|,? )[^\W\d_]+)*[!?]?")
_LETTER = re.compile(r"\(?([A-Za-z])\)?")
_JOINED = re.compile(r"\\(?:text|mbox|mathrm)\s*\{\s*(and|or)\s*\}|(?<=\s)(and|or)(?=\s)")
_NAMED = re.compile(r"[a-zA-Z](?:_\{?\w+\}?)?\s*=(?!=)")
_UNION = re.compile(r"\\cup(?![a-zA-Z])|\\(?:text|mbox)\s*\{\s*or\s*\}|\bor\b")
_COMPARISON = re.compile(r"(<=|>=|<|>|\\(?:le|ge|neq|lt|gt)(?![a-zA-Z]))")
_UP = {"<": True, "\\lt": True, "<=": False, "\\le": False}
"""The signs with the smaller side on the left: whether the larger side is excluded."""
_DOWN = {">": "<", "\\gt": "<", ">=": "<=", "\\ge": "<="}
_MEMBER = re.compile(r"[a-zA-Z]\s*\\in(?![a-zA-Z])\s*")
_NOT_EQUAL = re.compile(r"\\not\s*=|!=")
_MAY_BE_SEVERAL = re.compile(
    r"[,;<>]|\\(?:pm|mp|cup|cap|in|setminus|mathbb|le|ge|neq|text|mbox|ldots|dots)(?![a-zA-Z])"
)
"""What a formula holds that may be a list, a set or an inequality."""
_INFINITE = ("\\infty", "-\\infty")


@dataclass(frozen=True, slots=True)
class Interval:
    """The numbers between two ends, which are texts."""

    low: str
    high: str
    brackets: str
    """``[)``: the low end belongs to it, the high one does not."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list, point or set."""

    brackets: str
    """``()``, ``[]``, ``{}`` for a set, or nothing."""
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """What a text is, as far as its form says."""

    words: str | None = None
    """The letters of a text, in lower case and without spaces."""
    is_text: bool = False
    r"""Whether it stands in ``\text{}`` as a whole."""
    region: tuple[Interval, ...] = ()
    """The intervals whose union it is."""
    inequality: bool = False
    """Whether that was written with signs rather than brackets."""
    items: Items | None = None
    excludes: bool = False
    r"""Whether it says that something is not equal."""


@lru_cache(maxsize=1 << 14)
def read_form(text: str) -> Form:
    r"""Return the form of a text in its canonical spelling.

    Example:
        >>> read_form(r"\text{no solution}").words, read_form("1 < x < 2").region[0].brackets
        ('nosolution', '()')
        >>> read_form("(3, 4)").items.parts
        ('3', '4')
    """
    text = _NOT_EQUAL.sub(r"\\neq ", text)
    words, is_text = _words(text)
    if words is not None:
        return Form(words=words, is_text=is_text)
    region = _region(text)
    compared = _COMPARISON.search(text) is not None
    return Form(region=region, inequality=compared, items=_items(text), excludes="\\neq" in text)


def decided_by_form(gold: str, answer: str, equal: Equal, *, any_order: bool) -> bool | None:
    """Return the verdict on two canonical texts that their form decides, else None.

    ``equal`` compares parts. In ``any_order`` lists without brackets are sets.

    Raises:
        TimeoutError: the comparison of a part took too long, and the others do not decide.
    """
    known, found = read_quantity(gold), read_quantity(answer)
    if known and found:
        return same_quantity(known, found)
    one, other = read_form(gold), read_form(answer)
    if _is_wordy(one) or _is_wordy(other):
        return _same_words(one, other, bool(known or found))
    if one.region or other.region or one.excludes or other.excludes:
        verdict = _same_region(one, other, bool(known or found), equal)
        if verdict is not None:
            return verdict
    if one.items and other.items:
        return _same_items(one.items, other.items, equal, any_order)
    for form, text in ((one, answer), (other, gold)):
        several = form.region or (form.items and len(form.items.parts) > 1)
        if several and not has_form(text) and not _MAY_BE_SEVERAL.search(text):
            return False
    return None


def has_form(text: str) -> bool:
    r"""Say whether a canonical text is words, a list, a region or the like, rather than a formula.

    Example:
        >>> has_form("(1, 2)"), has_form("1 + x")
        (True, False)
    """
    form = read_form(text)
    return bool(form.words or form.region or form.items or form.excludes)


def _words(text: str) -> tuple[str | None, bool]:
    is_text = bool(_TEXT.search(text)) and not _TEXT.sub("", text).strip(" ()")
    plain = " ".join(_TEXT.sub(r" \1 ", text).split()) if is_text else text
    if is_text and (letter := _LETTER.fullmatch(plain)):
        return letter[1].casefold(), True
    if is_text and read_quantity(plain) is None:
        return plain.casefold().replace(" ", "").rstrip(".") or None, True
    if _WORDS.fullmatch(plain):
        return re.sub(r"[\s-]", "", plain.casefold()), False
    return None, False


def _is_wordy(form: Form) -> bool:
    r"""Say whether a text is words: not a single letter, unless that stands in ``\text{}``."""
    return form.words is not None and (form.is_text or len(form.words) > 1)


def _same_words(one: Form, other: Form, number: bool) -> bool | None:
    if one.words is not None and other.words is not None:
        return one.words == other.words
    if number:
        return False
    return False if one.is_text or other.is_text else None


def _split(text: str, marks: re.Pattern[str]) -> list[str]:
    """Split a text at the marks that stand in no bracket or brace."""
    parts, depth, start = [], 0, 0
    cuts = {found.start(): found.end() for found in marks.finditer(text)}
    position = 0
    while position < len(text):
        if depth == 0 and position in cuts:
            parts.append(text[start:position])
            position = start = cuts[position]
            continue
        two = text[position : position + 2]
        printed = two if two in ("\\{", "\\}") else text[position]
        depth += (printed[-1] in "([{") - (printed[-1] in ")]}")
        if depth < 0:
            return [text]
        position += 2 if two.startswith("\\") else 1
    return [*parts, text[start:]] if depth == 0 else [text]


_COMMA = re.compile(rf"[,;]|{_JOINED.pattern}")


def _items(text: str) -> Items | None:
    brackets, inside = "", text
    for start, end, name in (("(", ")", "()"), ("[", "]", "[]"), (r"\{", r"\}", "{}")):
        if text.startswith(start) and text.endswith(end) and len(text) > len(start + end):
            middle = text[len(start) : -len(end)]
            if _encloses(text):
                brackets, inside = name, middle
    parts = [part.strip() for part in _split(inside, _COMMA)]
    parts = [part for part in parts if part or len(parts) < 3]  # "1, 2, and 3" has an empty one
    if not all(parts) or (len(parts) == 1 and brackets != "{}"):
        return None
    return Items(brackets, tuple(parts))


def _encloses(text: str) -> bool:
    """Say whether the first bracket of a text is closed by its last, of whatever kind."""
    depth, position = 0, 0
    while position < len(text):
        step = 2 if text[position] == "\\" else 1
        mark = text[position + step - 1] if position + step <= len(text) else ""
        depth += (mark in "([{" and mark != "") - (mark in ")]}" and mark != "")
        position += step
        if depth == 0:
            return position >= len(text)
    return False


def _same_items(one: Items, other: Items, equal: Equal, any_order: bool) -> bool | None:
    kinds = {one.brackets, other.brackets}
    if kinds == {"()", "{}"} or ("[]" in kinds and len(kinds) > 1):
        return None if "{}" in kinds or len(one.parts) != 2 else False
    if len(one.parts) != len(other.parts):
        return False
    loose = any_order and kinds == {""}
    named = all(map(_NAMED.match, (*one.parts, *other.parts)))
    if loose or named or "{}" in kinds:
        return _matched(one.parts, other.parts, equal)
    return _all(equal(known, found) for known, found in zip(one.parts, other.parts, strict=True))


def _all(verdicts: Iterable[bool | None]) -> bool:
    """Say whether all are true; TimeoutError where one is unknown and none is false."""
    undecided = False
    for verdict in verdicts:
        if verdict is False:
            return False
        undecided = undecided or verdict is None
    if undecided:
        raise TimeoutError
    return True


def _matched(known: Sequence[T], found: Sequence[T], equal: Callable[[T, T], bool | None]) -> bool:
    """Say whether each of the known parts equals another one of those found."""
    left, undecided = list(found), False
    for part in known:
        for place, other in enumerate(left):
            verdict = equal(part, other)
            undecided = undecided or verdict is None
            if verdict:
                del left[place]
                break
        else:
            if undecided:
                raise TimeoutError
            return False
    return not left


def _region(text: str) -> tuple[Interval, ...]:
    """Return the intervals that a text says a variable is in, or nothing."""
    if re.fullmatch(r"\\mathbb\s*\{?R\}?", text):
        return (Interval("-\\infty", "\\infty", "()"),)
    found: list[Interval] = []
    for piece in _split(text, _UNION):
        member = _MEMBER.match(piece.strip())
        plain = piece.strip()[member.end() if member else 0 :].strip()
        intervals = _bracketed(plain) or _compared(plain)
        if not intervals:
            return ()
        found += intervals
    return tuple(found)


def _bracketed(text: str) -> list[Interval]:
    if len(text) < 3 or text[0] not in "([" or text[-1] not in ")]" or not _encloses(text):
        return []
    ends = [_infinite(part.strip()) for part in _split(text[1:-1], re.compile(","))]
    if len(ends) != 2 or not all(ends):
        return []
    return [Interval(ends[0], ends[1], text[0] + text[-1])]


def _infinite(end: str) -> str:
    return end.replace(" ", "").removeprefix("+") if end.endswith("\\infty") else end


def _compared(text: str) -> list[Interval]:
    """Return the intervals of an inequality of one letter, which may be left out: ``< 3``."""
    parts = [part.strip() for part in _COMPARISON.split(text)]
    sides, signs = parts[0::2], parts[1::2]
    if not 1 <= len(signs) <= 2 or any("=" in side or "," in side for side in sides):
        return []
    if "\\neq" in signs:
        if len(signs) > 1 or not sides[1] or not re.fullmatch("[a-zA-Z]?", sides[0]):
            return []
        return [Interval("-\\infty", sides[1], "()"), Interval(sides[1], "\\infty", "()")]
    if all(sign in _DOWN for sign in signs):
        sides, signs = sides[::-1], [_DOWN[sign] for sign in signs[::-1]]
    elif any(sign in _DOWN for sign in signs):
        return []
    low, high, brackets = "-\\infty", "\\infty", ["(", ")"]
    if len(signs) == 2:
        if not re.fullmatch("[a-zA-Z]", sides[1]):
            return []
        low, high = sides[0], sides[2]
        brackets = ["(" if _UP[signs[0]] else "[", ")" if _UP[signs[1]] else "]"]
    elif re.fullmatch("[a-zA-Z]?", sides[0]):
        high, brackets[1] = sides[1], ")" if _UP[signs[0]] else "]"
    elif re.fullmatch("[a-zA-Z]?", sides[1]):
        low, brackets[0] = sides[0], "(" if _UP[signs[0]] else "["
    else:
        return []
    return [Interval(_infinite(low), _infinite(high), "".join(brackets))] if low and high else []


def _same_region(one: Form, other: Form, number: bool, equal: Equal) -> bool | None:
    if one.region and other.region:
        if one.inequality and other.inequality and not (one.excludes or other.excludes):
            return None  # math-verify knows which variable is meant
        if not (one.inequality or other.inequality) and len(one.region) == len(other.region) == 1:
            return None  # two points or two intervals
        return _matched(one.region, other.region, lambda a, b: _same_interval(a, b, equal))
    if one.excludes != other.excludes:
        return False
    written, plain = (one, other) if one.region else (other, one)
    if written.inequality and plain.items and len(plain.items.parts) > 1:
        return False
    return False if number and (written.inequality or len(written.region) > 1) else None


def _same_interval(one: Interval, other: Interval, equal: Equal) -> bool | None:
    if one.brackets != other.brackets:
        return False
    ends = ((one.low, other.low), (one.high, other.high))
    if any(a != b and (a in _INFINITE or b in _INFINITE) for a, b in ends):
        return False
    try:
        return _all(a == b or equal(a, b) for a, b in ends)
    except TimeoutError:
        return None
