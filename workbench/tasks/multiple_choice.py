"""Multiple choice: how choices are read and shown, and which letter a text gives as its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import ascii_uppercase
from typing import Any

from workbench.core.plain_number import as_plain_text
from workbench.tasks.answer_spelling import boxed
from workbench.tasks.checkers import choice_letter, letter_text

# A capital by itself: no part of a word, a name or a formula, nor one of two ("A or C").
_NOT_TWO = (
    r"(?!\)?\s*(?:or|and|&|/)\s*\(?[A-Z](?![\w'\u2019]))"
    r"(?!\)?,\s*\(?[A-HJ-Z](?![\w'\u2019]|\s[a-z]))"
)
_LETTER = rf"(?P<letter>[A-Z])(?![\w'\u2019^=+])(?!\s*[=+^]){_NOT_TWO}"
# What may be read in one way only (`*+` gives nothing back), or many line breaks take for ever.
_OPEN = (
    r"[\"'\u201c\u2018(\[*$`<\s]*+"
    r"(?:(?:\\(?:text|textbf|mathrm|mathbf)\s*+\{|\\[(\[])[\s(]*+(?:\\text\{[\s(]*+)?)?"
)
# "A" and "I" are words too: then a small letter follows, unless it gives the reason.
_NO_ARTICLE = r"(?!(?<=[AI]) (?!because|since|as |for |with )[a-z])"
# A small letter is one where nothing else stands with it: "(b)", "d." at the end of its line.
_SMALL = r"(?P<small>[a-j])(?=[)\]}\"'\u201d*`](?!\s*[=+^/*(])|[.:]?[ \t]*$|[.:][ \t])"
_ANSWER = r"(?i:answer|\b(?:correct|right|best) (?:option|choice))"
_PHRASE = re.compile(
    rf"(?<!closest )(?<!/)\b{_ANSWER}"
    r"(?:\s*+(?i:is|would be|should be|must be)\b\s*+:?|[\s*_]*+[:=(>])"
    r"(?:\s*+(?i:(?:the )?(?:option|choice|letter)))?"
    rf"(?:{_OPEN}(?:{_LETTER}{_NO_ARTICLE}|{_SMALL})|[\"'(*\s]*+(?i:none|not)\b)",
    re.MULTILINE,
)
_BOLD = re.compile(rf"\*\*\s*\(?{_LETTER}\)?\s*(?:[.:)][^*\n]*)?\*\*")
_ALONE = re.compile(rf"^[ \t#]*[(\[*\"'$`]*{_LETTER}[)\]*\"'$`.:]*[ \t]*$", re.MULTILINE)
_LISTED = re.compile(
    rf"^[ \t]*(?:\({_LETTER}\)|(?P<other>[A-Z])(?:\)|[.:](?=\s|[-\d$\\(])))"
    rf"(?!\s*[=+^/*]){_NOT_TWO}",
    re.MULTILINE,
)


def extract_choice(text: str) -> tuple[str | None, str]:
    r"""Return the letter that a text gives as its answer, and the rule that found it.

    The rules, in order; of each the last in the text counts:

    - ``boxed``: ``\boxed{B}``, ``\boxed{\text{(B)}}``, ``\boxed{B. 12 miles}``.
    - ``phrase``: ``the answer is (B)``, ``Answer: B``, ``Answer("B")``, ``the answer is option B``,
      ``the correct choice is B``, ``<answer>B</answer>``. Only a capital that stands by itself: no
      word and no formula begins with it; or one of a to j with nothing else beside it, as ``(b)``.
      Where the last such phrase says "None of the above" or "not among them", there is no answer.
    - ``letter``: ``**B**``, or a line that is only ``B`` or ``(B)``; else what lines begin with,
      ``B) 12 miles`` or ``A)36``, where all such lines name the same letter (a list of choices does
      not); else a text of one line that is only ``b`` or ``d) 36``.
    - ``none``: no answer.

    Returns:
        (capital letter or None, rule).

    Example:
        >>> extract_choice(r"Hence \boxed{\text{(B)}}."), extract_choice("The answer is option C.")
        (('B', 'boxed'), ('C', 'phrase'))
    """
    for inside in boxed(text):
        if letter := _as_letter(inside):
            return letter, "boxed"
    if phrases := list(_PHRASE.finditer(text)):
        letter = phrases[-1]["letter"] or (phrases[-1]["small"] or "").upper()
        return (letter, "phrase") if letter else (None, "none")
    marked = sorted([*_BOLD.finditer(text), *_ALONE.finditer(text)], key=lambda found: found.end())
    if marked:
        return marked[-1]["letter"], "letter"
    listed = {found["letter"] or found["other"] for found in _LISTED.finditer(text)}
    if len(listed) == 1:
        return listed.pop(), "letter"
    if "\n" not in text.strip() and (letter := _as_letter(text)):
        return letter, "letter"
    return None, "none"


def _as_letter(text: str) -> str | None:
    """Return the letter that a whole text names, None where it names none."""
    letter = choice_letter(text)
    return letter if len(letter) == 1 and letter in ascii_uppercase else None


def read_choices(record: Mapping[str, Any]) -> dict[str, str]:
    """Return a problem's choices by letter: its ``choices``, a list or an object; none if missing.

    Raises:
        ValueError: they are neither, too few or too many, not texts or numbers, or their letters
            are none.

    Example:
        >>> read_choices({"choices": ["red", 7]})
        {'A': 'red', 'B': '7'}
    """
    choices = record.get("choices")
    if choices is None:
        return {}
    if isinstance(choices, list):
        if not 2 <= len(choices) <= len(ascii_uppercase):
            raise ValueError(f"'choices' must be 2 to 26 of them, got {len(choices)}")
        choices = dict(zip(ascii_uppercase, choices, strict=False))
    if not isinstance(choices, dict) or len(choices) < 2:
        raise ValueError(f"'choices' must be a list, or an object by letter, got {choices!r}")
    for letter, choice in choices.items():
        if not re.fullmatch("[A-Z]", letter):
            raise ValueError(f"'choices' must go by capital letters, got {letter!r}")
        if isinstance(choice, bool) or not isinstance(choice, str | int | float):
            raise ValueError(f"choice {letter} must be a text or a number, got {choice!r}")
    return {letter: as_plain_text(choice).strip() for letter, choice in choices.items()}


def letter_of(gold: str | float, choices: Mapping[str, str]) -> str:
    """Return the letter of the known answer.

    That is a letter, alone or with its choice's text, the text of a choice, or (a number in JSON,
    not a text) its place from 0.
    Where the question itself shows the choices there are none here, and it has to be a letter.

    Raises:
        ValueError: it is none of these, or two of them that differ.

    Example:
        >>> letter_of("red", {"A": "red", "B": "blue"}), letter_of(1, {"A": "red", "B": "blue"})
        ('A', 'B')
    """
    text = as_plain_text(gold).strip()
    letter = letter_text(text)
    if not choices:
        letter = choice_letter(text)
        if not re.fullmatch("[A-Z]", letter):
            raise ValueError(
                f"the known answer {gold!r} is no letter; give the letter, or the key 'choices'"
            )
        return letter
    same = [name for name, choice in choices.items() if choice == text]
    meant = {name: f"the text of choice {name}" for name in same}
    if letter in choices:
        meant.setdefault(letter, f"the letter {letter}")
    if isinstance(gold, int) and not isinstance(gold, bool) and 0 <= gold < len(choices):
        meant.setdefault(list(choices)[gold], f"the choice at place {gold}, counted from 0")
    if (named := choice_letter(text)) in choices and not meant:
        return named
    if not meant:
        raise ValueError(
            f"the known answer {gold!r} is neither a letter of {', '.join(choices)}, nor the text "
            "of a choice, nor (as a number in JSON) a place from 0"
        )
    if len(meant) > 1:
        raise ValueError(
            f"the known answer {gold!r} may be {' or '.join(meant.values())}; give a letter that "
            "is not the text of another choice"
        )
    return next(iter(meant))


def question_with_choices(question: str, choices: Mapping[str, str]) -> str:
    """Return a question followed by its choices, a line each: ``A. 12 miles``.

    Example:
        >>> print(question_with_choices("Which colour?", {"A": "red", "B": "blue"}))
        Which colour?
        A. red
        B. blue
    """
    return "\n".join([question, *(f"{letter}. {text}" for letter, text in choices.items())])
