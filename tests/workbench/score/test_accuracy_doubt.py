"""A run in which all samples are wrong, or all right, is asked about."""

import json

import pytest

from workbench import load_run
from workbench.score.accuracy_doubt import question_accuracy
from workbench.storage.open_run import OpenRun

WRONG, RIGHT = (r"So \boxed{3}.", -0.5, "stop"), (r"So \boxed{5}.", -0.5, "stop")

FEW = "samples (so few that it may be chance)"


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ([WRONG, WRONG], f"score: none of 2 {FEW} is right; see"),
        ([RIGHT, RIGHT], f"score: all 2 {FEW} are right"),
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


def test_each_command_asks_once(cli, tmp_path):
    rows = [{"problem_id": "p", "gold": "7", "text": f"The answer is {n}"} for n in range(3)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    cheap = ("--set", "measure.metrics=[distinct_1]", "--set", "selection.aggregators=[maj]")
    brought = cli.must("import", tmp_path / "a.jsonl", "--out", tmp_path / "run", *cheap)
    scored = cli.must("score", tmp_path / "run")
    for said, stage in ((brought, "import"), (scored, "score")):
        (line,) = [line for line in said.err.splitlines() if "right" in line]
        assert line.startswith(f"{stage}: none of 3 {FEW} is right; see task.options.compare")
    assert "right" not in cli.must("score", tmp_path / "run").err  # which is up to date
