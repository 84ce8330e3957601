"""Export as logs of Inspect, one for each condition: our samples are Inspect's epochs.

The zip is written here, so that an export does not need Inspect: a header, a file for each sample
and epoch, and their summaries. Tests read the logs with Inspect itself. Columns that a log does not
have are in a sample's metadata under ``workbench``, where an import looks for them.
Source: https://inspect.aisi.org.uk/eval-logs.html, log version 2.
"""

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.core.conditions import Condition
from workbench.core.types import REWARD_PREFIX
from workbench.core.version import __version__
from workbench.interchange.readers.inspect_log import member_stem
from workbench.interchange.readers.records import Record
from workbench.interchange.writers.exported_run import ExportedPool, ExportedRun
from workbench.storage.parquet import THOUGHT_COLUMNS, fingerprint

VERSION = 2
SCORER = "workbench"
STOP_REASONS = {"stop": "stop", "length": "max_tokens"}
OWN_COLUMNS = (
    "logprob", "mean_logprob", "num_tokens", "mean_entropy", "reward", "answer", *THOUGHT_COLUMNS,
)  # fmt: skip
"""Columns in the metadata of each sample."""
INPUT_SHOWN = 1000
"""Characters of a question in a summary."""


def write(out: Path, run: ExportedRun, pools: Iterator[ExportedPool]) -> None:
    """Write a ``.eval`` for each condition."""
    logs: dict[str, tuple[Condition, _EvalLog]] = {}
    when, task = re.sub(r"[:+]", "-", run.created), re.sub(r"[^\w.]+", "-", run.task)
    with ExitStack() as stack:
        for pool in pools:
            at = pool.file_name
            if at not in logs:
                path = out / f"{when}_{task}-{at}_{_id(run, at)}.eval"  # as Inspect expects it
                archive = stack.enter_context(zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED))
                logs[at] = pool.condition, _EvalLog(archive, out / f"{at}.part")
            _add(logs[at][1], pool, run)
        for condition, log in logs.values():
            _finish(log, condition, run)


@dataclass
class _EvalLog:
    """A log that is being written, and what its header will say."""

    archive: zipfile.ZipFile
    summaries: Path
    """A file for them until the log ends, because a zip is written one member after another."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Problem -> its samples."""
    accuracies: list[float] = field(default_factory=list)

    def write(self, name: str, value: Any) -> None:
        self.archive.writestr(name, json.dumps(value, ensure_ascii=False))


def _id(run: ExportedRun, what: str) -> str:
    return fingerprint(signature=run.signature, created=run.created, what=what)


def _add(log: _EvalLog, pool: ExportedPool, run: ExportedRun) -> None:
    """Write a pool's samples."""
    log.sizes[pool.problem.id] = len(pool.samples)
    if pool.accuracy is not None:
        log.accuracies.append(pool.accuracy)
    with log.summaries.open("a", encoding="utf-8") as file:
        for epoch, sample in enumerate(pool.samples, start=1):
            whole = _sample(pool, epoch, sample, run)
            log.write(f"samples/{member_stem(pool.problem.id)}_epoch_{epoch}.json", whole)
            short = {key: whole[key] for key in ("id", "epoch", "target", "scores", "uuid")}
            short["input"] = whole["input"][:INPUT_SHOWN]
            short["completed"] = "error" not in whole
            if "error" in whole:
                short["error"] = whole["error"]["message"]
            file.write(json.dumps(short, ensure_ascii=False) + "\n")


def _sample(pool: ExportedPool, epoch: int, sample: Record, run: ExportedRun) -> dict[str, Any]:
    problem, tokens = pool.problem, sample["num_tokens"]
    model = run.model_of(pool.condition)
    content: Any = sample["text"]
    if sample["thought"] is not None:
        thought = {"type": "reasoning", "reasoning": sample["thought"]}
        content = [thought, {"type": "text", "text": sample["text"]}]
    message = {"role": "assistant", "content": content, "source": "generate"}
    choice: dict[str, Any] = {
        "message": message | {"model": model},
        "stop_reason": STOP_REASONS.get(sample["stop_reason"], "unknown"),
    }
    if sample["token_logprobs"]:
        ids = sample["token_ids"] or [""] * len(sample["token_logprobs"])
        pairs = zip(ids, sample["token_logprobs"], strict=True)
        choice["logprobs"] = {"content": [{"token": str(i), "logprob": p} for i, p in pairs]}
    output = {"model": model, "choices": [choice], "completion": sample["text"]}
    if tokens is not None:
        usage = {"input_tokens": 0, "output_tokens": tokens, "total_tokens": tokens}
        if sample["num_thought_tokens"] is not None:
            usage["reasoning_tokens"] = sample["num_thought_tokens"]
        output["usage"] = usage
    own = {name: sample[name] for name in OWN_COLUMNS if sample[name] is not None}
    own |= run.condition_columns(pool.condition)
    whole: dict[str, Any] = {
        "id": problem.id,
        "epoch": epoch,
        "input": problem.question,
        "target": "" if problem.gold is None else problem.gold,
        "messages": [{"role": "user", "content": problem.question, "source": "input"}, message],
        "output": output,
        "scores": _scores(sample),
        "metadata": {"workbench": own},
        "store": {},
        "events": [],
        "model_usage": {},
        "attachments": {},
        "uuid": _id(run, f"{problem.id}|{pool.condition.name}|{epoch}"),
    }
    if sample["stop_reason"] == "error":
        reason = sample["error"] or "not drawn"
        whole["error"] = {"message": reason, "traceback": "", "traceback_ansi": ""}
    return whole


def _scores(sample: Record) -> dict[str, Any]:
    """Return the score of a sample; none where its correctness is unknown."""
    if sample["correct"] is None:
        return {}
    value = "C" if sample["correct"] else "N" if sample["answer"] is None else "I"
    rewards = {name: sample[name] for name in sample if name.startswith(REWARD_PREFIX)}
    about = {"status": sample["status"], "answer_rule": sample["answer_rule"]} | rewards
    return {SCORER: {"value": value, "answer": sample["answer"], "metadata": about}}


def _finish(log: _EvalLog, condition: Condition, run: ExportedRun) -> None:
    """Write a log's summaries, its journal and its header."""
    summaries = log.summaries.read_text(encoding="utf-8").rstrip().replace("\n", ",")
    log.archive.writestr("summaries.json", f"[{summaries}]")
    log.summaries.unlink()
    config = run.settings(condition, {"stop": "stop_seqs"})
    steps = [{"solver": "generate", "params": {}}]
    began = {
        "version": VERSION,
        "eval": _spec(log, condition, run, config),
        "plan": {"name": "plan", "steps": steps, "config": config},
    }
    log.write("_journal/start.json", began)
    known, count = len(log.accuracies), sum(log.sizes.values())
    accuracy = {"name": "accuracy", "value": sum(log.accuracies) / known if known else 0.0}
    score = {"name": SCORER, "scorer": SCORER, "reducer": "mean", "metrics": {"accuracy": accuracy}}
    scores = [score] if known else []
    results = {"total_samples": count, "completed_samples": count, "scores": scores}
    stats = {"started_at": run.created, "completed_at": run.created, "model_usage": {}}
    status = {"version": VERSION, "status": "success"}
    log.write("header.json", status | began | {"results": results, "stats": stats})


def _spec(
    log: _EvalLog, condition: Condition, run: ExportedRun, config: Mapping[str, Any]
) -> dict[str, Any]:
    ids, most = list(log.sizes), max(log.sizes.values())
    return {
        "eval_id": _id(run, f"eval {condition.name}"),
        "run_id": _id(run, "run"),
        "created": run.created,
        "task": run.task,
        "task_id": _id(run, f"task {condition.name}"),
        "task_version": 0,
        "task_attribs": {},
        "task_args": {name: level for name, level in condition.own.items() if level is not None},
        "dataset": {"name": run.task, "samples": len(ids), "sample_ids": ids, "shuffled": False},
        "model": run.model_of(condition),
        "model_generate_config": config,
        "model_args": {},
        "config": {"epochs": most, "epochs_reducer": ["mean"], "fail_on_error": False},
        "packages": {"workbench": __version__},
        "metadata": {"signature": run.signature},
    }
