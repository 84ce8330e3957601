"""Which runs a folder holds, and how far each of them is."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from workbench.config.conditions import ordered_conditions
from workbench.config.schema import Generation
from workbench.config.validation import parse
from workbench.config.yaml_file import read_mapping
from workbench.core.conditions import (
    TEMPERATURE,
    spell_setting,
    temperature_name,
    varying_factors,
)
from workbench.core.table_text import spell_temperature
from workbench.core.types import STAGES
from workbench.storage.manifest import Manifest
from workbench.storage.parquet import CONDITION, read_table
from workbench.storage.run_folder import Folder

JUDGED = ("problem_id", CONDITION, "is_correct")
"""The columns of scores from which the accuracy is taken."""
MOST_SHARES = 4
"""Accuracies that are listed of conditions of several factors; of more it is their range."""


@dataclass(frozen=True, kw_only=True)
class ListedRun:
    """What is said of one run in a list of runs."""

    root: Path
    changed: datetime
    """When a stage last wrote something."""
    size: int
    """Bytes on the disk."""
    task: str = ""
    model: str = ""
    problems: int = 0
    temperatures: tuple[float | None, ...] = ()
    """Without greedy decoding; None: imported, of an unknown temperature."""
    conditions: tuple[str, ...] = ()
    """The names of the conditions, in the order of tables, without greedy decoding."""
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The levels of each factor as text, the temperature first; empty where the conditions are not
    all combinations of them."""
    n: int | None = None
    """Samples that each problem is to have in each condition."""
    stage: str = ""
    """The last stage that is done; empty where none is."""
    unfinished: str = ""
    """The stage that was begun and is not done."""
    accuracy: Mapping[str, float] = field(default_factory=dict)
    """Of a single sample, by condition: the mean over problems. Empty until the run is scored."""
    fault: str = ""
    """Why nothing can be said of the run."""

    @property
    def finished(self) -> str:
        """How far the run is, in words: the last stage that is done, and the one that is not."""
        if self.fault:
            return "damaged"
        if self.unfinished:
            return f"{self.stage or 'nothing'}; {self.unfinished} is not"
        return self.stage

    @property
    def shares(self) -> tuple[str, ...]:
        """The accuracy in each condition, as text: ``-`` where it is not known.

        Of many conditions that differ in more than the temperature it is the lowest and the
        highest: ``0.22 to 0.45``.
        """
        known = [self.accuracy.get(name) for name in self.conditions]
        found = [share for share in known if share is not None]
        if [*self.levels] != [TEMPERATURE] and len(known) > MOST_SHARES and found:
            return (f"{min(found):.2f} to {max(found):.2f}",)
        return tuple("-" if share is None else f"{share:.2f}" for share in known)

    def varied(self, comma: str = ", ") -> str:
        """The levels of the conditions as text: ``0.7, 1 x min_p 0, 0.1``, or how many there are.

        Args:
            comma: what stands between levels.
        """
        if not self.levels:
            return f"{len(self.conditions)} conditions" if self.conditions else ""
        spelt = {name: comma.join(levels) for name, levels in self.levels.items()}
        return " x ".join(
            levels if name == TEMPERATURE else f"{name} {levels}" for name, levels in spelt.items()
        )


def listed_runs(folder: Path) -> list[ListedRun]:
    """Return the runs in a folder, such as ``results``, those that changed last first.

    A run may lie one folder deeper, as those of a sweep do. A damaged run is among them, with its
    fault. Of each run the manifest is read, the problems are counted, and one column of its scores.

    Raises:
        ValueError: there is no such folder.

    Example:
        >>> found = [run for run in listed_runs(Path("results")) if run.root.name == "reference"]
        >>> [(run.task, run.problems, run.n, run.stage) for run in found]
        [('arithmetic', 30, 16, 'analyze')]
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; give one that holds runs, such as results")
    found = [_listed(root) for root in _roots(folder)]
    return sorted(found, key=lambda run: (run.changed, run.root), reverse=True)


def _roots(folder: Path) -> Iterator[Path]:
    for child in _folders(folder):
        if _is_run(child):
            yield child
        else:
            yield from filter(_is_run, _folders(child))


def _folders(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir()]
    except OSError:  # no permission: what is in there is not for this user
        return []


def _is_run(root: Path) -> bool:
    folder = Folder(root)
    both = folder.manifest_path.exists() and folder.experiment_path.exists()
    return both or (root / "samples").is_dir()


def _listed(root: Path) -> ListedRun:
    folder = Folder(root)
    newest = folder.manifest_path if folder.manifest_path.exists() else root
    changed = datetime.fromtimestamp(newest.stat().st_mtime, UTC)
    known: dict[str, Any] = {"root": root, "changed": changed, "size": _size(root)}
    try:
        return ListedRun(**known, **_told(folder))
    except (ValueError, OSError) as fault:
        return ListedRun(**known, fault=str(fault))
    except (KeyError, TypeError, AttributeError) as fault:
        why = f"{folder.manifest_path} is not as a run leaves it ({type(fault).__name__}: {fault})"
        return ListedRun(**known, fault=f"{why}; restore it from a copy")


def _told(folder: Folder) -> dict[str, Any]:
    """Return what a run's files tell of it; whatever is damaged raises."""
    if not folder.manifest_path.exists():
        raise ValueError(f"{folder.manifest_path} is missing; restore it from a copy")
    manifest = Manifest(folder.manifest_path).data
    # until the first stage has ended it is in its file alone, which takes longer to read
    experiment = manifest.get("experiment") or read_mapping(folder.experiment_path)
    generation, stages = experiment["generation"], manifest.get("stages", {})
    done = [name for name in STAGES if stages.get(name, {}).get("status") == "done"]
    begun = [name for name in STAGES if stages.get(name, {}).get("status", "done") != "done"]
    with (folder.root / "problems.jsonl").open("rb") as lines:
        problems = sum(1 for _ in lines)
    return {
        "task": str(experiment["task"]["name"]),
        "model": str(generation["model"]),
        "problems": problems,
        **_drawn(generation),
        "n": generation["n"],
        "stage": done[-1] if done else "",
        "unfinished": begun[0] if begun else "",
        "accuracy": _accuracy(folder),
    }


def _drawn(generation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the conditions of a run, from its section ``generation``."""
    temperatures = tuple(generation["temperatures"])
    if not (generation.get("grid") or generation.get("conditions")):
        spelt = tuple(map(spell_temperature, temperatures))
        names = tuple(map(temperature_name, temperatures))
        return {"temperatures": temperatures, "conditions": names, "levels": {TEMPERATURE: spelt}}
    known, faults = parse(Generation, dict(generation))
    if known is None:
        raise ValueError(f"generation.{faults[0]}")
    sampled = [one for one in ordered_conditions(known) if not one.greedy]
    factors = dict.fromkeys([TEMPERATURE, *varying_factors(sampled)])
    levels = {
        name: tuple(dict.fromkeys(spell_setting(name, one.own.get(name)) for one in sampled))
        for name in factors
    }
    crossed = math.prod(map(len, levels.values())) == len(sampled)
    return {
        "temperatures": tuple(dict.fromkeys(one.temperature for one in sampled)),
        "conditions": tuple(one.name for one in sampled),
        "levels": levels if crossed else {},
    }


def _accuracy(folder: Folder) -> dict[str, float]:
    """Return the mean over problems of the share of right samples, those unknown left out."""
    shares: dict[str, list[float]] = {}
    for path in sorted((folder.root / "scores").glob("block-*.parquet")):
        table = read_table(path, JUDGED)
        table = table.filter(pc.field("is_correct").is_valid())
        table = table.set_column(2, "is_correct", table["is_correct"].cast("float64"))
        means = table.group_by([CONDITION, "problem_id"]).aggregate([("is_correct", "mean")])
        for row in means.to_pylist():
            shares.setdefault(row[CONDITION], []).append(row["is_correct_mean"])
    return {name: sum(each) / len(each) for name, each in shares.items()}


def _size(root: Path) -> int:
    total = 0
    for folder, _, names in os.walk(root):
        for name in names:
            with suppress(FileNotFoundError):  # of a run that is just going on
                total += os.lstat(os.path.join(folder, name)).st_size
    return total
