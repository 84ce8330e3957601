import math

import pytest

from workbench.analysis.page.packing import json_numbers, pack


def test_what_is_packed_comes_out_again_and_is_safe_inside_a_page(unpack):
    value = {"text": "</script><b>é & \u2028 x", "numbers": [1, None, 0.25]}
    packed = pack(value)
    assert unpack(packed) == value
    assert not set(packed) & set("<>&'\"")
    assert pack(value) == packed  # no time of day in it


def test_half_a_character_does_not_stop_a_page(unpack):
    assert unpack(pack("a\ud800b")) == "a?b"


def test_numbers_are_such_as_json_knows():
    assert json_numbers([0.123456, math.nan, -math.inf, 2]) == [0.1235, None, None, 2.0]
    with pytest.raises(ValueError, match="JSON"):
        pack(math.nan)
