import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.flops import ModelSize, completion_flops, prompt_flops

TOY = ModelSize(
    parameters=1000, layer_parameters=600, output_head=300, input_embedding=80, layers=2,
    attention_heads=2, head_dim=4,
)  # fmt: skip
LOCAL = replace(TOY, layers=3, local_layers=2, sliding_window=5)
LENGTHS = st.integers(1, 40)


def test_a_prompt_by_hand():
    # 3 tokens x 600 parameters, 300 of the head once: (1800 + 300) x 2
    # scores: 2 layers x 2 heads x 3 x 3 pairs x 4 numbers x 2; as much for the weighted values
    assert prompt_flops(TOY, 3) == 4200 + 288 + 288


def test_a_completion_by_hand():
    # 4 tokens: 3 are read, after which contexts are 11, 12 and 13 tokens
    assert completion_flops(TOY, 10, 4) == 3 * 2 * 900 + 2 * 2 * 2 * 4 * 2 * (11 + 12 + 13)


def test_a_completion_with_local_layers_by_hand():
    # contexts are 4, 5, 6, 7; in two of three layers 4, 5, 5, 5
    assert completion_flops(LOCAL, 3, 5) == 4 * 2 * 900 + 4 * 2 * 4 * (22 + 2 * 19)


def position_by_position(size, prompt, drawn):
    flops = 0
    for context in range(prompt + 1, prompt + drawn):
        flops += 2 * (size.layer_parameters + size.output_head)
        for layer in range(size.layers):
            seen = min(context, size.sliding_window) if layer < size.local_layers else context
            flops += 4 * size.attention_heads * size.head_dim * seen
    return flops


@given(LENGTHS, st.integers(0, 40), st.integers(1, 50), st.integers(0, 3))
def test_a_completion_is_the_sum_over_its_positions(prompt, drawn, window, local):
    size = replace(TOY, layers=3, local_layers=local, sliding_window=window)
    assert completion_flops(size, prompt, drawn) == position_by_position(size, prompt, drawn)


@given(LENGTHS, LENGTHS, LENGTHS)
def test_a_completion_can_be_drawn_in_two_parts(prompt, first, second):
    whole = completion_flops(LOCAL, prompt, first + second)
    assert whole == completion_flops(LOCAL, prompt, first) + completion_flops(
        LOCAL, prompt + first, second
    ) + completion_flops(LOCAL, prompt + first - 1, 2)  # the last of the first part is read


def test_arrays_are_broadcast():
    prompts, drawn = np.array([[3], [10]]), np.array([0, 1, 4])
    flops = completion_flops(TOY, prompts, drawn)
    assert flops.shape == (2, 3)
    assert flops[1, 2] == completion_flops(TOY, 10, 4)
    assert (flops[:, :2] == 0).all()
    assert prompt_flops(TOY, prompts).shape == (2, 1)


def test_what_is_unknown_stays_unknown():
    assert np.isnan(completion_flops(TOY, [np.nan, 3, np.nan], [4, np.nan, 0])).all()
    assert np.isnan(prompt_flops(TOY, np.nan))


def test_a_long_text_of_a_large_model_does_not_overflow():
    large = replace(TOY, layer_parameters=400 * 10**9, layers=126, attention_heads=128)
    flops = completion_flops(replace(large, head_dim=128), np.int32(2**17), np.int32(2**17))
    assert 1e17 < flops < 1e18


@pytest.mark.parametrize(
    ("prompt", "drawn", "said"),
    [
        (0, 4, "a prompt's tokens must be whole numbers from 1, got 0"),
        (3, -1, "a completion's tokens must be whole numbers from 0, got -1"),
        (3, [2, 3.5], r"whole numbers from 0, got 3\.5; give the tokens of each sample"),
        (np.inf, 2, "whole numbers from 1, got inf"),
    ],
)
def test_impossible_lengths_are_refused(prompt, drawn, said):
    with pytest.raises(ValueError, match=said):
        completion_flops(TOY, prompt, drawn)


@pytest.mark.parametrize("size", [TOY, LOCAL])
def test_a_size_survives_a_manifest(size):
    assert ModelSize.from_dict(json.loads(json.dumps(size.to_dict()))) == size


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"layers": -1}, "layers of a model must be a whole number from 0, got -1"),
        ({"parameters": 1.5}, "parameters of a model .* got 1.5"),
        ({"local_layers": 1}, "1 local layers need a sliding_window"),
        ({"local_layers": 3, "sliding_window": 4}, "3 local layers are more than 2 layers"),
        ({"width": 8}, "missing or unknown: width"),
    ],
)
def test_a_damaged_size_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        ModelSize.from_dict(TOY.to_dict() | change)


def test_a_size_with_a_field_missing_is_refused():
    values = TOY.to_dict()
    del values["output_head"]
    with pytest.raises(ValueError, match="missing or unknown: output_head"):
        ModelSize.from_dict(values)
