from dataclasses import fields, replace

import numpy as np
import pytest

from analysis.aggregate import AGGREGATORS, best_at_k, maj_at_k
from workbench.rewards import REWARDS, Reward
from workbench.types import Pool

N = 6
MEMBERS = np.array([4, 1, 0, 3])  # in drawn order


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
    )


@pytest.fixture(autouse=True)
def _unit_reward(monkeypatch):
    monkeypatch.setitem(
        REWARDS, "unit", Reward("a made-up one", is_log=False, fn=lambda rows: rows)
    )


def test_every_row_is_complete():
    known = {field.name for field in fields(Pool)} | {"similarity", "bleu"}
    for name, aggregator in AGGREGATORS.items():
        assert aggregator.summary, name
        assert aggregator.needs, name
        assert set(aggregator.needs) <= known, name
        assert aggregator.uses_reward == ("rewards" in aggregator.needs), name


def test_maj_counts_in_drawn_order(pool):
    # clusters of the members: 1 1 0 0, so the tie goes to cluster 1
    assert AGGREGATORS["maj"].pick(pool, MEMBERS, "likelihood") == 0
    assert AGGREGATORS["maj"].pick(pool, MEMBERS[[2, 0, 1, 3]], "likelihood") == 0
    assert AGGREGATORS["maj"].pick(pool, np.array([2]), "likelihood") is None


def test_best_picks_by_the_reward_asked_for(pool):
    assert AGGREGATORS["best"].pick(pool, MEMBERS, "likelihood") == 2  # sample 0, -0.1
    assert AGGREGATORS["best"].pick(pool, MEMBERS, "unit") == 1  # sample 1, 0.9
    with pytest.raises(ValueError, match="unknown reward of this pool 'orm'"):
        AGGREGATORS["best"].pick(pool, MEMBERS, "orm")


def test_weighted_takes_exp_of_log_probabilities_only(pool):
    # exp: e^-8 + e^-9 < e^-0.1 + e^-0.2; as they are they would be refused
    assert AGGREGATORS["weighted"].pick(pool, MEMBERS, "likelihood") == 2
    # as they are: 0.3 > 0.1 + 0.1, though exp 0.3 = 1.35 < 2 exp 0.1 = 2.21
    assert AGGREGATORS["weighted"].pick(pool, np.array([0, 3, 4]), "unit") == 2


@pytest.mark.parametrize(
    ("logprob", "expected"),
    [(-1.0, 2), (-0.5, 0)],  # 2 exp(-1) = 0.74 < exp(-0.1) = 0.90 < 2 exp(-0.5) = 1.21
)
def test_weights_are_exactly_the_probabilities(pool, logprob, expected):
    rewards = {"likelihood": np.array([-0.1, logprob, 0.0, 0.0, logprob, 0.0])}
    pool = replace(pool, rewards=rewards)
    assert AGGREGATORS["weighted"].pick(pool, MEMBERS[:3], "likelihood") == expected


def test_weighted_survives_very_unlikely_sequences(pool):
    far = {"likelihood": np.array([-2000.0, -1000.0, 0.0, -2000.0, -1000.5, 0.0])}
    pool = replace(pool, rewards=far)
    assert AGGREGATORS["weighted"].pick(pool, np.array([0, 3, 4, 1]), "likelihood") == 2
    nothing = {"likelihood": np.full(N, -np.inf)}
    pool = replace(pool, rewards=nothing)
    assert AGGREGATORS["weighted"].pick(pool, np.array([0, 3, 4, 1]), "likelihood") == 0


def test_semantic_mbr_picks_the_middle_of_the_members(pool):
    # angles 1.0 0.5 0.0 0.9: sums of cosines to the others by hand
    angles = np.array([1.0, 0.5, 0.0, 0.9])
    sums = [np.cos(angles - a).sum() - 1 for a in angles]
    assert AGGREGATORS["sem_mbr"].pick(pool, MEMBERS, "likelihood") == int(np.argmax(sums)) == 1
    assert AGGREGATORS["sem_mbr"].pick(pool, MEMBERS[[0, 2, 3, 1]], "likelihood") == 3
    assert AGGREGATORS["sem_mbr"].pick(pool, MEMBERS[:1], "likelihood") == 0


def test_lexical_mbr_picks_the_text_most_like_the_others(pool):
    # "q r s t" shares no word with the rest
    assert AGGREGATORS["lex_mbr"].pick(pool, np.array([4, 0, 3]), "likelihood") != 0
    bleu = pool.bleu[np.ix_(MEMBERS, MEMBERS)]
    means = (bleu.sum(axis=1) - np.diag(bleu)) / 3
    assert AGGREGATORS["lex_mbr"].pick(pool, MEMBERS, "likelihood") == int(np.argmax(means))


def test_expectations_are_those_of_the_pool(pool):
    assert AGGREGATORS["maj"].expected(pool, 3, "unit") == maj_at_k(pool.clusters, pool.correct, 3)
    for reward in pool.rewards:
        expected = best_at_k(pool.rewards[reward], pool.correct, 3)
        assert AGGREGATORS["best"].expected(pool, 3, reward) == expected
    assert AGGREGATORS["best"].expected(pool, 3, "unit") != AGGREGATORS["best"].expected(
        pool, 3, "likelihood"
    )


@pytest.mark.parametrize("name", [name for name, row in AGGREGATORS.items() if row.expected])
def test_random_subsets_agree_with_the_expectation(pool, name):
    row, rng = AGGREGATORS[name], np.random.default_rng(4)
    picks = []
    for _ in range(3000):
        members = rng.permutation(N)[:3]
        pick = row.pick(pool, members, "unit")
        picks.append(0.0 if pick is None else pool.correct[members[pick]])
    error = np.std(picks) / np.sqrt(len(picks))
    assert abs(np.mean(picks) - row.expected(pool, 3, "unit")) < 4 * error
