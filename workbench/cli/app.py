"""The command line: which commands there are, under which headings. Each is a function of a module.

A command imports what it needs when it is called. So ``workbench --help`` costs the start of typer
and no more, and ``workbench validate`` loads no pandas, no pyarrow and nothing that compiles. With
``workbench/__init__.py`` the modules of this room are the only ones outside of ``analysis`` that
import it.
"""

import os
import sys
from collections.abc import Callable
from typing import Annotated

from typer import Exit, Option, Typer

from workbench.cli.check import check
from workbench.cli.correction import train_correction
from workbench.cli.doctor import doctor
from workbench.cli.exit_codes import exit_code_of
from workbench.cli.help_layout import CommandsUnderHeadings, PlainCommand
from workbench.cli.init import init
from workbench.cli.interchange import export, import_
from workbench.cli.list_names import list_
from workbench.cli.pages import compare, report
from workbench.cli.rewards import train_reward, vote
from workbench.cli.runs import runs
from workbench.cli.show import audit, neighbours, show
from workbench.cli.stages import analyze, generate, measure, run, score
from workbench.cli.tracking import dashboard
from workbench.cli.validate import validate
from workbench.cli.watch import watch
from workbench.core.version import __version__

app = Typer(
    name="workbench",
    cls=CommandsUnderHeadings,
    help=(
        "Does sampling more, or hotter, give a language model more diverse answers, and does that "
        "diversity buy accuracy?\n\nAn experiment file says what to do, and `run` does all of it. "
        "It can be stopped at any moment and started again: what is finished is kept. "
        "`workbench COMMAND --help` says more of a command.\n\n"
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

COMMANDS: dict[str, tuple[tuple[Callable[..., None], str], ...]] = {
    "Prepare": (
        (doctor, "doctor"),
        (init, "init my-study"),
        (list_, "list metrics"),
        (validate, "validate experiments/quickstart.yaml"),
        (check, "check experiments/quickstart.yaml"),
    ),
    "Run an experiment": (
        (run, "run experiments/quickstart.yaml --set generation.n=32"),
        (generate, "generate experiments/quickstart.yaml --out results/mine"),
        (score, "score results/quickstart --workers 2"),
        (measure, "measure results/quickstart --set 'measure.k=[2, 4]'"),
        (analyze, "analyze results/quickstart"),
    ),
    "Look at runs": (
        (runs, "runs"),
        (watch, "watch results/quickstart --page"),
        (show, "show results/quickstart accuracy_by_k_temperature"),
        (report, "report results/quickstart --html page.html"),
        (compare, "compare results/quickstart results/eight -k 8"),
        (vote, "vote results/quickstart -k 8"),
        (neighbours, "neighbours results/quickstart --text 'We add 2 and 3.'"),
        (audit, "audit results/quickstart"),
        (dashboard, "dashboard --project workbench"),
    ),
    "Exchange samples with other tools": (
        (import_, "import samples.jsonl --out results/mine"),
        (export, "export results/quickstart --to inspect"),
    ),
    "Train a model": (
        (train_reward, "train-reward results/rewards --out results/my-orm"),
        (train_correction, "train-correction experiments/quickstart.yaml --out results/my-policy"),
    ),
}
"""Under each heading of the help the commands, with an example of each."""

for _heading, _commands in COMMANDS.items():
    for _command, _example in _commands:
        app.command(
            _example.split()[0],
            cls=PlainCommand,
            rich_help_panel=_heading,
            epilog=f"Example: workbench {_example}",
        )(_command)


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
    # torch reads it when it is first imported, and would warn of where it puts its memory
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    sys.exit(exit_code_of(lambda: app(prog_name="workbench")))


if __name__ == "__main__":
    main()
