import numpy as np
import pytest

from workbench.metrics.likelihood import mean_length, mean_logprob


def test_means_by_hand():
    subsets = np.array([[0, 1], [2, 0]])
    logprobs = np.array([-0.5, -1.5, -4.0])
    assert mean_logprob(logprobs, subsets) == pytest.approx([-1.0, -2.25])
    assert mean_length(np.array([3, 8, 10]), subsets) == pytest.approx([5.5, 6.5])


def test_samples_count_alike_whatever_their_length():
    """Not the mean over tokens: -1 of one token and -2 of a hundred make -1.5."""
    assert mean_logprob(np.array([-1.0, -2.0]), np.array([[0, 1]])) == pytest.approx([-1.5])


def test_an_unknown_log_probability_makes_its_subsets_unknown_and_no_others():
    values = mean_logprob(np.array([-1.0, np.nan, -3.0]), np.array([[0, 1], [0, 2]]))
    assert np.isnan(values[0])
    assert values[1] == -2.0


def test_float32_log_probabilities_are_summed_in_float64():
    logprobs = np.full(1000, -0.1, dtype=np.float32)
    value = mean_logprob(logprobs, np.arange(1000)[None, :])
    assert value.dtype == np.float64
    assert value[0] == pytest.approx(float(np.float32(-0.1)), abs=1e-12)
