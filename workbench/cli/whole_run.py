"""An experiment, wherever it is from, carried out in the folder of its run."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.analysis.aggregate import AGGREGATORS
from workbench.cli.large_runs import refuse_large
from workbench.cli.open_experiment import open_experiment, refuse_needs, with_comparison
from workbench.cli.run_stages import run_stages
from workbench.cli.tracking import default_folder
from workbench.core.types import STAGES
from workbench.experiment import check_experiment
from workbench.generate.drawing_progress import say_how_it_went
from workbench.storage.open_run import OpenRun


def carry_out(
    names: tuple[str, ...],
    target: Path | Mapping[str, Any],
    overrides: Sequence[str],
    out: Path | None,
    workers: int | None = None,
    *,
    redraw_errors: bool = False,
    large: bool = False,
) -> OpenRun:
    """Run some of ``STAGES`` for an experiment.

    Args:
        names: the stages, in order.
        target: a file, the folder of a run, or an experiment's sections as a dictionary.
        overrides: settings that replace the experiment's, as ``generation.n=32``.
        out: the run's folder; by default that of a run is its own, and others' results/NAME.
        workers: processes that compare answers, measure and pick.
        redraw_errors: whether samples that could not be drawn are drawn again.
        large: whether a design of conditions may have more than 10,000 samples.

    Raises:
        ValueError: the experiment is not valid or too large, or as ``run_stages``.
        OSError: the folder cannot be written.
    """
    if isinstance(target, Mapping):
        tree = copy.deepcopy(dict(target))
        experiment = check_experiment(
            tree, overrides, "the dictionary", aggregators=AGGREGATORS, here="generate" in names
        )
        refuse_needs(experiment)
    else:
        experiment = open_experiment(target, overrides, here="generate" in names)
    if isinstance(target, Path) and target.is_dir():
        root, told = out or target, None
    else:
        root, told = out or default_folder(experiment.name), overrides
        experiment = with_comparison(experiment, root)
    if "generate" in names and not large:
        refuse_large(experiment, root)
    return run_stages(
        names, root, experiment, workers, redraw_errors=redraw_errors, overrides=told
    )[0]


def whole_run(
    target: Path | Mapping[str, Any],
    overrides: Sequence[str],
    out: Path | None,
    workers: int | None = None,
    *,
    redraw_errors: bool = False,
    large: bool = False,
) -> Path:
    """Run all stages, write the page, print what was found and return the run's folder.

    Raises:
        ValueError: as ``carry_out``; or so many samples failed that the run is not to be trusted.
        OSError: the folder cannot be written.
    """
    from workbench.analysis.last_screen import finish

    done = carry_out(
        STAGES, target, overrides, out, workers, redraw_errors=redraw_errors, large=large
    )
    finish(done.root)
    say_how_it_went(done.manifest, done.generation.max_failed)
    return done.root


def as_overrides(settings: Mapping[str, Any], section: str = "") -> Iterator[str]:
    """Yield nested settings as ``--set`` takes them.

    Raises:
        ValueError: a value is none that an experiment file can hold.

    Example:
        >>> list(as_overrides({"generation": {"n": 32, "temperatures": (0.3, 1)}, "name": "own"}))
        ['generation.n=32', 'generation.temperatures=[0.3, 1]', 'name="own"']
    """
    for name, value in settings.items():
        key = f"{section}{name}"
        if isinstance(value, Mapping):
            yield from as_overrides(value, f"{key}.")
            continue
        try:
            yield f"{key}={json.dumps(value, ensure_ascii=False, default=_plain)}"
        except TypeError as fault:
            raise ValueError(
                f"{key}: {fault}; give text, a number, a list or a dictionary"
            ) from fault


def _plain(value: Any) -> Any:
    """Return a path as text and a number or array of numpy as Python has it."""
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"cannot be {value!r}")
