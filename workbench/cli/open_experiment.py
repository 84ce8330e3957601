"""Reads the experiment that a command is given, as a file or as the folder of a run."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.analysis.aggregate import AGGREGATORS
from workbench.config.schema import Experiment
from workbench.config.yaml_file import read_mapping
from workbench.core.plugins import load_plugins, note_not_loaded, put_away_others
from workbench.experiment import load_experiment
from workbench.metrics import METRICS
from workbench.tasks.chosen_comparison import chosen_options

WHOLE = (
    ". A text that marks no answer is one as a whole, so that only equal texts vote together: ask "
    "for the answer alone before you trust maj"
)
"""What else is said where answers are compared as ``contains``."""


def open_experiment(target: Path, overrides: Sequence[str], *, here: bool = True) -> Experiment:
    """Return the experiment of a file, or of the folder of a run.

    Raises:
        ValueError: the folder is no run, its plug-ins are not named by the overrides, or the
            experiment is not valid.
    """
    path = target / "experiment.yaml" if target.is_dir() else target
    if target.is_dir() and not path.exists():
        raise ValueError(f"{target} is not a run: it has no experiment.yaml")
    if target.is_dir() and not (target / "manifest.json").exists():
        raise ValueError(
            f"{target} is not a run: it has no manifest.json; to run the experiment that is in it, "
            f"name the file {path}"
        )
    trusted = not target.is_dir()
    experiment = load_experiment(
        path, overrides, aggregators=AGGREGATORS, here=here, trusted=trusted
    )
    if left := note_not_loaded(experiment.plugins):
        from workbench.storage.kept_plugins import unloaded_message  # with it comes pyarrow

        raise ValueError(unloaded_message(target, left))
    put_away_others(experiment.plugins)
    if not trusted:
        load_plugins(experiment.plugins)  # named before in this process; a file may be edited since
    refuse_needs(experiment)
    return experiment


def refuse_needs(experiment: Experiment) -> None:
    """Raise ValueError where a metric of a plug-in asks for what no pool has."""
    if own := [*METRICS.hashes(experiment.measure.metrics)]:
        from workbench.measure.remeasure import check_needs  # with it comes pandas

        check_needs(own)


def with_comparison(experiment: Experiment, root: Path | None = None) -> Experiment:
    """Return an experiment that says how its answers are compared, and print what was chosen.

    A run that is there already, in the folder ``root``, keeps the comparison it was made with.
    """
    task = experiment.task
    if "compare" in task.options:
        return experiment
    chosen = _recorded(root) if root else None
    if chosen is None:
        chosen, why = chosen_options(task)
        if chosen:
            from workbench.core.console import notice  # rich, which is not needed otherwise

            labels = f" ({', '.join(chosen['labels'])})" if "labels" in chosen else ""
            notice(
                f"answers are compared as {chosen['compare']}{labels}: {why} "
                f"(another: task.options.compare){WHOLE * (chosen['compare'] == 'contains')}"
            )
    return replace(experiment, task=replace(task, options=task.options | chosen))


def _recorded(root: Path) -> dict[str, Any] | None:
    """Return how a run that is there compares answers; None if there is none."""
    path = root / "experiment.yaml"
    if not path.exists():
        return None
    options = (read_mapping(path).get("task") or {}).get("options") or {}
    return {key: options[key] for key in ("compare", "labels", "pattern") if key in options}
