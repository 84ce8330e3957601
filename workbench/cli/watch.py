"""The command ``watch``: how far a run is while it goes on, from its files alone."""

import math
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Exit, Option

from workbench.cli.exit_codes import Stopped
from workbench.cli.options import RunFolder, out_option

if TYPE_CHECKING:
    from workbench.analysis.live.looks import Look, Watched

LEAST_SECONDS = 0.2
"""Between two looks: each reads directories and what was added to the journals."""


def watch(
    run: RunFolder,
    every: Annotated[
        float, Option(metavar="SECONDS", help="The time between two looks, in seconds.")
    ] = 5.0,
    once: Annotated[
        bool, Option("--once", help="Look one time, print all of it and exit.")
    ] = False,
    page: Annotated[
        bool,
        Option(
            "--page",
            help="Write a page as well, which a browser loads again until the run has ended.",
        ),
    ] = False,
    out: Annotated[Path | None, out_option("RUN/report.html", metavar="FILE")] = None,
) -> None:
    """Show how far a run is, how fast, and what it shows so far.

    It reads what is on the disk and can be started at any moment, also before the first sample and
    after the end. The run takes no notice. Accuracy and coverage are of the samples that are there,
    each with its interval over problems.

    It ends when the run ends: with exit code 0 if all stages are done, and 1 if the run was killed
    or stopped, after the command that goes on. If the output is no terminal, each look is a line.
    """
    if out is not None and not page:
        raise ValueError(f"--out {out}: only a page is written; add --page or leave it out")
    if not LEAST_SECONDS <= every < math.inf:
        raise ValueError(f"--every {every:g}: needs to be at least {LEAST_SECONDS:g} seconds")
    from workbench.analysis.live.looks import Watched

    watched = Watched(run)
    place = (out or run / "report.html") if page else None
    try:
        last = _one_look(watched.look(), place, every) if once else _watch(watched, place, every)
    except Stopped as stopped:
        from workbench.core.console import notice

        notice("no longer watched; the run is as it was")
        raise Exit(128 + stopped.signum) from None
    if not (once or last.finished):
        raise Exit(1)


def _one_look(look: "Look", place: Path | None, every: float) -> "Look":
    from workbench.analysis.live.screen import print_look
    from workbench.core.console import stdout

    print_look(stdout(), look)
    _write(look, place, every)
    return look


def _watch(watched: "Watched", place: Path | None, every: float) -> "Look":
    """Look until the run has ended; return the last look."""
    from rich.live import Live

    from workbench.analysis.live.screen import screen
    from workbench.analysis.live.words import log_line
    from workbench.core.console import stdout

    terminal = stdout()
    shown = Live(console=terminal, auto_refresh=False) if terminal.is_terminal else None
    with shown or nullcontext():
        while True:
            look = watched.look()
            if shown is None:
                print(log_line(look), flush=True)
            else:
                shown.update(screen(look, terminal.width, terminal.height), refresh=True)
            _write(look, place, every)
            if not look.going:
                return look
            time.sleep(every)


def _write(look: "Look", place: Path | None, every: float) -> None:
    if place is not None:
        from workbench.analysis.live.page import write_page

        write_page(look, place, every)
