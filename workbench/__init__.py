"""The workbench: does sampling more, or hotter, give more diverse answers, and does it pay?

>>> import workbench as wb
>>> run = wb.load_run("results/reference")
>>> run
Run('results/reference': arithmetic|SmolLM2-135M-Instruct|T:0.3,0.7,1|N:16|seed:0|v0.1.0+g0cd9e17)
>>> run.frame.query("temperature == 0.3").groupby("problem_id")["correct"].mean().max()
np.float64(1.0)
>>> run.table("statuses")[["temperature", "samples"]].to_numpy().tolist()
[[0.0, 30.0], [0.3, 480.0], [0.7, 480.0], [1.0, 480.0]]

``wb.run`` makes a run, ``wb.runs`` lists those that there are, ``wb.compare`` compares some of
them. What an experiment can name is in ``wb.METRICS``, ``wb.TASKS`` and the other tables; a row of
one's own is a ``wb.Metric``, a ``wb.Task`` and so on. Each name is imported when it is first used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.core.handed_down import HANDED_DOWN
from workbench.core.version import __version__

if TYPE_CHECKING:
    from workbench.analysis.aggregate import AGGREGATORS
    from workbench.analysis.aggregate.aggregator import Aggregator
    from workbench.analysis.aggregate.pruning import PRUNERS, Pruner
    from workbench.analysis.compare.conclusions import correlation_row, row_of, spell, verdict
    from workbench.analysis.correlation import correlate
    from workbench.analysis.figures import FIGURES
    from workbench.analysis.figures.drawing import Axis, Drawing, Panel
    from workbench.analysis.frames import Data, Table
    from workbench.analysis.tables import TABLES, TableSpec, make_table
    from workbench.config.schema import Experiment, TaskSettings
    from workbench.core.subsets import choose_subsets, draw_subsets
    from workbench.core.table_html import NotebookTable, with_notes
    from workbench.core.table_text import spell_temperature
    from workbench.core.types import Floats, Ints, Problem, Prompt, Sample
    from workbench.generate import BACKENDS, Backend
    from workbench.interchange.readers import FORMATS, Format
    from workbench.interchange.writers import EXPORTS, Export
    from workbench.metrics import INTERMEDIATES, METRICS, Intermediate, Metric
    from workbench.pools import Pool
    from workbench.rewards import REWARDS, Reward
    from workbench.saved_run import Run
    from workbench.tasks import TASKS
    from workbench.tasks.checkers import CHECKERS, Checker
    from workbench.tasks.task import Example, Task

MODULES = {
    "analysis.aggregate": ("AGGREGATORS",),
    "analysis.aggregate.aggregator": ("Aggregator",),
    "analysis.aggregate.pruning": ("PRUNERS", "Pruner"),
    "analysis.compare.conclusions": ("correlation_row", "row_of", "spell", "verdict"),
    "analysis.correlation": ("correlate",),
    "analysis.figures": ("FIGURES",),
    "analysis.figures.drawing": ("Axis", "Drawing", "Panel"),
    "analysis.frames": ("Data", "Table"),
    "analysis.tables": ("TABLES", "TableSpec", "make_table"),
    "config.schema": ("Experiment", "TaskSettings"),
    "core.subsets": ("choose_subsets", "draw_subsets"),
    "core.table_html": ("NotebookTable", "with_notes"),
    "core.table_text": ("spell_temperature",),
    "core.types": ("Floats", "Ints", "Problem", "Prompt", "Sample"),
    "generate": ("BACKENDS", "Backend"),
    "interchange.readers": ("FORMATS", "Format"),
    "interchange.writers": ("EXPORTS", "Export"),
    "metrics": ("INTERMEDIATES", "METRICS", "Intermediate", "Metric"),
    "pools": ("Pool",),
    "rewards": ("REWARDS", "Reward"),
    "saved_run": ("Run",),
    "tasks": ("TASKS",),
    "tasks.checkers": ("CHECKERS", "Checker"),
    "tasks.task": ("Example", "Task"),
}  # fmt: skip
"""Which names each module has. As above, where type checkers read it."""

__all__ = [
    "AGGREGATORS", "BACKENDS", "CHECKERS", "EXPORTS", "FIGURES", "FORMATS", "INTERMEDIATES",
    "METRICS", "PRUNERS", "REWARDS", "TABLES", "TASKS", "Aggregator", "Axis", "Backend", "Checker",
    "Data", "Drawing", "Example", "Experiment", "Export", "Floats", "Format", "Intermediate",
    "Ints", "Metric", "NotebookTable", "Panel", "Pool", "Problem", "Prompt", "Pruner", "Reward",
    "Run", "Sample", "Table", "TableSpec", "Task", "TaskSettings", "__version__", "choose_subsets",
    "compare", "correlate", "correlation_row", "draw_subsets", "load_run", "make_table", "row_of",
    "run", "runs", "spell", "spell_temperature", "verdict", "with_notes",
]  # fmt: skip


def run(
    experiment: str | Path | Mapping[str, Any],
    *,
    out: str | Path | None = None,
    workers: int | None = None,
    yes_it_is_large: bool = False,
    **settings: Any,
) -> Run:
    """Run all four stages of an experiment and return the run, as ``workbench run`` does.

    What is up to date is skipped, and what was interrupted is taken up where it stopped. Progress
    goes to stderr, the finding to stdout, and a page, tables and figures into the run's folder. A
    script calls it under ``if __name__ == "__main__":``, as it starts processes.

    Args:
        experiment: a YAML file, the folder of a run, or the sections of an experiment as a
            dictionary.
        out: the folder of the run; by default ``results/NAME``.
        workers: how many processes compare answers, measure and pick; the results do not depend
            on it. By default all cores compare answers, and one process does the rest.
        yes_it_is_large: whether a grid or conditions may have more than 10,000 samples.
        **settings: settings that replace the experiment's, a section at a time:
            ``generation={"n": 32}, measure={"k": [2, 4]}``. What a section leaves out stays as it
            is. One setting is ``**{"generation.n": 32}``.

    Raises:
        ValueError: the experiment is not valid, with all its faults; a stage refuses; or no sample
            could be drawn.
        OSError: the folder cannot be written.

    Example:
        >>> import workbench as wb
        >>> wb.run("experiments/quickstart.yaml", generation={"n": "many"})
        Traceback (most recent call last):
        workbench.experiment.ExperimentError: experiments/quickstart.yaml is not a valid experiment:
          --set generation.n: expected an integer, got 'many'
    """
    from workbench.cli.whole_run import as_overrides, whole_run

    target = experiment if isinstance(experiment, Mapping) else Path(experiment)
    folder = None if out is None else Path(out)
    told = list(as_overrides(settings))
    return load_run(whole_run(target, told, folder, workers, large=yes_it_is_large))


def load_run(root: str | Path) -> Run:
    """Open the folder of a run, finished or not.

    Raises:
        ValueError: the folder is not a run.
    """
    from workbench.saved_run import Run

    return Run(root)


def runs(folder: str | Path = "results") -> NotebookTable:
    """List the runs in a folder, a row for each, those that changed last first.

    ``run`` is the folder of each, which ``load_run`` takes. ``accuracy`` is that of a single sample
    in each condition, of many the lowest and the highest. It is quick for hundreds of runs.

    Raises:
        ValueError: there is no such folder.

    Example:
        >>> import workbench as wb
        >>> found = wb.runs("results")
        >>> found[found["run"] == "results/reference"][["task", "n", "accuracy"]].values.tolist()
        [['arithmetic', 16, '0.45, 0.35, 0.22']]
    """
    from workbench.storage.runs_table import runs_table

    return runs_table(Path(folder))


def compare(*runs: Run | str | Path, k: Sequence[int] = ()) -> dict[str, Table]:
    """Compare runs with the first of them, or the conditions of a single run with each other.

    Args:
        *runs: measured runs of the same problems, or their folders.
        k: subset sizes to show; by default those that any of the runs measures.

    Returns:
        Tables by name. Of several runs: ``settings`` that differ, ``problems`` that are shared,
        ``differences``, ``flips`` (problems whose majority changed), ``curves`` and ``crossings``.
        Of one run: ``temperatures`` or ``conditions``, ``flips``, ``selections``, ``rewards``,
        ``curves`` and ``crossings``.

    Raises:
        ValueError: no run is given or one twice, one is not measured, ``k`` is nowhere measured, or
            the runs have no problem or temperature in common.

    Example:
        >>> import workbench as wb
        >>> tables = wb.compare("results/reference", k=[8])
        >>> tables["temperatures"].frame[["against", "selection"]].iloc[-1].tolist()
        ['T = 0.7', 'coverage']
    """
    from workbench.analysis.compare.runs import compare

    return compare(runs, k)


def __getattr__(name: str) -> Any:
    """Import what is used for the first time."""
    for module, names in MODULES.items():
        if name in names:
            return getattr(import_module(f"workbench.{module}"), name)
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List every name, for tab completion."""
    return __all__


def _analysis(module: str, name: str) -> Callable[[Any], Any]:
    """Return a function of the analysis, which is imported when it is called."""
    return lambda shown: getattr(import_module(f"workbench.analysis.{module}"), name)(shown)


HANDED_DOWN.update(
    plot=_analysis("figures", "Plots"),
    run_html=_analysis("notebook", "run_html"),
    pool_html=_analysis("notebook", "pool_html"),
)
