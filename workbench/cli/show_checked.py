"""Prints problems, prompts, samples and verdicts so that they can be read on any terminal."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterator

import pyarrow as pa

from workbench.analysis.doubts import StatusCounts, doubts
from workbench.cli.checked_problems import Checked
from workbench.core.conditions import temperature_name
from workbench.core.console import printable
from workbench.core.table_text import spell_temperature
from workbench.core.types import OUTCOMES
from workbench.score.grading import Graded
from workbench.tasks import TASKS
from workbench.tasks.checkers import CHECKERS
from workbench.tasks.mending_setting import KnownText

WIDTH = 100
LONGEST_PROMPT, LONGEST_TEXT, LONGEST_ANSWER = 1600, 600, 60
"""Characters; more are left out in the middle."""

RULES = {
    "boxed": r"what stands in a \boxed{}",
    "hashes": "what stands behind ####",
    "phrase": 'what stands behind "answer is" or the like',
    "display": "the formula at the end",
    "sentence": "the number of the last sentence",
    "last_number": "the last number",
    "letter": "the letter of a choice",
    "pattern": "what task.options.pattern finds",
    "label": "a label that the text names",
    "whole": "the text as a whole",
    "fenced": "the last fenced block with the function",
    "continued": "what goes on from the prompt",
    "trimmed": "the text as far as it is a program",
    "given": "an answer that came with the samples",
}
"""The rules by which answers are found, in words."""


def show(checked: Checked) -> None:
    """Print each problem with its samples, how many are right, and what is to be doubted."""
    print("\n".join(lines_of(checked)))


def lines_of(checked: Checked) -> Iterator[str]:
    """Yield what is printed, line by line, of at most about 100 columns."""
    for number, problem in enumerate(checked.problems):
        name = printable(middle_out(problem.id, LONGEST_ANSWER))
        yield f"PROBLEM {name} ({number + 1} of {len(checked.problems)}) ".ljust(WIDTH, "=")
        words, prompt = checked.prompts[number]
        if words:
            yield from textwrap.wrap(f"{words}:", WIDTH)
            yield from _quoted(prompt, LONGEST_PROMPT)
        known = "none" if problem.gold is None else repr(middle_out(problem.gold, LONGEST_ANSWER))
        of_programs = TASKS[checked.experiment.task.name].programs
        yield f"{'its tests' if of_programs else 'known answer'}: {known}"
        for row, sample in enumerate(checked.samples):
            if sample["problem_id"] == problem.id:
                yield ""
                yield from _sample_lines(checked, row, problem.gold)
        yield ""
    yield from _summary(checked)


def middle_out(text: str, longest: int) -> str:
    """Return a text shortened in the middle, with the count of characters that are left out.

    Example:
        >>> middle_out("a" * 30 + "b" * 30, 20)
        'aaaaaaaaaa [… 40 characters left out …] bbbbbbbbbb'
    """
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]} [… {len(text) - 2 * half:,} characters left out …] {text[-half:]}"


def _sample_lines(checked: Checked, row: int, gold: str | None) -> Iterator[str]:
    sample, graded = checked.samples[row], checked.graded
    where = f"temperature {spell_temperature(sample['temperature'])}"
    drawn = checked.experiment.generation
    if (
        drawn.grid
        or drawn.conditions
        or sample["condition"] != temperature_name(sample["temperature"])
    ):
        where = f"condition {sample['condition']}"
    yield f"sample {sample['sample_index']}, {where}:"
    if thought := sample.get("thought"):
        yield f"  (a thought of {len(thought):,} characters before it is left out)"
    yield from _quoted(sample["completion"], LONGEST_TEXT)
    if sample["stop_reason"] == "length":
        yield "  (cut off at the limit of tokens)"
    answer, rule = graded.answers[row], graded.rules[row]
    if answer is not None:
        found = f"answer:  {middle_out(answer, LONGEST_ANSWER)!r}, {RULES.get(rule, rule)} ({rule})"
        yield from textwrap.wrap(found, WIDTH, subsequent_indent=" " * 9)
    verdict = f"verdict: {_verdict(checked, row, gold)}"
    yield from textwrap.wrap(verdict, WIDTH, subsequent_indent=" " * 9)


def _verdict(checked: Checked, row: int, gold: str | None) -> str:
    """Return whether a sample is right, and why."""
    sample, graded, task = checked.samples[row], checked.graded, checked.experiment.task
    status, correct, answer = graded.statuses[row], graded.correct[row], graded.answers[row]
    wrong = ", which counts as wrong" if correct is False else ", so that it is unknown"
    if status in OUTCOMES or (status == "timeout" and TASKS[task.name].programs):
        return _outcome(graded, row)
    if status == "error":
        return f"UNKNOWN: the sample could not be drawn ({sample['error']})"
    if status == "truncated":
        return f"TRUNCATED: the text was cut off before an answer was found{wrong}"
    if status == "no_answer":
        return f"UNANSWERED: no answer was found{wrong}"
    if status == "timeout":
        return "UNKNOWN: the comparison with the known answer took too long (timed out)"
    if correct is None:
        return "UNKNOWN: there is no known answer"
    name = "RIGHT" if correct else "WRONG"
    checker = TASKS[task.name].checker(task)
    if answer is None or gold is None or checker.equal(gold, answer) is not correct:
        return f"{name}: so it came with the samples"
    compare = _comparison(checked)
    spelt, known = (repr(middle_out(checker.canonical(t), LONGEST_ANSWER)) for t in (answer, gold))
    if compare == "contains":
        return f"{name}: {spelt} {'holds' if correct else 'does not hold'} {known} (contains)"
    return f"{name}: {spelt} {'equals' if correct else 'is not'} {known} (compared as {compare})"


def _outcome(graded: Graded, row: int) -> str:
    """Return what became of a sample's program, and its first failed test."""
    why, told = graded.columns["why"][row], graded.columns["failures"][row]
    passed, of_all = graded.columns["tests_passed"][row], graded.columns["tests_run"][row]
    name = {True: "RIGHT", False: "WRONG", None: "UNKNOWN"}[graded.correct[row]]
    said = f"{name}: {graded.statuses[row]}"
    said += f", {passed} of {of_all} tests passed" if of_all else ""
    said += f" ({why})" if why else ""
    if told:
        first = json.loads(told)[0]
        said += f"; first {first['test']}: got {first['got']}"
        said += f", expected {first['expected']}" if first["expected"] else ""
    return printable(" ".join(said.split()))


def _comparison(checked: Checked) -> str:
    task = checked.experiment.task
    checker = TASKS[task.name].checker(task)
    names = (name for name, known in CHECKERS.items() if known is checker)
    return str(task.options.get("compare") or next(names, "math"))


def _summary(checked: Checked) -> Iterator[str]:
    """Yield how many samples are right, and what is to be doubted of them."""
    graded, golds = checked.graded, {p.id: p.gold for p in checked.problems}
    kinds = Counter(
        {True: "right", False: "wrong", None: "of unknown correctness"}[correct]
        for correct in graded.correct
    )
    missing = Counter(s for s in graded.statuses if s in ("no_answer", "truncated"))
    said = [f"{count} {kind}" for kind, count in kinds.items()]
    said += [f"{count} {'unanswered' if s == 'no_answer' else s}" for s, count in missing.items()]
    how = f"answers compared as {_comparison(checked)}"
    if TASKS[checked.experiment.task.name].programs:
        how = "programs judged by tests"
    yield f"{len(checked.samples)} samples, {how}: {', '.join(said)}"
    counts = StatusCounts()
    counts.add(
        pa.table({"status": graded.statuses, "is_correct": pa.array(graded.correct, pa.bool_())})
    )

    def texts(kind: str) -> list[KnownText]:
        flags = {"right": True, "wrong": False, "unknown": None}
        rows = [
            row
            for row, status in enumerate(graded.statuses)
            if status == kind or (kind in flags and graded.correct[row] is flags[kind])
        ]
        chosen = [checked.samples[row] for row in rows]
        return [
            KnownText(s["problem_id"], golds[s["problem_id"]], s["completion"], s["error"] or "")
            for s in chosen
        ]

    for doubt in doubts(counts, texts, checked.experiment.task, checked.experiment.generation):
        yield str(doubt)


def _quoted(text: str, longest: int) -> Iterator[str]:
    """Yield a text behind bars, a bar for each of its own lines, and wrapped where one is long."""
    for line in middle_out(text, longest).split("\n"):
        parts = textwrap.wrap(
            printable(line), WIDTH - 4, replace_whitespace=False, drop_whitespace=False
        )
        for part, mark in zip(parts or [""], "|" + " " * len(parts), strict=False):
            yield f"  {mark} {part}".rstrip()
