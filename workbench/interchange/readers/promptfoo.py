"""Outputs of promptfoo (``promptfoo eval --output FILE.json`` or ``.jsonl``), versions 2 and 3.

A row of ``results.results``, or a line, is an output of one provider for one prompt and one test.
Tests with the same variables and assertions are one problem, so that ``--repeat`` makes its
samples. A row is correct if its test says ``success``, which is that of its ``gradingResult``; a
test without assertions says nothing. Where a file has scores other than 0 and 1, all scores are
rewards beside that. Rows of several providers are of several models, and of several prompts of
several prompt styles: ``--where`` picks. Temperature and limits are in the settings of the
provider, which the file has under ``config``. Two files with one ``evalId`` are two exports of the
same samples. A test whose variables were left out by the export (``PROMPTFOO_STRIP_TEST_VARS``) is
a problem of its own.
Source: https://github.com/promptfoo/promptfoo, ``src/types/index.ts`` (``OutputFile``,
``EvaluateResult``), ``src/models/evalResult.ts``, ``src/util/output.ts``, ``src/evaluator.ts``.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

from workbench.interchange.readers import jsonl
from workbench.interchange.readers.file_beginning import FileBeginning, read_beginning
from workbench.interchange.readers.inspect_scores import Scale
from workbench.interchange.readers.json_members import Keys, settings_of, stream_under
from workbench.interchange.readers.newer_versions import PROMPTFOO_KEYS, say_newer
from workbench.interchange.readers.records import (
    LocatedRecord,
    Record,
    limits_of,
    say_once,
    split_row,
)

INTERPRETATION = (
    "tests as problems, success as correctness where a test has assertions, providers as models, "
    "prompts as prompt styles; where some scores are neither 0 nor 1, scores as rewards"
)
VERSIONS = (2, 3)
ROWS = ("results", "results")
STRIPPED = "[output stripped]"
LONGEST_NAME = 60
"""Characters of a prompt's label; a longer one is the prompt itself, and gets a number."""


def recognise(beginning: FileBeginning) -> bool:
    """Take an object with an evaluation's name and results, or lines that are results."""
    return beginning.mentions("evalId", "results") or is_lines(beginning)


def is_lines(beginning: FileBeginning) -> bool:
    """Say whether a file holds a result a line, which does not say its version."""
    return beginning.kind == "lines" and beginning.names >= {"promptIdx", "testIdx", "testCase"}


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the rows of a file; ValueError if it is damaged."""
    in_lines = is_lines(read_beginning(path))
    settings = {} if in_lines else settings_of(path, *ROWS)
    version = settings.get(("results", "version"))
    scale = Scale()
    columns: set[str] = set()
    for _, row in _rows(path, in_lines):
        with suppress(AttributeError):  # a row of another make is named when it is read
            columns.update(row.keys())
            if _is_graded(row):
                scale.add(row.get("score"))
    if version not in VERSIONS and not in_lines:
        remark = f"{path.name} is of version {version} of promptfoo's output, and 2 and 3 are known"
        say_newer(remark, columns, PROMPTFOO_KEYS)
    if scale.has_marks:
        say_once(
            f"{path.name}: scores from {scale.low:g} to {scale.high:g} are read as rewards; "
            "correctness is what each test says of its success"
        )
    problems: dict[str, str] = {}
    split = partial(_sample, settings=settings, problems=problems, scale=scale)
    is_empty = True
    for located in _rows(path, in_lines):
        is_empty = False
        yield from split_row(located, split, "not in the known form of promptfoo")
    if is_empty:
        raise ValueError(
            f"{path} has no results.results: it is no output of promptfoo, or of another version"
        )


def evaluation(path: Path) -> str | None:
    """Return the name of the evaluation that a file is an export of; None where it has none."""
    if is_lines(read_beginning(path)):
        _, first = next(jsonl.read(path))
        found = [first.get("evalId")] if isinstance(first, dict) else []
    else:
        before = takewhile(lambda item: item[0] != ROWS, stream_under(path, *ROWS))
        found = [value for keys, value in before if keys == ("evalId",)]
    return str(found[0]) if found and found[0] else None


def _rows(path: Path, in_lines: bool) -> Iterator[tuple[str, Any]]:
    """Yield (where it is, result) of each result of a file."""
    if in_lines:
        yield from jsonl.read(path)
        return
    results = (row for keys, row in stream_under(path, *ROWS) if keys == ROWS)
    yield from ((f"result {number}", row) for number, row in enumerate(results, start=1))


def _is_graded(row: Record) -> bool:
    """Say whether an output was compared with something: it did not fail, and had assertions."""
    test = row.get("testCase", {"assert": True}) or {}  # version 2 does not repeat the test
    has_assertions = bool(test.get("assert"))
    return has_assertions and not _failure(row)


def _failure(row: Record) -> Any:
    response = row.get("response") or {}
    failed = row.get("error") if row.get("failureReason") == 2 or not response else None
    return failed or response.get("error")


def _success(row: Record) -> Any:
    return row["success"] if "success" in row else row["gradingResult"]["pass"]


def _sample(
    row: Record, settings: Mapping[Keys, Any], problems: dict[str, str], scale: Scale
) -> Iterator[tuple[str, Record]]:
    test = row.get("testCase") or {}
    variables = row.get("vars") or test.get("vars") or {}
    is_stripped = not variables and "testCase" in row and "vars" not in test
    own = row.get("testIdx") if is_stripped else None
    same = json.dumps([variables, test.get("assert"), test.get("description"), own], sort_keys=True)
    problem = problems.setdefault(same, f"test-{row.get('testIdx', len(problems))}")
    provider, response = row.get("provider") or {}, row.get("response") or {}
    name = provider if isinstance(provider, str) else provider.get("label") or provider.get("id")
    failed, is_graded = _failure(row), _is_graded(row)
    output, drawn = response.get("output"), _drawn(provider, settings)
    if output == STRIPPED:
        raise ValueError("its output was left out: export without PROMPTFOO_STRIP_RESPONSE_OUTPUT")
    record = {
        "problem_id": problem,
        "problem": "\n".join(_question(variables)),
        "text": output if isinstance(output, str) else "" if output is None else json.dumps(output),
        "model": name,
        "prompt_style": _prompt(row, settings),
        "temperature": drawn.get("temperature"),
        "num_tokens": (response.get("tokenUsage") or {}).get("completion"),
        "stop_reason": "error" if failed else response.get("finishReason"),
        "error": failed,
        "correct": _success(row) if is_graded else None,
        "reward": scale.reward(row.get("score")) if is_graded and scale.has_marks else None,
    }
    yield "", record | limits_of(drawn)


def _question(variables: Mapping[str, Any]) -> Iterator[str]:
    for name, value in variables.items():
        text = value if isinstance(value, str) else json.dumps(value)
        yield text if len(variables) == 1 else f"{name}: {text}"


def _prompt(row: Record, settings: Mapping[Keys, Any]) -> str | None:
    """Return the name of a row's prompt: its label, or its number if that is the prompt itself."""
    prompts = settings.get(("results", "prompts")) or settings.get(("prompts",)) or []
    index = row.get("promptIdx")
    listed = prompts[index] if isinstance(index, int) and index < len(prompts) else {}
    label = (row.get("prompt") or {}).get("label") or listed.get("label") or listed.get("raw")
    if label is None or len(label) <= LONGEST_NAME:
        return label
    labels = list(dict.fromkeys(one.get("label") or one.get("raw") for one in prompts))
    return f"prompt {labels.index(label) + 1}" if label in labels else label[:LONGEST_NAME]


def _drawn(provider: Any, settings: Mapping[Keys, Any]) -> Record:
    """Return the settings that the configuration gives a provider."""
    mine = {provider} if isinstance(provider, str) else {provider.get("id"), provider.get("label")}
    providers = (settings.get(("config",)) or {}).get("providers") or []
    own = [] if isinstance(provider, str) else [provider]  # lines have its settings there
    for one in [*(providers if isinstance(providers, list) else []), *own]:
        if isinstance(one, dict) and {one.get("id"), one.get("label")} & (mine - {None}):
            return one.get("config") or {}
    return {}
