"""The commands that carry out stages: ``run`` all four of them, and each stage one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Option

from workbench.cli.options import Out, Override, Settings, Target, Workers, YesItIsLarge

if TYPE_CHECKING:
    from workbench.storage.open_run import OpenRun

Redraw = Annotated[
    Literal["errors"] | None,
    Option(metavar="errors", help="Draw the samples that failed once more, with the same seeds."),
]


def run(
    experiment: Target,
    settings: Settings = None,
    overrides: Override = None,
    out: Out = None,
    workers: Workers = None,
    redraw: Redraw = None,
    yes_it_is_large: YesItIsLarge = False,
) -> None:
    """Run all four stages and print what was found.

    What is up to date is skipped: after you raise generation.n or add a temperature or a metric,
    only what is missing is done. A page is written beside the tables and figures. Each run of a W&B
    sweep gets a folder of its own.
    """
    from workbench.cli.whole_run import whole_run

    given = [*(settings or ()), *(overrides or ())]
    whole_run(
        experiment, given, out, workers, redraw_errors=redraw is not None, large=yes_it_is_large
    )


def generate(
    experiment: Target,
    overrides: Override = None,
    out: Out = None,
    redraw: Redraw = None,
    yes_it_is_large: YesItIsLarge = False,
) -> None:
    """Stage 1: draw the samples that are missing."""
    from workbench.generate.drawing_progress import say_how_it_went

    done = _stages(("generate",), experiment, overrides, out, redraw=redraw, large=yes_it_is_large)
    say_how_it_went(done.manifest, done.generation.max_failed)


def score(
    experiment: Target, overrides: Override = None, out: Out = None, workers: Workers = None
) -> None:
    """Stage 2: check answers, reward and embed the samples."""
    from workbench.analysis.terminal import print_doubts
    from workbench.saved_run import Run

    print_doubts(Run(_stages(("score",), experiment, overrides, out, workers).root))


def measure(
    experiment: Target, overrides: Override = None, out: Out = None, workers: Workers = None
) -> None:
    """Stage 3: draw random subsets and measure their diversity."""
    _stages(("measure",), experiment, overrides, out, workers)


def analyze(
    experiment: Target, overrides: Override = None, out: Out = None, workers: Workers = None
) -> None:
    """Stage 4: pick answers, and write tables and figures.

    Tables and figures are logged to the tracked run as well.
    """
    from workbench.analysis.last_screen import finish

    finish(_stages(("analyze",), experiment, overrides, out, workers).root)


def _stages(
    names: tuple[str, ...],
    target: Path,
    overrides: list[str] | None,
    out: Path | None,
    workers: int | None = None,
    redraw: str | None = None,
    *,
    large: bool = False,
) -> "OpenRun":
    from workbench.cli.whole_run import carry_out

    again = redraw is not None
    return carry_out(names, target, overrides or (), out, workers, redraw_errors=again, large=large)
