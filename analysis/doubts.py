"""What in a run's answers is to be doubted before its accuracies are read, and how to mend it.

Many samples without an answer, cut off, or of unknown correctness, and accuracies of 0 or 1, mean
more often than not that a setting is wrong. The terminal, the page, the tracked run and a notebook
all say the same of it, from here.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from workbench.config.schema import Generation, TaskSettings
from workbench.core.console import printable
from workbench.saved_run import Run
from workbench.storage.parquet import KEY, read_table
from workbench.tasks import TASKS
from workbench.tasks.doubtful_accuracy import extreme_accuracy
from workbench.tasks.mending_setting import (
    KnownText,
    how_to_ask,
    how_to_end,
    setting_that_helps,
)

MANY = 0.2
"""Share of the samples above which those of a kind are doubted."""
TRIED = 60
"""Texts of a kind that settings are tried on."""
EXAMPLES = 3
END = 60
"""Characters of a text's end that are shown."""
KINDS = {
    "no_answer": "have no recognised answer",
    "truncated": "were cut off before an answer",
    "unknown": "are of unknown correctness",
}
"""What many samples may not be; ``right`` and ``wrong`` are what all may be."""


@dataclass(frozen=True)
class Doubt:
    """One thing to be doubted."""

    finding: str
    """What was counted, such as "343 of 360 samples (95 %) have no recognised answer"."""
    mend: str
    """The setting that most likely mends it, and why."""
    examples: Sequence[str] = ()
    """The ends of up to three texts, where an answer should be, with their known answers."""

    def __str__(self) -> str:
        """Return it as lines of at most 100 columns."""
        lines = [f"Doubtful: {self.finding}", *(f"    {example}" for example in self.examples)]
        lines.append(f"  likely to help: {self.mend}")
        return "\n".join(textwrap.fill(line, 100, subsequent_indent=" " * 6) for line in lines)


@dataclass
class StatusCounts:
    """How many samples are of which kind; the keys are those of ``KINDS``, right and wrong."""

    samples: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    """By status, those of unknown correctness."""

    def add(self, scores: pa.Table) -> None:
        """Count the samples of a table with the columns ``status`` and ``is_correct``."""
        self.samples += scores.num_rows
        counted = scores.group_by(["status", "is_correct"]).aggregate([([], "count_all")])
        for row in counted.to_pylist():
            status, correct, count = row["status"], row["is_correct"], row["count_all"]
            self.kinds[status] += count
            self.kinds["unknown" if correct is None else "right" if correct else "wrong"] += count
            self.unknown[status] += count * (correct is None)


Texts = Callable[[str], Sequence[KnownText]]
"""Some texts of samples of a kind."""


def doubts_of(run: Run) -> list[Doubt]:
    """Return what is to be doubted of a run; nothing where it is not scored.

    Scores are read block by block, texts only where some are doubted, and of few blocks.
    """
    counts = StatusCounts()
    for block in _scored_blocks(run):
        path = run.folder.block_path("scores", block)
        counts.add(read_table(path, ("status", "is_correct")))

    def texts(kind: str) -> list[KnownText]:
        return _some_texts(run, kind)

    return doubts(counts, texts, run.experiment.task, run.experiment.generation)


def doubts(
    counts: StatusCounts, texts: Texts, task: TaskSettings, generation: Generation
) -> list[Doubt]:
    """Return what is to be doubted of samples that were counted.

    Example:
        >>> counts = StatusCounts(20, Counter(truncated=8, wrong=8, right=12))
        >>> some = [KnownText("a", "7", "We add 3")]
        >>> task, generation = TaskSettings(name="gsm8k"), Generation(model="m")
        >>> print(*doubts(counts, lambda kind: some, task, generation))
        Doubtful: 8 of 20 samples (40 %) were cut off before an answer
            a, known answer '7': We add 3
          likely to help: generation.max_tokens (now 512): with more, samples can end
    """
    kinds, total = counts.kinds, counts.samples
    extreme = extreme_accuracy(kinds["right"], kinds["wrong"])
    missing = [kind for kind in ("no_answer", "truncated") if 2 * kinds[kind] > total]
    found = []
    if extreme and (kinds["right"] or not missing):
        some = texts("right" if kinds["right"] else "wrong")
        mend = _EASY if kinds["right"] else setting_that_helps(some, task) or _how_compared(task)
        found.append(Doubt(extreme, mend, _examples(some)))
    for kind, words in KINDS.items():
        if kinds[kind] <= MANY * total:
            continue
        some = texts(kind)
        finding = f"{kinds[kind]:,} of {total:,} samples ({kinds[kind] / total:.0%}) {words}"
        finding = finding.replace("%", " %")
        if extreme and kinds["wrong"] and kind in missing:
            finding = f"{extreme}; {finding}"
        if kind == "no_answer":
            mend = setting_that_helps(some, task) or how_to_ask(some, task, generation)
        elif kind == "truncated":
            mend = how_to_end(some, task, generation)
        else:
            mend = _how_to_know(counts.unknown, generation)
        found.append(Doubt(finding, mend, _examples(some)))
    return found


_EASY = (
    "harder problems, or see where the known answers came from: a column of the file may have been "
    "taken for another (--column of the import), or a prompt may hold its answer"
)


def _how_compared(task: TaskSettings) -> str:
    if task.name == "jsonl":
        return f"task.options.compare (now {task.options.get('compare', 'math')})"
    return "a look at the known answers, the prompt and some texts: workbench check"


def _how_to_know(unknown: Counter[str], generation: Generation) -> str:
    """Return what makes correctness known, by the status that most of these samples have."""
    status = max(unknown, key=lambda name: unknown[name])
    if status == "error":
        return "workbench generate RUN --redraw errors, once the cause is mended"
    if status == "infrastructure":
        return "workbench score RUN, which runs their programs once more; and a look at the machine"
    if status == "unsupported":
        return "tests that call the function with plain values: the sandbox hands over no others"
    if status == "timeout":
        return "task.options.compare=numeric, integer or text, which need no computer algebra"
    if generation.backend == "import":
        return "--column gold=NAME of the import: without known answers there is no accuracy"
    return "the key gold in the file of problems: without known answers there is no accuracy"


def _examples(texts: Sequence[KnownText]) -> list[str]:
    """Return a line on each of a few texts, of different problems where there are any."""
    others = {text.problem_id: text for text in reversed(texts)}
    chosen = [*reversed(others.values()), *texts][:EXAMPLES]
    return [_example(text) for text in dict.fromkeys(chosen)]


def _example(text: KnownText) -> str:
    flat = printable(" ".join((text.error or text.text).split()))
    end = flat if len(flat) <= END else f"…{flat[-END:]}"
    known = "" if text.gold is None else f", known answer {_shortened(text.gold)!r}"
    return f"{_shortened(text.problem_id)}{known}: {end or '(an empty text)'}"


def _shortened(text: str) -> str:
    return printable(text if len(text) <= 24 else f"{text[:23]}…")


def _scored_blocks(run: Run) -> list[int]:
    return [b for b in run.blocks if run.folder.block_path("scores", b).exists()]


def _some_texts(run: Run, kind: str) -> list[KnownText]:
    """Return up to ``TRIED`` texts of a kind, spread over the first block that has any."""
    known = run.folder.read_problems()
    task = TASKS.get(run.experiment.task.name)
    of_programs = task is not None and task.programs  # whose tests are no line to be shown
    golds = {item.problem.id: item.problem.gold for item in known if not of_programs}
    found: list[KnownText] = []
    for block in _scored_blocks(run):
        path = run.folder.block_path("scores", block)
        scores = read_table(path, (*KEY, "status", "is_correct"))
        scores = scores.filter(_is_of(kind, scores))
        if not scores.num_rows:
            continue
        step = -(-scores.num_rows // (TRIED - len(found)))
        wanted = {*_keys(scores)[::step]}
        samples = run.folder.read_samples(block, (*KEY, "completion", "error"))
        rows = [row for row, key in enumerate(_keys(samples)) if key in wanted]
        for row in samples.take(rows).to_pylist():
            name = row["problem_id"]
            found.append(KnownText(name, golds.get(name), row["completion"], row["error"] or ""))
        if len(found) >= TRIED:
            break
    return found


def _is_of(kind: str, scores: pa.Table) -> pa.ChunkedArray:
    correct = scores["is_correct"]
    if kind in ("right", "wrong"):
        return pc.equal(correct, kind == "right")
    return pc.is_null(correct) if kind == "unknown" else pc.equal(scores["status"], kind)


def _keys(rows: pa.Table) -> list[tuple[str, str, int]]:
    return list(zip(*(rows[name].to_pylist() for name in KEY), strict=True))
