"""Task ``mbpp``: short functions, described in a sentence, with three assertions each.

The problems are on the hub, or in a local file, JSONL or a JSON array, in the form of the data set
or of its sanitized subset. Those with a ``task_id`` up to 10 are worked examples and never asked;
11 to 510 are the test split.
Source: Austin et al. (2021), "Program synthesis with large language models", arXiv:2108.07732.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.config import schema as config
from workbench.core.lookup import unknown
from workbench.core.types import Problem
from workbench.tasks import problem_files
from workbench.tasks.code_problems import option_faults, parse_code, with_visible
from workbench.tasks.program_source import defined_names, parsed
from workbench.tasks.task import Example
from workbench.tasks.worked_examples import raise_faults

OPTIONS = ("visible_tests", "subset", "split")
"""- ``visible_tests``: as of the task ``code``, but by default 1: the description does not say what
  the function is called and takes. With 3 all are shown, as in the paper.
- ``subset``: of the data set on the hub, ``full`` (the default) or ``sanitized``.
- ``split``: ``test`` (the default), or ``all`` but the worked examples."""
SUBSETS, SPLITS = ("full", "sanitized"), ("test", "all")
LAST_EXAMPLE, LAST_TEST = 10, 510
"""Largest ``task_id`` of the worked examples, and of the test split."""
VISIBLE = 1


def check(settings: config.TaskSettings) -> None:
    """Raise ValueError for unknown or faulty options, a missing file or too many examples."""
    faults = option_faults(settings, OPTIONS)
    for name, known in (("subset", SUBSETS), ("split", SPLITS)):
        if (value := settings.options.get(name, known[0])) not in known:
            faults.append(f"options.{name}: {unknown(str(value), known, name)}")
    if "subset" in settings.options and problem_files.local_path(settings.source):
        faults.append("options.subset: a local file is what it is; leave it out")
    faults += _dataset("full").faults(settings.source)
    raise_faults(faults, settings, LAST_EXAMPLE)


def load(settings: config.TaskSettings) -> list[Problem]:
    """Return the first ``num_problems`` problems of a local file, or of the hub's split."""
    check(settings)
    last = float("inf") if settings.options.get("split") == "all" else LAST_TEST
    splits = ("test", "validation", "train") if last > LAST_TEST else ("test",)
    asked = [p for p in _read(settings, splits) if LAST_EXAMPLE < p.metadata["task_id"] <= last]
    chosen = problem_files.first_problems(settings, settings.source or "MBPP", asked)
    visible = settings.options.get("visible_tests", VISIBLE)
    return [with_visible(problem, visible) for problem in chosen]


def examples(settings: config.TaskSettings) -> list[Example]:
    """Return the problems with a ``task_id`` up to 10, with their programs."""
    check(settings)
    visible = settings.options.get("visible_tests", VISIBLE)
    first = [p for p in _read(settings, ("prompt",)) if p.metadata["task_id"] <= LAST_EXAMPLE]
    found = []
    for problem in (with_visible(one, visible) for one in first):
        program = problem.metadata["solution"].replace("\r\n", "\n").strip()
        fenced = f"```python\n{program}\n```" if settings.is_chat else program
        found.append(Example(problem.question, fenced, problem.metadata))
    return found


def _read(settings: config.TaskSettings, splits: tuple[str, ...]) -> list[Problem]:
    path = problem_files.local_path(settings.source)
    if path is not None:
        return _read_file(path, path.stat().st_mtime_ns)
    dataset = _dataset(settings.options.get("subset", SUBSETS[0]))
    return [one for split in splits for one in dataset.read(settings.source, split)]


@lru_cache(maxsize=4)
def _read_file(path: Path, changed: int) -> list[Problem]:
    """Read JSONL, or a JSON array as which the sanitized subset is published."""
    with path.open("rb") as file:
        is_array = file.read(64).lstrip()[:1] == b"["
    if not is_array:
        return problem_files.read_once(path, "mbpp", parse)
    try:
        records = json.loads(path.read_text("utf-8"))
    except ValueError as fault:
        raise ValueError(f"{path} is no JSON: {fault}") from fault
    problems = []
    for number, record in enumerate(records):
        try:
            if not isinstance(record, dict):
                raise ValueError(f"expected a JSON object, got {type(record).__name__}")
            problems.append(parse(record, f"mbpp-{number}"))
        except ValueError as fault:
            raise ValueError(f"{path}, problem {number}: {fault}") from fault
    return problems


@lru_cache(maxsize=2)
def _dataset(subset: str) -> problem_files.HubDataset:
    return problem_files.HubDataset(
        name="google-research-datasets/mbpp",
        part=subset,
        prefix="mbpp",
        parse=parse,
        instead="without the network, set task.source to a local file, such as mbpp.jsonl or "
        "sanitized-mbpp.json",
    )


def parse(record: Mapping[str, Any], default_id: str) -> Problem:
    """Return one problem from a row of either form.

    The entry point is the function of the program that the first assertion calls. Tests may use
    what the program imports, as they stand behind it in the data set's own evaluation.

    Raises:
        ValueError: the row has no number, program or tests, or the tests call no function of it.
    """
    number, program, tests = (record.get(key) for key in ("task_id", "code", "test_list"))
    if isinstance(number, bool) or not isinstance(number, int):
        raise ValueError(f"'task_id' must be a number, got {number!r}")
    if not isinstance(program, str) or not isinstance(tests, list) or not tests:
        raise ValueError("needs the keys 'code', a program, and 'test_list', its assertions")
    imports = record.get("test_imports") or record.get("test_setup_code") or []
    lines = [*([imports] if isinstance(imports, str) else imports), *_imports_of(program)]
    question = record.get("prompt") or record.get("text")
    found = parse_code(
        {
            "prompt": question,
            "task_id": f"Mbpp/{number}",
            "entry_point": _entry_point(program, tests),
            "tests": tests,
            "canonical_solution": program,
            "setup": "\n".join(dict.fromkeys(lines)),
        },
        default_id,
    )
    held = {**found.metadata, "task_id": number}
    return Problem(found.id, found.question, found.gold, held)


def _entry_point(program: str, tests: list[Any]) -> str:
    """Return the last function of a program that its first assertion calls."""
    tree, names = parsed(str(tests[0])), defined_names(program)
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)] if tree else []
    called = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
    if not called & names:
        raise ValueError(f"its first test calls no function of its program: {tests[0]!r}")
    return next(name for name in reversed(_in_order(program)) if name in called)


def _in_order(program: str) -> list[str]:
    tree = parsed(program)
    functions = tree.body if tree else []
    return [node.name for node in functions if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def _imports_of(program: str) -> list[str]:
    tree = parsed(program)
    body = tree.body if tree else []
    return [ast.unparse(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
