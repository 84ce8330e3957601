r"""Names the lenient rule that a right answer needs, so that a user can look before publishing.

It is read off the two texts alone, so that runs that were scored before can be looked at too.
"""

from __future__ import annotations

from workbench.tasks.answer_forms import read_form
from workbench.tasks.answer_numbers import ROUNDED, known_unit, read_quantity
from workbench.tasks.math_answers import canonical_answer, quickly_equal

LENIENT_RULES = {
    "percent": "50% is accepted for 0.5 or 50, or the other way round",
    "units": "a unit is left out, or another one than that of the known answer",
    "rounding": "a decimal is accepted for what it is rounded from",
    "text": "words that differ in upper or lower case, white space or as text",
    "order": "the members of a list are in another order, or without its brackets",
}
LAST_RESORTS = ("last_number", "display", "sentence", "letter")
"""Rules of extraction that guess which part of a text is its answer."""


def lenient_rule(gold: str, answer: str) -> str | None:
    r"""Return the rule of ``LENIENT_RULES`` by which an answer is right, None where it needs none.

    Say it only of answers that are right: a wrong one has no rule.

    Example:
        >>> lenient_rule("18", "18 dollars"), lenient_rule("1/3", "0.333333")
        ('units', 'rounding')
        >>> lenient_rule("0.5", "1/2") is None
        True
    """
    gold, answer = canonical_answer(gold), canonical_answer(answer)
    if gold == answer:
        return None
    known, found = (read_quantity(text, prose=True) for text in (gold, answer))
    if ("%" in gold) != ("%" in answer):
        return "percent"
    if known and found:
        size, other_size = known_unit(known.unit), known_unit(found.unit)
        if known.unit != found.unit and not (size and other_size):
            return "units"
        value = found.value
        if size and other_size:
            value = value * other_size[1] / size[1]
        return None if value == known.value else "rounding"
    if known or found:
        number = known or found
        if number and number.unit:
            return "units"
        return "rounding" if number and number.decimal and _is_long(number.number) else None
    one, other = read_form(gold), read_form(answer)
    if one.words and other.words:
        return "text"
    if one.items and other.items and len(one.items.parts) == len(other.items.parts):
        if one.items.brackets != other.items.brackets:
            return "order"
        pairs = list(zip(one.items.parts, other.items.parts, strict=True))
        if not one.items.brackets and any(quickly_equal(*pair) is False for pair in pairs):
            return "order"
        rules = (lenient_rule(*pair) for pair in pairs if one.items.brackets != "{}")
        return next(filter(None, rules), None)
    return None


def _is_long(number: str) -> bool:
    """Say whether a decimal has so many digits that it can be accepted for what it rounds."""
    return len(number.strip("-0.").replace(".", "")) >= len(str(ROUNDED.denominator)) - 1
