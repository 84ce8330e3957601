"""The first reading of an import: every row is checked and counted before any is kept."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.core.types import Known, Problem, Prompt
from workbench.interchange.readers import FORMATS
from workbench.interchange.row_reader import RowReader
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.sample_row import SAMPLE_COLUMNS, THOUGHT_COLUMNS, RowLocation, SampleRow
from workbench.measure.missing_inputs import listed
from workbench.tasks.prompts import prompt_hash

ONE_PER_RUN = {"model": "models", "prompt_style": "prompt_styles", "graded_by": "gradings"}
"""Column of which a run has one value -> its plural, for messages."""


@dataclass
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


@dataclass
class Survey:
    """What the sound rows of the files hold."""

    samples: int = 0
    problems: dict[str, ProblemSummary] = field(default_factory=dict)
    """By name, in order of appearance."""
    pools: dict[tuple[int, float | None], list[int]] = field(default_factory=dict)
    """(index of the problem, temperature) -> [samples, largest sample_index or -1]."""
    values: dict[str, Counter[str | None]] = field(default_factory=lambda: defaultdict(Counter))
    """Values of the columns ``ONE_PER_RUN``, with the number of their rows."""
    rows_with: Counter[str] = field(default_factory=Counter)
    """Rows that have a value, by column; ``tokens`` and ``mean`` for what follows from several."""
    unused: tuple[str, ...] = ()
    """The columns of plain files that are neither read nor filtered by."""

    @property
    def temperatures(self) -> list[float | None]:
        """The temperatures, rising; None for unknown comes last."""
        found = {temperature for _, temperature in self.pools}
        return sorted(found, key=lambda t: (t is None, t or 0.0))

    def add(self, location: RowLocation, row: SampleRow) -> None:
        """Count a row; ValueError if it contradicts an earlier row of its problem."""
        new = ProblemSummary(len(self.problems), location.label)
        problem = self.problems.setdefault(row.problem_id, new)
        for name in ("problem", "gold"):
            value = getattr(row, name)
            if value is not None and problem.shared.setdefault(name, value) != value:
                raise ValueError(
                    f"{name}: {row.problem_id!r} has another one than at {problem.first_label}; "
                    "give each problem its own problem_id"
                )
        problem.without_correctness += row.correct is None
        pool = self.pools.setdefault((problem.index, row.temperature), [0, -1])
        pool[0] += 1
        pool[1] = max(pool[1], -1 if row.sample_index is None else row.sample_index)
        for name in ONE_PER_RUN:
            self.values[name][getattr(row, name)] += 1
        tokens, _, mean = row.likelihood()
        self.rows_with.update(name for name in SAMPLE_COLUMNS if getattr(row, name) is not None)
        self.rows_with.update(tokens=tokens is not None, mean=mean is not None)
        self.samples += 1

    def known_problems(self) -> Iterator[Known]:
        """Yield the problems, in order of appearance; an unknown question is empty."""
        for name, summary in self.problems.items():
            question = summary.shared.get("problem", "")
            problem = Problem(name, question, summary.shared.get("gold"))
            yield Known(problem, prompt_hash(Prompt(text=question)))

    def facts(self) -> dict[str, Any]:
        """Return what the manifest keeps: counts, and the missing ``missing_inputs.COLUMNS``."""
        sizes = Counter(count for count, _ in self.pools.values())
        problems, with_value = self.problems.values(), self.rows_with
        golds = sum("gold" in problem.shared for problem in problems)
        unknown = (p.without_correctness for p in problems if "gold" not in p.shared)
        rows_for = {
            "logprobs": with_value["mean"],
            "num_tokens": with_value["tokens"],
            "entropies": with_value["mean_entropy"],
            "clusters": with_value["answer"] + golds,
            "reward_given": with_value["reward"],
        }
        greedy = [count for (_, temperature), (count, _) in self.pools.items() if temperature == 0]
        return {
            "samples": self.samples,
            "problems": len(problems),
            "temperatures": self.temperatures,
            "greedy": max(greedy, default=0) == 1 and max(sizes) > 1,
            "n": max(sizes),
            "pools": sorted(sizes.items(), reverse=True),
            "closed_up": sum(last >= count for count, last in self.pools.values()),
            "model": next(iter(self.values["model"])),
            "golds": golds,
            "questions": sum("problem" in problem.shared for problem in problems),
            "rows_with": {n: with_value[n] for n in ("answer", "correct", "reward", "mean")},
            "unknown_correct": sum(unknown),
            "unused": list(self.unused),
            "absent": [need for need, count in rows_for.items() if not count],
        }


def survey(source: SampleFiles) -> Survey:
    """Check every row of the files and count what they hold.

    Raises:
        ValueError: a file has faults, which are named by line; no row passes the filters; or those
            that do have several models, prompt styles or graders.
    """
    found = Survey()
    reader = RowReader(source)
    for location, row in reader.rows():
        try:
            found.add(location, row)
        except ValueError as fault:
            reader.add_fault(location, str(fault))
    reader.check(found.samples)
    for name, values in found.values.items():
        if len(values) > 1:
            listed = ", ".join(f"{value!r} ({count:,})" for value, count in values.most_common(10))
            raise ValueError(
                f"{source.name} has samples of {len(values)} {ONE_PER_RUN[name]}, and a run is of "
                f"one: {listed}; choose with --where {reader.theirs[name]}=VALUE"
            )
    numbered = found.rows_with["sample_index"]
    if numbered not in (0, found.samples):
        raise ValueError(
            f"{source.name} has a sample_index on {numbered:,} of {found.samples:,} rows; give it "
            "to all of them, or to none: then they are numbered in order"
        )
    if FORMATS[source.format].is_plain:
        used = {*reader.theirs.values(), *source.where, *THOUGHT_COLUMNS}
        found.unused = tuple(name for name in reader.columns if name not in used)
    return found


def describe(
    root: Path, source: SampleFiles, facts: dict[str, Any], left: dict[str, str], regrade: bool
) -> str:
    """Return what an import brought, what is missing, and the next command, for the terminal."""
    total, rows_with = facts["samples"], facts["rows_with"]
    temperatures = ("unknown" if t is None else f"{t:g}" for t in facts["temperatures"])
    pools = ", ".join(f"{count:,} of {size:,}" for size, count in facts["pools"])
    given = [
        f"{name} of {'all' if rows_with[key] == total else f'{rows_with[key]:,}'} samples"
        + (" (put aside: --regrade)" if regrade and key != "reward" else "")
        for key, name in (("answer", "answers"), ("correct", "correctness"), ("reward", "rewards"))
        if rows_with[key]
    ]
    interpretation = FORMATS[source.format].interpretation
    model = facts["model"] or "unknown"
    closed_up, unknown = facts["closed_up"], facts["unknown_correct"]
    gaps = "their sample_index has gaps or starts above 0; the order is kept"
    lines = {
        "imported": f"{total:,} samples of {facts['problems']:,} problems, model {model}",
        "temperatures": ", ".join(temperatures),
        "pools": f"{pools} samples",
        "given": ", ".join([*given, f"known answers of {facts['golds']:,} problems"]),
        "read as": interpretation and f"{source.format}: {interpretation}",
        "thoughts": facts.get("thoughts") and f"of {facts['thoughts']:,} samples, kept apart",
        "greedy": facts["greedy"] and "the one sample at temperature 0 is a baseline, not a pool",
        "renumbered": closed_up and f"{closed_up:,} pools: {gaps}",
        "unknown": unknown and f"{unknown:,} samples have neither correctness nor known answer",
        "left out": listed(left),
        "not read": facts["unused"] and f"columns {', '.join(facts['unused'])}",
        "next": f"workbench run {root}",
    }
    return "\n".join(f"{label:<13} {text}" for label, text in lines.items() if text)
