import itertools

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.aggregate import AGGREGATORS
from workbench.analysis.aggregate.pruning import EVERYTHING, PRUNERS, prune_pool
from workbench.config.schema import Measure, Selection
from workbench.core.subsets import choose_subsets, pool_rng
from workbench.core.types import NOBODY
from workbench.pools import Pool

NAN = np.nan
DIRECTIONS = np.eye(5)


def pool(kinds=(0, 0, 0, 0, 1, 1, 2, 2), clusters=None, correct=None, rewards=None, **changes):
    """Samples whose text, embedding and, if not said otherwise, answer is their kind."""
    count = len(kinds)
    clusters = np.array(kinds if clusters is None else clusters)
    fields = {
        "problem_id": "p", "temperature": 0.5,
        "texts": tuple(f"a text of kind {kind}" for kind in kinds),
        "logprobs": -np.arange(1.0, count + 1), "num_tokens": np.full(count, 4.0),
        "answers": tuple(map(str, clusters)), "clusters": clusters,
        "correct": np.array(clusters == 2 if correct is None else correct, dtype=float),
        "statuses": ("answered",) * count, "embeddings": DIRECTIONS[list(kinds)],
        "rewards": {"likelihood": np.array(rewards or -np.arange(1.0, count + 1))},
    }  # fmt: skip
    return Pool(**(fields | changes))


def settings(replicates=20, rules=("maj", "best", "weighted", "sem_mbr", "lex_mbr"), seed=0):
    return Measure(k=(2,), replicates=replicates, seed=seed), Selection(aggregators=rules)


def rows(pool, told=None):
    frame = pd.DataFrame(prune_pool(pool, *(told or settings())))
    return frame.set_index(["m", "method"]) if len(frame) else frame


def test_the_powers_of_two_below_n_and_everything():
    found = rows(pool())
    assert found.index.tolist() == [*itertools.product((2, 4), PRUNERS), (8, EVERYTHING)]
    assert set(found["n"]) == {8}
    assert sorted(set(rows(pool(kinds=(0, 1, 2, 3, 4, 0))).index.levels[0])) == [2, 4, 6]


@pytest.mark.parametrize("method", ["k_medoids", "k_dpp", "greedy_map", "farthest_point"])
def test_one_of_each_kind_is_kept_and_so_the_rare_right_one(method):
    found = rows(pool(kinds=(0,) * 5 + (1, 1, 2))).loc[(4, method)]
    assert found["coverage"] == 1.0
    assert found["maj_correct"] == 0  # the fourth is of a wrong kind, which now has two votes
    # by hand: 1 - C(7, 4) / C(8, 4)
    assert rows(pool(kinds=(0,) * 5 + (1, 1, 2))).loc[(4, "random"), "coverage"] == 0.5


def test_ties_of_a_set_chosen_without_chance_are_broken_either_way():
    """Two answers are left, one of them right: the vote is a coin, not a matter of order."""
    told = settings(replicates=1, rules=("maj",))
    found = [
        rows(pool(kinds=(0, 1) * 4, correct=(0, 1) * 4, problem_id=f"p{i}"), told)
        .loc[(2, "greedy_map"), "maj_correct"]
        for i in range(60)
    ]  # fmt: skip
    assert np.mean(found) == pytest.approx(0.5, abs=0.13)  # 4 errors of 0.5 / sqrt(240)


def test_outcomes_at_random_are_those_of_all_subsets():
    """By brute force over every order; a set of m is drawn once where all are few enough."""
    clusters, correct = (0, 0, 1, 2, -1), (1, 1, 0, 1, 0)
    one = pool(kinds=(0, 1, 2, 3, 4), clusters=clusters, correct=correct)
    found = rows(one, settings(replicates=10))
    for m in (2, 4):
        orders = np.array(list(itertools.permutations(range(5), m)))
        right = {}
        for name in ("maj", "best", "weighted"):
            picks = AGGREGATORS[name].pick(one, orders, Selection())
            outcomes = one.correct[orders[np.arange(len(orders)), picks]]
            right[name] = np.where(picks == NOBODY, 0.0, outcomes).mean()
        row = found.loc[(m, "random")]
        assert row["coverage"] == pytest.approx(one.correct[orders].max(axis=1).mean())
        for name in ("maj", "best", "weighted"):
            assert row[f"{name}_correct"] == pytest.approx(right[name])


def test_rules_without_a_closed_form_see_the_subsets_that_are_measured():
    one = pool(clusters=(0, 1, 2, 0, 1, 2, 0, 1))
    subsets = choose_subsets(8, 4, 20, pool_rng(0, "p", 0.5, 4))
    for name in ("weighted", "sem_mbr", "lex_mbr"):
        places = AGGREGATORS[name].pick(one, subsets, Selection())
        picks = subsets[np.arange(len(subsets)), places]
        found = rows(one).loc[(4, "random"), f"{name}_correct"]
        assert found == pytest.approx(one.correct[picks].mean())


def test_keeping_everything_is_the_whole_pool():
    one = pool(clusters=(0, 0, 0, 1, 1, 2, 2, 2), correct=(1, 1, 0, 1, 1, 0, 0, 0))
    found = rows(one).loc[(8, EVERYTHING)]
    assert found["coverage"] == 1
    assert found["maj_correct"] == pytest.approx((2 / 3 + 0) / 2)  # a tie of two answers
    assert found["best_correct"] == 1  # the first is the likeliest


def test_medoids_by_reward_and_likelihood_are_one_of_each_level():
    rewards = (0.9, 0.91, 0.92, 0.5, 0.51, 0.1, 0.11, 0.12)
    levels = pool(
        kinds=(0,) * 8, rewards=rewards, logprobs=np.array([-1, -1, -1, -9, -9, -1, -1, -1.0]),
        correct=(0, 0, 0, 1, 1, 0, 0, 0),
    )  # fmt: skip
    found = rows(levels)
    assert found.loc[(4, "k_medoids_reward"), "coverage"] == 1
    assert found.loc[(2, "k_medoids"), "coverage"] == 0  # all are alike: the first two


def test_reward_and_likelihood_count_alike_whatever_their_units():
    rewards = (0, 10, 20, 30, 1000, 1010, 1020, 1030)
    for odd in np.eye(8):
        one = pool(kinds=(0,) * 8, rewards=rewards, logprobs=-1 - odd, correct=odd)
        found = rows(one, settings(rules=("maj",)))
        assert found.loc[(4, "k_medoids_reward"), "coverage"] == 1  # alone in its likelihood


def test_a_sample_without_a_reward_is_kept_only_when_no_other_is_left():
    rewards = (NAN, NAN, NAN, NAN, NAN, NAN, -1.0, -2.0)
    one = pool(rewards=rewards, correct=(1, 0, 0, 0, 0, 0, 0, 0))
    found = rows(one)
    assert found.loc[(2, "k_medoids_reward"), "coverage"] == 0
    assert found.loc[(4, "k_medoids_reward"), "coverage"] == 1  # the first of the others
    without = rows(pool(rewards=(NAN,) * 8))
    assert "k_medoids_reward" not in without.index.get_level_values("method")
    assert "k_medoids" in without.index.get_level_values("method")
    unknown = rows(pool(logprobs=np.full(8, NAN)))
    assert "k_medoids_reward" not in unknown.index.get_level_values("method")


def test_rewards_that_are_all_equal_place_nobody():
    found = rows(pool(rewards=(0.1,) * 8, logprobs=np.full(8, -0.3), correct=(1,) + (0,) * 7))
    assert found.loc[(2, "k_medoids_reward"), "coverage"] == 1  # ties go to the first


def test_methods_that_lack_what_they_need_are_left_out():
    rules = settings(rules=("maj", "best"))
    methods = rows(pool(embeddings=None), rules).index.get_level_values("method")
    assert set(methods) == {"random", "k_medoids_reward", EVERYTHING}
    assert set(rows(pool(), rules).index.get_level_values("method")) == {*PRUNERS, EVERYTHING}


def test_samples_of_unknown_correctness_are_left_out_before_any_is_kept():
    one = pool(kinds=(0, 1, 2, 0, 1), correct=(NAN, 0, 0, NAN, 1))
    found = rows(one)
    assert set(found["n"]) == {3}
    assert set(found["num_unknown"]) == {2}
    left = pool(kinds=(1, 2, 1), correct=(0, 0, 1), logprobs=one.logprobs[[1, 2, 4]],
                rewards=[-2.0, -3.0, -5.0], clusters=(1, 2, 1))  # fmt: skip
    pd.testing.assert_frame_equal(found.assign(num_unknown=0), rows(left))
    assert prune_pool(pool(kinds=(0, 1), correct=(NAN, 1)), *settings()) == []


def test_samples_that_failed_cannot_be_kept():
    statuses = ("error", "answered", "answered", "error", "answered")
    one = pool(kinds=(4, 0, 1, 4, 2), correct=(NAN, 0, 0, NAN, 1), statuses=statuses)
    found = rows(one)
    assert set(found["n"]) == {3}
    assert set(found["num_unknown"]) == {0}
    assert found.loc[(2, "random"), "coverage"] == pytest.approx(2 / 3)
    left = pool(kinds=(0, 1, 2), correct=(0, 0, 1), logprobs=one.logprobs[[1, 2, 4]],
                rewards=[-2.0, -3.0, -5.0])  # fmt: skip
    pd.testing.assert_frame_equal(found, rows(left))


def test_a_pool_of_one_has_nothing_to_prune():
    assert prune_pool(pool(kinds=(0,)), *settings()) == []
    failed = pool(kinds=(0, 1), statuses=("answered", "error"))
    assert prune_pool(failed, *settings()) == []


def test_the_seed_decides_and_nothing_else():
    def mixed(seed):
        return rows(pool(clusters=(0, 1, 2, 0, 1, 2, 0, 1)), settings(replicates=3, seed=seed))

    pd.testing.assert_frame_equal(mixed(1), mixed(1))
    assert not mixed(1).equals(mixed(2))


def test_every_row_has_the_same_columns_for_the_table_on_disk():
    found = prune_pool(pool(rewards=(NAN, *range(7)), correct=(NAN,) + (0,) * 7),
                       *settings())  # fmt: skip
    assert len({tuple(row) for row in found}) == 1
    assert all(np.isfinite(row["coverage"]) for row in found)
