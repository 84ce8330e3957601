"""Task ``jsonl``: any problems with known answers, from a JSONL file.

How answers are compared is set by ``options.compare``, a row of ``CHECKERS``; ``choice`` also
changes how an answer is looked for, and shows a problem's ``choices`` under its question.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.config import schema as config
from workbench.core.lookup import unknown
from workbench.core.types import Problem
from workbench.tasks.checkers import CHECKERS, Checker, numeric
from workbench.tasks.multiple_choice import (
    extract_choice,
    letter_of,
    question_with_choices,
    read_choices,
)
from workbench.tasks.problem_files import (
    GOLD_KEYS,
    first_problems,
    missing_file,
    parse_record,
    read_jsonl,
)
from workbench.tasks.prompts import require_examples
from workbench.tasks.task import Example, extract_by_rules

INSTRUCTION = (
    r"Answer the question step by step, and put your final answer in \boxed{}: "
    "of several choices the letter."
)
PREFIX = "problem"
OPTIONS = ("compare", "examples", "tolerance")
"""``compare``: a row of CHECKERS, ``math`` by default. ``examples``: a JSONL file of worked
examples, with the keys ``problem`` and ``solution``. ``tolerance``: with ``compare: numeric``, the
largest error that is accepted, relative to the known answer."""


def check(settings: config.TaskSettings) -> None:
    """Raise ValueError for unknown or faulty options, missing files or too many examples."""
    options = settings.options
    faults = [
        f"options.{name}: {unknown(name, OPTIONS, 'option')}"
        for name in options
        if name not in OPTIONS
    ]
    compare = options.get("compare", "math")
    if not isinstance(compare, str) or compare not in CHECKERS:
        faults.append(f"options.compare: {unknown(str(compare), CHECKERS, 'comparison')}")
    faults += _tolerance_faults(options, compare)
    if settings.last_number and compare == "choice":
        faults.append("last_number: the answer is a letter, with compare: choice; leave it out")
    if settings.source is None:
        faults.append(
            "source: missing; give the path of a JSONL file with the keys 'problem' and 'gold'"
        )
    else:
        faults += missing_file("source", Path(settings.source).expanduser())
    faults += _example_faults(settings)
    if faults:
        raise ValueError("\n".join(faults))


def _tolerance_faults(options: Mapping[str, Any], compare: object) -> list[str]:
    if "tolerance" not in options:
        return []
    value = options["tolerance"]
    if compare != "numeric":
        return ["options.tolerance: only numbers have one; set options.compare to numeric"]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        return [
            "options.tolerance: must be a share of the known answer, at least 0 and below 1, "
            f"got {value!r}"
        ]
    return []


def _example_faults(settings: config.TaskSettings) -> list[str]:
    path = settings.options.get("examples")
    if path is None:
        if settings.few_shot:
            return [
                f"few_shot: {settings.few_shot} worked examples are asked for; give a file of them "
                "as options.examples, with the keys 'problem' and 'solution'"
            ]
        return []
    if not isinstance(path, str):
        return [f"options.examples: expected the path of a JSONL file, got {path!r}"]
    faults = missing_file("options.examples", Path(path).expanduser())
    if faults:
        return faults
    try:
        require_examples(settings, len(_examples(*_path_and_time(path), _comparison(settings))))
    except ValueError as error:
        text = str(error)
        key = "" if text.startswith("few_shot: ") else "options.examples: "
        return [key + text.replace("\n", "; ")]
    return []


def load(settings: config.TaskSettings) -> list[Problem]:
    """Return the first ``num_problems`` problems of the file.

    Raises:
        ValueError: it is not a valid problem file, or there are fewer problems than are asked for.
    """
    check(settings)
    source = settings.source or ""
    return first_problems(
        settings, source, _problems(*_path_and_time(source), _comparison(settings))
    )


def examples(settings: config.TaskSettings) -> list[Example]:
    """Return the worked examples of ``options.examples``, all of them.

    Raises:
        ValueError: the file is no valid one, or one of its questions is also a problem.
    """
    check(settings)
    path = settings.options.get("examples")
    if path is None:
        return []
    worked = _examples(*_path_and_time(path), _comparison(settings))
    problems = _problems(*_path_and_time(settings.source or ""), _comparison(settings))
    asked = {problem.question: problem.id for problem in problems}
    for example in worked:
        if example.question in asked:
            raise ValueError(
                f"options.examples: {example.question[:60]!r} of {path} is also problem "
                f"{asked[example.question]}; an example must not give an answer away"
            )
    return list(worked)


def extract(text: str, settings: config.TaskSettings) -> tuple[str | None, str]:
    """Return the answer of a completion and the rule that found it."""
    if _comparison(settings) == "choice":
        return extract_choice(text)
    return extract_by_rules(text, settings)


def checker(settings: config.TaskSettings) -> Checker:
    """Return the comparison that ``options.compare`` names."""
    if _comparison(settings) == "numeric":
        return numeric(settings.options.get("tolerance", 0))
    return CHECKERS[_comparison(settings)]


def _comparison(settings: config.TaskSettings) -> str:
    return str(settings.options.get("compare", "math"))


def _path_and_time(path: str) -> tuple[str, int]:
    """Return a file and the time of its last change, so that a changed file is read again."""
    found = Path(path).expanduser()
    return str(found), found.stat().st_mtime_ns


@lru_cache(maxsize=4)
def _problems(path: str, changed: int, compare: str) -> list[Problem]:
    return read_jsonl(path, PREFIX, lambda record, ident: _parse(record, ident, compare))


def _parse(record: Mapping[str, Any], default_id: str, compare: str) -> Problem:
    """Read one problem; for multiple choice with its choices, and a letter as the known answer."""
    if compare != "choice":
        if "choices" in record:
            raise ValueError(
                "has 'choices', which are shown only with task.options.compare: choice; set that, "
                "or give the key another name"
            )
        return parse_record(record, default_id)
    choices = read_choices(record) if record.get("choices") is not None else {}
    problem = parse_record(record, default_id)
    key = next(key for key in GOLD_KEYS if record.get(key) is not None)
    return Problem(
        id=problem.id,
        question=question_with_choices(problem.question, choices),
        gold=letter_of(record[key], choices),
        metadata=problem.metadata,
    )


@lru_cache(maxsize=4)
def _examples(path: str, changed: int, compare: str) -> list[Example]:
    problems = read_jsonl(
        path, "example", lambda record, ident: _parse_example(record, ident, compare)
    )
    return [Example(problem.question, problem.gold or "") for problem in problems]


def _parse_example(record: Mapping[str, Any], default_id: str, compare: str) -> Problem:
    """Read a worked example as a problem whose known answer is the solution."""
    if record.get("solution") is None:
        raise ValueError("no solution: needs the key 'solution'")
    problem = parse_record({**record, "gold": record["solution"]}, default_id)
    if compare != "choice" or record.get("choices") is None:
        return problem
    question = question_with_choices(problem.question, read_choices(record))
    return Problem(id=problem.id, question=question, gold=problem.gold)
