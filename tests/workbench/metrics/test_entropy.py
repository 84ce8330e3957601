import numpy as np
import pytest

from workbench.metrics.entropy import mean_entropy


def test_the_mean_over_samples_by_hand():
    subsets = np.array([[0, 1], [2, 0], [1, 2]])
    values = mean_entropy(np.array([0.5, 1.5, np.nan]), subsets)
    assert values[0] == pytest.approx(1.0)
    assert np.isnan(values[1:]).all()  # an unknown one, and no other subset


def test_samples_without_entropies_are_refused():
    with pytest.raises(ValueError, match=r"generation\.logprobs to 20"):
        mean_entropy(None, np.array([[0, 1]]))
