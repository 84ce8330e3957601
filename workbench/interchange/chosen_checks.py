"""Chooses how an imported run's answers are found and compared, where the user did not, aloud.

``--compare`` and ``--set task...`` always win. What is chosen depends on the known answers and the
first rows of the file alone, and stays with the import: later rows change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from workbench.config.schema import TaskSettings
from workbench.core.console import notice
from workbench.core.thinking import FAMILIES, split_thought
from workbench.interchange.program_tasks import program_task
from workbench.interchange.row_reader import RowReader
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.survey import Survey
from workbench.tasks import TASKS
from workbench.tasks.answer_extraction import extract_answer
from workbench.tasks.answer_spelling import answer_within
from workbench.tasks.checkers import CHECKERS, OF_WORDS
from workbench.tasks.doubtful_accuracy import Correctness, doubt
from workbench.tasks.gold_kinds import options_of_golds
from workbench.tasks.jsonl import LONGEST_WHOLE

ROWS = 1000
"""Rows whose texts are looked at."""
PROBLEMS = 20
"""Fewer problems among these rows, if there are more in the file, say nothing of all samples."""


class Row(NamedTuple):
    """What decides a sample's correctness."""

    problem_id: str
    gold: str
    text: str
    """Without its thought."""
    answer: str | None
    correct: bool | None


def chosen_task(
    source: SampleFiles,
    found: Survey | None,
    facts: dict[str, Any],
    compare: str | None,
    regrade: bool,
    overrides: Sequence[str],
) -> dict[str, Any]:
    """Return the ``task`` section of an imported run's experiment, and say what was chosen and why.

    What is learned from the file is put into ``facts`` as ``checks``; where it was imported before
    (``found`` is None), it is taken from there.
    """
    if programs := program_task(found, facts, overrides, regrade):
        return programs
    rows = [] if found is None else _first_rows(source, found)
    if found is not None and rows:
        golds = [p.shared["gold"] for p in found.problems.values() if "gold" in p.shared]
        facts["checks"] = _chosen(golds, rows)
    checks: Mapping[str, Any] = facts.get("checks", {})
    own = dict(override.partition("=")[::2] for override in overrides)
    users = compare or own.get("task.options.compare")
    takes_texts = regrade or not facts["rows_with"]["answer"]
    chosen = {"compare": checks.get("compare", "math"), **checks.get("options", {})}
    if chosen["compare"] == "contains" and not takes_texts:
        chosen["compare"] = "text"  # an answer is no text that says more beside it
    options = {"compare": users} if users else chosen
    name = options["compare"]
    task: dict[str, Any] = {"name": "jsonl", "options": options}
    said = []
    if checks and not users:
        said.append(f"answers are compared as {name}: {checks['why']} (another: --compare)")
    if takes_texts and checks.get("whole") and name not in ("choice", "contains"):
        task["options"]["whole_text"] = True
        said.append("texts about as short as the known answers are answers as a whole "
                    "(task.options.whole_text)")  # fmt: skip
    elif takes_texts and checks.get("last_number") and name not in (*OF_WORDS, "exact"):
        task["last_number"] = True
        said.append(f"{checks['last_number']} texts mark no answer, so that the last number of a "
                    "text is taken where none is marked (task.last_number)")  # fmt: skip
    if said:
        notice("import: " + "; ".join(said))
    if rows and not any(key.partition(".")[0] == "task" for key in own):
        _question(rows, facts, task, regrade)
    return task


def _first_rows(source: SampleFiles, found: Survey) -> list[Row]:
    """Return the first rows that have a known answer and a text, and are no errors."""
    rows = []
    for _, row in islice(RowReader(source, found.mapping).rows(), ROWS):
        problem = found.problems.get(row.problem_id)
        gold = problem.shared.get("gold") if problem else None
        text = split_thought(row.text, list(FAMILIES.values()), row.thought).answer
        if gold is not None and row.stop_reason != "error" and (text.strip() or row.answer):
            rows.append(Row(row.problem_id, gold, text, row.answer, row.correct))
    return rows


def _chosen(golds: Sequence[str], rows: Sequence[Row]) -> dict[str, Any]:
    """Return the comparison, why, and how texts are read that mark no answer, for the manifest."""
    options, why = options_of_golds(golds)
    texts = [row.text.strip() for row in rows if row.text.strip()]
    unmarked = sum(extract_answer(text)[0] is None for text in texts)
    longest = max(len(answer_within(row.gold)) for row in rows)
    short = min(max(2 * longest, longest + 5), LONGEST_WHOLE)
    last_number = options["compare"] in ("integer", "numeric") and 2 * unmarked > len(texts)
    return {
        "options": options,
        "why": why,
        "whole": bool(unmarked) and all(len(text) <= short for text in texts),
        "last_number": f"{unmarked:,} of {len(texts):,}" if last_number else "",
    }


def _question(
    rows: Sequence[Row], facts: Mapping[str, Any], task: Mapping[str, Any], regrade: bool
) -> None:
    """Question it if all of the first rows are right or all are wrong, as far as quickly known."""
    many = len({row.problem_id for row in rows}) >= PROBLEMS
    if not many and len(rows) < min(facts["samples"], ROWS):
        return
    if task["options"]["compare"] not in CHECKERS:  # which is refused with the experiment
        return
    settings, counted = TaskSettings(**task), Correctness()
    jsonl = TASKS["jsonl"]
    checker = jsonl.checker(settings)
    given = facts["rows_with"]["answer"] and not regrade
    for row in rows:
        answer = row.answer if given else jsonl.extract(row.text, settings)[0]
        correct: bool | None = False
        if row.correct is not None and not regrade:
            correct = row.correct
        elif answer is not None:
            quick = checker.quick or checker.equal
            correct = quick(checker.canonical(row.gold), checker.canonical(answer))
        if correct is None:
            return
        counted.add(correct, row.gold, answer, row.text)
    if line := doubt(counted, settings):
        first = "" if len(rows) == facts["samples"] else "the first rows: "
        notice(f"import: {first}{line}")
