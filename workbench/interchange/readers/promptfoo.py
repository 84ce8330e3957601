"""Outputs of promptfoo (``promptfoo eval --output FILE.json``), versions 2 and 3.

A row of ``results.results`` is an output of one provider for one prompt and one test. Tests with
the same variables and assertions are one problem, so that ``--repeat`` makes its samples. A row is
correct if all assertions of its test pass; a test without any says nothing. Rows of several
providers are of several models, and of several prompts of several prompt styles: ``--where`` picks.
Temperature and limits are in the settings of the provider, which the file has under ``config``.
Source: https://github.com/promptfoo/promptfoo, ``src/types/index.ts`` (``OutputFile``,
``EvaluateResult``), ``src/evaluator.ts``.
"""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from workbench.interchange.readers.json_members import Keys, settings_of, stream_under
from workbench.interchange.readers.records import (
    LocatedRecord,
    Record,
    limits_of,
    say_once,
    split_row,
)

INTERPRETATION = (
    "tests as problems, success as correctness where a test has assertions, providers as models, "
    "prompts as prompt styles; scores between 0 and 1 are not read"
)
VERSIONS = (2, 3)
ROWS = ("results", "results")
LONGEST_NAME = 60
"""Characters of a prompt's label; a longer one is the prompt itself, and gets a number."""


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the rows of a file; ValueError if it is damaged."""
    settings = settings_of(path, *ROWS)
    version = settings.get(("results", "version"))
    if version not in VERSIONS:
        say_once(
            f"{path.name} is of version {version} of promptfoo's output, and 2 and 3 are known"
        )
    problems: dict[str, str] = {}
    split = partial(_sample, settings=settings, problems=problems)
    number = 0
    for keys, row in stream_under(path, *ROWS):
        if keys == ROWS:
            number += 1
            yield from split_row(
                (f"result {number}", row), split, "not in the known form of promptfoo"
            )
    if not number:
        raise ValueError(
            f"{path} has no results.results: it is no output of promptfoo, or of another version"
        )


def _sample(
    row: Record, settings: Mapping[Keys, Any], problems: dict[str, str]
) -> Iterator[tuple[str, Record]]:
    test = row.get("testCase") or {}
    variables = row.get("vars") or test.get("vars") or {}
    asserted = test.get("assert")
    same = json.dumps([variables, asserted, test.get("description")], sort_keys=True)
    problem = problems.setdefault(same, f"test-{row.get('testIdx', len(problems))}")
    provider, response = row.get("provider") or {}, row.get("response") or {}
    name = provider if isinstance(provider, str) else provider.get("label") or provider.get("id")
    failed = row.get("error") if row.get("failureReason") == 2 or not response else None
    failed = failed or response.get("error")
    output, drawn = response.get("output"), _drawn(provider, settings)
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
        "correct": None if failed or ("testCase" in row and not asserted) else row["success"],
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
    for one in providers if isinstance(providers, list) else []:
        if isinstance(one, dict) and {one.get("id"), one.get("label")} & (mine - {None}):
            return one.get("config") or {}
    return {}
