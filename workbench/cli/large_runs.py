"""Large designs: a run of so many samples is refused unless it is said that it is meant."""

from __future__ import annotations

from pathlib import Path

from workbench.config.schema import Experiment, experiment_to_dict
from workbench.config.size_estimate import large_design
from workbench.config.yaml_file import YamlError, read_mapping
from workbench.tasks import TASKS

FLAG = "--yes-it-is-large"


def count_problems(experiment: Experiment) -> int:
    """Return how many problems an experiment asks; those on the hub are fetched only if needed.

    Raises:
        ValueError: the problems cannot be read.
    """
    task = TASKS[experiment.task.name]
    count = experiment.task.num_problems
    if count is None or not task.on_hub(experiment.task):
        return len(task.problems(experiment.task))
    return count


def refuse_large(experiment: Experiment, root: Path) -> None:
    """Refuse a design of conditions that is large, unless its run was begun already.

    A run in the folder ``root`` that was begun with the same sections ``task`` and ``generation``
    was said to be meant then: it is not asked again when it is resumed, or only analysed.

    Raises:
        ValueError: there are more samples than ``size_estimate.LARGE``; or the problems cannot be
            read.
    """
    drawn = experiment.generation
    if not (drawn.grid or drawn.conditions) or drawn.backend == "import":
        return
    said = large_design(experiment, count_problems(experiment))
    if said and not _begun(experiment, root):
        raise ValueError(
            f"{said}: give {FLAG} if it is meant, or lower generation.n, task.num_problems or the "
            "number of conditions (wb.run takes yes_it_is_large=True)"
        )


def _begun(experiment: Experiment, root: Path) -> bool:
    """Say whether a folder has a run of the same samples."""
    path = root / "experiment.yaml"
    if not path.exists():
        return False
    try:
        held = read_mapping(path)
    except YamlError:
        return False  # it is told where the run is opened
    now = experiment_to_dict(experiment)
    return all(held.get(name) == now[name] for name in ("task", "generation"))
