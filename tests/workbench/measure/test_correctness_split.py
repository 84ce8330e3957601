import dataclasses
from itertools import combinations

import numpy as np
import pytest

from workbench.experiment import load_experiment
from workbench.measure.correctness_split import split_pool, split_size
from workbench.measure.evaluate import compute_all
from workbench.pools import Pool


@pytest.fixture
def settings(experiment):
    path = experiment(measure__k=[1, 2, 4], measure__metrics=["distinct_1", "avg_log_prob"],
                      measure__replicates=100)  # fmt: skip
    return load_experiment(path).measure


def pool(correct):
    size = len(correct)
    texts = tuple("abcdefgh"[i // 2] + " x" * i for i in range(size))
    return Pool(
        "p", 0.7, texts, -np.arange(size) / 10, np.ones(size), (None,) * size,
        np.full(size, -1), np.array(correct), ("answered",) * size, {},
    )  # fmt: skip


def test_each_group_is_looked_at_k_at_a_time(settings):
    assert split_size(settings) == 2  # one sample has no diversity
    right_or_not = [1.0, 0.0, 1.0, 1.0, 0.0, np.nan]
    rows = {row["group"]: row for row in split_pool(pool(right_or_not), settings)}
    groups = {"all": range(6), "correct": (0, 2, 3), "wrong": (1, 4)}
    assert set(rows) == set(groups)
    for group, members in groups.items():
        assert (rows[group]["problem_id"], rows[group]["k"]) == ("p", 2)
        subsets = np.array(list(combinations(members, 2)))  # few enough: all are looked at
        names = ("distinct_1", "avg_log_prob")
        for name, values in compute_all(names, pool(right_or_not), subsets, settings).items():
            assert rows[group][name] == pytest.approx(values.mean())


@pytest.mark.parametrize(
    "correct", [[1.0] * 6, [0.0] * 6, [1.0] + [0.0] * 5, [1.0, 1.0, 0.0, np.nan, np.nan]]
)
def test_a_pool_without_k_of_both_kinds_says_nothing(settings, correct):
    assert split_pool(pool(correct), settings) == []


def test_without_a_subset_of_two_there_is_nothing_to_split(settings):
    alone = dataclasses.replace(settings, k=(1,))
    assert split_size(alone) is None
    assert split_pool(pool([1.0, 1.0, 0.0, 0.0]), alone) == []
