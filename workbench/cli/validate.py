"""The command ``validate``: is an experiment in order, and how large will its run be?"""

from pathlib import Path
from textwrap import fill
from typing import Annotated

from typer import Argument

from workbench.cli.options import Override


def validate(
    experiment: Annotated[
        Path, Argument(help="An experiment file, such as experiments/quickstart.yaml.")
    ],
    overrides: Override = None,
) -> None:
    """Check an experiment file, and say how large its run is.

    All mistakes are named at once. No model is loaded and no sample is drawn.
    """
    from workbench.analysis.factor_design import confounding_notes
    from workbench.analysis.stats.power import planned
    from workbench.cli.check_models import check_models
    from workbench.cli.cost_lines import cost_lines
    from workbench.cli.large_runs import FLAG, count_problems
    from workbench.cli.open_experiment import open_experiment, with_comparison
    from workbench.config.conditions import ordered_conditions
    from workbench.config.size_estimate import condition_lines, large_design, size_estimate
    from workbench.tasks import TASKS

    checked = open_experiment(experiment, overrides or ())
    check_models(checked)
    if checked.generation.backend == "import":
        print(f"{experiment} is valid. Its samples are imported: nothing is to be drawn.")
        return
    if not experiment.is_dir():
        checked = with_comparison(checked)
    task = TASKS[checked.task.name]
    if task.programs and not task.on_hub(checked.task):
        from workbench.score.reference_solutions import check_solutions

        check_solutions(checked.task, checked.scoring)
    problems = count_problems(checked)
    sizes = [size_estimate(checked, problems), *cost_lines(checked, problems)]
    lines = [f"{experiment} is valid.", *condition_lines(checked), *sizes, planned(problems)]
    if large := large_design(checked, problems):
        lines.append(
            fill(
                f"{'LARGE':15}{large}: `workbench run` needs {FLAG}",
                100,
                subsequent_indent=" " * 15,
            )
        )
    lines += confounding_notes(ordered_conditions(checked.generation))
    print("\n".join(lines))
