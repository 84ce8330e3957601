"""Which part of a sample is measured, by hand."""

import math

import pandas as pd
import pytest

from workbench.storage.measured_text import PART_COLUMNS, measured_part

NAN = math.nan
THINKS = {"completion": "8", "thought": "7?", "num_output_tokens": 7, "num_thought_tokens": 5,
          "mean_logprob": -0.7, "thought_logprob": -0.9, "answer_logprob": -0.2,
          "mean_entropy": 0.7, "thought_entropy": 0.9, "answer_entropy": 0.2}  # fmt: skip
CUT = THINKS | {"completion": "", "num_thought_tokens": 7, "answer_logprob": None,
                "answer_entropy": None}  # fmt: skip
UNCOUNTED = THINKS | dict.fromkeys(set(PART_COLUMNS) - {
    "completion", "thought", "num_output_tokens", "mean_logprob", "mean_entropy"
})  # fmt: skip
PLAIN = {"completion": "8", "thought": None, "num_output_tokens": 2, "mean_logprob": -0.1,
         "mean_entropy": 0.1}  # fmt: skip
UNKNOWN = {"completion": "8", "thought": None}


@pytest.mark.parametrize(
    ("sample", "answer", "thought", "whole"),
    [
        (THINKS, ("8", 2, -0.2, 0.2), ("7?", 5, -0.9, 0.9), ("<think>7?</think>8", 7, -0.7, 0.7)),
        (CUT, ("", 0, NAN, NAN), ("7?", 7, -0.9, 0.9), ("<think>7?", 7, -0.7, 0.7)),
        (UNCOUNTED, ("8", NAN, NAN, NAN), ("7?", NAN, NAN, NAN),
         ("<think>7?</think>8", 7, -0.7, 0.7)),
        (PLAIN, ("8", 2, -0.1, 0.1), ("", 0, NAN, NAN), ("8", 2, -0.1, 0.1)),
        (UNKNOWN, ("8", NAN, NAN, NAN), ("", 0, NAN, NAN), ("8", NAN, NAN, NAN)),
    ],
)  # fmt: skip
def test_by_hand(sample, answer, thought, whole):
    every = pd.DataFrame([sample, THINKS, PLAIN])  # beside others
    alone = pd.DataFrame([{k: v for k, v in sample.items() if v is not None}])
    for part, right in (("answer", answer), ("thought", thought), ("whole", whole)):
        for frame in (every, alone):
            text, tokens, logprob, entropy = measured_part(frame, part).iloc[0]
            assert text == right[0]
            assert [tokens, logprob, entropy] == pytest.approx([*right[1:]], nan_ok=True)


def test_rows_keep_their_places():
    frame = pd.DataFrame([PLAIN, THINKS], index=[7, 3])
    for part in ("answer", "thought", "whole"):
        assert measured_part(frame, part).index.tolist() == [7, 3]
