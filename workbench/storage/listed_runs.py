"""Which runs a folder holds, and how far each of them is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from workbench.config.conditions import conditions_of
from workbench.config.schema import Generation
from workbench.config.validation import parse
from workbench.config.yaml_file import read_mapping
from workbench.core.table_text import spell_temperature
from workbench.core.types import STAGES, known_temperature
from workbench.storage.manifest import Manifest
from workbench.storage.parquet import CONDITION, read_table
from workbench.storage.run_folder import Folder

JUDGED = ("problem_id", CONDITION, "temperature", "is_correct")
"""The columns of scores from which the accuracy is taken."""
MOST_NAMES = 4
"""Conditions that are named one by one; more are counted."""


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
    temperatures: tuple[float | str | None, ...] = ()
    """Without greedy decoding; None: imported, of an unknown temperature. Of a run with other
    factors the names of its conditions."""
    n: int | None = None
    """Samples that each problem is to have at each temperature."""
    stage: str = ""
    """The last stage that is done; empty where none is."""
    unfinished: str = ""
    """The stage that was begun and is not done."""
    accuracy: Mapping[float | str | None, float] = field(default_factory=dict)
    """Of a single sample, by temperature or condition: the mean over problems. Empty until the run
    is scored."""
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
    def varied(self) -> tuple[str, ...]:
        """The temperatures or conditions as text; how many these are, where there are many."""
        named = [isinstance(one, str) for one in self.temperatures]
        if any(named) and len(named) > MOST_NAMES:
            return (f"{len(named)} conditions",)
        return tuple(
            one if isinstance(one, str) else spell_temperature(one) for one in self.temperatures
        )

    @property
    def shares(self) -> tuple[str, ...]:
        """The accuracy in each of ``varied``, as text: ``-`` where it is not known.

        The lowest and the highest, where there are many.
        """
        known = [self.accuracy.get(temperature) for temperature in self.temperatures]
        if len(self.varied) < len(known):
            judged = [share for share in known if share is not None]
            return (f"{min(judged):.2f} to {max(judged):.2f}" if judged else "-",)
        return tuple("-" if share is None else f"{share:.2f}" for share in known)


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
    plain = not (generation.get("grid") or generation.get("conditions"))
    varied = tuple(generation["temperatures"]) if plain else _condition_names(generation)
    with (folder.root / "problems.jsonl").open("rb") as lines:
        problems = sum(1 for _ in lines)
    return {
        "task": str(experiment["task"]["name"]),
        "model": str(generation["model"]),
        "problems": problems,
        "temperatures": varied,
        "n": generation["n"],
        "stage": done[-1] if done else "",
        "unfinished": begun[0] if begun else "",
        "accuracy": _accuracy(folder, "temperature" if plain else CONDITION),
    }


def _condition_names(generation: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the conditions, without greedy decoding."""
    settings, _ = parse(Generation, dict(generation))
    if settings is None:
        raise ValueError("its conditions cannot be read; see `workbench validate`")
    return tuple(one.name for one in conditions_of(settings) if not one.greedy)


def _accuracy(folder: Folder, by: str) -> dict[float | str | None, float]:
    """Return the mean over problems of the share of right samples, those unknown left out.

    By the column ``temperature`` or ``condition``.
    """
    shares: dict[float | str | None, list[float]] = {}
    for path in sorted((folder.root / "scores").glob("block-*.parquet")):
        table = read_table(path, JUDGED)
        table = table.filter(pc.field("is_correct").is_valid())
        table = table.set_column(3, "is_correct", table["is_correct"].cast("float64"))
        means = table.group_by([by, "problem_id"]).aggregate([("is_correct", "mean")])
        for row in means.to_pylist():
            found = row[by] if by == CONDITION else known_temperature(row[by])
            shares.setdefault(found, []).append(row["is_correct_mean"])
    return {found: sum(each) / len(each) for found, each in shares.items()}


def _size(root: Path) -> int:
    total = 0
    for folder, _, names in os.walk(root):
        for name in names:
            with suppress(FileNotFoundError):  # of a run that is just going on
                total += os.lstat(os.path.join(folder, name)).st_size
    return total
