import numpy as np
import pandas as pd
import pytest

from workbench.analysis.compare.conclusions import correlation_row, row_of, spell, verdict
from workbench.analysis.correlation import correlate

FRAME = pd.DataFrame(
    {
        "temperature": [0.3, 1.0, np.nan], "k": [8, 8, 8],
        "difference": [0.1549, -0.2, 0.004], "difference_low": [0.05, -0.3, np.nan],
        "difference_high": [0.251, -0.1, np.nan],
    }
)  # fmt: skip


def test_a_number_stands_with_its_interval():
    assert spell(FRAME.iloc[0], "difference") == "0.155 [0.050, 0.251]"
    assert spell(FRAME.iloc[0], "difference", 2) == "0.15 [0.05, 0.25]"
    assert spell(FRAME.iloc[2], "difference") == "0.004"
    assert spell({"x": -0.001, "x_low": -0.004, "x_high": 0.002}, "x", 2) == "0.00 [0.00, 0.00]"


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.3, "higher"),
        (-0.3, -0.01, "lower"),
        (-0.01, 0.3, "not shown to differ"),
        (0.0, 0.3, "not shown to differ"),  # an interval that touches 0 shows nothing
        (-0.3, 0.0, "not shown to differ"),
        (np.nan, np.nan, "no interval below 10 problems"),
    ],
)
def test_what_an_interval_says(low, high, said):
    row = {"x": 0.1, "x_low": low, "x_high": high}
    assert verdict(row, "x").endswith(f", {said}")


def test_words_for_a_correlation():
    found = correlate([1, 2, 3, 4] * 12, [1, 2, 3, 5] * 12, np.repeat(range(12), 4))
    row = correlation_row(found)
    assert (row["problems"], row["rows"]) == (12, 48)
    assert verdict(row, "r", ("positive", "negative", "not shown")).endswith("positive")
    nothing = correlate([1, 1, 1], [1, 2, 3], ["a", "b", "c"])
    assert verdict(correlation_row(nothing), "r") == "undefined, as it does not vary"


def test_one_row_is_found_by_its_values():
    assert row_of(FRAME, temperature=1.0, k=8)["difference"] == -0.2
    assert row_of(FRAME, temperature=None)["difference"] == 0.004
    with pytest.raises(ValueError, match=r"^3 rows have k = 8; need one$"):
        row_of(FRAME, k=8)
    with pytest.raises(ValueError, match=r"^0 rows have k = 4, temperature = 1.0; need one$"):
        row_of(FRAME, k=4, temperature=1.0)
    with pytest.raises(ValueError, match=r"^no column 'kk' \(known: temperature, k, "):
        row_of(FRAME, kk=8)
