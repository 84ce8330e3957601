r"""Finds the answer in a text: in a box, behind ``####`` or "the answer is", or at its end.

Every rule takes time in proportion to the length of the text.
"""

from __future__ import annotations

import re

from workbench.tasks.answer_numbers import read_quantity
from workbench.tasks.answer_spelling import boxed, unified, without_marks

RULES = ("boxed", "phrase", "last_number", "none")
"""The rules that are counted of every run; ``none``: no rule found an answer. ``hashes``,
``display`` and ``sentence`` are rarer; an imported run may have answers that were ``given``, and a
task may have its own rules."""

WINDOW = 1000
"""Characters behind a phrase in which its answer has to stand."""
LONGEST_HEADED = 60
"""Characters of a line of prose that can be an answer where it stands under a heading."""

_HASHES = re.compile(r"^[ \t]*####[ \t]*(?=\S)", re.MULTILINE)
_PHRASE = re.compile(
    r"\banswer(?:\s++is\b(?P<is>\s*+:)?|\s*+[*_]*+\s*+(?P<mark>[:=]))"
    r"|^[ \t#*_]*+final\s++answer(?P<heading>[ \t*_]*+)$",
    re.IGNORECASE | re.MULTILINE,
)
_DISPLAYED = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"))
_FORMULA_AHEAD = re.compile(r"[-+]?\s*(?:\\?\$|\\[(\[a-z]|[\d(\[])")
_SENTENCE_END = re.compile(r"\.(?=\s|$)")
_REASON = re.compile(r",?\s(?:because|since|which)\b|,\s(?:as|so|and so|for|where)\b")
_TEXT = re.compile(r"\\(?:text|textbf|textit|textrm|mathrm|mbox)\s*\{([^{}]*)\}")
_VALUE = re.compile(r"\s(?:is|are|equals)\s+[-+$\\]*\d")
_CLAUSE = re.compile(r"[a-zA-Z$)]\s(?:is|are|equals)\s(?!.*\s(?:is|are|equals)\s)")
_GROUPED = r"\d{1,3}(?:(?:,|\{,\})\d{3}){1,8}(?!\d)"
# A minus sign belongs to the number unless it stands behind something to subtract from.
_NUMBER = re.compile(
    rf"(?:(?<![\w)\]}}])-)?(?<![\w.])(?:\d+ \d+/\d+|(?:{_GROUPED}|\d+)(?:\.\d+|/\d+)?"
    r"(?:[eE][-+]?\d+(?!\w))?)(?!\d|(?:st|nd|rd|th)\b)"
)


def extract_answer(text: str, *, last_number: bool = False) -> tuple[str | None, str]:
    r"""Return what a text gives as its answer, and the rule that found it.

    The rules, in order:

    - ``boxed``: the last ``\boxed{...}`` that is closed (braces balanced, ``\{`` and ``\}`` not
      counted) and not empty, without "The largest n is". A box cut off by the end of the text is
      not an answer.
    - ``hashes``: the last line that begins with ``####``, as the solutions of GSM8K end.
    - ``phrase``: what follows the last "answer is", "answer:", "answer =" or the heading "Final
      Answer": the formula that begins there, also on the next lines, or the text up to the end of
      its sentence or line, without a reason ("because ...") and without "The largest n is".
    - ``display``: the displayed formula behind a colon with which the text ends.
    - ``sentence``: the number of the last sentence, where that is such as "The largest n is 34."
    - ``last_number``: the last integer, decimal or plain fraction, only where it is allowed.
    - ``none``: no answer, None.

    Example:
        >>> extract_answer(r"We get 4 + 9 = \boxed{13}.")
        ('13', 'boxed')
        >>> extract_answer("So the answer is 13 because 4 + 9 = 13.")
        ('13', 'phrase')
        >>> extract_answer("4 + 9 makes 13."), extract_answer("4 + 9 makes 13.", last_number=True)
        ((None, 'none'), ('13', 'last_number'))
    """
    text = text.replace("\N{MINUS SIGN}", "-")
    for inside in boxed(text):
        return _without_clause(inside), "boxed"
    for match in reversed(list(_HASHES.finditer(text))):
        return text[match.end() :].split("\n", 1)[0].strip(), "hashes"
    for match in reversed(list(_PHRASE.finditer(text))):
        heading = match["heading"] is not None
        clear = heading or match["is"] is not None or match["mark"] is not None
        answer = _answer_after_phrase(text[match.end() : match.end() + WINDOW], clear)
        if answer:
            return answer, "phrase"
    if answer := _final_display(text):
        return answer, "display"
    if answer := _number_of_last_sentence(text):
        return answer, "sentence"
    if last_number and (numbers := _NUMBER.findall(text)):
        return numbers[-1].replace("{,}", ","), "last_number"
    return None, "none"


def _answer_after_phrase(rest: str, clear: bool) -> str:
    """Return the answer at the start of ``rest``, or nothing.

    It may stand on a later line where it is a formula, or short behind a ``clear`` mark: a colon or
    a heading.
    """
    start = rest.lstrip(" \t\r\n:*_#")
    later = "\n" in rest[: len(rest) - len(start)]
    if later and not _FORMULA_AHEAD.match(start):
        line = start.split("\n", 1)[0].strip()
        if not clear or len(line) > LONGEST_HEADED or line.endswith(":"):
            return ""
    for opening, closing in _DISPLAYED:
        if start.startswith(opening):
            end = start.find(closing, len(opening))
            inside = start[len(opening) : end].strip()
            if end > 0 and inside and not (opening == "$" and "\n" in inside):
                return inside
    line = start.split("\n", 1)[0]
    if "\\boxed" in line:  # an empty or unclosed box: the box rule has already refused it
        return ""
    sentence = _SENTENCE_END.split(line, maxsplit=1)[0]
    return _without_clause(_REASON.split(_balanced(sentence), maxsplit=1)[0].strip(" \t*$_`"))


def _balanced(text: str) -> str:
    """Return a text up to the first brace or LaTeX bracket that closes what it did not open."""
    depth = 0
    for found in re.finditer(r"\\[)\]]|\\.|[{}]", text):
        depth += (found[0] == "{") - (found[0] == "}")
        if depth < 0 or found[0] in (r"\)", r"\]"):
            return text[: found.start()]
    return text


def _without_clause(text: str) -> str:
    """Return 34 of "The largest n is 34", and any other text as it is."""
    if len(text) > WINDOW:
        return text
    plain = " ".join(_TEXT.sub(r"\1", text).split())
    clause = _CLAUSE.search(plain)
    if clause is None or _VALUE.search(plain, 0, clause.start() + 1):  # x is 3 and y is 4
        return text
    last = plain[clause.end() :].strip(" $*")
    return last if read_quantity(unified(without_marks(last)), prose=True) else text


def _number_of_last_sentence(text: str) -> str:
    """Return 34 where a text ends with "The largest n is 34.", else nothing."""
    line = text.rstrip(" \t\r\n*_")[-WINDOW:].rpartition("\n")[2]
    if not line.endswith("."):  # cut off, maybe within the number
        return ""
    sentence = _SENTENCE_END.split(line[:-1])[-1].strip(" *_")
    answer = _without_clause(sentence)
    return "" if answer == sentence else answer


def _final_display(text: str) -> str:
    """Return the displayed formula with which a text ends, if a colon announces it."""
    text = text.rstrip(" \t\r\n.")
    for opening, closing in (("$$", "$$"), (r"\[", r"\]")):
        if text.endswith(closing):
            start = text.rfind(opening, 0, -len(closing))
            if start >= 0 and text[:start].rstrip().endswith(":"):
                return text[start + len(opening) : -len(closing)].strip(" \t\r\n.")
    return ""
