import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.strict_json import half_surrogate, parse_json, refuse_deep

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda part: st.lists(part, max_size=4) | st.dictionaries(st.text(), part, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(values)
def test_what_is_json_is_read_as_python_reads_it(value):
    assert parse_json(json.dumps(value)) == value
    assert half_surrogate(value) is None


def test_nan_is_read_and_infinities_are_not():
    assert math.isnan(parse_json("[NaN]")[0])
    assert parse_json("[1e308, -1e308, 1e-400]") == [1e308, -1e308, 0.0]
    for text in ("Infinity", "-Infinity", "[1e400]", '{"a": -1e400}'):
        with pytest.raises(ValueError, match=r"no number in JSON|larger than any number"):
            parse_json(text)


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a": ', "}")])
def test_nesting_has_a_limit_of_its_own_and_no_recursion_error(opened, closed):
    assert parse_json(opened * 100 + "1" + closed * 100)
    for depth in (101, 900, 100_000):
        with pytest.raises(ValueError, match="nested more than 100 deep"):
            parse_json(opened * depth + "1" + closed * depth)
    assert parse_json(json.dumps({"latex": "{[" * 5000, "many": [[]] * 5000}))
    with pytest.raises(ValueError, match="nested"):
        refuse_deep([[[]]], 2)


def test_half_a_surrogate_is_found_wherever_it_is():
    for text in (r'"\ud83d"', r'["a", {"b": "x\ude00"}]', r'{"\ud83d": 1}'):
        assert half_surrogate(parse_json(text)) is not None
    assert half_surrogate(parse_json(r'["\ud83d\ude00"]')) is None
