from dataclasses import fields, replace

import numpy as np
import pytest

from workbench.analysis.aggregate import AGGREGATORS, best_at_k, maj_at_k
from workbench.config.schema import Selection
from workbench.core.types import NOBODY
from workbench.pools import Pool
from workbench.rewards import REWARDS, Reward

N = 6
MEMBERS = np.array([4, 1, 0, 3])  # in drawn order


def pick(name, pool, members, reward="likelihood"):
    """The position that a rule picks among the members of one subset."""
    settings = Selection(reward=reward)
    return AGGREGATORS[name].pick(pool, np.atleast_2d(members), settings).tolist()[0]


@pytest.fixture
def pool():
    # Unit vectors in a plane; member 1 lies amid the others.
    angles = np.array([0.0, 0.5, 3.0, 0.9, 1.0, 2.0])
    return Pool(
        problem_id="p",
        temperature=1.0,
        texts=("a b c d e", "a b c d f", "z", "a b c d e f", "q r s t", "z z"),
        logprobs=np.zeros(N),
        num_tokens=np.full(N, 5),
        answers=("1", "2", None, "1", "2", "3"),
        clusters=np.array([0, 1, -1, 0, 1, 2]),
        correct=np.array([1.0, 0.0, 0.0, 1.0, 0.0, 1.0]),
        statuses=("answered",) * N,
        rewards={
            "likelihood": np.array([-0.1, -9.0, -1.0, -0.2, -8.0, np.nan]),
            "unit": np.array([0.1, 0.9, 0.5, 0.1, 0.3, 0.3]),
        },
        embeddings=np.column_stack([np.cos(angles), np.sin(angles)]),
        outputs=np.array([[0, 0, 0], [1, 1, 0], [-1, -1, -1], [0, 0, 1], [1, 0, 0], [2, 2, 2]]),
    )


@pytest.fixture(autouse=True)
def _unit_reward(monkeypatch):
    monkeypatch.setitem(
        REWARDS, "unit", Reward(summary="a made-up one", is_log=False, fn=lambda rows: rows)
    )


def test_every_row_is_complete():
    known = {field.name for field in fields(Pool)} | {"similarity", "bleu", "agreement"}
    for name, aggregator in AGGREGATORS.items():
        assert aggregator.summary, name
        assert aggregator.needs, name
        assert set(aggregator.needs) <= known, name


def test_maj_counts_in_drawn_order(pool):
    # clusters of the members: 1 1 0 0, so the tie goes to cluster 1
    assert pick("maj", pool, MEMBERS) == 0
    assert pick("maj", pool, MEMBERS[[2, 0, 1, 3]]) == 0
    assert pick("maj", pool, np.array([2])) == NOBODY


def test_best_picks_by_the_reward_asked_for(pool):
    assert pick("best", pool, MEMBERS) == 2  # sample 0, -0.1
    assert pick("best", pool, MEMBERS, "unit") == 1  # sample 1, 0.9
    with pytest.raises(ValueError, match="unknown reward of this pool 'orm'"):
        pick("best", pool, MEMBERS, "orm")


def test_weighted_takes_exp_of_log_probabilities_only(pool):
    # exp: e^-8 + e^-9 < e^-0.1 + e^-0.2; as they are they would be refused
    assert pick("weighted", pool, MEMBERS) == 2
    # as they are: 0.3 > 0.1 + 0.1, though exp 0.3 = 1.35 < 2 exp 0.1 = 2.21
    assert pick("weighted", pool, np.array([0, 3, 4]), "unit") == 2


@pytest.mark.parametrize(
    ("logprob", "expected"),
    [(-1.0, 2), (-0.5, 0)],  # 2 exp(-1) = 0.74 < exp(-0.1) = 0.90 < 2 exp(-0.5) = 1.21
)
def test_weights_are_exactly_the_probabilities(pool, logprob, expected):
    rewards = {"likelihood": np.array([-0.1, logprob, 0.0, 0.0, logprob, 0.0])}
    pool = replace(pool, rewards=rewards)
    assert pick("weighted", pool, MEMBERS[:3]) == expected


def test_weighted_survives_very_unlikely_sequences(pool):
    far = {"likelihood": np.array([-2000.0, -1000.0, 0.0, -2000.0, -1000.5, 0.0])}
    pool = replace(pool, rewards=far)
    assert pick("weighted", pool, np.array([0, 3, 4, 1])) == 2
    nothing = {"likelihood": np.full(N, -np.inf)}
    pool = replace(pool, rewards=nothing)
    assert pick("weighted", pool, np.array([0, 3, 4, 1])) == 0


def test_semantic_mbr_picks_the_middle_of_the_members(pool):
    # angles 1.0 0.5 0.0 0.9: sums of cosines to the others by hand
    angles = np.array([1.0, 0.5, 0.0, 0.9])
    sums = [np.cos(angles - a).sum() - 1 for a in angles]
    assert pick("sem_mbr", pool, MEMBERS) == int(np.argmax(sums)) == 1
    assert pick("sem_mbr", pool, MEMBERS[[0, 2, 3, 1]]) == 3
    assert pick("sem_mbr", pool, MEMBERS[:1]) == 0


def test_lexical_mbr_picks_the_text_most_like_the_others(pool):
    # "q r s t" shares no word with the rest
    assert pick("lex_mbr", pool, np.array([4, 0, 3])) != 0
    bleu = pool.bleu[np.ix_(MEMBERS, MEMBERS)]
    means = (bleu.sum(axis=1) - np.diag(bleu)) / 3
    assert pick("lex_mbr", pool, MEMBERS) == int(np.argmax(means))


def test_mbr_of_programs_picks_the_one_that_agrees_most_with_the_others(pool):
    # members 4 1 0 3; equal outputs of 3 calls: 4-1: 2, 4-0: 2, 4-3: 1, 1-0: 1, 1-3: 0, 0-3: 2
    assert pick("exec_mbr", pool, MEMBERS) == 0  # 4 and 0 have 5 in all; 4 was drawn first
    assert pick("exec_mbr", pool, MEMBERS[[2, 0, 1, 3]]) == 0
    assert pick("exec_mbr", pool, np.array([2, 1, 3, 0])) == 3
    assert pick("exec_mbr", pool, np.array([2, 5])) == 0  # nobody agrees
    with pytest.raises(ValueError, match="the samples of p are no programs"):
        pick("exec_mbr", replace(pool, outputs=None), MEMBERS)


def test_many_subsets_are_picked_from_at_once(pool):
    subsets = np.array([np.random.default_rng(i).permutation(N)[:3] for i in range(20)])
    for name, row in AGGREGATORS.items():
        together = row.pick(pool, subsets, Selection(reward="unit"))
        assert together.tolist() == [pick(name, pool, members, "unit") for members in subsets]


def test_expectations_are_those_of_the_pool(pool):
    sizes = np.array([1, 3, 6])
    expected = AGGREGATORS["maj"].expected(pool, sizes, Selection(reward="unit"))
    np.testing.assert_array_equal(expected, maj_at_k(pool.clusters, pool.correct, sizes))
    best = AGGREGATORS["best"].expected
    of_each = {name: best(pool, sizes, Selection(reward=name)) for name in pool.rewards}
    for name, expected in of_each.items():
        found = best_at_k(pool.rewards[name], pool.correct, sizes)
        np.testing.assert_array_equal(expected, found)
    assert of_each["unit"][1] != of_each["likelihood"][1]


@pytest.mark.parametrize("name", [name for name, row in AGGREGATORS.items() if row.expected])
def test_random_subsets_agree_with_the_expectation(pool, name):
    row, rng = AGGREGATORS[name], np.random.default_rng(4)
    subsets = rng.permuted(np.tile(np.arange(N), (3000, 1)), axis=1)[:, :3]
    picks = row.pick(pool, subsets, Selection(reward="unit"))
    picked = np.take_along_axis(subsets, np.maximum(picks, 0)[:, None], axis=1)[:, 0]
    outcomes = np.where(picks == NOBODY, 0.0, pool.correct[picked])
    error = outcomes.std() / np.sqrt(len(picks))
    exact = row.expected(pool, np.array([3]), Selection(reward="unit"))[0]
    assert abs(outcomes.mean() - exact) < 4 * error
