"""A tally of a run that is being drawn counts each sample once, and as the stage would grade it."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import workbench.score.running_tally as running_tally
from workbench.core.types import Sample
from workbench.saved_run import Run
from workbench.score.running_tally import RunningTally
from workbench.storage.journal import Journal
from workbench.storage.open_run import OpenRun
from workbench.storage.parquet import read_table, write_table

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path):
    """A copy of the reference run, of which only the samples are there."""
    root = tmp_path / "run"
    root.mkdir()
    for name in ("experiment.yaml", "manifest.json", "problems.jsonl"):
        shutil.copy(ROOT / "results" / "reference" / name, root / name)
    shutil.copytree(ROOT / "results" / "reference" / "samples", root / "samples")
    return root


def tally_of(root):
    opened = OpenRun.of(root, Run(root).experiment)
    return RunningTally(opened, opened.read_problems())


def right_of(root):
    """Right samples of each problem and condition, as the stage ``score`` found them."""
    scores = Run(root).scores
    found = scores.groupby(["problem_id", "condition"], observed=True)["correct"].sum()
    return {key: int(count) for key, count in found.items()}


def counts_of(tally):
    counted = tally.counted()
    return {
        (problem, condition.name): int(counted.right[place, rank])
        for problem, place in tally.problems.items()
        for rank, condition in enumerate(tally.conditions)
    }


def test_samples_are_graded_as_the_stage_grades_them(folder):
    tally = tally_of(folder)
    assert tally.look() == []
    assert counts_of(tally) == right_of(ROOT / "results" / "reference")
    counted = tally.counted()
    assert counted.drawn.sum() == len(Run(folder).samples)
    assert tally.tokens.sum() == Run(folder).samples["num_output_tokens"].sum()
    assert (counted.ungraded, counted.unknown, counted.failed, counted.scored) == (0, 0, 0, False)


def test_a_look_grades_so_many_and_the_next_goes_on(folder, monkeypatch):
    monkeypatch.setattr(running_tally, "GRADED_AT_ONCE", 1)
    tally, ungraded = tally_of(folder), []
    blocks = len([*tally.run.blocks_with_samples()])
    for _ in range(blocks):
        tally.look()
        ungraded.append(tally.counted().ungraded)
    assert tally.counted().drawn.sum() == len(Run(folder).samples)
    assert ungraded == sorted(ungraded, reverse=True)
    assert ungraded[-1] == 0


def test_verdicts_of_the_stage_take_the_place_of_quick_ones(folder):
    tally = tally_of(folder)
    tally.look()
    shutil.copytree(ROOT / "results" / "reference" / "scores", folder / "scores")
    (path, *_) = sorted((folder / "scores").iterdir())
    scores = read_table(path)
    place = scores.schema.names.index("is_correct")
    nobody = np.zeros(scores.num_rows, bool)
    write_table(path, scores.set_column(place, "is_correct", [nobody]), "made")
    for one in (folder / "scores").iterdir():
        os.utime(one)
    tally.look()
    assert counts_of(tally) == right_of(folder) != right_of(ROOT / "results" / "reference")
    assert tally.counted().scored


def test_scores_older_than_their_samples_are_not_taken(folder):
    shutil.copytree(ROOT / "results" / "reference" / "scores", folder / "scores")
    for one in (folder / "scores").iterdir():
        os.utime(one, (1, 1))
    tally = tally_of(folder)
    tally.look()
    assert not tally.counted().scored
    assert counts_of(tally) == right_of(ROOT / "results" / "reference")


def drawn(index, text, reason="stop", condition="T1", problem="problem-0"):
    error = "failed" if reason == "error" else ""
    tokens = () if reason == "error" else (1, 2, 3)
    return Sample(problem, 1.0, index, text, reason, tokens, (), 0, "h", error, condition=condition)


@pytest.fixture
def empty(folder):
    shutil.rmtree(folder / "samples")
    (folder / "samples").mkdir()
    return folder


def gold(root):
    first = json.loads((root / "problems.jsonl").read_text().splitlines()[0])
    return first["id"], first["gold"]


def test_an_error_row_counts_until_its_sample_is_drawn_again(empty):
    name, answer = gold(empty)
    tally = tally_of(empty)
    with Journal(tally.run.journal(0)) as journal:
        journal.add(drawn(0, "", "error", problem=name))
        tally.look()
        assert (tally.counted().failed, int(tally.tokens.sum())) == (1, 0)
        for _ in range(2):  # as a kill may leave it in two files
            journal.add(drawn(0, f"The answer is {answer}.", problem=name))
        tally.look()
    counted = tally.counted()
    assert (counted.failed, int(counted.right.sum()), int(tally.tokens.sum())) == (0, 1, 3)


def test_what_is_not_asked_for_is_not_counted(empty):
    name, _ = gold(empty)
    tally = tally_of(empty)
    with Journal(tally.run.journal(0)) as journal:
        for one in (
            drawn(99, "1", problem=name), drawn(0, "1", condition="hot", problem=name),
            drawn(0, "1", problem="another"), drawn(5, "1", condition="T0", problem=name),
        ):  # fmt: skip
            journal.add(one)
    assert tally.look() == []
    assert tally.counted().drawn.sum() == tally.tokens.sum() == 0


def test_a_damaged_file_is_named_and_the_others_are_counted(folder):
    (part, *_) = sorted((folder / "samples").iterdir())
    whole = part.read_bytes()
    part.with_name("block-00001.000.parquet").write_bytes(whole)
    part.write_bytes(whole[:100])
    tally = tally_of(folder)
    faults = tally.look()
    assert any("block-00000.000.parquet is damaged" in fault for fault in faults)
    assert counts_of(tally) == right_of(ROOT / "results" / "reference")


def test_without_a_known_answer_nothing_is_graded_and_it_says_so(folder):
    lines = [json.loads(line) for line in (folder / "problems.jsonl").read_text().splitlines()]
    text = "".join(json.dumps(line | {"gold": None}) + "\n" for line in lines)
    (folder / "problems.jsonl").write_text(text)
    tally = tally_of(folder)
    tally.look()
    assert tally.why_not_graded == "no problem has a known answer"
    assert tally.counted().ungraded == tally.counted().drawn.sum() > 0
