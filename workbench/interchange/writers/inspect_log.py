"""Samples out as logs of Inspect, one for each temperature: our samples are its epochs.

The zip is written here and not by Inspect, which an export thus does not need: a header, a file for
each sample and epoch, and their summaries. Tests read the logs with Inspect itself. What a log has
no place for stands in a sample's metadata under ``workbench``, where an import looks for it.
Source: https://inspect.aisi.org.uk/eval-logs.html, log version 2.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.core.types import REWARD_PREFIX
from workbench.core.version import __version__
from workbench.interchange.writers.pools import Outgoing, Source
from workbench.storage.parquet import fingerprint

VERSION = 2
SCORER = "workbench"
STOP_REASONS = {"stop": "stop", "length": "max_tokens"}
BESIDE = ("logprob", "mean_logprob", "num_tokens", "mean_entropy", "reward", "answer")
"""Of each sample, in its metadata."""
INPUT_SHOWN = 1000
"""Characters of a question in a summary."""


def write(home: Path, source: Source, pools: Iterator[Outgoing]) -> None:
    """Write a ``.eval`` for each temperature."""
    logs: dict[float | None, _Log] = {}
    with ExitStack() as stack:
        for pool in pools:
            at = "unknown" if pool.temperature is None else f"{pool.temperature:g}"
            if pool.temperature not in logs:
                path = home / _name(source, at)
                archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
                logs[pool.temperature] = _Log(stack.enter_context(archive), home / f"{at}.part")
            _add(logs[pool.temperature], pool, source)
        for temperature, log in logs.items():
            _finish(log, temperature, source)


@dataclass
class _Log:
    """A log that is being written."""

    archive: zipfile.ZipFile
    summaries: Path
    """They wait here until the log's end, as a zip holds one file after another."""
    problems: list[str] = field(default_factory=list)
    epochs: int = 0
    samples: int = 0
    accuracies: list[float] = field(default_factory=list)

    def write(self, name: str, value: Any) -> None:
        self.archive.writestr(name, json.dumps(value, ensure_ascii=False))


def _name(source: Source, at: str) -> str:
    """Return a name by which Inspect knows a log: when, what, and which."""
    when = re.sub(r"[:+]", "-", source.created)
    task = re.sub(r"[^\w.]+", "-", source.task)
    return f"{when}_{task}-T{at}_{_id(source, at)}.eval"


def _id(source: Source, what: str) -> str:
    return fingerprint(signature=source.signature, created=source.created, what=what)


def _add(log: _Log, pool: Outgoing, source: Source) -> None:
    """Write a pool's samples."""
    log.problems.append(pool.problem.id)
    log.epochs = max(log.epochs, len(pool.samples))
    log.samples += len(pool.samples)
    if pool.accuracy is not None:
        log.accuracies.append(pool.accuracy)
    with log.summaries.open("a", encoding="utf-8") as file:
        for epoch, sample in enumerate(pool.samples, start=1):
            whole = _sample(pool, epoch, sample, source)
            log.write(f"samples/{pool.problem.id}_epoch_{epoch}.json", whole)
            short = {key: whole[key] for key in ("id", "epoch", "target", "scores", "uuid")}
            short["input"] = whole["input"][:INPUT_SHOWN]
            short["completed"] = "error" not in whole
            if "error" in whole:
                short["error"] = whole["error"]["message"]
            file.write(json.dumps(short, ensure_ascii=False) + "\n")


def _sample(
    pool: Outgoing, epoch: int, sample: Mapping[str, Any], source: Source
) -> dict[str, Any]:
    problem, tokens = pool.problem, sample["num_tokens"]
    said = {"role": "assistant", "content": sample["text"], "source": "generate"}
    choice: dict[str, Any] = {
        "message": said | {"model": source.model},
        "stop_reason": STOP_REASONS.get(sample["stop_reason"], "unknown"),
    }
    if sample["token_logprobs"]:
        ids = sample["token_ids"] or [""] * len(sample["token_logprobs"])
        pairs = zip(ids, sample["token_logprobs"], strict=True)
        choice["logprobs"] = {"content": [{"token": str(i), "logprob": p} for i, p in pairs]}
    output: dict[str, Any] = {
        "model": source.model, "choices": [choice], "completion": sample["text"],
    }  # fmt: skip
    if tokens is not None:
        output["usage"] = {"input_tokens": 0, "output_tokens": tokens, "total_tokens": tokens}
    beside = {name: sample[name] for name in BESIDE if sample[name] is not None}
    whole: dict[str, Any] = {
        "id": problem.id,
        "epoch": epoch,
        "input": problem.question,
        "target": "" if problem.gold is None else problem.gold,
        "messages": [{"role": "user", "content": problem.question, "source": "input"}, said],
        "output": output,
        "scores": _scores(sample),
        "metadata": {"workbench": beside},
        "store": {},
        "events": [],
        "model_usage": {},
        "attachments": {},
        "uuid": _id(source, f"{problem.id}|{pool.temperature}|{epoch}"),
    }
    if sample["stop_reason"] == "error":
        message = sample["error"] or "not drawn"
        whole["error"] = {"message": message, "traceback": "", "traceback_ansi": ""}
    return whole


def _scores(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sample's score; none where its correctness is not known."""
    if sample["correct"] is None:
        return {}
    value = "C" if sample["correct"] else "N" if sample["answer"] is None else "I"
    rewards = {name: sample[name] for name in sample if name.startswith(REWARD_PREFIX)}
    about = {"status": sample["status"], "answer_rule": sample["answer_rule"]} | rewards
    return {SCORER: {"value": value, "answer": sample["answer"], "metadata": about}}


def _finish(log: _Log, temperature: float | None, source: Source) -> None:
    """Write a log's summaries, its beginning as Inspect journals it, and its header."""
    lines = log.summaries.read_text(encoding="utf-8").splitlines()
    log.archive.writestr("summaries.json", f"[{','.join(lines)}]")
    log.summaries.unlink()
    spec, plan = _spec(log, temperature, source), _plan(source, temperature)
    log.write("_journal/start.json", {"version": VERSION, "eval": spec, "plan": plan})
    known = len(log.accuracies)
    metrics = {
        "accuracy": {"name": "accuracy", "value": sum(log.accuracies) / known if known else 0.0}
    }
    score = {"name": SCORER, "scorer": SCORER, "reducer": "mean", "metrics": metrics}
    header = {
        "version": VERSION,
        "status": "success",
        "eval": spec,
        "plan": plan,
        "results": {
            "total_samples": log.samples,
            "completed_samples": log.samples,
            "scores": [score] if known else [],
        },
        "stats": {
            "started_at": source.created, "completed_at": source.created, "model_usage": {},
        },
    }  # fmt: skip
    log.write("header.json", header)


def _spec(log: _Log, temperature: float | None, source: Source) -> dict[str, Any]:
    return {
        "eval_id": _id(source, f"eval {temperature}"),
        "run_id": _id(source, "run"),
        "created": source.created,
        "task": source.task,
        "task_id": _id(source, f"task {temperature}"),
        "task_version": 0,
        "task_attribs": {},
        "task_args": {} if temperature is None else {"temperature": temperature},
        "dataset": {
            "name": source.task, "samples": len(log.problems), "sample_ids": log.problems,
            "shuffled": False,
        },
        "model": source.model,
        "model_generate_config": _config(source, temperature),
        "model_args": {},
        "config": {"epochs": log.epochs, "epochs_reducer": ["mean"], "fail_on_error": False},
        "packages": {"workbench": __version__},
        "metadata": {"signature": source.signature},
    }  # fmt: skip


def _plan(source: Source, temperature: float | None) -> dict[str, Any]:
    step = {"solver": "generate", "params": {}}
    return {"name": "plan", "steps": [step], "config": _config(source, temperature)}


def _config(source: Source, temperature: float | None) -> dict[str, Any]:
    """Return how the samples were drawn, in Inspect's words."""
    words = {"stop": "stop_seqs"}
    return {words.get(name, name): v for name, v in source.settings(temperature).items()}
