"""What is known of vLLM without importing it."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from workbench.generate import vllm_options
from workbench.generate.vllm_options import annotations_of, engine_options, sampling_options

SOURCE = """
class Other:
    a: int = 1
class Args(Base, omit_defaults=True):
    b: float | None = None
    c: list[str] = field(default_factory=list)
    _d: int = 0
    def method(self): ...
"""


def test_the_fields_of_one_class_are_read():
    assert annotations_of(SOURCE, "Args") == {"b": "float | None", "c": "list[str]"}
    assert annotations_of(SOURCE, "Missing") == {}


def test_nothing_is_known_where_vllm_is_not_installed_or_keeps_its_options_elsewhere(monkeypatch):
    monkeypatch.setattr(vllm_options, "find_spec", lambda name: None)
    assert vllm_options._installed("sampling_params.py", "SamplingParams") == {}
    monkeypatch.setattr(vllm_options, "find_spec", find_spec)
    assert vllm_options._installed("no_such_file.py", "SamplingParams") == {}


@pytest.mark.skipif(find_spec("vllm") is None, reason="vllm is not installed")
def test_the_installed_options_are_known_without_an_import():
    assert {"max_num_seqs", "tensor_parallel_size", "block_size"} <= {*engine_options()}
    assert sampling_options()["presence_penalty"] == "float"
    script = "from workbench.generate.vllm_options import engine_options as e; import sys; e(); "
    script += "print('vllm' in sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout == "False\n"
