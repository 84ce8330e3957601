"""The command ``list``: everything that has a name, with a line on each."""

from collections.abc import Mapping
from importlib import import_module
from typing import Annotated

from typer import Argument

from workbench.cli.options import Override
from workbench.core.name_table import summary_of

TABLES_OF_KINDS = {
    "tasks": {"tasks": "workbench.tasks:TASKS"},
    "backends": {"backends": "workbench.generate:BACKENDS"},
    "comparisons": {"comparisons": "workbench.tasks.checkers:CHECKERS"},
    "rewards": {"rewards": "workbench.rewards:REWARDS"},
    "metrics": {"metrics": "workbench.metrics:METRICS"},
    "aggregators": {"aggregators": "workbench.analysis.aggregate:AGGREGATORS"},
    "pruners": {"pruners": "workbench.analysis.aggregate.pruning:PRUNERS"},
    "tables": {"tables": "workbench.analysis.tables:TABLES"},
    "figures": {"figures": "workbench.analysis.figures:FIGURES"},
    "formats": {
        "formats that import reads": "workbench.interchange.readers:FORMATS",
        "formats that export writes": "workbench.interchange.writers:EXPORTS",
    },
}
"""Of each kind the titles that are printed, and where the table of names is; a table is imported
when it is listed."""


def list_(
    kind: Annotated[
        str | None, Argument(help=f"Only names of this kind: {', '.join(TABLES_OF_KINDS)}.")
    ] = None,
    overrides: Override = None,
) -> None:
    """List what can be named: tasks, metrics, tables and others.

    An experiment names tasks, backends, comparisons (task.options.compare), rewards, metrics and
    aggregators. Pruners, tables and figures are made of every run. The formats are those of
    `workbench import` and `workbench export`. What plug-ins add is listed too: those of installed
    packages, and those of --set 'plugins=[my_metrics.py]'.
    """
    from rich.markup import escape
    from rich.table import Table

    from workbench.core.console import stdout
    from workbench.core.lookup import lookup
    from workbench.experiment import load_named_plugins

    load_named_plugins(overrides or ())
    kinds = TABLES_OF_KINDS.values() if kind is None else [lookup(TABLES_OF_KINDS, kind, "kind")]
    out = stdout()
    for titles in kinds:
        for title, place in titles.items():
            grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 2))
            grid.add_column(style="bold", min_width=26, no_wrap=True)
            grid.add_column()
            for name, summary in summaries(place).items():
                grid.add_row(name, escape(summary))
            out.print(title)
            out.print(grid)


def summaries(place: str) -> Mapping[str, str]:
    """Return the names of a table, given as ``MODULE:TABLE``, and the one-line summary of each.

    Example:
        >>> summaries("workbench.rewards:REWARDS")["given"]
        'the reward that imported samples came with'
    """
    module, _, name = place.partition(":")
    table = getattr(import_module(module), name)
    return {known: summary_of(row) for known, row in table.items()}
