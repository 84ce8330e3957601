"""Brute force over small pools is the judge."""

from itertools import combinations, permutations, product

import numpy as np
import pytest

from workbench.analysis.aggregate.exact import maj_at_k
from workbench.analysis.stats.chains import chain_coverage, chain_votes, vote_accuracy
from workbench.metrics.passk import pass_at_k

FIRST = np.array([0, 1, 0, 0, 1.0])
SECOND = np.array([[0, 1], [0, 0], [1, 1], [0, 0], [1, 0.0]])
EITHER = np.maximum(FIRST[:, None], SECOND).mean(axis=1)


@pytest.mark.parametrize(("m", "k"), [(1, 0), (0, 2), (2, 0), (1, 2), (2, 2), (3, 1), (5, 0)])
def test_coverage_is_the_mean_over_every_choice(m, k):
    found = []
    for paired in combinations(range(5), m):
        rest = [chain for chain in range(5) if chain not in paired]
        for lone, picks in product(combinations(rest, k), product(range(2), repeat=m)):
            seen = [
                *FIRST[[*paired, *lone]],
                *(SECOND[c, j] for c, j in zip(paired, picks, strict=True)),
            ]
            found.append(max(seen))
    assert chain_coverage(FIRST, EITHER, 5)[m, k] == pytest.approx(np.mean(found))


def test_without_second_answers_it_is_pass_at_k():
    found = chain_coverage(FIRST, EITHER, 5)[0]
    assert found[1:] == pytest.approx([pass_at_k(5, 2, k) for k in range(1, 6)])
    assert np.isnan(chain_coverage(FIRST, EITHER, 5)[3, 3])  # there are no six chains


def test_many_chains_neither_overflow_nor_lose_their_place():
    right = (np.arange(400) % 100 == 0).astype(float)
    found = chain_coverage(np.zeros(400), right, 30)[:, 0]
    assert found[1:] == pytest.approx([pass_at_k(400, 4, k) for k in range(1, 31)], rel=1e-9)


def test_chances_of_two_lengths_are_refused():
    with pytest.raises(ValueError, match=r"got shapes \(2,\) and \(3,\)"):
        chain_coverage([0, 1], [0, 1, 1], 1)


def test_a_vote_is_that_of_maj_at_k():
    rng = np.random.default_rng(0)
    clusters, correct = rng.integers(-1, 3, (40, 6)), rng.integers(0, 2, (40, 6)).astype(float)
    alone = [maj_at_k(c, r, 6) for c, r in zip(clusters, correct, strict=True)]
    assert vote_accuracy(clusters, correct) == pytest.approx(alone)


def brute(clusters, correct, size, with_second, alone):
    """Mean vote over every ordered choice of chains, the answers by a loop."""
    found = []
    for chosen in permutations(range(len(clusters)), size * (with_second + alone)):
        paired = chosen[: size * with_second]
        places = [(chain, 0) for chain in chosen] + [(chain, 1) for chain in paired]
        rows = [[values[chain, one] for chain, one in places] for values in (clusters, correct)]
        found.append(vote_accuracy(np.array([rows[0]]), np.array([rows[1]]))[0])
    return np.mean(found)


CLUSTERS = np.array([[0, 1], [1, 1], [2, -1], [1, 0]])
CORRECT = np.array([[0, 1], [1, 1], [0, 0], [1, 0.0]])


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_votes_of_pairs_are_exact_where_all_choices_are_few(size):
    found = chain_votes(
        CLUSTERS, CORRECT, np.array([size]), with_second=1, alone=0, replicates=10,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert found[0] == pytest.approx(brute(CLUSTERS, CORRECT, size, 1, 0))


@pytest.mark.parametrize("size", [1, 2])
def test_votes_of_mixtures_are_near_the_mean_over_all_of_them(size):
    found = chain_votes(
        CLUSTERS, CORRECT, np.array([size]), with_second=1, alone=1, replicates=20_000,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert found[0] == pytest.approx(brute(CLUSTERS, CORRECT, size, 1, 1), abs=0.015)


def test_one_of_several_second_answers_counts_by_chance():
    clusters = np.array([[-1, 0, 1]])
    correct = np.array([[0, 1, 0.0]])
    found = chain_votes(
        clusters, correct, np.array([1, 2]), with_second=1, alone=0, replicates=10_000,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert found[0] == pytest.approx(0.5, abs=0.02)
    assert np.isnan(found[1])  # there is one chain only
