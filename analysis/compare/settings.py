"""What runs that are compared have in common and in what they differ: names, problems, settings."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.analysis.frames import Table
from workbench.saved_run import Run

LONGEST_SETTING = 100
"""Characters of a setting that are shown."""


def shared_problems(runs: Sequence[Run], names: Sequence[str]) -> Table:
    """Count the problems that each run shares with the first, by id and question.

    Raises:
        ValueError: there are none, or the same id stands for two questions.
    """
    first, *others = (run.problems.set_index("problem_id") for run in runs)
    rows = []
    for name, other in zip(names[1:], others, strict=True):
        ids = first.index.intersection(other.index)
        ours, theirs = (frame.loc[ids, "question"].str.strip() for frame in (first, other))
        changed = ids[(ours != theirs) & (ours != "") & (theirs != "")]  # "": the id must do
        if len(changed):
            raise ValueError(
                f"{names[0]} and {name} ask other questions under the same ids ({len(changed)} of "
                f"{len(ids)}, such as {changed[0]!r}), so their problems cannot be paired; compare "
                "runs of the same problem file"
            )
        if ids.empty:
            raise ValueError(
                f"{names[0]} and {name} have no problem in common (ids such as {first.index[0]!r} "
                f"and {other.index[0]!r}); compare runs of the same problem file"
            )
        gold, its = (frame.loc[ids, "gold"] for frame in (first, other))
        # a missing one equals no text, "None" and "" included
        differs = (gold.isna() != its.isna()) | (gold.fillna("") != its.fillna(""))
        rows.append(
            {
                "run": name,
                "against": names[0],
                "shared": len(ids),
                "only here": len(other) - len(ids),
                "only there": len(first) - len(ids),
                "other known answer": int(differs.sum()),
            }
        )
    note = "only shared problems are compared; the others are left out"
    return Table(pd.DataFrame(rows), (note,))


def names_of(runs: Sequence[Run]) -> list[str]:
    """Name runs by their folders, in full where two have the same name."""
    if not runs:
        raise ValueError("nothing to compare; give the folder of a run, such as results/quickstart")
    roots = [run.root.resolve() for run in runs]
    for place, run in enumerate(runs):
        if roots[place] in roots[:place]:
            raise ValueError(f"{run.root} is given twice; give each run once")
    short = [root.name for root in roots]
    return [n if short.count(n) == 1 else str(r.root) for n, r in zip(short, runs, strict=True)]


def differing_settings(runs: Sequence[Run], names: Sequence[str]) -> Table:
    """List what differs between the runs: settings, and what the samples were really drawn with."""
    described = []
    for run in runs:
        settings = dataclasses.asdict(run.experiment)
        repeated = settings["generation"].keys() - {"model", "backend"}
        drawn = run.manifest.get("identity", {}).items()
        found = {f"identity.{key}": value for key, value in drawn if key not in repeated}
        found["commit"] = run.manifest.get("commit", "")
        described.append(dict(_flatten(settings)) | found)
    rows = []
    for key in sorted(set().union(*described)):
        values = [known.get(key, "-") for known in described]
        compared = key != "name" and not key.startswith("tracking.")
        if compared and any(value != values[0] for value in values):
            rows.append({"setting": key} | dict(zip(names, map(_cell, values), strict=True)))
    notes = ("settings that differ; identity: what the samples were really drawn with",)
    return Table(pd.DataFrame(rows), notes if rows else ("no setting differs",))


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted key, value) of nested settings."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _cell(value: object) -> str:
    """Return a setting on one line; a long one, such as a template, by its beginning and hash."""
    text = " ".join(str(value).split())
    if len(text) <= LONGEST_SETTING:
        return text
    digest = hashlib.sha256(str(value).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{text[: LONGEST_SETTING - 25]}... (sha256 {digest})"
