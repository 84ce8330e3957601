"""``samples_TASK_DATE.jsonl`` of lm-evaluation-harness (``--log_samples``), tasks that generate.

A line is a document under one filter, with all repeats of its one request. The sampled texts are
under ``resps``; ``filtered_resps`` has an answer for each repeat, unless the filter picks one of
them (``take_first``, ``majority_vote``). A metric is of the document, the mean over its repeats. So
correctness is taken only from a document with one response; others are graded again. The results
file of the same date names the model. Read are files since 0.4.0: before 0.4.7 a line names neither
its filter nor its metrics, and the documents are listed once for each filter, one filter after
another; before 0.4.3 the file is ``MODEL_ARGS_TASK.jsonl`` beside ``results.json``. Before lines it
was one JSON array, of either name.
Source: ``lm_eval/loggers/evaluation_tracker.py``, 0.4.13, ``lm_eval/evaluator.py`` and
``lm_eval/__main__.py``, 0.4.0 to 0.4.6.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from workbench.interchange.readers.newer_versions import LM_EVAL_KEYS, say_newer
from workbench.interchange.readers.records import LocatedRecord, Record, limits_of, split_row
from workbench.interchange.readers.rows import read_rows
from workbench.tasks.problem_files import ID_KEYS, QUESTION_KEYS

INTERPRETATION = (
    "repeats as samples, a filter's answers where it gives one for each; a metric of 0 or 1 as "
    "correctness where a document has one response, otherwise it is of none in particular"
)
FILE_NAME = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl?\b")
KNOWN = "0.4"
NO_FORM = "not in the known form of lm-eval 0.4"
INVALID = "[invalid]"
"""What the harness's filters give where they find no answer."""


def read(path: Path) -> Iterator[LocatedRecord]:
    """Yield the samples of a file; ValueError if it or the results beside it cannot be read."""
    named = FILE_NAME.match(path.name)
    task = named["task"] if named else "doc"
    results = path.with_name(f"results_{named['date']}.json" if named else "results.json")
    model, filters, version = _results(results, path.name)
    seen: Counter[Any] = Counter()
    for label, row in read_rows(path, "resps"):
        if version and not seen and isinstance(row, dict):
            remark = f"{path.name} is of lm-eval {version}, and {KNOWN} is known"
            say_newer(remark, row.keys() - {*(row.get("metrics") or ())}, LM_EVAL_KEYS)
            version = None
        unnamed = ""
        if isinstance(row, dict) and "filter" not in row:
            number = seen[str(row.get("doc_id"))]
            seen[str(row.get("doc_id"))] += 1
            unnamed = filters[number] if number < len(filters) else f"filter {number + 1}"
        split = partial(_samples, task=task, model=model, unnamed=unnamed)
        yield from split_row((label, row), split, NO_FORM)


def _results(path: Path, samples: str) -> tuple[str | None, list[str], str | None]:
    """Return (model, filters in order, version unless known) by the results file, if any."""
    if not path.is_file():
        return None, [], None
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        name = results.get("model_name")
        given = (results.get("config") or {}).get("model_args")
        if not name and isinstance(given, str):
            name = next(iter(re.findall(r"(?:^|,)(?:pretrained|model)=([^,]+)", given)), None)
        # the file of a task before 0.4.3 ends with its name
        tasks = results.get("configs") or {}
        stem = samples.removesuffix(".jsonl")
        config: Record = next(
            (tasks[t] for t in tasks if f"_{t}_" in samples or stem.endswith(t)), {}
        )
        filters = [one["name"] for one in config.get("filter_list") or [{"name": "none"}]]
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as fault:
        raise ValueError(f"{path} is damaged ({fault}); fetch it again") from fault
    version = str(results.get("lm_eval_version") or KNOWN)  # named since 0.4.4
    is_known = version.startswith(KNOWN)
    return str(name) if name else None, filters, None if is_known else version


def _samples(
    row: Record, task: str, model: str | None, unnamed: str
) -> Iterator[tuple[str, Record]]:
    doc = row["doc"] if isinstance(row["doc"], dict) else {}
    answers = row["filtered_resps"]
    if len(row["resps"]) != 1 or not all(isinstance(text, str) for text in row["resps"][0]):
        raise ValueError(
            "its responses are no sampled texts but the log-likelihoods of given ones; take a "
            "task of the output_type generate_until"
        )
    texts = row["resps"][0]
    first, *others = _arguments(row["arguments"])
    shared = {
        "problem_id": next(
            (doc[key] for key in ID_KEYS if doc.get(key) is not None), f"{task}-{row['doc_id']}"
        ),
        "problem": next((doc[k] for k in QUESTION_KEYS if k in doc), first),
        "gold": str(row["target"]).rpartition("#### ")[
            2
        ],  # GSM8K's golds are solutions that end so
        "model": model,
        "temperature": _temperature(others[0] if others else {}),
    } | limits_of(others[0] if others else {})
    if len(answers) == 1 and isinstance(answers[0], list):
        answers = answers[0]
    ours = row.get("workbench") or {}
    for graded_by, correct in _gradings(row, len(texts), unnamed).items():
        for number, text in enumerate(texts):
            record = shared | {"text": text, "graded_by": graded_by, "correct": correct}
            if len(answers) == len(texts):  # else the filter gives one answer for all of them
                record["answer"] = None if answers[number] == INVALID else answers[number]
            record |= {key: values[number] for key, values in ours.items()}
            yield f"response {number + 1}", record


def _arguments(given: Any) -> list[Any]:
    """Return the arguments of a document's one request: its prompt, and its settings."""
    if isinstance(given, list):  # before 0.4.3
        return list(given[0])
    return [*given["gen_args_0"].values()]


def _gradings(row: Mapping[str, Any], count: int, unnamed: str) -> dict[str, bool | None]:
    """Return grader -> correctness: the filter, or several metrics under the harness's names."""
    name = row.get("filter", unnamed)
    metrics = row.get("metrics", row.keys() - LM_EVAL_KEYS) if count == 1 else []
    yes_or_no = {name: bool(row[name]) for name in sorted(metrics) if row.get(name) in (0, 1)}
    if len(yes_or_no) > 1:
        return {f"{metric},{name}": value for metric, value in yes_or_no.items()}
    return {name: next(iter(yes_or_no.values()), None)}


def _temperature(settings: Mapping[str, Any]) -> float | None:
    """Return the temperature of a request; without any settings the harness decodes greedily."""
    if settings.get("do_sample") is False:
        return 0.0
    temperature = settings.get("temperature")
    if temperature is None:
        return None if settings.get("do_sample") else 0.0
    return float(temperature)
