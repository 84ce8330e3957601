"""Reads the experiment that a command is given, as a file or as the folder of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.aggregate import AGGREGATORS
from workbench.cli.tracking import default_folder
from workbench.config.schema import Experiment
from workbench.config.yaml_file import read_mapping
from workbench.core.console import notice
from workbench.experiment import load_experiment
from workbench.tasks.chosen_comparison import chosen_options


def open_experiment(
    target: Path, overrides: Sequence[str], out: Path | None = None, *, here: bool = True
) -> tuple[Experiment, Path]:
    """Return an experiment and the folder of its run.

    How answers are compared is chosen where a file does not say, and said. A run that is there
    already keeps the comparison with which it was made.

    Raises:
        ValueError: the folder is no run, or the experiment is not valid.
    """
    path = target / "experiment.yaml" if target.is_dir() else target
    if target.is_dir() and not path.exists():
        raise ValueError(f"{target} is not a run: it has no experiment.yaml")
    experiment = load_experiment(path, overrides, aggregators=AGGREGATORS, here=here)
    root = out or (target if target.is_dir() else default_folder(experiment.name))
    task = experiment.task
    if target.is_dir() or "compare" in task.options:
        return experiment, root
    chosen = _recorded(root)
    if chosen is None:
        chosen, why = chosen_options(task)
        if chosen:
            told = ", ".join(map(str, chosen.get("labels", ())))
            notice(
                f"answers are compared as {chosen['compare']}{f' ({told})' if told else ''}: {why} "
                "(another: task.options.compare)"
            )
    return replace(experiment, task=replace(task, options=task.options | chosen)), root


def _recorded(root: Path) -> dict[str, Any] | None:
    """Return how a run that is there compares answers; None if there is none."""
    path = root / "experiment.yaml"
    if not path.exists():
        return None
    options = (read_mapping(path).get("task") or {}).get("options") or {}
    return {key: options[key] for key in ("compare", "labels", "pattern") if key in options}
