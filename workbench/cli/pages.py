"""The commands that write pages or print comparisons: ``report`` and ``compare``."""

from pathlib import Path
from typing import Annotated

from typer import Argument

from workbench.cli.options import RunFolder, html_option, k_option, out_option


def report(
    run: RunFolder, html: Annotated[Path | None, html_option("RUN/report.html")] = None
) -> None:
    """Write a page of a run, which a browser opens from disk.

    It shows what was found, figures, tables and samples, and needs no network. If the run is not
    finished, the page shows what there is and says what is missing.
    """
    from workbench.analysis.page.report import write_report

    _written(write_report(run, html))


def compare(
    runs: Annotated[
        list[Path], Argument(help="One run, or several that are compared with the first.")
    ],
    k: Annotated[list[int] | None, k_option("all")] = None,
    out: Annotated[Path | None, out_option("RUN/compare")] = None,
    html: Annotated[Path | None, html_option()] = None,
) -> None:
    """Compare runs on the problems that they share.

    If you give one run, its conditions, selections and rewards are compared. What is found is
    printed on one screen: the settings that differ, the differences at the largest k, the smallest
    difference that so many problems could show, and the problems whose majority changed most.

    All tables are written as CSV, and as text with their notes. With --html a page is written too,
    which shows the samples of both sides of each problem that flipped.

    The comparison is paired by problem. Each difference has its interval, its p and q (p corrected
    for the whole table), and the number of problems that the observed difference would need. The
    bands of curves over k hold at all k at once.
    """
    from workbench.analysis.compare.files import comparison_folder, save_tables
    from workbench.analysis.compare.runs import compare as compared
    from workbench.analysis.compare.settings import names_of
    from workbench.analysis.compare.summary import KINDS, summary
    from workbench.core.console import printable, stdout
    from workbench.saved_run import Run

    opened = [Run(run) for run in runs]
    if html is not None:
        from workbench.analysis.page.comparison import write_comparison

        tables = write_comparison(opened, html, k or ())
    else:
        tables = compared(opened, k or ())
    if not tables.keys().isdisjoint(KINDS):  # else the page says why nothing can be compared
        names = names_of(opened)
        terminal = stdout()
        for line in summary(tables, names, min(terminal.width, 100)):
            terminal.print(printable(line), markup=False, soft_wrap=True)
        folder = out or comparison_folder(opened)
        save_tables(tables, folder, " · ".join(run.signature for run in opened))
        print(f"\ntables   {folder}  ({len(tables)}, as .csv and .md)")
    if html is not None:
        _written(html)
    else:
        given = " ".join(map(str, runs))
        print(f"page     workbench compare {given} --html FILE  (with the samples that flipped)")


def _written(page: Path) -> None:
    print(f"page     {page}  ({page.stat().st_size / 1e6:.1f} MB; open it in a browser)")
