"""The command ``train-correction``."""

from pathlib import Path
from typing import Annotated

from typer import Argument

from workbench.cli.options import Override, out_option


def train_correction(
    experiment: Annotated[
        Path, Argument(help="An experiment file, with a section `training` or without one.")
    ],
    overrides: Override = None,
    out: Annotated[Path | None, out_option("results/NAME-corrected")] = None,
) -> None:
    """Teach a model to correct its own answers.

    The experiment's model answers, is told task.correction, and answers again. By reinforcement
    learning in two stages (SCoRe) it learns to make the second answer better than the first. The
    model is written into the folder --out. It is judged on problems that it was not trained on. If
    the training is stopped, the same command goes on from the last checkpoint.
    """
    from workbench.analysis.correction_training import draw
    from workbench.cli.open_experiment import open_experiment, with_comparison
    from workbench.correction_training.train import train_correction as train

    checked = with_comparison(open_experiment(experiment, overrides or ()))
    folder = out or Path("results") / f"{checked.name}-corrected"
    train(checked, folder, draw)
    print(f"model    {folder}  (--set generation.model={folder})")
    print(f"split    {folder / 'split.csv'}  (judge it on problems that it was not trained on)")
    print(f"figure   {folder / 'figures' / 'training.png'}")
