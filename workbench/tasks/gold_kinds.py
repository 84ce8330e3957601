"""Chooses how answers are compared from what the known answers are, where the user does not say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from workbench.tasks.answer_forms import read_form
from workbench.tasks.answer_numbers import read_quantity
from workbench.tasks.checkers import choice_letter
from workbench.tasks.math_answers import canonical_answer
from workbench.tasks.text_answers import folded_text

MOST = 0.9
"""Share of known answers that have to be letters: a question in ten may have lost its letter, and
a letter compared in any other way is never found in a text."""
PAIRS = (("yes", "no"), ("true", "false"))
"""Known answers that have a counterpart, whether it is among them or not."""
MOST_LABELS, PER_LABEL, LABEL_WORDS = 8, 4, 3
"""So few different texts, each this often on average and so short, are all that can be answered."""
SHORT_WORDS = 6
"""A text of so many words can stand inside an answer in the same words."""

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


def options_of_golds(golds: Iterable[str]) -> tuple[dict[str, Any], str]:
    """Return the options of task ``jsonl`` that suit known answers, and why.

    Letters are compared as ``choice``, integers as ``integer``, numbers as ``numeric``; formulas,
    and a mixture of kinds, as ``math``. Texts are ``text`` with ``labels`` where a few of them are
    all there are, such as yes and no; else ``contains`` up to six words, and ``text`` above.

    Example:
        >>> options_of_golds(["A", "C", "B"])
        ({'compare': 'choice'}, 'all 3 known answers are letters')
        >>> options_of_golds(["7", "0.5", "Yes"])
        ({'compare': 'math'}, 'of 3 known answers 1 is integer, 1 number, 1 text')
        >>> options_of_golds(["Yes", "No", "yes"])
        ({'compare': 'text', 'labels': ['yes', 'no']}, 'all 3 known answers are yes or no')
        >>> options_of_golds(["Paris", "The Nile"])
        ({'compare': 'contains'}, 'all 2 known answers are texts of at most 6 words')
    """
    golds = list(golds)
    kinds = Counter(map(gold_kind, golds))
    total = kinds.total()
    if kinds["letter"] >= MOST * total:
        some = "all" if kinds["letter"] == total else f"{kinds['letter']:,} of"
        return {"compare": "choice"}, f"{some} {total:,} known answers are letters"
    if kinds.keys() == {"text"}:
        return _options_of_texts(golds)
    for compare, fit, plural in (
        ("integer", {"integer"}, "integers"),
        ("numeric", {"integer", "number"}, "numbers"),
        ("math", {"formula"}, "formulas"),
    ):
        if kinds.keys() <= fit:
            return {"compare": compare}, f"all {total:,} known answers are {plural}"
    (kind, count), *others = kinds.most_common()
    more = "".join(f", {number:,} {other}" for other, number in others)
    verb = "is" if count == 1 else "are"
    return {"compare": "math"}, f"of {total:,} known answers {count:,} {verb} {kind}{more}"


def _options_of_texts(golds: list[str]) -> tuple[dict[str, Any], str]:
    spelt = Counter(map(folded_text, golds))
    every = f"all {len(golds):,} known answers are"
    for pair in PAIRS:
        if spelt.keys() <= {*pair}:
            return {"compare": "text", "labels": [*pair]}, f"{every} {' or '.join(pair)}"
    words = max(len(text.split()) for text in spelt)
    few = 2 <= len(spelt) <= MOST_LABELS and min(spelt.values()) > 1
    if few and words <= LABEL_WORDS and len(golds) >= PER_LABEL * len(spelt):
        labels = sorted(spelt)
        return {"compare": "text", "labels": labels}, f"{every} one of {len(labels)} texts"
    if words <= SHORT_WORDS:
        return {"compare": "contains"}, f"{every} texts of at most {SHORT_WORDS} words"
    return {"compare": "text"}, f"{every} texts"
