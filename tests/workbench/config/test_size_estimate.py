from itertools import combinations
from pathlib import Path

import pytest

from workbench.config.size_estimate import SizeEstimate
from workbench.experiment import load_experiment

ROOT = Path(__file__).parents[3]
TEST = ROOT / "experiments" / "test.yaml"


def test_the_sizes_of_the_study():
    experiment = load_experiment(ROOT / "experiments" / "math500_study.yaml")
    sizes = SizeEstimate(experiment, 200)
    assert sizes.pools == 800
    assert sizes.requests == 200 * 4 * 64 + 200  # and one greedy sample each
    assert sizes.max_output_tokens == sizes.requests * 2048
    assert sizes.subsets == {4: 10, 8: 10, 16: 10, 32: 10}
    assert sizes.subset_rows == 4 * 8000  # a bucket table for one k has 8,000 rows
    assert sizes.enumerated == ()


@pytest.mark.parametrize(("n", "k", "replicates"), [(4, 2, 6), (4, 2, 5), (4, 4, 3), (5, 1, 5)])
def test_small_pools_are_enumerated(n, k, replicates):
    values = [
        f"generation.n={n}", f"measure.k=[{k}]", f"measure.replicates={replicates}",
        "generation.temperatures=[0.3, 0.7, 1]",
    ]  # fmt: skip
    sizes = SizeEstimate(load_experiment(TEST, values), 3)
    every = len(list(combinations(range(n), k)))
    assert sizes.subsets[k] == min(every, replicates)
    assert (k in sizes.enumerated) == (every <= replicates)
    assert sizes.subset_rows == 3 * 3 * sizes.subsets[k]


def test_the_description_names_all_sizes():
    values = [
        "generation.n=4", "measure.k=[2, 4]", "generation.temperatures=[0.3, 0.7, 1]",
        "generation.max_tokens=512", "measure.replicates=10",
    ]  # fmt: skip
    text = SizeEstimate(load_experiment(TEST, values), 1000).describe()
    assert text.splitlines() == [
        "problems       1,000",
        "pools          3,000 (x 3 temperatures)",
        "requests       13,000 (x 4 samples + 1,000 greedy)",
        "output tokens  6,656,000 at most (512 each)",
        "subsets        21,000 (k=2: all 6, k=4: all 1 of each pool)",
    ]
