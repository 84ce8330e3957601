"""``workbench check``: how a few problems are asked and their samples graded, to look at."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

from typer import Argument

from workbench.cli.options import Columns, Override, Settings

if TYPE_CHECKING:
    from workbench.cli.checked_problems import Checked

EXPERIMENTS = (".yaml", ".yml")


def check(
    target: Annotated[
        Path,
        Argument(help="An experiment file, the folder of a run, or a file of samples to import."),
    ],
    settings: Settings = None,
    overrides: Override = None,
    column: Columns = None,
) -> None:
    """Show three problems as asked, and how samples are graded.

    For an experiment, three samples of each are drawn at its highest temperature: in the first
    condition that has it, whose name is printed with them. For a run, or a file of samples, the
    samples that are there are shown. Settings of the task can be tried on
    them, such as task.options.compare=contains. Nothing is written.
    """
    from workbench.cli.checked_problems import drawn_now, of_run
    from workbench.cli.open_experiment import open_experiment, with_comparison
    from workbench.cli.show_checked import show

    given = [*(settings or ()), *(overrides or ())]
    if column and (target.suffix in EXPERIMENTS or (target / "experiment.yaml").exists()):
        raise ValueError(f"--column: only a file of samples has columns, and {target} is none")
    if target.suffix in EXPERIMENTS:
        show(drawn_now(with_comparison(open_experiment(target, given))))
    elif (target / "experiment.yaml").exists():
        show(of_run(target, open_experiment(target, given, here=False)))
    else:
        show(_of_files(target, column or [], given))


def _of_files(target: Path, column: list[str], given: list[str]) -> "Checked":
    """Import files of samples into a folder that is gone afterwards, as the checks need a run."""
    from workbench.analysis.aggregate import AGGREGATORS
    from workbench.cli.checked_problems import of_run
    from workbench.cli.open_experiment import open_experiment
    from workbench.core.console import console
    from workbench.experiment import load_named_plugins
    from workbench.interchange.importer import import_file
    from workbench.interchange.sample_files import SampleFiles

    load_named_plugins(given)
    source = SampleFiles.from_options([target], column)
    with TemporaryDirectory(prefix="workbench-check-") as place:
        root = Path(place) / "check"
        console.quiet = True  # what the import would say of the answers is said of those shown
        try:
            import_file(source, root, AGGREGATORS, overrides=given)
        finally:
            console.quiet = False
        return of_run(root, open_experiment(root, (), here=False))
