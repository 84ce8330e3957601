"""The commands that print what is in a run: ``show``, ``audit`` and ``neighbours``."""

from typing import Annotated

from typer import Argument, Option

from workbench.cli.options import RunFolder


def show(
    run: RunFolder,
    table: Annotated[
        str | None,
        Argument(help="The name of one table; `workbench list tables` says what each shows."),
    ] = None,
    every: Annotated[bool, Option("--all", help="Print all tables that hold something.")] = False,
) -> None:
    """Print what a run found, or its tables.

    Without a table's name, the last screen of `workbench run` is printed again. The run must have
    been analysed.
    """
    from workbench.analysis.last_screen import last_screen
    from workbench.analysis.terminal import print_tables
    from workbench.saved_run import Run

    if table or every:
        print_tables(run, (table,) if table else ())
    else:
        print(last_screen(Run(run)))


def audit(run: RunFolder) -> None:
    """Print the answers that only a lenient rule calls right.

    Lenient rules are those about units, percent, rounding, words and order. Answers that were found
    by a guess are printed as well. The run has to be scored; it needs no analysis.
    """
    from workbench.analysis.frames import Data
    from workbench.analysis.tables.answer_audit import answer_audit
    from workbench.analysis.terminal import print_table
    from workbench.core.console import stdout
    from workbench.saved_run import Run

    opened = Run(run)
    made = answer_audit(Data(opened))
    notes = "\n".join((*made.notes, opened.signature))
    print_table(stdout(), "answer_audit", made.frame, notes)


def neighbours(
    run: RunFolder,
    sample: Annotated[
        str | None,
        Option(metavar="PROBLEM/TEMPERATURE/INDEX", help="Find samples like this one of the run."),
    ] = None,
    text: Annotated[
        str | None, Option(metavar="TEXT", help="Find samples like this text instead.")
    ] = None,
    count: Annotated[
        int, Option("--count", "-n", metavar="N", help="The number of samples to print.")
    ] = 10,
    other_problems: Annotated[
        bool, Option("--other-problems", help="Leave out the problem that the sample is of.")
    ] = False,
) -> None:
    """Print the samples that are most like a sample or a text.

    Texts are alike by the cosine of their embeddings. The run must have been scored.
    """
    from workbench.analysis.terminal import print_table
    from workbench.core.console import stdout
    from workbench.neighbour_search import neighbours_of
    from workbench.saved_run import Run

    opened = Run(run)
    found = neighbours_of(opened, count, sample=sample, text=text, other_problems=other_problems)
    notes = "a row per distinct text: its first sample, copies, and how many of these are right"
    print_table(stdout(), "neighbours", found, f"{notes}\n{opened.signature}")
