"""What an import says on the terminal: which column was taken for what, and what was found."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workbench.core.conditions import spell_setting
from workbench.core.counted import counted
from workbench.interchange.readers import FORMATS
from workbench.interchange.sample_files import SampleFiles
from workbench.interchange.survey import Survey
from workbench.measure.missing_inputs import listed

MOST_NAMED = 8
"""Conditions that are named."""
MANY_EMPTY = 0.05
"""Share of empty texts above which an import speaks of them."""


def column_table(found: Survey) -> str:
    """Return a line for each of our columns: what it was taken from, how often, and examples."""
    rows = [("column", "is taken for", "rows with it", "examples")]
    for ours, theirs in found.mapping.theirs.items():
        count = found.rows_with[ours]
        if count:
            share = f"{100 * count / found.samples:.3g} %"
            rows.append((theirs, ours, share, " | ".join(found.examples[ours])))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = []
    for *cells, last in rows:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        lines.append("  ".join([*padded, last]).rstrip())
    return "\n".join(lines)


def _limits(facts: dict[str, Any]) -> Iterator[str]:
    """Yield what the samples were limited to, and where that differs between them."""
    for name, value in facts.get("limits", {}).items():
        yield f"{name} {value:g}"
    for name, counts in facts.get("limits_differ", {}).items():
        each = (f"{'unknown' if v is None else f'{v:g}'} ({count:,})" for v, count in counts)
        yield f"{name} differs, and the experiment does not have it: {', '.join(each)}"


def _conditions(cells: Sequence[dict[str, Any]]) -> str:
    """Return the names of conditions, the first ones of many, each with what it differs by."""
    spelt = []
    for cell in cells[:MOST_NAMED]:
        levels = [f"{name} {spell_setting(name, v)}" for name, v in cell.items() if name != "name"]
        spelt.append(f"{cell['name']} ({', '.join(levels)})")
    more = [f"and {len(cells) - MOST_NAMED:,} more"] if len(cells) > MOST_NAMED else []
    return "; ".join(spelt + more)


def _repeated(source: SampleFiles, pairs: Sequence[Sequence[int]]) -> str:
    """Return which files hold the samples of another file, and what to do."""
    if not pairs:
        return ""
    file, earlier = (source.files[number] for number in pairs[0])
    more = f" (and {counted(len(pairs) - 1, 'more file')} like it)" if len(pairs) > 1 else ""
    return (
        f"{file} holds the same samples as {earlier}{more}, and all are counted: leave out copies"
    )


def without_model(source: SampleFiles, facts: dict[str, Any]) -> str | None:
    """Return what to do where pools have samples of several files and no model is named."""
    if facts["model"] is not None or not facts.get("across_files"):
        return None
    return (
        f"{counted(facts['across_files'], 'pool')} would be of samples from several of "
        f"{source.name}, and no model is named: import each file alone, or, if one model drew them "
        "all, name it with --set generation.model=NAME"
    )


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
    empty, likely = facts.get("empty", 0), facts.get("likely") or {}
    lines = {
        "imported": f"{total:,} samples of {facts['problems']:,} problems, model {model}",
        "temperatures": ", ".join(temperatures),
        "conditions": _conditions(facts.get("conditions", [])),
        "limits": "; ".join(_limits(facts)),
        "pools": f"{pools} samples",
        "given": ", ".join([*given, f"known answers of {facts['golds']:,} problems"]),
        "read as": interpretation and f"{source.format}: {interpretation}",
        "thoughts": facts.get("thoughts") and f"of {facts['thoughts']:,} samples, kept apart",
        "greedy": facts["greedy"] and "the one sample at temperature 0 is a baseline, not a pool",
        "renumbered": closed_up and f"{closed_up:,} pools: {gaps}",
        "unknown": unknown and f"{unknown:,} samples have neither correctness nor known answer",
        "empty": empty > MANY_EMPTY * total
        and f"{empty:,} of {total:,} texts have nothing in them",
        "no samples": (rows := facts.get("rows_without_samples", 0)) and f"in {rows:,} rows",
        "files": (mixed := facts.get("across_files", 0))
        and f"{mixed:,} pools have samples of several files",
        "twice": _repeated(source, facts.get("repeated_files") or []),
        "left out": listed(left),
        "not read": facts["unused"] and f"columns {', '.join(facts['unused'])}",
        "perhaps": "; ".join(f"{name} ({flag})" for name, flag in likely.items()),
        "next": f"workbench run {root}",
    }
    return "\n".join(f"{label:<13} {text}" for label, text in lines.items() if text)
