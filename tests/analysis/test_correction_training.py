"""The figure of a training that teaches a model to correct itself."""

import numpy as np
import pandas as pd

from workbench.analysis.correction_training import draw
from workbench.analysis.figures.correction import PANELS, training_of_correction
from workbench.correction_training.train import TrainedCorrection
from workbench.tracking.wandb_run import Tracker


def curves(steps=90):
    frame = pd.DataFrame({"step": np.arange(steps + 1.0)})
    for _, columns in PANELS:
        for place, name in enumerate(columns):
            frame[name] = np.linspace(0, 1 + place, steps + 1)
    held = [name for name in frame if name.startswith("held_out")]
    frame.loc[frame["step"] % 10 > 0, held] = np.nan
    frame.loc[0, [name for name in frame if name not in ("step", *held)]] = np.nan
    return frame


def test_each_curve_has_its_panel_and_the_stages_are_parted():
    drawn = training_of_correction(curves(), steps_1=40)
    assert [panel.title for panel in drawn.panels] == [title for title, _ in PANELS]
    assert {panel.place for panel in drawn.panels} == {40.0}
    held_out = drawn.panels[1].rows
    assert set(held_out["series"]) == {"first answer", "second answer", "gain"}
    assert sorted(set(held_out["x"])) == list(range(0, 91, 10))
    assert len(set(drawn.panels[0].rows["x"])) <= 31  # long curves are means of stretches
    assert "means of 4 steps" in " ".join(drawn.notes)


def test_one_stage_has_no_border():
    drawn = training_of_correction(curves(20), steps_1=20)
    assert {panel.place for panel in drawn.panels} == {None}
    assert drawn.notes == []


def test_it_is_saved(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(
        "workbench.analysis.correction_training.save",
        lambda chart, folder, name: saved.append((folder, name)) or folder / name,
    )
    draw(tmp_path, TrainedCorrection(curves(), 40, "signature"), Tracker())
    assert saved == [(tmp_path / "figures", "training")]
