"""The figure of a training that teaches a model to correct itself."""

from __future__ import annotations

from pathlib import Path

from workbench.analysis.figures import correction_curves, save
from workbench.correction_training.train import TrainedCorrection
from workbench.tracking.wandb_run import Tracker


def draw(out: Path, trained: TrainedCorrection, tracker: Tracker) -> None:
    """Write the curves of a training as a figure, and log it."""
    drawn = correction_curves(trained.curves, trained.steps_1, trained.signature)
    tracker.figure("training", save(drawn, out / "figures", "training"), drawn.to_html)
