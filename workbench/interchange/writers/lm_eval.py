"""Export as lm-evaluation-harness logs samples: a line for each document, with its repeats.

There is a folder for each condition, because a run of the harness has one.
``filtered_resps`` has the answer of each repeat (``[invalid]`` where there is none) and
``exact_match`` is their mean correctness, as in the harness where a filter keeps all repeats. The
columns that the harness does not have (such as correctness and likelihood of each sample) are under
the key ``workbench``, which other readers ignore.
"""

import hashlib
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from workbench.core.conditions import Condition
from workbench.interchange.readers.lm_eval import INVALID
from workbench.interchange.writers.exported_run import ExportedPool, ExportedRun
from workbench.storage.parquet import THOUGHT_COLUMNS

FILTER = "none"
"""The harness's name for no filter."""
METRIC = "exact_match"
OWN_COLUMNS = (
    "correct", "logprob", "mean_logprob", "num_tokens", "mean_entropy", "reward", "stop_reason",
    "error", *THOUGHT_COLUMNS,
)  # fmt: skip
"""Columns of each sample under the key ``workbench``."""


def write(out: Path, run: ExportedRun, pools: Iterator[ExportedPool]) -> None:
    """Write ``MODEL-T.../samples_TASK_DATE.jsonl`` and ``results_DATE.json``."""
    date = run.created[:19].replace(":", "-")
    model = re.sub(r"[^\w.-]+", "__", run.model)
    found: dict[Path, list[tuple[int, float | None]]] = defaultdict(list)
    conditions: dict[Path, Condition] = {}
    doc_ids = {problem.id: number for number, problem in enumerate(run.problems)}
    for pool in pools:
        folder = out / f"{model}-{pool.file_name}"
        folder.mkdir(exist_ok=True)
        line = json.dumps(_document(pool, run, doc_ids[pool.problem.id]), ensure_ascii=False)
        # opened for each line, because there may be many conditions
        with (folder / f"samples_{run.task}_{date}.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        conditions[folder] = pool.condition
        found[folder].append((len(pool.samples), pool.accuracy))
    for folder, documents in found.items():
        results = json.dumps(
            _results(run, conditions[folder], documents), indent=2, ensure_ascii=False
        )
        (folder / f"results_{date}.json").write_text(results + "\n", encoding="utf-8")


def _document(pool: ExportedPool, run: ExportedRun, doc_id: int) -> dict[str, Any]:
    problem = pool.problem
    doc = {"id": problem.id, "problem": problem.question, "gold": problem.gold}
    target = "" if problem.gold is None else problem.gold
    answers = [INVALID if s["answer"] is None else s["answer"] for s in pool.samples]
    own = {name: [sample[name] for sample in pool.samples] for name in OWN_COLUMNS}
    shared = run.condition_columns(pool.condition)
    own |= {name: [value] * len(pool.samples) for name, value in shared.items()}
    arguments = {"arg_0": problem.question, "arg_1": _settings(run, pool.condition)}
    return {
        "doc_id": doc_id,
        "doc": doc,
        "target": target,
        "arguments": {"gen_args_0": arguments},
        "resps": [[sample["text"] for sample in pool.samples]],
        "filtered_resps": [answers],
        "filter": FILTER,
        "metrics": [METRIC],
        "doc_hash": _hash(json.dumps(doc, indent=2, ensure_ascii=False)),
        "prompt_hash": _hash(problem.question),
        "target_hash": _hash(target),
        METRIC: pool.accuracy,
        "workbench": {name: own[name] for name in own if any(v is not None for v in own[name])},
    }


def _settings(run: ExportedRun, condition: Condition) -> dict[str, Any]:
    """Return the sampling settings under the harness's names."""
    settings = run.settings(condition, {"stop": "until", "max_tokens": "max_gen_toks"})
    return settings | {"do_sample": condition.temperature != 0}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _results(
    run: ExportedRun, condition: Condition, documents: list[tuple[int, float | None]]
) -> dict[str, Any]:
    """Return mean accuracy and its standard error over (repeats, accuracy) of each document."""
    count, task = len(documents), run.task
    scores = [accuracy for _, accuracy in documents if accuracy is not None]
    config = {
        "task": task,
        "output_type": "generate_until",
        "repeats": max(repeats for repeats, _ in documents),
        "generation_kwargs": _settings(run, condition),
        "metric_list": [{"metric": METRIC, "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": 1.0, "signature": run.signature},
    }
    error = stdev(scores) / math.sqrt(len(scores)) if len(scores) > 1 else "N/A"
    means = {
        "alias": task,
        f"{METRIC},{FILTER}": fmean(scores) if scores else None,
        f"{METRIC}_stderr,{FILTER}": error,
    }
    return {
        "results": {task: means},
        "configs": {task: config},
        "versions": {task: 1.0},
        "n-shot": {task: run.experiment.task.few_shot},
        "higher_is_better": {task: {METRIC: True}},
        "n-samples": {task: {"original": count, "effective": count}},
        "config": {"model": "workbench", "model_args": {"pretrained": run.model_of(condition)}},
        "model_source": "workbench",
        "model_name": run.model_of(condition),
    }
