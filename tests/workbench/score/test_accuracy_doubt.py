"""A run in which all samples are wrong, or all right, is asked about."""

import pytest

from workbench import load_run
from workbench.score.accuracy_doubt import question_accuracy
from workbench.storage.open_run import OpenRun

WRONG, RIGHT = (r"So \boxed{3}.", -0.5, "stop"), (r"So \boxed{5}.", -0.5, "stop")


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ([WRONG, WRONG], "score: none of 2 samples is right; see"),
        ([RIGHT, RIGHT], "score: all 2 samples are right"),
        ([WRONG, RIGHT], ""),
    ],
)
def test_all_wrong_and_all_right_are_asked_about(hand_made, capsys, samples, said):
    root = hand_made(["5"], [samples], ("generate", "score"))
    run = OpenRun.of(root, load_run(root).experiment)
    question_accuracy(run, run.known_problems())
    printed = capsys.readouterr().err
    assert printed.startswith(said)
    assert bool(printed) == bool(said)
    if "none" in said:
        assert "known answer '5', answer '3'" in printed
