import numpy as np
import pandas as pd
import pytest

import workbench
from workbench.analysis.compare.conditions import (
    Pair,
    accuracies,
    condition_pairs,
    has_exact_expectation,
    reward_pairs,
    run_pairs,
    selection_pairs,
    unknown_samples,
)
from workbench.core.conditions import Condition, temperature_name
from workbench.core.types import STAGES

VALUES = pd.Series({"a": 1.0, "b": 0.5})


def cells(*known):
    """Accuracies by condition, k and selection; a number stands for the temperature alone."""
    named = [(at if isinstance(at, str) else temperature_name(at), *rest) for at, *rest in known]
    return dict.fromkeys(named, VALUES)


def heated(*temperatures):
    return [Condition(temperature_name(t), t, 8) for t in temperatures]


def shown(pairs):
    return [(pair.condition, pair.k, pair.selection, pair.against) for pair in pairs]


@pytest.fixture(scope="module")
def found(finished):
    return workbench.load_run(finished[1]), accuracies(workbench.load_run(finished[1]))


def test_what_has_an_exact_expectation_has_that_and_the_rest_the_mean_of_its_subsets(found):
    run, known = found
    exact = run.expectations.set_index(["problem_id", "temperature", "k"])
    drawn = run.subsets.groupby(["problem_id", "temperature", "k"])
    for problem in run.problems["problem_id"]:
        for name, column in (("maj", "maj@k"), ("best", "best@k"), ("coverage", "pass@k")):
            value = known["T1", 4, name][problem]
            assert value == pytest.approx(exact.loc[(problem, 1.0, 4), column], abs=1e-12)
        subsets = drawn.get_group((problem, 1.0, 4))
        for name in ("weighted", "lex_mbr"):
            assert (
                known["T1", 4, f"drawn_{name}"][problem]
                == subsets[f"{name}_correct"].astype(float).mean()
            )
        assert known["T0.3", 1, "single_sample"][problem] == exact.loc[(problem, 0.3, 1), "pass@k"]


def test_conditions_come_in_order_with_the_unmeasured_sizes_of_the_curves(found):
    _, known = found
    assert [key for key in known if key[:2] == ("T0.3", 2)] == [
        ("T0.3", 2, name) for name in ("maj", "best", "drawn_weighted", "drawn_lex_mbr", "coverage")
    ]
    assert [key for key in known if key[:2] == ("T0.3", 8)] == [  # k = 8 is not among measure.k
        ("T0.3", 8, name) for name in ("maj", "best", "coverage")
    ]
    assert [key[1] for key in known if key[0] == "T0" and key[2] == "single_sample"] == [
        1
    ]  # greedy
    assert [key[:2] for key in known] == sorted(key[:2] for key in known)


def test_a_run_that_is_not_measured_is_refused(cli, experiment, tmp_path):
    cli.must("generate", experiment(), "--out", tmp_path / "run")
    with pytest.raises(ValueError, match="workbench measure"):
        accuracies(workbench.load_run(tmp_path / "run"))


def test_samples_of_unknown_correctness_are_counted_and_pools_of_them_left_out(hand_made):
    right, failed = ("The answer is 1.", -1.0, "stop"), ("", 0.0, "error")
    samples = [[right, failed, right], [failed, failed, right], [failed] * 3]
    folder = hand_made(["1"] * 3, samples)
    run = workbench.load_run(folder)
    assert unknown_samples(run) == 6
    known = accuracies(run)
    assert known["T1", 1, "single_sample"].to_dict() == {"p0": 1.0, "p1": 1.0}  # of those known
    assert set(known["T1", 2, "coverage"].index) == {"p0"}  # of p1 one sample is known


def test_a_run_of_unknown_correctness_is_refused(hand_made):
    folder = hand_made(["1"], [[("", 0.0, "error")] * 2], STAGES)
    with pytest.raises(ValueError, match="does not know of any sample whether it is correct"):
        accuracies(workbench.load_run(folder))


def test_each_temperature_is_paired_with_every_lower_one():
    known = cells((0.3, 2, "maj"), (0.7, 2, "maj"), (0.7, 4, "maj"), (1.0, 2, "maj"))
    assert shown(condition_pairs(known, heated(0.3, 0.7, 1.0))) == [
        ("T0.7", 2, "maj", "T = 0.3"), ("T1", 2, "maj", "T = 0.3"), ("T1", 2, "maj", "T = 0.7"),
    ]  # fmt: skip


def test_conditions_are_paired_where_one_factor_differs():
    levels = [(0.3, 0), (0.3, 0.1), (1.0, 0), (1.0, 0.1)]
    grid = [
        Condition(f"{t}/{p}", t, 8, {}, {"temperature": t, "min_p": p}) for t, p in levels
    ]  # fmt: skip
    known = cells(*((one.name, 2, "maj") for one in grid))
    assert [(pair.condition, pair.against) for pair in condition_pairs(known, grid)] == [
        ("0.3/0.1", "0.3/0"), ("1.0/0", "0.3/0"), ("1.0/0.1", "0.3/0.1"), ("1.0/0.1", "1.0/0"),
    ]  # fmt: skip
    apart = [grid[0], grid[3]]  # both factors differ, and there is no other pair
    found = condition_pairs(cells(*((one.name, 2, "maj") for one in apart)), apart)
    assert [(pair.condition, pair.against) for pair in found] == [("1.0/0.1", "0.3/0")]


def test_each_selection_is_paired_with_a_single_sample_and_with_the_majority():
    known = cells(
        (0.3, 1, "maj"), (0.3, 1, "single_sample"), (0.3, 2, "maj"), (0.3, 2, "best"),
        (0.3, 2, "coverage"), (0.7, 2, "best"),
    )  # fmt: skip
    assert shown(selection_pairs(known)) == [
        ("T0.3", 2, "maj", "single_sample"), ("T0.3", 2, "best", "single_sample"),
        ("T0.3", 2, "best", "maj"),
    ]  # fmt: skip


def test_a_selection_is_paired_with_itself_by_another_reward():
    known = cells(
        (0.3, 2, "best"), (0.3, 2, "best:orm"), (0.3, 2, "weighted"), (0.3, 2, "weighted:orm"),
        (0.3, 4, "best:orm"), (0.3, 1, "best"), (0.3, 1, "best:orm"),
    )  # fmt: skip
    assert shown(reward_pairs(known)) == [
        ("T0.3", 2, "best:orm", "best"), ("T0.3", 2, "weighted:orm", "weighted"),
    ]  # fmt: skip


def test_runs_are_paired_at_the_temperatures_they_share():
    first = cells((0.3, 2, "maj"), (0.7, 2, "maj"), (1.0, 2, "maj"))
    other = cells((0.3, 2, "maj"), (0.7, 2, "best"), (1.3, 2, "maj"))
    assert shown(run_pairs(first, other, "a", "b")) == [("T0.3", 2, "maj", "a")]
    assert [pair.run for pair in run_pairs(first, other, "a", "b")] == ["b"]
    with pytest.raises(ValueError, match=r"a \(temperatures 0.3, 0.7, 1\) and b \(1.3\) have none"):
        list(run_pairs(first, cells((1.3, 2, "maj")), "a", "b"))


def test_runs_of_other_conditions_are_told_to_name_one_alike():
    first, other = (
        cells((0.3, 2, "maj"), ("hot", 2, "maj")),
        cells(("odd", 2, "maj"), (1.0, 2, "maj")),
    )
    with pytest.raises(
        ValueError, match=r"a \(conditions T = 0.3, hot\) and b \(odd, T = 1\).*name"
    ):
        list(run_pairs(first, other, "a", "b"))


def test_runs_of_one_temperature_each_are_paired_whatever_it_is():
    greedy = (0.0, 1, "single_sample")
    first, other = cells(greedy, (0.7, 2, "maj")), cells(greedy, (1.0, 2, "maj"))
    assert shown(run_pairs(first, other, "a", "b")) == [
        ("T0", 1, "single_sample", "a"), ("T1", 2, "maj", "a at T = 0.7"),
    ]  # fmt: skip


def test_an_unknown_temperature_is_the_same_as_an_unknown_one():
    first, other = cells((None, 2, "maj"), (0.7, 2, "maj")), cells((None, 2, "maj"))
    (pair,) = run_pairs(other, first, "a", "b")
    assert pair.condition == "unknown"
    assert pair.against == "a"


def test_a_pair_keeps_the_problems_that_have_both_values():
    pair = Pair("T0.3", 2, "maj", "best", VALUES, pd.Series({"c": 1.0, "b": 0.25, "a": np.nan}))
    assert pair.problems.index.tolist() == ["b"]
    assert pair.problems.loc["b"].tolist() == [0.5, 0.25]
    assert pair.labels == {"condition": "T0.3", "selection": "maj", "against": "best"}


def test_only_what_has_an_exact_expectation_has_a_curve():
    names = ("coverage", "maj", "best", "best:orm", "weighted", "lex_mbr", "single_sample")
    assert [name for name in names if has_exact_expectation(name)] == [
        "coverage",
        "maj",
        "best",
        "best:orm",
    ]
