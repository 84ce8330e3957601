"""The commands that write pages or print comparisons: ``report`` and ``compare``."""

from pathlib import Path
from typing import Annotated

from typer import Argument

from workbench.cli.options import RunFolder, html_option, k_option


def report(
    run: RunFolder, html: Annotated[Path | None, html_option("RUN/report.html")] = None
) -> None:
    """Write a page of a run, which a browser opens from the disk.

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
    html: Annotated[Path | None, html_option()] = None,
) -> None:
    """Compare runs on the problems that they share.

    If you give one run, its temperatures, selections and rewards are compared. Tables are printed,
    or with --html written as a page.

    The comparison is paired by problem. Each difference is printed with its interval, its p and q
    (p corrected for the whole table), the smallest difference that so many problems can show, and
    the number of problems that the observed difference would need. The bands of curves over k hold
    at all k at once.
    """
    if html is not None:
        from workbench.analysis.page.comparison import write_comparison

        write_comparison(runs, html, k or ())
        _written(html)
        return
    from workbench.analysis.compare.runs import compare as compared
    from workbench.analysis.terminal import print_table
    from workbench.core.console import stdout

    out = stdout()
    for name, table in compared(runs, k or ()).items():
        print_table(out, name, table.frame, "\n".join(table.notes))


def _written(page: Path) -> None:
    print(f"page     {page}  ({page.stat().st_size / 1e6:.1f} MB; open it in a browser)")
