"""The command ``runs``: which runs there are, and how far each of them is."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument

if TYPE_CHECKING:
    from rich.console import Console

    from workbench.storage.listed_runs import ListedRun

COLUMNS = (
    "run", "task", "model", "problems", "temperatures", "n", "finished", "accuracy", "MB",
    "changed",
)  # fmt: skip
LEFT_OFF_FIRST = ("MB", "model", "task", "changed", "n", "problems")
"""Columns in the order in which they are left out where the terminal is too narrow."""


def runs(
    folder: Annotated[Path, Argument(help="The folder that holds runs.")] = Path("results"),
) -> None:
    """List the runs in a folder, and how far each one is.

    What changed last stands first. Accuracy is that of a single sample at each of the temperatures,
    as far as the run has been scored.
    """
    from workbench.core.console import stdout
    from workbench.storage.listed_runs import listed_runs

    found = listed_runs(folder)
    if not found:
        print(f"{folder} holds no runs; `workbench run EXPERIMENT` makes one")
        return
    out = stdout()
    if rows := [_cells(run, folder) for run in found if not run.fault]:
        _print_table(out, rows)
    for run in found:
        if run.fault:
            out.print(f"damaged: {run.root}: {run.fault}", markup=False, soft_wrap=True)


def _print_table(out: "Console", rows: Sequence[Mapping[str, str]]) -> None:
    """Print a row for each run, without the columns for which the terminal is too narrow."""
    from rich.markup import escape
    from rich.measure import Measurement
    from rich.table import Table

    left_off: list[str] = []
    while True:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for name in (name for name in COLUMNS if name not in left_off):
            right = name in ("problems", "n", "MB")
            table.add_column(name, justify="right" if right else "left", no_wrap=True)
        for row in rows:
            table.add_row(*(escape(text) for name, text in row.items() if name not in left_off))
        wide = Measurement.get(out, out.options.update(width=10_000), table).maximum
        if wide <= out.width or len(left_off) == len(LEFT_OFF_FIRST):
            break
        left_off.append(LEFT_OFF_FIRST[len(left_off)])
    out.print(table)
    if left_off:
        out.print(f"left out, as the terminal is too narrow: {', '.join(left_off)}", soft_wrap=True)


def _cells(run: "ListedRun", folder: Path) -> dict[str, str]:
    cells = (
        str(run.root.relative_to(folder)),
        run.task,
        run.model,
        f"{run.problems:,}",
        " ".join(run.varied),
        "" if run.n is None else str(run.n),
        run.finished,
        " ".join(run.shares) if run.accuracy else "-",
        f"{run.size / 1e6:,.1f}",
        run.changed.astimezone().strftime("%Y-%m-%d %H:%M"),
    )
    return dict(zip(COLUMNS, cells, strict=True))
