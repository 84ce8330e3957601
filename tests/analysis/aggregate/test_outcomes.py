"""Which sample is picked of each subset, and what is exactly known of all of them."""

import itertools

import numpy as np
import pytest

from workbench.analysis.aggregate import AGGREGATORS
from workbench.analysis.aggregate.outcomes import (
    curve_sizes,
    exact_means,
    expectations,
    picked,
    rule_of,
    subset_outcomes,
)
from workbench.config.schema import Experiment, Generation, Measure, Selection, TaskSettings
from workbench.core.types import NOBODY
from workbench.measure.stage import measure_subsets
from workbench.pools import Pool

NAN = np.nan


def pool(correct=(1, 0, 0, 1, 0), clusters=(0, 1, 1, -1, 2), vectors=None):
    count = len(correct)
    return Pool(
        problem_id="p",
        temperature=0.5,
        texts=tuple(f"a text of {'ab'[i % 2]}" for i in range(count)),
        logprobs=-np.arange(1.0, count + 1),
        num_tokens=np.arange(count) + 3,
        answers=tuple(None if c < 0 else str(c) for c in clusters),
        clusters=np.array(clusters),
        correct=np.array(correct, dtype=float),
        statuses=("answered",) * count,
        rewards={"likelihood": -np.arange(1.0, count + 1), "other": np.arange(1.0, count + 1)},
        embeddings=vectors,
    )


def experiment(k=(2,), rules=("maj", "best"), metrics=()):
    return Experiment(
        name="x",
        task=TaskSettings(name="arithmetic", num_problems=1),
        generation=Generation(model="m", n=5),
        measure=Measure(k=k, replicates=100, metrics=metrics),
        selection=Selection(aggregators=rules),
    )


def every(pool, k, metrics=()):
    """What is measured of all k-subsets of a pool."""
    asked = experiment(k=(k,), metrics=metrics)
    measured = measure_subsets(pool, k, asked.measure)
    return measured | subset_outcomes(pool, measured["members"], asked.selection)


def test_picks_are_samples_of_the_pool():
    subsets = np.array([[4, 1], [3, 2], [1, 2]])
    found = {
        name: picked(name, pool(clusters=(0, 1, -1, -1, 2)), subsets, Selection())
        for name in ("maj", "best", "best:other")
    }
    assert found["maj"].tolist() == [4, NOBODY, 1]  # the first of a tie; nobody; the one answer
    assert found["best"].tolist() == [1, 2, 1]
    assert found["best:other"].tolist() == [4, 3, 2]


def test_a_rule_goes_by_the_reward_of_its_name():
    settings = Selection(reward="orm", threshold=0.3)
    assert rule_of("best", settings) == (AGGREGATORS["best"], settings)
    of_another = Selection(reward="other", threshold=0.3)
    assert rule_of("best:other", settings)[1] == of_another
    with pytest.raises(ValueError, match="unknown aggregator 'bets'; did you mean 'best'"):
        rule_of("bets", Selection())


def test_exact_means_by_hand():
    # 0 is right, 1 unknown, and the likelier of two is picked
    found = exact_means(pool((1, NAN, 0), (0, 1, 2)), np.array([1, 2]), experiment().selection)
    shown = {name: values.round(9).tolist() for name, values in found.items()}
    # over the two that are known, of which one is right
    assert shown["coverage"] == shown["best"] == [0.5, 1.0]
    assert shown["coverage_lower"] == shown["best_lower"] == [round(1 / 3, 9), round(2 / 3, 9)]
    assert shown["coverage_upper"] == shown["best_upper"] == [round(2 / 3, 9), 1.0]
    assert sorted(found) == sorted(
        f"{name}{end}" for name in ("coverage", "maj", "best") for end in ("", "_lower", "_upper")
    )
    known = exact_means(pool((1, 0, 0), (0, 1, 2)), np.array([1, 2]), experiment().selection)
    for name in ("coverage", "maj", "best"):
        np.testing.assert_array_equal(known[name], known[f"{name}_upper"])
        np.testing.assert_array_equal(known[name], known[f"{name}_lower"])
    assert "sem_mbr" not in exact_means(
        pool(), np.array([1]), experiment(rules=("sem_mbr",)).selection
    )


def test_expectations_are_means_over_all_subsets():
    """With every subset looked at, in every order for the ties of maj."""
    shown = pool()
    rows = {row["k"]: row for row in expectations(shown, (2, 5), experiment().selection)}
    assert list(rows) == [1, 2, 4, 5]
    for k, row in rows.items():
        found = every(shown, k)
        assert row["pass@k"] == pytest.approx(found["coverage"].mean())
        assert row["best@k"] == pytest.approx(found["best_correct"].mean())
        winners = []
        for members in itertools.permutations(range(5), k):
            votes = [shown.clusters[i] for i in members if shown.clusters[i] >= 0]
            top = max((votes.count(v) for v in votes), default=0)
            first = next((v for v in votes if votes.count(v) == top), None)
            pick = next((i for i in members if shown.clusters[i] == first), None)
            winners.append(pick == 0)
        assert row["maj@k"] == pytest.approx(np.mean(winners))
        assert row["pass@k_upper"] == row["pass@k"]
        assert row["num_correct"] == 2
        assert row["num_unknown"] == 0


@pytest.mark.parametrize("k", [1, 2, 3])
def test_drawn_subsets_without_a_sample_of_unknown_correctness_agree_with_the_expectation(k):
    """Whose n counts the samples of known correctness: all subsets of a pool, looked at."""
    shown = pool(correct=(1, NAN, 0, 1, 0))
    (row,) = [row for row in expectations(shown, (k,), experiment().selection) if row["k"] == k]
    found = every(shown, k)
    judged = np.isfinite(found["num_correct"])
    assert row["pass@k"] == pytest.approx(found["coverage"][judged].mean())
    assert row["best@k"] == pytest.approx(found["best_correct"][judged].mean())
    assert row["pass@k_lower"] <= row["pass@k"] <= row["pass@k_upper"]


def test_unknown_samples_are_left_out_and_give_both_extremes():
    rows = expectations(pool(correct=(1, NAN, 0, 0, 0)), (5,), experiment().selection)
    by_k = {row["k"]: row for row in rows}
    assert by_k[1]["pass@k"] == pytest.approx(1 / 4)
    assert by_k[1]["pass@k_lower"] == pytest.approx(1 / 5)
    assert by_k[1]["pass@k_upper"] == pytest.approx(2 / 5)
    assert by_k[1]["best@k_upper"] == pytest.approx(2 / 5)
    assert by_k[2]["best@k"] == pytest.approx(3 / 6)  # sample 0 is the likeliest of three pairs
    assert by_k[2]["best@k_lower"] == pytest.approx(4 / 10)  # of four, with sample 1
    assert by_k[2]["best@k_upper"] == pytest.approx(7 / 10)  # and 1 of three more
    assert by_k[5]["num_unknown"] == 1
    assert np.isnan([by_k[5][f"{name}@k"] for name in ("pass", "maj", "best")]).all()  # 4 known
    assert (by_k[5]["pass@k_lower"], by_k[5]["pass@k_upper"]) == (1, 1)


def test_the_mean_cosine_is_over_all_pairs():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(5, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    shown = pool(vectors=vectors)
    pairs = [vectors[i] @ vectors[j] for i, j in itertools.combinations(range(5), 2)]
    for row in expectations(shown, (2, 5), experiment().selection):
        assert row["mean_cos_sim"] == pytest.approx(np.mean(pairs))
    found = every(shown, 3, metrics=("cos_sim",))
    assert found["cos_sim"].mean() == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize(
    ("n", "measured", "expected"),
    [
        (1, [2, 4], [1]),
        (16, [2, 4], [1, 2, 4, 8, 16]),
        (12, [3, 12, 32], [1, 2, 3, 4, 8, 12]),
        (5, [12], [1, 2, 4]),  # of a pool that is smaller than the others
    ],
)
def test_curves_have_powers_of_two_and_what_is_measured(n, measured, expected):
    assert curve_sizes(n, measured) == expected
