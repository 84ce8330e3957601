"""What is to be known of a file of samples before any of it is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.core.types import Known, Problem, Prompt
from workbench.interchange.readers import FORMATS
from workbench.interchange.readers.record import Place
from workbench.interchange.row import COLUMNS, Row
from workbench.interchange.source import Reading, Source
from workbench.measure.missing_inputs import listed
from workbench.tasks.prompts import prompt_hash

CELL = {"model": "models", "prompt_style": "prompt_styles", "graded_by": "gradings"}
"""Columns of which one run has one value, and what several are called."""


@dataclass
class Asked:
    """A problem as its rows have it; what one row leaves out, another may say."""

    place: int
    first: str
    """Where it was first seen."""
    said: dict[str, str] = field(default_factory=dict)
    """``problem`` and ``gold``, where a row says them."""
    unjudged: int = 0
    """Rows that do not say whether they are correct."""


@dataclass
class Survey:
    """What the sound rows of a file hold."""

    samples: int = 0
    problems: dict[str, Asked] = field(default_factory=dict)
    """By name, in order of appearance."""
    pools: dict[tuple[int, float | None], list[int]] = field(default_factory=dict)
    """(place of the problem, temperature) -> [samples, largest sample_index]."""
    cells: dict[str, Counter[str | None]] = field(
        default_factory=lambda: {name: Counter() for name in CELL}
    )
    having: Counter[str] = field(default_factory=Counter)
    """Rows that have a value, by column; ``mean`` for a known mean log-probability."""
    columns: tuple[str, ...] = ()
    """The file's own names of its columns."""
    used: frozenset[str] = frozenset()
    """Those of them that are read."""

    @property
    def temperatures(self) -> list[float | None]:
        """The temperatures, rising; None, the unknown one, last."""
        found = {temperature for _, temperature in self.pools}
        return sorted(found, key=lambda t: (t is None, t or 0.0))

    def add(self, place: Place, row: Row) -> None:
        """Take a row into account.

        Raises:
            ValueError: it contradicts an earlier one.
        """
        asked = self.problems.setdefault(row.problem_id, Asked(len(self.problems), place.label))
        for name in ("problem", "gold"):
            value = getattr(row, name)
            if value is not None and asked.said.setdefault(name, value) != value:
                raise ValueError(
                    f"{name}: {row.problem_id!r} has another one than at {asked.first}; "
                    "give each problem its own problem_id"
                )
        asked.unjudged += row.correct is None
        pool = self.pools.setdefault((asked.place, row.temperature), [0, -1])
        pool[0] += 1
        pool[1] = max(pool[1], -1 if row.sample_index is None else row.sample_index)
        for name in CELL:
            self.cells[name][getattr(row, name)] += 1
        tokens, _, mean = row.likelihood()
        self.having.update(name for name in COLUMNS if getattr(row, name) is not None)
        self.having.update(tokens=tokens is not None, mean=mean is not None)
        self.samples += 1

    def known(self) -> Iterator[Known]:
        """Yield the problems, in order of appearance; a question that is not said is empty."""
        for name, asked in self.problems.items():
            question = asked.said.get("problem", "")
            problem = Problem(name, question, asked.said.get("gold"))
            yield Known(problem, prompt_hash(Prompt(text=question)))

    def facts(self) -> dict[str, Any]:
        """Return what a manifest keeps: counts, and what of ``absent.COLUMNS`` is missing."""
        sizes = Counter(count for count, _ in self.pools.values())
        golds = sum("gold" in asked.said for asked in self.problems.values())
        there = {
            "logprobs": self.having["mean"],
            "num_tokens": self.having["tokens"],
            "entropies": self.having["mean_entropy"],
            "clusters": self.having["answer"] + golds,
            "reward_given": self.having["reward"],
        }
        greedy = [count for (_, temperature), (count, _) in self.pools.items() if temperature == 0]
        return {
            "samples": self.samples,
            "problems": len(self.problems),
            "temperatures": self.temperatures,
            "greedy": max(greedy, default=0) == 1 and max(sizes) > 1,
            "n": max(sizes),
            "pools": sorted(sizes.items(), reverse=True),
            "closed_up": sum(last >= count for count, last in self.pools.values()),
            "model": next(iter(self.cells["model"])),
            "golds": golds,
            "questions": sum("problem" in asked.said for asked in self.problems.values()),
            "rows_with": {n: self.having[n] for n in ("answer", "correct", "reward", "mean")},
            "unknown_correct": sum(
                asked.unjudged for asked in self.problems.values() if "gold" not in asked.said
            ),
            "unused": [name for name in self.columns if name not in self.used],
            "absent": [need for need, count in there.items() if not count],
        }


def survey(source: Source) -> Survey:
    """Check every row of a file and learn what it holds.

    Raises:
        ValueError: the file has faults, which are named by line; nothing is taken; or what is
            taken has several models or prompt styles.
    """
    found = Survey()
    reading = Reading(source)
    for place, row in reading.rows():
        try:
            found.add(place, row)
        except ValueError as fault:
            reading.fault(place, str(fault))
    reading.check(found.samples)
    theirs = {name: source.columns.get(name, name) for name in COLUMNS}
    for name, values in found.cells.items():
        if len(values) > 1:
            listed = ", ".join(f"{value!r} ({count:,})" for value, count in values.most_common(10))
            raise ValueError(
                f"{source.name} has samples of {len(values)} {CELL[name]}, and a run is of one: "
                f"{listed}; choose with --where {theirs[name]}=VALUE"
            )
    numbered = found.having["sample_index"]
    if numbered not in (0, found.samples):
        raise ValueError(
            f"{source.name} has a sample_index on {numbered:,} of {found.samples:,} rows; give it "
            "to all of them, or to none: then they are numbered in order"
        )
    found.columns = tuple(reading.columns) if FORMATS[source.format].renamed else ()
    found.used = frozenset([*theirs.values(), *source.where])
    return found


def describe(
    root: Path,
    source: Source,
    facts: Mapping[str, Any],
    left: Mapping[str, str],
    *,
    regrade: bool,
) -> str:
    """Return what an import brought, what it lacks, and the next command."""
    temperatures = ", ".join("unknown" if t is None else f"{t:g}" for t in facts["temperatures"])
    pools = ", ".join(f"{count:,} of {size:,}" for size, count in facts["pools"])
    total, having = facts["samples"], facts["rows_with"]
    given = [
        f"{name} of {'all' if having[key] == total else f'{having[key]:,}'} samples"
        + (" (put aside: --regrade)" if regrade and key != "reward" else "")
        for key, name in (("answer", "answers"), ("correct", "correctness"), ("reward", "rewards"))
        if having[key]
    ]
    given.append(f"known answers of {facts['golds']:,} problems")
    unknown = facts["unknown_correct"]
    lines = [
        f"imported      {total:,} samples of {facts['problems']:,} problems, model "
        f"{facts['model'] or 'unknown'}",
        f"temperatures  {temperatures}",
        f"pools         {pools} samples",
        f"given         {', '.join(given)}",
    ]
    kept = FORMATS[source.format].kept
    if kept:
        lines.append(f"read as       {source.format}: {kept}")
    if facts["greedy"]:
        lines.append("greedy        the one sample at temperature 0 is a baseline, not a pool")
    if facts["closed_up"]:
        lines.append(
            f"renumbered    {facts['closed_up']:,} pools: their sample_index has gaps or starts "
            "above 0; the order is kept"
        )
    if unknown:
        lines.append(f"unknown       {unknown:,} samples have neither correctness nor known answer")
    if left:
        lines.append(f"left out      {listed(left)}")
    if facts["unused"]:
        lines.append(f"not read      columns {', '.join(facts['unused'])}")
    return "\n".join([*lines, f"next          workbench run {root}"])
