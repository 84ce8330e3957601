"""Four sets of questions as a newcomer would write them, in experiments of four lines.

The texts are those that SmolLM2-135M-Instruct drew for them with vLLM, read one by one: ``right``
says of each whether a reader takes it for right. They are replayed, and graded as a run grades.
"""

import json
from pathlib import Path

import pytest

from workbench.analysis.doubts import doubts_of
from workbench.saved_run import Run

ROOT = Path(__file__).parent.parent
HERE = "tests/files/newcomers"

CHOSEN = {
    "capitals": "answers are compared as contains: all 15 known answers are texts of at most",
    "word_problems": "",  # in integers, the usual kind
    "yes_no": "answers are compared as text (yes, no): all 12 known answers are yes or no",
    "multiple_choice": "answers are compared as choice: the problems have choices",
}
RIGHT = {"capitals": 45, "word_problems": 1, "yes_no": 15, "multiple_choice": 16}
DOUBTED = {
    "capitals": [],
    "word_problems": ["28 of 96 samples (29 %) have no recognised answer",
                      "43 of 96 samples (45 %) were cut off before an answer"],
    "yes_no": ["41 of 96 samples (43 %) have no recognised answer",
               "20 of 96 samples (21 %) were cut off before an answer"],
    "multiple_choice": ["27 of 96 samples (28 %) have no recognised answer"],
}  # fmt: skip
TAKEN_FOR_RIGHT = {
    ("capitals", "problem-2", 1.0, 2),  # "... Ex-Cairo City, UAE, and recent residents of Cairo"
    ("capitals", "problem-3", 0.7, 1),  # "... is Ottawa. So, the answer will be "Quebec" followed"
    ("multiple_choice", "problem-11", 1.0, 1),  # "A. honey is not a definite choice of one"
}
"""What a rule cannot see and a reader can: 3 of 408 verdicts."""


@pytest.fixture(scope="module", params=CHOSEN)
def graded(request, cli, tmp_path_factory):
    """The name of a set, its run, scored, and what the command said."""
    name = request.param
    root = tmp_path_factory.mktemp("newcomers") / name
    samples = f"generation.engine.samples={HERE}/{name}_samples.jsonl"
    options = ["--out", root, "--set", "generation.backend=replay", "--set", samples]
    options += ["--set", "measure.metrics=[num_tokens]", "--set", "selection.aggregators=[maj]"]
    drawn = cli.must("generate", f"{HERE}/{name}.yaml", *options, cwd=ROOT)
    cli.must("score", root)
    return name, Run(root), drawn.err


def test_each_verdict_is_a_readers_or_is_questioned_out_loud(graded):
    name, run, _ = graded
    lines = (ROOT / HERE / f"{name}_samples.jsonl").read_text().splitlines()
    read = [json.loads(line)["right"] for line in lines]
    key = ["problem_id", "temperature", "sample_index"]
    order = {problem: number for number, problem in enumerate(run.problems["problem_id"])}
    scores = run.scores.sort_values(key, key=lambda column: column.map(order).fillna(column))
    doubted = {" ".join(doubt.finding.split()[-2:]) for doubt in doubts_of(run)}
    words = {"no_answer": "recognised answer", "truncated": "an answer"}
    others = set()
    for row, right in zip(scores.to_dict("records"), read, strict=True):
        if row["correct"] != right and words.get(row["status"]) not in doubted:
            assert row["correct"]
            others.add((name, *(row[column] for column in key)))
    assert others == {other for other in TAKEN_FOR_RIGHT if other[0] == name}
    assert int(scores["correct"].sum()) == RIGHT[name]


def test_how_answers_are_compared_is_chosen_and_said(graded):
    name, _, said = graded
    assert CHOSEN[name] in said
    assert bool(CHOSEN[name]) == ("answers are compared as" in said)


def test_many_samples_without_an_answer_are_questioned(graded):
    name, run, _ = graded
    assert [doubt.finding for doubt in doubts_of(run)] == DOUBTED[name]


@pytest.mark.parametrize("name", CHOSEN)
def test_what_a_newcomer_writes_is_valid(name, cli):
    said = cli.must("validate", f"{HERE}/{name}.yaml", cwd=ROOT)
    assert f"{HERE}/{name}.yaml is valid." in said.out
    assert len((ROOT / HERE / f"{name}.yaml").read_text().splitlines()) <= 5
