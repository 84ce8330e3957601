"""The audit of answers: counts and examples by hand, as a table and on the command line."""

import json

import pytest

from workbench.analysis.frames import Data
from workbench.analysis.tables.answer_audit import EXAMPLES, answer_audit
from workbench.saved_run import Run

TEXTS = [
    r"\boxed{18}", r"\boxed{18\text{ dollars}}", "The answer is 18 dollars.", r"\boxed{1800\%}",
    r"\boxed{17 \text{ dollars}}", "That makes:\n$$18$$", "That makes:\n$$17$$", "no idea",
]  # fmt: skip


@pytest.fixture
def scored(tmp_path, cli):
    rows = [{"problem_id": "p", "gold": "18", "text": text} for text in TEXTS]
    rows += [
        {"problem_id": "q", "gold": "5", "text": rf"\boxed{{5 \text{{ m{i}}}}}"} for i in "abcd"
    ]
    path = tmp_path / "samples.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    cli("import", path, "--out", tmp_path / "run", "--compare", "math")
    cli("score", tmp_path / "run")
    return tmp_path / "run"


def test_counts_and_examples_by_hand(scored, cli):
    made = answer_audit(Data(Run(scored)))
    counts = made.frame.groupby("rule")[["samples", "share"]].first()
    assert counts["samples"].to_dict() == {"units": 6, "extraction: display": 2, "percent": 1}
    assert counts["share"].to_dict() == {name: n / 12 for name, n in counts["samples"].items()}
    units = made.frame[made.frame["rule"] == "units"]
    assert len(units) == EXAMPLES < 6
    assert [note.split(":")[0] for note in made.notes] == ["percent", "units"]
    printed = cli("audit", scored).out
    assert "18 dollars" in printed
    assert "percent: 50% is accepted" in printed
