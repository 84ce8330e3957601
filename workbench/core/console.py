"""What a person sees while a stage works: one bar with a rate, or a line now and then in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import progress as bar
from rich.console import Console
from rich.text import Text

console = Console(stderr=True, highlight=False)
"""Progress and notices go to stderr, so that tables on stdout can be piped."""

LOG_EVERY = 0.1
"""Share of the work between two lines where there is no terminal to draw on."""


class _Rate(bar.ProgressColumn):
    """Units of work per second."""

    def render(self, task: bar.Task) -> Text:
        """Return the rate, or nothing while it is unknown."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.1f} {task.fields['unit']}/s", style="cyan")


@contextmanager
def progress_bar(
    what: str, total: int, unit: str, done: int = 0
) -> Iterator[Callable[[int], None]]:
    """Show a bar while the block runs; yields a function that adds finished units.

    ``unit`` is a plural, and ``done`` says how many of the ``total`` were there before.
    """
    columns = (
        bar.TextColumn("{task.description:<9}", markup=False), bar.BarColumn(bar_width=30),
        bar.MofNCompleteColumn(), bar.TextColumn("{task.fields[unit]}"), _Rate(),
        bar.TimeElapsedColumn(), bar.TimeRemainingColumn(),
    )  # fmt: skip
    count = shown = done
    start = time.perf_counter()
    with bar.Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total, completed=done, unit=unit)

        def advance(units: int = 1) -> None:
            nonlocal count, shown
            count += units
            progress.update(task, completed=count)
            if not console.is_terminal and count - shown >= max(1, LOG_EVERY * total):
                shown = count
                rate = (count - done) / (time.perf_counter() - start)
                notice(f"{what}: {count:,} of {total:,} {unit}, {rate:,.1f}/s")

        yield advance


def notice(text: str) -> None:
    """Print one line about what is happening."""
    console.print(text, markup=False, soft_wrap=True)


def stdout() -> Console:
    """Return the terminal; a file or a pipe has no width of its own and gets 160 columns."""
    out = Console(highlight=False)
    if not out.is_terminal:
        out.width = 160
    return out


def printable(line: str) -> str:
    r"""Return a line of someone else's text without what a terminal would obey, such as escapes.

    >>> printable("red \x1b[31m")
    'red \\x1b[31m'
    """
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in line)
