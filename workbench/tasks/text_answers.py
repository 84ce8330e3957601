"""Answers that are words: spelt without what does not matter, found by label or by a pattern."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from operator import add

from workbench.tasks.answer_spelling import answer_within

TEXT_MACRO = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf)\s*\{([^{}]*)\}")
_ACCENTS = re.compile(r"(?<=[A-Za-z])[\u0300-\u036f]+")
"""Behind a Latin letter; in other scripts such marks tell words apart."""
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_IN_NUMBER = re.compile(r"(?<=\d)[.,/:](?=\d)|(?<![\w)])[-\u2212](?=\.?\d)|(?<=\w)#")
"""Marks that change what is said: 3.5 is not 35, -2 is not 2, and C# is not C."""


@lru_cache(maxsize=1 << 14)
def folded_text(answer: str) -> str:
    r"""Return a text without case, articles, punctuation, accents and differences of white space.

    This is the normalisation of SQuAD (Rajpurkar et al. 2016), but for marks inside numbers, which
    are kept, dashes, strokes and brackets, which part words, and the accents of Latin letters,
    which are left out. A text of nothing else keeps what it has.

    Example:
        >>> folded_text("The  Eiffel Tower!"), folded_text("well-known"), folded_text("3.5")
        ('eiffel tower', 'well known', '3.5')
        >>> folded_text("A"), folded_text(r"\text{Paris}."), folded_text("Brasília, São Paulo")
        ('a', 'paris', 'brasilia sao paulo')
    """
    text = answer_within(answer)
    while (plainer := _folded_once(text)) != text:
        text = plainer
    return text


def _folded_once(text: str) -> str:
    plain = _ACCENTS.sub("", unicodedata.normalize("NFD", text))
    answer, text = text, unicodedata.normalize("NFC", plain).casefold()
    text = _THOUSANDS.sub("", TEXT_MACRO.sub(r"\1", text))
    parts = ["".join(map(_without_punctuation, part)) for part in _IN_NUMBER.split(text)]
    kept = [*_IN_NUMBER.findall(text), ""]
    words = " ".join("".join(map(add, parts, kept)).split())
    return " ".join(_ARTICLES.sub(" ", words).split()) or words or " ".join(answer.split())


def _without_punctuation(character: str) -> str:
    kind = unicodedata.category(character)
    if kind in ("Pd", "Ps", "Pe") or character == "/":
        return " "
    return "" if kind.startswith("P") or character in "$`" else character


def contains_text(gold: str, answer: str) -> bool:
    """Say whether a folded text holds another as whole words, one behind the other.

    In scripts without spaces between words any place counts.

    Example:
        >>> contains_text("paris", "capital of france is paris"), contains_text("art", "party")
        (True, False)
    """
    if any(unicodedata.category(character) == "Lo" for character in gold):
        return gold in answer
    return f" {gold} " in f" {answer} "


SYNONYMS = {"yes": "true", "no": "false"}
"""Of labels that are a pair of these, either word is the label."""
_ALONE = r"(?!\s*(?:[.,;:!?)\]\"'*_`\u201d\u2019\u2013\u2014-]|$|(?:because|since|as|and|but)\b))"
"""Not followed by what stands behind a word that is an answer by itself, on the same line."""


def find_label(text: str, labels: Sequence[str]) -> str | None:
    """Return the label with which a text begins, else the last that it names, None if none.

    Where the labels are yes and no, or true and false, a word of the other pair is as good. Inside
    a text such a word, and "no", has to stand alone: "no doubt" and "it is true that" answer
    nothing.

    Example:
        >>> find_label("No, although some say yes.", ["yes", "no"])
        'no'
        >>> find_label("Is it so? I think the answer must be yes, no doubt.", ["yes", "no"])
        'yes'
    """
    words = f" {folded_text(text)} "
    loose = set()
    spelt = {f" {folded_text(label)} ": label for label in labels}
    words_of = {folded_text(label): label for label in labels}
    if "no" in words_of and not any(" " in word for word in words_of):
        loose.add("no")
    for pair in (SYNONYMS, {other: one for one, other in SYNONYMS.items()}):
        if words_of.keys() == pair.keys():
            spelt |= {f" {other} ": words_of[one] for one, other in pair.items()}
            loose |= {*pair.values()}
    begins = [part for part in spelt if words.startswith(part)]
    if begins:
        return spelt[max(begins, key=len)]
    if loose:
        joined = rf"\b(?:{'|'.join(sorted(loose))})\b{_ALONE}"
        words = f" {folded_text(re.sub(joined, ' ', text, flags=re.IGNORECASE | re.MULTILINE))} "
    ends = {part: words.rfind(part) + len(part) for part in spelt if part in words}
    last = max(ends, key=lambda part: (ends[part], len(part)), default=None)
    return None if last is None else spelt[last]


def find_pattern(text: str, pattern: str) -> str | None:
    r"""Return what a pattern finds in a text: its first group that took part, or all of it.

    The first match counts, as in Python's ``re.search``; ``(?s).*`` in front makes it the last.

    Example:
        >>> find_pattern("Score: 7 of 10", r"Score:\s*(\d+)"), find_pattern("none", r"\d+")
        ('7', None)
    """
    found = re.search(pattern, text)
    if found is None:
        return None
    groups = [group for group in found.groups() if group is not None]
    return groups[0] if groups else found[0]
