"""What the samples of a pool cost, by hand; the rest is held by the table ``statuses``."""

import numpy as np
import pytest

from workbench.analysis.pool_facts import pool_facts
from workbench.core.flops import ModelSize
from workbench.pools import Pool

SIZE = ModelSize(1000, 600, 300, 0, layers=2, attention_heads=2, head_dim=4)


def pool(lengths, prompts):
    n = len(lengths)
    return Pool(
        "p", 1.0, ("a",) * n, np.zeros(n), np.ones(n), ("1",) * n, np.zeros(n, dtype=np.int64),
        np.ones(n), ("answered",) * n, {}, total_tokens=np.array(lengths, dtype=float),
        prompt_tokens=None if prompts is None else np.array(prompts, dtype=float),
    )  # fmt: skip


def test_a_pool_costs_the_mean_of_its_samples_and_not_a_sample_of_mean_length():
    found = pool_facts(pool([1, 3], [10, 10]), SIZE)
    # one token needs nothing after the prompt; three need two more steps, after 11 and 12 tokens
    assert found["completion_flops"] == (0 + 2 * 2 * 900 + 4 * 2 * 2 * 4 * (11 + 12)) / 2
    assert found["prompt_flops"] == 2 * 600 * 10 + 2 * 300 + 4 * 2 * 2 * 4 * 100
    assert (found["mean_tokens"], found["mean_prompt_tokens"]) == (2, 10)


def test_what_nobody_counted_is_unknown():
    found = pool_facts(pool([1, 3], None), SIZE)
    assert np.isnan(
        [found[n] for n in ("mean_prompt_tokens", "prompt_flops", "completion_flops")]
    ).all()
    assert np.isnan(pool_facts(pool([1, 3], [10, 10]))["completion_flops"])


def test_samples_of_unknown_length_are_left_out():
    found = pool_facts(pool([1, 3, np.nan], [10, np.nan, 10]), SIZE)
    assert found["completion_flops"] == 0  # the first alone is known in full
    assert found["mean_tokens"] == pytest.approx(2)
