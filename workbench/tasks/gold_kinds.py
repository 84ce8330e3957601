"""Chooses how answers are compared from what the known answers are, where the user does not say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from workbench.tasks.answer_forms import read_form
from workbench.tasks.answer_numbers import read_quantity
from workbench.tasks.checkers import choice_letter
from workbench.tasks.math_answers import canonical_answer

MOST = 0.9
"""Share of known answers that have to be letters: a question in ten may have lost its letter, and
a letter compared in any other way is never found in a text."""

_INTEGER = re.compile(r"[-+]?\d[\d,]*")
_FORMULA = re.compile(r"[\d\\^_=+*/<>{}()\[\]|$]")


def gold_kind(gold: str) -> str:
    r"""Return what a known answer is: letter, integer, number, formula or text.

    Numbers with a unit are formulas, as ``math`` alone tells units apart.

    Example:
        >>> [gold_kind(gold) for gold in ("(b)", "1,024", "1/2", r"\frac12", "5 m", "Yes")]
        ['letter', 'integer', 'number', 'formula', 'formula', 'text']
    """
    plain = canonical_answer(gold)
    if "A" <= choice_letter(gold) <= "J" and len(choice_letter(gold)) == 1:
        return "letter"
    if _INTEGER.fullmatch(plain):
        return "integer"
    quantity = read_quantity(plain, prose=True)
    if quantity and quantity.unit in ("", "$") and "\\" not in plain and "=" not in plain:
        return "number"
    words = read_form(plain).words
    wordy = words is not None or not _FORMULA.search(plain)
    return "text" if wordy and len(plain) > 1 else "formula"


def comparison_of_golds(golds: Iterable[str]) -> tuple[str, str]:
    """Return the row of ``CHECKERS`` that suits known answers, and why.

    Letters are ``choice``, integers ``integer``, numbers ``numeric``, texts ``exact``; formulas,
    and a mixture of kinds, are ``math``.

    Example:
        >>> comparison_of_golds(["A", "C", "B"])
        ('choice', 'all 3 known answers are letters')
        >>> comparison_of_golds(["7", "0.5", "Yes"])
        ('math', 'of 3 known answers 1 is integer, 1 number, 1 text')
    """
    kinds = Counter(map(gold_kind, golds))
    total = kinds.total()
    if kinds["letter"] >= MOST * total:
        some = "all" if kinds["letter"] == total else f"{kinds['letter']:,} of"
        return "choice", f"{some} {total:,} known answers are letters"
    for compare, fit, plural in (
        ("integer", {"integer"}, "integers"),
        ("numeric", {"integer", "number"}, "numbers"),
        ("exact", {"text"}, "texts"),
        ("math", {"formula"}, "formulas"),
    ):
        if kinds.keys() <= fit:
            return compare, f"all {total:,} known answers are {plural}"
    (kind, count), *others = kinds.most_common()
    more = "".join(f", {number:,} {other}" for other, number in others)
    return (
        "math",
        f"of {total:,} known answers {count:,} {'is' if count == 1 else 'are'} {kind}{more}",
    )
