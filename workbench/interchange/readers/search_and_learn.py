"""Completions of search-and-learn: a problem a row, with the step scores of each completion.

``APPROACH_completions.jsonl`` or the Parquet of a pushed data set. ``scores`` has for each
completion the scores of a process reward model after each step; their last is the reward, as with
its default ``agg_strategy: last``. No column says the temperature: it is in the name of the data
set's revision (``...--T-0.8--top_p-1.0--...``), and taken from there where a path has it.
Source: https://github.com/huggingface/search-and-learn, ``src/sal/config.py`` and ``search/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.interchange.readers import jsonl, parquet
from workbench.interchange.readers.record import Item, Record
from workbench.tasks.problem_files import ID_KEYS, QUESTION_KEYS

if TYPE_CHECKING:
    from workbench.interchange.readers.sniff import Peek

KEPT = (
    "completions as samples; the score of a completion's last step as its reward; pred and other "
    "choices among them are left out"
)
TEMPERATURE = re.compile(r"--T-(\d+(?:\.\d+)?)--")


def recognise(seen: Peek) -> bool:
    """Rows with completions and their scores."""
    return {"completions", "scores"} <= seen.names


def read(path: Path) -> Iterator[Item]:
    """Yield the completions of a file.

    Raises:
        ValueError: it is damaged.
    """
    with path.open("rb") as file:
        rows = parquet.read(path) if file.read(4) == b"PAR1" else jsonl.read(path)
    named = TEMPERATURE.search(str(path))
    temperature = float(named[1]) if named else None
    for number, (label, row) in enumerate(rows):
        if isinstance(row, ValueError):
            yield label, row
            continue
        try:
            records = list(_records(row, f"problem-{number}"))
        except (KeyError, TypeError, AttributeError, IndexError) as fault:
            said = f"not as search-and-learn writes it ({type(fault).__name__}: {fault})"
            yield label, ValueError(said)
        except ValueError as fault:
            yield label, fault
        else:
            for place, record in enumerate(records, start=1):
                at = f"{label}, completion {place}"
                yield at, record | {"temperature": temperature}


def _records(row: Mapping[str, Any], otherwise: str) -> Iterator[Record]:
    texts, scores = row["completions"], row["scores"]
    if len(scores) != len(texts):
        raise ValueError(f"scores: there are {len(scores)} for {len(texts)} completions")
    tokens = row.get("completion_tokens")
    tokens = (
        tokens if isinstance(tokens, list) and len(tokens) == len(texts) else [None] * len(texts)
    )
    name = next((row[key] for key in ID_KEYS if row.get(key) is not None), otherwise)
    plain = {
        "problem_id": name,
        "problem": next((row[key] for key in QUESTION_KEYS if key in row), None),
        "gold": row.get("answer"),
    }
    for text, steps, count in zip(texts, scores, tokens, strict=True):
        last = steps[-1] if isinstance(steps, list) and steps else steps
        yield plain | {
            "text": text,
            "reward": None if last == [] else last,
            "num_tokens": count if count is not None and count >= 0 else None,
        }
