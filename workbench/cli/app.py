"""The command line. Every command is listed here; each imports what it needs when it is called.

So ``workbench --help`` costs the start of typer and no more, and ``workbench validate`` loads no
pandas, no pyarrow and nothing that compiles. With ``workbench/__init__.py`` the modules of this
room are the only ones outside of ``analysis`` that import it.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Argument, Exit, Option, Typer

from workbench.cli.check import check
from workbench.cli.exit_codes import exit_code_of
from workbench.cli.init import init
from workbench.cli.interchange import export, import_
from workbench.cli.pages import compare, report
from workbench.cli.rewards import train_reward, vote
from workbench.cli.tracking import dashboard, default_folder
from workbench.core.version import __version__

if TYPE_CHECKING:
    from workbench.storage.open_run import OpenRun

app = Typer(
    name="workbench",
    help=(
        "Does sampling more, or hotter, give a language model more diverse answers, and does that "
        "diversity buy accuracy?\n\nAn experiment file says what to do. `run` does all of it: it "
        "generates samples, scores them, measures random subsets and analyses them. Each stage can "
        "be run alone, stopped at any moment and started again: what is finished is kept.\n\n"
        "\b\n"  # keeps the lines that follow as they are
        "  workbench validate experiments/quickstart.yaml\n"
        "  workbench run experiments/quickstart.yaml --set generation.n=32\n"
        "  workbench show results/quickstart accuracy_by_k_temperature"
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: rich takes as long to import as everything else together
    context_settings={"help_option_names": ["-h", "--help"]},
)

Target = Annotated[
    Path, Argument(help="An experiment file, or the folder of a run (results/NAME).")
]
Override = Annotated[
    list[str] | None,
    Option(
        "--set",
        metavar="KEY=VALUE",
        help="Replace a setting, such as generation.n=32 or 'measure.k=[2, 4]'. It may be given "
        "several times.",
    ),
]
Out = Annotated[
    Path | None,
    Option(metavar="FOLDER", help="The folder of the run. The default is results/NAME."),
]
Workers = Annotated[
    int | None,
    Option(
        min=1,
        metavar="N",
        help="How many processes compare answers, measure and pick. The results do not depend on "
        "it. By default all cores compare answers, and one process does the rest.",
    ),
]
Redraw = Annotated[
    Literal["errors"] | None,
    Option(help="Draw the samples that failed once more, with the same seeds."),
]


@app.command(epilog="Example: workbench run experiments/quickstart.yaml --set generation.n=32")
def run(
    experiment: Target,
    settings: Annotated[
        list[str] | None,
        Argument(metavar="KEY=VALUE", help="Settings, as with --set; a W&B sweep passes them so."),
    ] = None,
    overrides: Override = None,
    out: Out = None,
    workers: Workers = None,
    redraw: Redraw = None,
) -> None:
    """Run all four stages, write the page and print what was found.

    What is up to date is skipped: after you raise generation.n or add a temperature or a metric,
    only what is missing is done. Each run of a W&B sweep gets a folder of its own.
    """
    from workbench.analysis.last_screen import finish
    from workbench.core.types import STAGES
    from workbench.generate.drawing_progress import say_how_it_went

    given = [*(settings or ()), *(overrides or ())]
    done = _stages(STAGES, experiment, given, out, workers, redraw)
    finish(done.root)
    say_how_it_went(done.manifest, done.generation.max_failed)


@app.command(epilog="Example: workbench generate experiments/quickstart.yaml --out results/mine")
def generate(
    experiment: Target, overrides: Override = None, out: Out = None, redraw: Redraw = None
) -> None:
    """Stage 1: draw the samples that are missing."""
    from workbench.generate.drawing_progress import say_how_it_went

    done = _stages(("generate",), experiment, overrides, out, redraw=redraw)
    say_how_it_went(done.manifest, done.generation.max_failed)


@app.command(epilog="Example: workbench score results/quickstart --workers 2")
def score(
    experiment: Target, overrides: Override = None, out: Out = None, workers: Workers = None
) -> None:
    """Stage 2: check answers, reward and embed the samples."""
    from workbench.analysis.terminal import print_doubts
    from workbench.run import Run

    print_doubts(Run(_stages(("score",), experiment, overrides, out, workers).root))


@app.command(epilog="Example: workbench measure results/quickstart --set 'measure.k=[2, 4]'")
def measure(
    experiment: Target, overrides: Override = None, out: Out = None, workers: Workers = None
) -> None:
    """Stage 3: draw random subsets and measure their diversity."""
    _stages(("measure",), experiment, overrides, out, workers)


@app.command(epilog="Example: workbench analyze results/quickstart")
def analyze(
    experiment: Target, overrides: Override = None, out: Out = None, workers: Workers = None
) -> None:
    """Stage 4: pick answers, and write tables and figures.

    Tables and figures are logged to the tracked run as well.
    """
    from workbench.analysis.last_screen import finish

    finish(_stages(("analyze",), experiment, overrides, out, workers).root)


@app.command(epilog="Example: workbench show results/quickstart accuracy_by_k_temperature")
def show(
    run: Annotated[Path, Argument(help="The folder of a run, such as results/quickstart.")],
    table: Annotated[
        str | None, Argument(help="The name of one table; `workbench list` says what each shows.")
    ] = None,
    every: Annotated[bool, Option("--all", help="Print all tables that hold something.")] = False,
) -> None:
    """Print one table of a run, all of them with --all, or what the run found.

    The run must have been analysed.
    """
    from workbench.analysis.last_screen import last_screen
    from workbench.analysis.terminal import print_tables
    from workbench.run import Run

    if table or every:
        print_tables(run, (table,) if table else ())
    else:
        print(last_screen(Run(run)))


@app.command(epilog="Example: workbench audit results/quickstart")
def audit(
    run: Annotated[Path, Argument(help="The folder of a run, such as results/quickstart.")],
) -> None:
    """Print the answers that are right by a lenient rule only.

    Lenient rules are those about units, percent, rounding, words and order. Answers that were found
    by a guess are printed as well. The run has to be scored; it needs no analysis.
    """
    from workbench.analysis.frames import Data
    from workbench.analysis.tables.answer_audit import answer_audit
    from workbench.analysis.terminal import print_table, stdout
    from workbench.run import Run

    opened = Run(run)
    made = answer_audit(Data(opened))
    notes = "\n".join((*made.notes, opened.signature))
    print_table(stdout(), "answer_audit", made.frame, notes)


@app.command(epilog="Example: workbench neighbours results/quickstart --text 'We add 2 and 3.'")
def neighbours(
    run: Annotated[Path, Argument(help="The run whose samples are searched.")],
    sample: Annotated[
        str | None,
        Option(metavar="PROBLEM/TEMPERATURE/INDEX", help="Find samples like this one of the run."),
    ] = None,
    text: Annotated[str | None, Option(help="Find samples like this text instead.")] = None,
    count: Annotated[int, Option("--count", "-k", help="How many samples are shown.")] = 10,
    other_problems: Annotated[
        bool, Option("--other-problems", help="Leave out the problem that the sample is of.")
    ] = False,
) -> None:
    """Print the samples that are most like a sample or a text.

    Texts are alike by the cosine of their embeddings. The run must have been scored.
    """
    from workbench.analysis.terminal import print_table, stdout
    from workbench.neighbour_search import neighbours_of
    from workbench.run import Run

    opened = Run(run)
    found = neighbours_of(opened, count, sample=sample, text=text, other_problems=other_problems)
    notes = "a row per distinct text: its first sample, copies, and how many of these are right"
    print_table(stdout(), "neighbours", found, f"{notes}\n{opened.signature}")


app.command(epilog="Example: workbench init mine")(init)
app.command(epilog="Example: workbench check experiments/quickstart.yaml")(check)
app.command(epilog="Example: workbench report results/quickstart")(report)
app.command(epilog="Example: workbench compare results/quickstart results/eight --k 8")(compare)
app.command("import", epilog="Example: workbench import samples.jsonl --out results/mine")(import_)
app.command(epilog="Example: workbench export results/quickstart --to inspect")(export)
TRAINING = "Example: workbench train-reward results/rewards --out results/my-orm"
app.command("train-reward", epilog=TRAINING)(train_reward)
app.command(epilog="Example: workbench vote results/quickstart --k 8")(vote)
app.command(epilog="Example: workbench dashboard --project workbench")(dashboard)


@app.command(epilog="Example: workbench validate experiments/quickstart.yaml")
def validate(
    experiment: Annotated[
        Path, Argument(help="An experiment file, such as experiments/quickstart.yaml.")
    ],
    overrides: Override = None,
) -> None:
    """Check an experiment file and say how large its run will be.

    All mistakes are named at once. No model is loaded and no sample is drawn.
    """
    from workbench.analysis.stats.power import planned
    from workbench.cli.check_models import check_models
    from workbench.cli.open_experiment import open_experiment, with_comparison
    from workbench.config.size_estimate import size_estimate
    from workbench.tasks import TASKS

    checked = open_experiment(experiment, overrides or ())
    check_models(checked)
    if checked.generation.backend == "import":
        print(f"{experiment} is valid. Its samples are imported: nothing is to be drawn.")
        return
    if not experiment.is_dir():
        with_comparison(checked)
    task = TASKS[checked.task.name]
    problems = checked.task.num_problems
    if problems is None or not task.on_hub(checked.task):
        problems = len(task.load(checked.task))
    sizes = size_estimate(checked, problems)
    print(f"{experiment} is valid.\n{sizes}\n{planned(problems)}")


@app.command(name="list", epilog="Example: workbench list")
def list_(overrides: Override = None) -> None:
    """List everything that an experiment can name.

    These are tasks, backends, rewards, metrics, aggregators and tables. The formats that `import`
    reads and `export` writes are listed as well, and what plug-ins add: those of installed
    packages, and those of --set 'plugins=[my_metrics.py]'.
    """
    from rich.markup import escape
    from rich.table import Table

    from workbench.analysis.aggregate import AGGREGATORS
    from workbench.analysis.tables import TABLES
    from workbench.analysis.terminal import stdout
    from workbench.experiment import load_named_plugins
    from workbench.generate import BACKENDS
    from workbench.interchange.readers import FORMATS
    from workbench.interchange.writers import EXPORTS
    from workbench.metrics import METRICS
    from workbench.rewards import REWARDS
    from workbench.tasks import TASKS

    load_named_plugins(overrides or ())
    kinds: dict[str, dict[str, Any]] = {
        "tasks": TASKS, "backends": BACKENDS, "rewards": REWARDS, "metrics": METRICS,
        "aggregators": AGGREGATORS, "tables": TABLES, "formats to import": FORMATS,
        "formats to export": EXPORTS,
    }  # fmt: skip
    out = stdout()
    for kind, table in kinds.items():
        grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 2))
        grid.add_column(style="bold", min_width=26, no_wrap=True)
        grid.add_column()
        for name, row in table.items():
            grid.add_row(name, escape(row.summary))
        out.print(kind)
        out.print(grid)


def _stages(
    names: tuple[str, ...],
    target: Path,
    overrides: list[str] | None,
    out: Path | None,
    workers: int | None = None,
    redraw: str | None = None,
) -> "OpenRun":
    from workbench.cli.open_experiment import open_experiment, with_comparison
    from workbench.cli.run_stages import run_stages

    experiment = open_experiment(target, overrides or (), here="generate" in names)
    root = out or (target if target.is_dir() else default_folder(experiment.name))
    if not target.is_dir():
        experiment = with_comparison(experiment, root)
    return run_stages(
        names, root, experiment, workers,
        redraw_errors=redraw is not None, 
        overrides=None if target.is_dir() else overrides or (),
    )[0]  # fmt: skip


def _version(asked: bool) -> None:
    if asked:
        print(f"workbench {__version__}")
        raise Exit


@app.callback()
def _options(
    version: Annotated[
        bool, Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; a mistake of the user's is one clear message and exit code 1."""
    sys.exit(exit_code_of(app))


if __name__ == "__main__":
    main()
