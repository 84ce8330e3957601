"""The first reading of an import: every row is checked and counted before any is kept."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

from workbench.core.reading_progress import reading_progress
from workbench.core.types import Known, Problem, Prompt
from workbench.interchange.column_mapping import IDENTITY, ColumnMapping
from workbench.interchange.column_names import OTHER_NAMES
from workbench.interchange.imported_conditions import ImportedConditions
from workbench.interchange.readers import FORMATS, xlsx
from workbench.interchange.row_reader import RowReader
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.sample_row import (
    LIMITS,
    THOUGHT_COLUMNS,
    RowLocation,
    SampleRow,
)
from workbench.tasks.prompts import prompt_hash

ONE_PER_RUN = {"model": "models", "prompt_style": "prompt_styles", "graded_by": "gradings"}
"""Column of which a run has one value -> its plural, for messages."""

WHAT_IT_IS = attrgetter(
    "problem_id", "model", "prompt_style", "temperature", "condition", "sample_index", "seed",
    "text", "thought", "answer", "correct", "reward", "stop_reason",
)  # fmt: skip
"""The columns in which a sample that is there twice does not differ."""

EXAMPLES = 3
LONGEST_EXAMPLE = 40
"""Characters of an example of a value."""


@dataclass(slots=True)
class ProblemSummary:
    """What the rows of a problem have in common; it is enough that one of them has it."""

    index: int
    """Its number among the problems, from 0, in order of appearance."""
    first_label: str
    """Where its first row is."""
    shared: dict[str, str] = field(default_factory=dict)
    """``problem`` and ``gold``, where a row has them."""
    without_correctness: int = 0
    """Rows of unknown correctness."""
    first_sample: tuple[int, str | None] = (0, None)
    """Hash of the text, and answer."""
    texts_vary: bool = False
    answers_vary: bool = False


@dataclass
class Survey:
    """What the sound rows of the files hold."""

    samples: int = 0
    size: int = 0
    """Bytes of memory that all of them would take, about."""
    problems: dict[str, ProblemSummary] = field(default_factory=dict)
    """By name, in order of appearance."""
    conditions: ImportedConditions = field(default_factory=ImportedConditions)
    pools: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    """(index of the problem, condition) -> [samples, largest sample_index or -1]."""
    values: dict[str, Counter[Any]] = field(default_factory=lambda: defaultdict(Counter))
    """Values of the columns ``ONE_PER_RUN``, and of ``LIMITS`` in rows of conditions without a
    name, with the number of their rows."""
    rows_with: Counter[str] = field(default_factory=Counter)
    """Rows that have a value, by column; ``tokens`` and ``mean`` for what follows from several."""
    unused: tuple[str, ...] = ()
    """The columns of plain files that are neither read nor filtered by."""
    mapping: ColumnMapping = IDENTITY
    """Which column was taken for what."""
    examples: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    """The first different values of our columns."""
    empty: int = 0
    """Samples whose text is empty, though they have no thought and did not fail."""
    file_of: dict[tuple[int, str], int] = field(default_factory=dict)
    """As ``pools`` -> the number of the file of its first sample."""
    across_files: set[tuple[int, str]] = field(default_factory=set)
    """The pools with samples of several files."""
    contents: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Number of a file -> (its samples, the sum of their hashes), whatever their order."""
    rows_without_samples: int = 0
    """Rows that hold an empty list."""
    known: dict[str, Problem] = field(default_factory=dict)
    """By name, the problems that a task gives with their tests."""
    refusals: list[str] = field(default_factory=list)
    """Why no run can be made of these samples as they are."""

    def add(self, location: RowLocation, row: SampleRow, file: int = 0) -> None:
        """Count a row of a file; ValueError if it contradicts an earlier row of its problem."""
        condition = self.conditions.add(row)
        sample = (hash(row.text), row.answer)
        new = ProblemSummary(len(self.problems), location.label, first_sample=sample)
        problem = self.problems.setdefault(row.problem_id, new)
        for name in ("problem", "gold"):
            value = getattr(row, name)
            if value is None:
                continue
            first = problem.shared.setdefault(name, value)
            if first != value and first.strip() != value.strip():
                theirs = self.mapping.theirs.get(name)
                other = ", or --column answer=answer if it is no known answer"
                raise ValueError(
                    f"{name}: {row.problem_id!r} has another one than at {problem.first_label}; "
                    f"give each problem its own problem_id{other if theirs == 'answer' else ''}"
                )
        problem.without_correctness += row.correct is None
        problem.texts_vary |= sample[0] != problem.first_sample[0]
        problem.answers_vary |= sample[1] != problem.first_sample[1]
        at = problem.index, condition
        pool = self.pools.setdefault(at, [0, -1])
        pool[0] += 1
        if self.file_of.setdefault(at, file) != file:
            self.across_files.add(at)
        count, total = self.contents.get(file, (0, 0))
        self.contents[file] = (count + 1, total + hash(WHAT_IT_IS(row)))
        failed = row.stop_reason == "error" or row.error
        self.empty += not (row.text.strip() or row.thought or failed)
        pool[1] = max(pool[1], -1 if row.sample_index is None else row.sample_index)
        is_named = self.conditions.spelt[condition] is not None
        for name in ONE_PER_RUN if is_named else (*ONE_PER_RUN, *LIMITS):
            self.values[name][getattr(row, name)] += 1
        tokens, _, mean = row.likelihood()
        for name, value in vars(row).items():
            if value is not None:
                self.rows_with[name] += 1
                shown = self.examples[name]
                if len(shown) < EXAMPLES and _short(value) not in shown:
                    shown.append(_short(value))
        self.rows_with["tokens"] += tokens is not None
        self.rows_with["mean"] += mean is not None
        self.samples += 1
        self.size += row.size

    def known_problems(self) -> Iterator[Known]:
        """Yield the problems, in order of appearance; an unknown question is empty."""
        for name, summary in self.problems.items():
            if (known := self.known.get(name)) is not None:
                yield Known(known, prompt_hash(Prompt(text=known.question)))
                continue
            question = summary.shared.get("problem", "")
            problem = Problem(name, question, summary.shared.get("gold"))
            yield Known(problem, prompt_hash(Prompt(text=question)))

    def _repeated_files(self) -> list[tuple[int, int]]:
        """Return (number of a file, that of an earlier file which holds the same samples)."""
        first: dict[tuple[int, int], int] = {}
        pairs = [(file, first.setdefault(held, file)) for file, held in self.contents.items()]
        return [(file, earlier) for file, earlier in pairs if file != earlier]

    def facts(self) -> dict[str, Any]:
        """Return what the manifest keeps: counts, and the missing ``missing_inputs.COLUMNS``."""
        sizes = Counter(count for count, _ in self.pools.values())
        problems, with_value = self.problems.values(), self.rows_with
        without = [
            p for n, p in self.problems.items() if not (n in self.known or "gold" in p.shared)
        ]
        golds = len(problems) - len(without)
        unknown = (problem.without_correctness for problem in without)
        rows_for = {
            "logprobs": with_value["mean"],
            "num_tokens": with_value["tokens"],
            "entropies": with_value["mean_entropy"],
            "clusters": with_value["answer"] + golds,
            "reward_given": with_value["reward"],
        }
        own = self.conditions
        greedy = [count for (_, at), (count, _) in self.pools.items() if own.temperatures[at] == 0]
        return {
            "samples": self.samples,
            "problems": len(problems),
            "temperatures": own.plain_temperatures,
            "conditions": list(own.cells()),
            "greedy": max(greedy, default=0) == 1 and max(sizes) > 1,
            "n": max(sizes),
            "pools": sorted(sizes.items(), reverse=True),
            "closed_up": sum(last >= count for count, last in self.pools.values()),
            "model": own.own("model") or next(iter(self.values["model"])),
            "limits": {name: value for name in LIMITS if (value := own.own(name)) is not None},
            "limits_differ": {
                name: [[value, count] for value, count in self.values[name].most_common(10)]
                for name in LIMITS
                if len(self.values[name]) > 1
            },
            "golds": golds,
            "questions": sum("problem" in problem.shared for problem in problems),
            "rows_with": {n: with_value[n] for n in ("answer", "correct", "reward", "mean")},
            "unknown_correct": sum(unknown),
            "unused": list(self.unused),
            "empty": self.empty,
            "across_files": len(self.across_files),
            "repeated_files": self._repeated_files(),
            "rows_without_samples": self.rows_without_samples,
            "likely": dict(self.mapping.likely),
            "absent": [need for need, count in rows_for.items() if not count],
        }


def survey(source: SampleFiles) -> Survey:
    """Check every row of the files and count what they hold.

    Why they can be no run, such as several models, prompt styles or graders, is in ``refusals``.

    Raises:
        ValueError: a file has faults, which are named by line; or no row passes the filters.
    """
    reader = RowReader(source)
    found = Survey(mapping=reader.mapping)
    with reading_progress("read", source.files):
        for location, row in reader.rows():
            try:
                found.add(location, row, reader.file_number)
            except ValueError as fault:
                reader.add_fault(location, str(fault))
    reader.check(found.samples)
    found.rows_without_samples = reader.rows_without_samples
    for name in ONE_PER_RUN:
        values = found.values[name]
        if len(values) > 1 and not found.conditions.has_one_each(name):
            listed = ", ".join(f"{value!r} ({count:,})" for value, count in values.most_common(10))
            found.refusals.append(
                f"{source.name} has samples of {len(values)} {ONE_PER_RUN[name]}, and a run is of "
                f"one: {listed}; choose with --where {reader.theirs[name]}=VALUE"
            )
    numbered = found.rows_with["sample_index"]
    if numbered not in (0, found.samples):
        found.refusals.append(
            f"{source.name} has a sample_index on {numbered:,} of {found.samples:,} rows; give it "
            "to all of them, or to none: then they are numbered in order"
        )
    found.refusals += filter(
        None,
        [_few_questions(found, source), _unclear_answer(found, source), _several_sheets(source)],
    )
    if FORMATS[source.format].is_plain:
        roots = {name.partition(".")[0] for name in reader.theirs.values()}
        used = {*reader.theirs.values(), *roots, *source.where, *THOUGHT_COLUMNS, xlsx.SHEET}
        found.unused = tuple(name for name in reader.columns if name not in used)
        likely = {**_late_columns(found), **found.mapping.likely}
        found.mapping = replace(found.mapping, likely=likely)
    return found


def _late_columns(found: Survey) -> dict[str, str]:
    """Return columns of known names that begin behind the first rows, with their flags."""
    return {
        name: f"nothing in the first rows: --column {ours}={name}"
        for ours, names in OTHER_NAMES.items()
        for name in names
        if name in found.unused and name not in found.mapping.with_values
        and not found.rows_with[ours]
    }  # fmt: skip


def _few_questions(found: Survey, source: SampleFiles) -> str | None:
    """Return what to say where the column taken for the problem's name numbers the rows instead."""
    questions = {problem.shared.get("problem") for problem in found.problems.values()} - {None}
    guessed = "problem_id" in found.mapping.guessed
    one_each = len(found.problems) == found.samples
    if not (guessed and one_each and 0 < len(questions) < len(found.problems)):
        return None
    theirs, problem = found.mapping.theirs["problem_id"], found.mapping.theirs["problem"]
    return (
        f"{theirs!r} differs in every row of {source.name}, and there are only {len(questions):,} "
        f"questions: give --column problem_id={problem} if the rows of one question are its samples"
        f", or --column problem_id={theirs} if not"
    )


def _unclear_answer(found: Survey, source: SampleFiles) -> str | None:
    """Return what to say where ``answer`` may be the known answer or what each sample answered.

    It is no refusal, but a hint, where there is one sample of each problem and all are graded:
    nothing depends on it then.
    """
    plain = FORMATS[source.format].is_plain and not found.mapping.has_lists
    own = found.mapping.theirs.get("answer") == "answer" and "answer" not in source.columns
    problems = found.problems.values()
    told = any("gold" in problem.shared or problem.answers_vary for problem in problems)
    if not (plain and own) or told or not found.rows_with["answer"]:
        return None
    flags = "--column gold=answer if it is the known answer, --column answer=answer if it is what "
    flags += "each sample answered"
    if any(problem.texts_vary for problem in problems):
        why = "it is the same in all samples of a problem"
    elif found.rows_with["correct"] < found.samples:
        why = "no problem has samples that differ"
    else:
        likely = {**found.mapping.likely, "answer": flags}
        found.mapping = replace(found.mapping, likely=likely)
        return None
    return f"'answer' of {source.name} may be one thing or another, as {why}: give {flags}"


def _several_sheets(source: SampleFiles) -> str | None:
    """Return what to say where samples are in several sheets of a workbook, and none is chosen."""
    if source.format != "xlsx" or xlsx.SHEET in source.where:
        return None
    for path in source.files:
        if len(sheets := xlsx.sheets(path)) > 1:
            return (
                f"{path} has samples in {len(sheets)} sheets, {', '.join(map(repr, sheets))}: "
                f"choose with --where {xlsx.SHEET}=NAME; given for each of them, all are read"
            )
    return None


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST_EXAMPLE else f"{text[: LONGEST_EXAMPLE - 3]}..."
