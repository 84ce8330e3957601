"""What the samples of a block answer, whether that is right, and which of them agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from workbench.config.schema import TaskSettings
from workbench.core.types import Known
from workbench.tasks import TASKS
from workbench.tasks.answer_checking import Verdict
from workbench.tasks.quick_comparer import ComparesAnswers


@dataclass(frozen=True, slots=True)
class Graded:
    """Lists of one entry per sample, in the order of the samples."""

    answers: list[str | None]
    rules: list[str]
    clusters: list[int]
    """Answer cluster within the problem, over all its temperatures; -1 = unanswered."""
    statuses: list[str]
    correct: list[bool | None]
    """None where it is unknown."""
    columns: Mapping[str, list[Any]] = field(default_factory=dict)
    """Further columns of the scores, where a task has any."""
    calls: Sequence[Mapping[str, Any]] | None = None
    """Rows of the table ``calls``, where answers are programs."""


def grade(
    samples: pa.Table,
    known: Mapping[str, Known],
    task: TaskSettings,
    given: pa.Table | None,
    comparer: ComparesAnswers,
) -> Graded:
    """Extract the answers of whole problems, compare them with the known ones and one another.

    ``given`` holds the answers and the correctness that an imported run came with, row by row, as
    ``answer`` and ``is_correct``, either of which may be absent.

    A text that is its answer as a whole, and was cut, has answered only where it is right so far:
    what else it would have said is not known.
    """
    ids = samples["problem_id"].to_pylist()
    reasons = samples["stop_reason"].to_pylist()
    golds = {name: known[name].problem.gold for name in set(ids)}
    answers, rules = _answers(samples, golds, task, given)
    answers_given = given is not None and "answer" in given.schema.names
    texts = {text for text in (*answers, *golds.values()) if text is not None}
    spelling: dict[str | None, str] = {text: comparer.canonical(text) for text in texts}
    spelt = [spelling.get(answer) for answer in answers]
    spelt_golds = {name: spelling.get(gold) for name, gold in golds.items()}
    ends = enumerate(zip(rules, reasons, strict=True))
    cut = [row for row, end in ends if end == ("whole", "length")]
    for row in _not_right(cut, ids, spelt, spelt_golds, comparer):
        answers[row], rules[row], spelt[row] = None, "none", None
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(ids):
        rows_of.setdefault(name, []).append(row)
    questions = [(spelt_golds[name], [spelt[r] for r in rows]) for name, rows in rows_of.items()]
    clusters = [0] * len(ids)
    judged: list[tuple[str, bool | None]] = [("", None)] * len(ids)
    results = zip(rows_of.items(), comparer.run(questions), strict=True)
    for (name, rows), (verdicts, numbers) in results:
        for row, cluster in zip(rows, numbers, strict=True):
            clusters[row] = cluster
            looked = golds[name] is not None or answers_given
            judged[row] = _judge(reasons[row], spelt[row], golds[name], verdicts, looked)
    statuses = [status for status, _ in judged]
    correct = [verdict for _, verdict in judged]
    if given is not None and "is_correct" in given.schema.names:
        for row, kept in enumerate(given["is_correct"].to_pylist()):
            if kept is not None:
                correct[row] = kept
                if kept or not answers_given or answers[row] is not None:
                    statuses[row] = "answered"
    return Graded(answers, rules, clusters, statuses, correct)


def _not_right(
    rows: Sequence[int],
    ids: Sequence[str],
    spelt: Sequence[str | None],
    golds: Mapping[str, str | None],
    comparer: ComparesAnswers,
) -> list[int]:
    """Return which of the rows have an answer that is wrong."""
    rows_of: dict[str, list[int]] = {}
    for row in rows:
        rows_of.setdefault(ids[row], []).append(row)
    asked = [(golds[name], [spelt[row] for row in some]) for name, some in rows_of.items()]
    graded = zip(rows_of.values(), comparer.run(asked), strict=True)
    return [r for some, (verdicts, _) in graded for r in some if verdicts[spelt[r] or ""] is False]


def _answers(
    samples: pa.Table, golds: Mapping[str, str | None], task: TaskSettings, given: pa.Table | None
) -> tuple[list[str | None], list[str]]:
    """Return each sample's answer and the rule that found it; the text of an error row has none.

    Where a problem has no known answer, as in a run imported with its correctness, nothing says
    what an answer looks like, and none is looked for.
    """
    if given is not None and "answer" in given.schema.names:
        kept = given["answer"].to_pylist()
        return kept, ["none" if answer is None else "given" for answer in kept]
    answer_of = TASKS[task.name].answer_of
    columns = (samples[name].to_pylist() for name in ("problem_id", "completion", "stop_reason"))
    found = [
        (None, "none") if golds[name] is None or reason == "error" else answer_of(text, task)
        for name, text, reason in zip(*columns, strict=True)
    ]
    return [answer for answer, _ in found], [rule for _, rule in found]


def _judge(
    stop_reason: str,
    answer: str | None,
    gold: str | None,
    verdicts: Mapping[str, Verdict],
    looked: bool,
) -> tuple[str, bool | None]:
    """Return a sample's status and whether it is correct; None is unknown.

    ``looked`` says whether an answer was looked for, or given.
    """
    if stop_reason == "error":
        return "error", None
    if answer is None:
        missing = "no_answer" if looked else "ungraded"
        missing = "truncated" if stop_reason == "length" else missing
        return missing, (None if gold is None else False)
    if gold is None:
        return "answered", None
    verdict = verdicts[answer]
    return ("timeout", None) if verdict is None else ("answered", verdict)
