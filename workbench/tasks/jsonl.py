"""Task ``jsonl``: any problems with known answers, from a JSONL file.

How answers are compared is set by ``options.compare``, a row of ``CHECKERS``; ``choice`` also
changes how an answer is looked for, and shows a problem's ``choices`` under its question.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workbench.config import schema as config
from workbench.core.lookup import unknown
from workbench.core.types import Problem
from workbench.tasks import multiple_choice, problem_files
from workbench.tasks.checkers import (
    CHECKERS,
    OF_WORDS,
    Checker,
    mathematics,
    numeric,
    with_decimal_comma,
)
from workbench.tasks.task import Example, extract_by_rules
from workbench.tasks.text_answers import find_label, find_pattern, folded_text
from workbench.tasks.worked_examples import raise_faults

INSTRUCTION = (
    r"Answer the question step by step, and put your final answer in \boxed{}: "
    "of several choices the letter."
)
OPTIONS = (
    "compare", "examples", "labels", "pattern", "tolerance", "any_order", "decimal_comma",
    "whole_text",
)  # fmt: skip
"""
- ``compare``: a row of CHECKERS. An experiment file that does not say gets one that suits the known
  answers, which the run's own ``experiment.yaml`` then names; otherwise ``math``.
- ``labels``, with ``compare: text``: all the answers that there are, such as yes and no. An answer
  is the label with which a text begins, else the last that it names.
- ``pattern``, with ``compare: regex``: a regular expression of Python's. An answer is its first
  group, or all that it matches.
- ``examples``: as ``task.examples``; older experiments say it here.
- ``tolerance``, with ``compare: numeric``: the largest difference that is accepted, as a share of
  the larger number; by default 1e-6, and none between two whole numbers.
- ``any_order``, with ``compare: math``: whether lists without brackets are sets (``1, 2`` is
  ``2, 1``).
- ``decimal_comma``: whether ``3,5`` is 3.5.
- ``whole_text``: whether a text of up to 120 characters in which no answer is marked is an answer
  as a whole; with ``compare: contains`` any such text is.
"""
LONGEST_WHOLE = 120
"""Characters of a text that can be an answer as a whole."""


def check(settings: config.TaskSettings) -> None:
    """Raise ValueError for unknown or faulty options, missing files or too many examples."""
    options = settings.options
    others = [name for name in options if name not in OPTIONS]
    faults = [f"options.{name}: {unknown(name, OPTIONS, 'option')}" for name in others]
    compare = options.get("compare", "math")
    if not isinstance(compare, str) or compare not in CHECKERS:
        faults.append(f"options.compare: {unknown(str(compare), CHECKERS, 'comparison')}")
    faults += _tolerance_faults(options, compare)
    faults += [*_label_faults(options, compare), *_pattern_faults(options, compare)]
    faults += _switch_faults(options, "any_order", compare, ("math",))
    faults += _switch_faults(options, "decimal_comma", compare, ("math", "numeric", "integer"))
    by_rules = tuple(name for name in CHECKERS if name not in ("choice", "contains", "regex"))
    faults += _switch_faults(options, "whole_text", compare, by_rules)
    if settings.last_number and compare in OF_WORDS:
        faults.append(f"last_number: with compare: {compare} no number is looked for; leave it out")
    if settings.source is None:
        faults.append(
            "source: missing; give the path of a JSONL file with the keys 'problem' and 'gold'"
        )
    else:
        faults += problem_files.missing_file("source", settings.source)
    raise_faults(faults, settings, 0)


def _tolerance_faults(options: Mapping[str, Any], compare: object) -> list[str]:
    value = options.get("tolerance", 0.0)
    if "tolerance" in options and compare != "numeric":
        return ["options.tolerance: only numbers have one; set options.compare to numeric"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        return [
            f"options.tolerance: must be a share of a number, at least 0 and below 1, got {value!r}"
        ]
    return []


def _label_faults(options: Mapping[str, Any], compare: object) -> list[str]:
    labels = options.get("labels")
    if labels is None:
        return []
    if compare != "text":
        return ["options.labels: set options.compare to text, or leave it out"]
    texts = isinstance(labels, list) and all(isinstance(label, str) for label in labels)
    if not texts or len({*map(folded_text, labels)}) < max(2, len(labels)):
        quotes = isinstance(labels, list) and any(isinstance(label, bool) for label in labels)
        hint = '; YAML needs quotes about "true" and "false"' if quotes else ""
        return [f"options.labels: must be two or more different texts, got {labels!r}{hint}"]
    return []


def _pattern_faults(options: Mapping[str, Any], compare: object) -> list[str]:
    pattern = options.get("pattern")
    if (pattern is None) == (compare != "regex"):
        return _unusable(pattern)
    if pattern is None:
        return [r"options.pattern: missing; compare: regex needs it, such as 'Score:\s*(\d+)'"]
    return ["options.pattern: set options.compare to regex, or leave it out"]


def _unusable(pattern: object) -> list[str]:
    if pattern is None:
        return []
    if not isinstance(pattern, str) or not pattern:
        return [f"options.pattern: must be a regular expression, got {pattern!r}"]
    try:
        re.compile(pattern)
    except re.error as error:
        return [f"options.pattern: {pattern!r} is no regular expression of Python's: {error}"]
    return []


def _switch_faults(
    options: Mapping[str, Any], name: str, compare: object, comparisons: tuple[str, ...]
) -> list[str]:
    if not isinstance(options.get(name, False), bool):
        return [f"options.{name}: must be true or false, got {options[name]!r}"]
    if options.get(name) and compare not in comparisons:
        needed = " or ".join(comparisons)
        return [f"options.{name}: set options.compare to {needed}, or leave it out"]
    return []


def load(settings: config.TaskSettings) -> list[Problem]:
    """Return the first ``num_problems`` problems of the file."""
    check(settings)
    problems = problem_files.first_problems(settings, settings.source, _problems(settings))
    if labels := settings.options.get("labels"):
        spelt = {*map(folded_text, labels)}
        others = {p.gold for p in problems if p.gold and folded_text(p.gold) not in spelt}
        if others:
            raise ValueError(
                f"options.labels: the known answer {min(others)!r} is none of {labels}; add it, or "
                f"leave the labels out ({len(others)} such answers)"
            )
    return problems


def examples(settings: config.TaskSettings) -> list[Example]:
    """Return none: problems of one's own have the examples of ``task.examples``."""
    return []


def extract(text: str, settings: config.TaskSettings) -> tuple[str | None, str]:
    """Return the answer of a completion and the rule that found it."""
    compare, options = _comparison(settings), settings.options
    if compare == "choice":
        return multiple_choice.extract_choice(text)
    if compare == "regex":
        found = find_pattern(text, options["pattern"])
        return (found, "pattern") if found else (None, "none")
    answer, rule = extract_by_rules(text, settings)
    if compare in OF_WORDS and rule not in ("boxed", "hashes", "phrase"):
        answer, rule = None, "none"  # the others look for numbers and formulas
    if labels := options.get("labels"):
        if answer is not None and (label := find_label(answer, labels)):
            return label, rule
        label = find_label(text, labels)
        return (label, "label") if label else (None, "none")
    plain = text.strip()
    whole = compare == "contains" or (options.get("whole_text") and len(plain) <= LONGEST_WHOLE)
    return (plain, "whole") if answer is None and plain and whole else (answer, rule)


def checker(settings: config.TaskSettings) -> Checker:
    """Return the comparison that ``options.compare`` names."""
    name, options = _comparison(settings), settings.options
    found = CHECKERS[name]
    if name == "numeric":
        found = numeric(options.get("tolerance"))
    elif name == "math":
        found = mathematics(any_order=options.get("any_order", False))
    return with_decimal_comma(found) if options.get("decimal_comma") else found


def _comparison(settings: config.TaskSettings) -> str:
    return str(settings.options.get("compare", "math"))


def _problems(settings: config.TaskSettings) -> list[Problem]:
    parse = _parse_choice if _comparison(settings) == "choice" else _parse
    return problem_files.read_once(settings.source or "", "problem", parse)


def _parse(record: Mapping[str, Any], default_id: str) -> Problem:
    if "choices" in record:
        raise ValueError(
            "has 'choices', which are shown only with task.options.compare: choice; set that, "
            "or give the key another name"
        )
    return problem_files.parse_record(record, default_id)


def _parse_choice(record: Mapping[str, Any], default_id: str) -> Problem:
    """Read one problem with its choices, and a letter as the known answer."""
    choices = multiple_choice.read_choices(record)
    problem = problem_files.parse_record(record, default_id)
    question = multiple_choice.question_with_choices(problem.question, choices)
    gold = next(record[key] for key in problem_files.GOLD_KEYS if record.get(key) is not None)
    return replace(problem, question=question, gold=multiple_choice.letter_of(gold, choices))
