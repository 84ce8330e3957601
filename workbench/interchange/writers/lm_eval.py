"""Samples out as lm-evaluation-harness logs them: a line for each document, with its repeats.

A folder for each temperature, as a run of the harness has one. ``filtered_resps`` has the answer to
each repeat (``[invalid]`` where there is none) and ``exact_match`` is their mean, as in the harness
where a filter keeps all repeats. What a line has no place for (correctness and likelihood of each
sample) stands under a key of its own, ``workbench``, which other readers pass over.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from workbench.interchange.writers.pools import Outgoing, Source

INVALID = "[invalid]"
FILTER = "none"
"""The harness's name for doing nothing further."""
METRIC = "exact_match"
BESIDE = (
    "correct", "logprob", "mean_logprob", "num_tokens", "mean_entropy", "reward", "stop_reason",
    "error",
)  # fmt: skip
"""Of each sample, under the key ``workbench``."""


def write(home: Path, source: Source, pools: Iterator[Outgoing]) -> None:
    """Write ``MODEL-T.../samples_TASK_DATE.jsonl`` and ``results_DATE.json``."""
    date = source.created[:19].replace(":", "-")
    scores: dict[float | None, list[float]] = defaultdict(list)
    repeats: dict[float | None, int] = defaultdict(int)
    documents: dict[float | None, int] = defaultdict(int)
    number = {problem.id: place for place, problem in enumerate(source.problems)}
    for pool in pools:
        folder = _folder(home, source, pool.temperature)
        folder.mkdir(exist_ok=True)
        line = json.dumps(_document(pool, source, number[pool.problem.id]), ensure_ascii=False)
        # opened for each line: temperatures may be many, and a pool is much to write
        with (folder / f"samples_{source.task}_{date}.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        documents[pool.temperature] += 1
        repeats[pool.temperature] = max(repeats[pool.temperature], len(pool.samples))
        if pool.accuracy is not None:
            scores[pool.temperature].append(pool.accuracy)
    for temperature, count in documents.items():
        found = _results(source, temperature, scores[temperature], count, repeats[temperature])
        path = _folder(home, source, temperature) / f"results_{date}.json"
        path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _folder(home: Path, source: Source, temperature: float | None) -> Path:
    at = "unknown" if temperature is None else f"{temperature:g}"
    model = re.sub(r"[^\w.-]+", "__", source.model)
    return home / f"{model}-T{at}"


def _document(pool: Outgoing, source: Source, number: int) -> dict[str, Any]:
    problem = pool.problem
    doc = {"id": problem.id, "problem": problem.question, "gold": problem.gold}
    target = "" if problem.gold is None else problem.gold
    answers = [INVALID if s["answer"] is None else s["answer"] for s in pool.samples]
    beside = {name: [sample[name] for sample in pool.samples] for name in BESIDE}
    line = {
        "doc_id": number,
        "doc": doc,
        "target": target,
        "arguments": {
            "gen_args_0": {"arg_0": problem.question, "arg_1": _settings(source, pool.temperature)}
        },
        "resps": [[sample["text"] for sample in pool.samples]],
        "filtered_resps": [answers],
        "filter": FILTER,
        "metrics": [METRIC],
        "doc_hash": _hash(json.dumps(doc, indent=2, ensure_ascii=False)),
        "prompt_hash": _hash(problem.question),
        "target_hash": _hash(target),
        METRIC: pool.accuracy,
    }
    known = {name: values for name, values in beside.items() if values != [None] * len(values)}
    return line | {"workbench": known}


def _settings(source: Source, temperature: float | None) -> dict[str, Any]:
    """Return how the samples were drawn, in the harness's words."""
    settings = source.settings(temperature)
    words = {"stop": "until", "max_tokens": "max_gen_toks"}
    renamed = {words.get(name, name): value for name, value in settings.items()}
    return renamed | {"do_sample": temperature != 0}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _results(
    source: Source, temperature: float | None, scores: list[float], count: int, repeats: int
) -> dict[str, Any]:
    """Return the results of a temperature: mean accuracy, its standard error over problems."""
    error = stdev(scores) / math.sqrt(len(scores)) if len(scores) > 1 else None
    return {
        "results": {
            source.task: {
                "alias": source.task,
                f"{METRIC},{FILTER}": fmean(scores) if scores else None,
                f"{METRIC}_stderr,{FILTER}": "N/A" if error is None else error,
            }
        },
        "configs": {
            source.task: {
                "task": source.task,
                "output_type": "generate_until",
                "repeats": repeats,
                "generation_kwargs": _settings(source, temperature),
                "metric_list": [
                    {"metric": METRIC, "aggregation": "mean", "higher_is_better": True}
                ],
                "metadata": {"version": 1.0, "signature": source.signature},
            }
        },
        "versions": {source.task: 1.0},
        "n-shot": {source.task: source.experiment.task.few_shot},
        "higher_is_better": {source.task: {METRIC: True}},
        "n-samples": {source.task: {"original": count, "effective": count}},
        "config": {"model": "workbench", "model_args": {"pretrained": source.model}},
        "model_source": "workbench",
        "model_name": source.model,
    }
