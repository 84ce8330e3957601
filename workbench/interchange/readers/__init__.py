"""FORMATS: the kinds of files that samples come in. A file is known by what is in it.

Adding one is one small file, which yields a file's samples under the names of ``records.Row``, and
one line in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.interchange.readers import (
    inspect_log,
    jsonl,
    lighteval,
    lm_eval,
    parquet,
    search_and_learn,
)
from workbench.interchange.readers.record import Item
from workbench.interchange.readers.sniff import Peek, peek


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file and how it is read."""

    recognise: Callable[[Peek], bool]
    """Whether a file is of this kind, by its beginning. The first that says so is taken."""
    read: Callable[[Path], Iterator[Item]]
    """The file's samples, one at a time, with where each is: (``line 3``, columns by name), or
    instead of the columns what is wrong there. ValueError: nothing more can be read."""
    summary: str
    kept: str = ""
    """What was taken for what: said after an import."""
    renamed: bool = False
    """Whether its columns have the names their author gave them, which ``--column`` explains."""


FORMATS: dict[str, Format] = {
    "inspect": Format(
        inspect_log.recognise,
        inspect_log.read,
        "logs of Inspect, .eval or .json: epochs are the samples of a problem",
        inspect_log.KEPT,
    ),
    "lm-eval": Format(
        lm_eval.recognise,
        lm_eval.read,
        "samples_*.jsonl of lm-evaluation-harness: repeats are the samples of a problem",
        lm_eval.KEPT,
    ),
    "search-and-learn": Format(
        search_and_learn.recognise,
        search_and_learn.read,
        "completions of search-and-learn with scores, JSONL or Parquet",
        search_and_learn.KEPT,
    ),
    "lighteval": Format(
        lighteval.recognise,
        lighteval.read,
        "details_*.parquet of lighteval: the responses to a document are its samples",
        lighteval.KEPT,
    ),
    "parquet": Format(
        parquet.recognise, parquet.read, "a row for each sample, such as a data set", renamed=True
    ),
    "jsonl": Format(
        jsonl.recognise, jsonl.read, "a JSON object a line for each sample", renamed=True
    ),
}


def format_of(path: Path) -> str | None:
    """Return the name of a file's format; None if it holds no samples in any of them.

    Raises:
        ValueError: the file is damaged.
    """
    seen = peek(path)
    return next((name for name, row in FORMATS.items() if row.recognise(seen)), None)
