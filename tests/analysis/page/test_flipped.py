"""The list of problems that flipped, and the samples of both sides."""

import pytest

from workbench import load_run
from workbench.analysis.compare.runs import compare
from workbench.analysis.compare.settings import names_of
from workbench.analysis.frames import Table
from workbench.analysis.page import flipped as module
from workbench.analysis.page.flipped import flipped
from workbench.analysis.page.packing import unpack

RIGHT, WRONG = ("The answer is \\boxed{1}.", -1.0, "stop"), ("No: \\boxed{2}.", -1.0, "stop")


@pytest.fixture(scope="module")
def two(hand_made):
    """Two runs of three problems: the first is lost, the second the same, the third half won."""
    first = hand_made(["1"] * 3, [[RIGHT] * 4, [RIGHT] * 4, [WRONG] * 4])
    second = hand_made(["1"] * 3, [[WRONG] * 4, [RIGHT] * 4, [RIGHT, RIGHT, WRONG, WRONG]])
    return [load_run(first), load_run(second)]


def test_both_runs_samples_stand_in_one_problem(two):
    flips, explorer = flipped(two, names_of(two), compare(two)["flips"])
    assert [one.problem for one in flips] == ["p0", "p2"]
    sides = [f"{name}, T = 1" for name in names_of(two)]
    assert [flips[0].left, flips[0].right] == sides
    assert flips[0].direction == "to wrong"
    assert flips[0].change == "maj@2 1.000 → 0.000"
    lost, won = explorer.problems
    assert lost["pools"] == [[sides[0], 4, 4, 0], [sides[1], 4, 0, 0]]
    whole = unpack(won["chunk"])
    assert [pool["condition"] for pool in whole["pools"]] == sides
    assert [pool["correct"] for pool in whole["pools"]] == [[0] * 4, [1, 1, 0, 0]]


def test_few_problems_are_carried_and_the_others_are_counted(two, monkeypatch):
    monkeypatch.setattr(module, "MOST_PROBLEMS", 1)
    flips, explorer = flipped(two, names_of(two), compare(two)["flips"])
    assert [one.problem for one in flips] == ["p0"]
    assert [one["id"] for one in explorer.problems] == ["p0"]
    assert explorer.notes[0].startswith("the 1 problems that changed most, of 2 in the table flips")


def test_what_does_not_fit_is_left_out_from_the_end(two):
    flips, explorer = flipped(two, names_of(two), compare(two)["flips"], budget=2)
    assert [one["id"] for one in explorer.problems] == ["p0"]
    assert {one.problem for one in flips} == {"p0"}


def test_conditions_of_one_run_stand_beside_one_another(finished):
    run = load_run(finished[1])
    table = compare([run])["flips"]
    flips, explorer = flipped([run], ["run"], table)
    assert {(one.left, one.right) for one in flips} == {("0.3", "1")}
    assert len(flips) == len(table.frame)
    assert not any(note.startswith("run:") for note in explorer.notes)


def test_runs_of_other_temperatures_stand_beside_one_another(hand_made):
    sides = [[RIGHT] * 4] * 2, [[WRONG] * 4] * 2
    runs = [
        load_run(hand_made(["1"] * 2, samples, generation__temperatures=[t]))
        for samples, t in zip(sides, (0.5, 1.5), strict=True)
    ]
    names = names_of(runs)
    flips, _ = flipped(runs, names, compare(runs)["flips"])
    assert [(one.left, one.right) for one in flips] == [
        (f"{names[0]}, T = 0.5", f"{names[1]}, T = 1.5")
    ] * 2


def test_no_flip_has_no_list(two):
    assert flipped(two, names_of(two), Table(compare(two)["flips"].frame.iloc[:0])) == ([], None)
