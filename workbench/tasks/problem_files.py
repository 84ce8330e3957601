"""Reads problems: from local JSONL files, one problem a line, or from data sets of the hub."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.config import schema as config
from workbench.config.faults import shown
from workbench.core.bounded_lines import read_lines
from workbench.core.plain_number import as_plain_text
from workbench.core.strict_json import half_surrogate, is_nan, parse_json, without_nan
from workbench.core.types import Problem

Parse = Callable[[Mapping[str, Any], str], Problem]
"""(record, id to give it if it has none) -> problem; a ValueError says what is wrong with it."""

QUESTION_KEYS = ("problem", "question")
GOLD_KEYS = ("gold", "answer")
ID_KEYS = ("id", "problem_id", "unique_id")
FAULTS_SHOWN = 5


def local_path(source: str | None) -> Path | None:
    """Return a source as a path if it is one, rather than a name on the hub (OWNER/NAME)."""
    if source is None:
        return None
    looks_local = source.startswith((".", "/", "~")) or source.endswith((".jsonl", ".gz"))
    path = Path(source).expanduser()
    return path if looks_local or path.exists() else None


def missing_file(key: str, name: str | Path, otherwise: str = "") -> list[str]:
    """Return a list with the fault that the file a setting names is missing, empty if it is not."""
    path = Path(name).expanduser()
    if path.is_file():
        return []
    return [
        f"{key}: there is no file {path} (looked for from {Path.cwd()}); paths are relative to the "
        f"current working directory{otherwise}"
    ]


def first_problems(
    settings: config.TaskSettings, where: object, problems: list[Problem]
) -> list[Problem]:
    """Return the first ``num_problems`` problems, or all where the experiment gives no number.

    Raises:
        ValueError: there are fewer.
    """
    wanted = settings.num_problems
    if wanted is not None and wanted > len(problems):
        raise ValueError(
            f"num_problems asks for {wanted} problems, {where} has {len(problems)}; "
            "lower it or leave it out"
        )
    return problems[:wanted]


def read_jsonl(
    path: str | Path, prefix: str = "problem", parse: Parse | None = None
) -> list[Problem]:
    """Read a problem file.

    Each line is a JSON object with the question (key ``problem`` or ``question``), its known answer
    (``gold`` or ``answer``; a text or a number) and, optionally, an id (``id``, ``problem_id`` or
    ``unique_id``). All other keys are kept as the problem's metadata. Empty lines are skipped. A
    problem without an id becomes ``prefix-<i>``, its number from 0 in the file. NaN is read as
    null. ``parse`` reads one object where the keys are not those above. gzip is unpacked.

    Raises:
        ValueError: the file is missing, empty or cannot be unpacked; or lines are not UTF-8, not
            JSON, not an object, without question or known answer, with two of either, or repeat
            an id. Such lines are named by number, several at once.
    """
    problems: list[Problem] = []
    faults: list[str] = []
    hidden = 0
    line_of: dict[str, int] = {}
    for number, line in enumerate(_lines(Path(path)), start=1):
        if not line.strip():
            continue
        try:
            record = _sound(parse_object(line))
            problem = (parse or parse_record)(record, f"{prefix}-{len(problems)}")
            if problem.id in line_of:
                raise ValueError(
                    f"id {problem.id!r} is also that of line {line_of[problem.id]}; "
                    "give each problem its own"
                )
        except ValueError as error:
            if len(faults) < FAULTS_SHOWN:
                faults.append(f"  line {number}: {error}")
            else:
                hidden += 1
        else:
            line_of[problem.id] = number
            problems.append(problem)
    if faults:
        more = [f"  and {hidden:,} more"] if hidden else []
        raise ValueError("\n".join([f"{path} is not a valid problem file:", *faults, *more]))
    if not problems:
        raise ValueError(f"{path} holds no problems; it needs one JSON object a line")
    return problems


def read_once(name: str | Path, prefix: str, parse: Parse) -> list[Problem]:
    """Do as ``read_jsonl``, but read a file again only where it was changed since."""
    path = Path(name).expanduser()
    return _read_once(path, path.stat().st_mtime_ns, prefix, parse)


@lru_cache(maxsize=8)
def _read_once(path: Path, changed: int, prefix: str, parse: Parse) -> list[Problem]:
    return read_jsonl(path, prefix, parse)


def _sound(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with its NaN as None; ValueError for an id that is NaN, or half a surrogate.

    Of two problems without an id each gets its own; an id of NaN says that something went wrong.
    """
    for key in ID_KEYS:
        if is_nan(record.get(key)):
            raise ValueError(f"{key!r} is NaN; give the problem an id, or leave the key out")
    for key, value in record.items():
        found = half_surrogate({key: value})
        if found is not None:
            raise ValueError(
                f"{key!r} holds half a surrogate pair, in {found[:40]!r}, which is no text; write "
                "the whole character"
            )
    return without_nan(record)


def _lines(path: Path) -> Iterator[bytes]:
    """Return the lines of a file as bytes, so that a bad character is an error of one line only."""
    if not path.is_file():
        raise ValueError(
            f"there is no problem file {path} (looked for from {Path.cwd()}); "
            "paths are relative to the current working directory"
        )
    return read_lines(path)


def parse_object(line: bytes) -> dict[str, Any]:
    """Return the JSON object that a line holds.

    Raises:
        ValueError: it is not UTF-8, not an object, or not JSON as ``parse_json`` takes it.
    """
    try:
        record = parse_json(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start + 1}; save the file as UTF-8") from error
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        raise ValueError(f"not JSON: {what} at column {error.colno}") from error
    if not isinstance(record, dict):
        raise ValueError(f"expected a JSON object, got {type(record).__name__}")
    return record


def parse_record(record: Mapping[str, Any], default_id: str) -> Problem:
    """Return one problem from a JSON object or a dataset's row.

    Raises:
        ValueError: no question or no known answer, or two of one; the message names the keys.

    Example:
        >>> parse_record({"question": "4 + 9?", "answer": 13, "level": 1}, "problem-0")
        Problem(id='problem-0', question='4 + 9?', gold='13', metadata={'level': 1})
    """
    question = _value(record, QUESTION_KEYS, "question")
    gold = _value(record, GOLD_KEYS, "known answer")
    present = [key for key in ID_KEYS if record.get(key) is not None]
    ident = _value(record, (present[0],), "id") if present else default_id
    used = (*QUESTION_KEYS, *GOLD_KEYS, *ID_KEYS)
    metadata = {key: value for key, value in record.items() if key not in used}
    return Problem(id=ident, question=question, gold=gold, metadata=metadata)


def _value(record: Mapping[str, Any], keys: tuple[str, ...], what: str) -> str:
    """Return the value of the first of ``keys`` that the record has, as text."""
    present = [key for key in keys if record.get(key) is not None]
    if len({str(record[key]).strip() for key in present}) > 1:
        first, other = present[:2]
        raise ValueError(
            f"two columns for the {what}: {first!r} and {other!r} differ; keep one of them, or "
            "give the other another name"
        )
    key = next(iter(present), None)
    if key is None:
        names = " or ".join(repr(key) for key in keys)
        raise ValueError(
            f"no {what}: needs the key {names}, has {', '.join(map(repr, record)) or 'no keys'}"
        )
    value = record[key]
    if isinstance(value, bool) and keys == GOLD_KEYS:
        words = '"yes" or "true"' if value else '"no" or "false"'
        raise ValueError(
            f"{key!r} must be a text or a number, got {shown(value)}; write the word that a right "
            f"answer has, such as {words}"
        )
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{key!r} must be a text or a number, got {shown(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{key!r} must be a finite number, got {value!r}")
    text = as_plain_text(value).strip()
    if not text:
        raise ValueError(f"no {what}: {key!r} is empty")
    return text


@dataclass(frozen=True, slots=True)
class HubDataset:
    """A data set of the hub, instead of which an experiment may name another or a local file."""

    name: str
    """OWNER/NAME."""
    prefix: str
    """A problem without an id becomes ``prefix-<i>``."""
    instead: str
    """What to do where the hub cannot be reached."""
    part: str | None = None
    """The configuration of the data set ``name``, where it has several."""
    parse: Parse = parse_record

    def read(self, source: str | None, split: str) -> list[Problem]:
        """Return all problems of ``task.source``, a local file or a split of a data set.

        Raises:
            ValueError: the file is no valid problem file, or the hub cannot be reached.
        """
        path = local_path(source)
        if path is not None:
            return read_once(path, self.prefix, self.parse)
        return _fetch(self, source or self.name, split)

    def faults(self, source: str | None) -> list[str]:
        """Return the fault of a ``task.source`` that is a local file which is not there."""
        path = local_path(source)
        otherwise = f", and without source it is {self.name} of the hub"
        return [] if path is None else missing_file("source", path, otherwise)


@lru_cache(maxsize=4)
def _fetch(dataset: HubDataset, name: str, split: str) -> list[Problem]:
    from datasets import load_dataset  # slow to import, and not needed for a local file

    part = [dataset.part] if dataset.part and name == dataset.name else []
    try:
        rows = load_dataset(name, *part, split=split)
    except Exception as error:  # no network, no such name, no access: the library has many errors
        fault = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise ValueError(
            f"cannot load {name!r} from the hub ({fault}); {dataset.instead}"
        ) from error
    problems = []
    for number, row in enumerate(rows):
        try:
            problems.append(dataset.parse(_sound(dict(row)), f"{dataset.prefix}-{number}"))
        except ValueError as error:
            raise ValueError(f"row {number} of {name!r}, split {split!r}: {error}") from error
    return problems
