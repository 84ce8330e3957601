"""Reads the texts that backend ``replay`` draws, where ``engine.samples`` names a file of them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from workbench.core.bounded_lines import read_lines
from workbench.core.conditions import temperature_name
from workbench.core.types import Request
from workbench.tasks.problem_files import parse_object

STOP_REASONS = ("stop", "length")


class ReplayedText(NamedTuple):
    """One text, and whether it ended by itself (``stop``) or was cut (``length``)."""

    completion: str
    stop_reason: str


Texts = dict[tuple[str, str], list[ReplayedText]]
"""By problem and condition, in the order of the file."""


def read_texts(path: str | Path) -> Texts:
    """Read a file of texts, as ``ReplayOptions.samples`` describes it.

    Raises:
        ValueError: there is no such file, or a line is not such a sample; the first one is named.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise ValueError(f"there is no file {path} (looked for from {Path.cwd()})")
    texts: Texts = {}
    for number, line in enumerate(read_lines(path), start=1):
        if line.strip():
            try:
                key, text = _read(parse_object(line))
            except ValueError as fault:
                raise ValueError(f"{path}, line {number}: {fault}") from fault
            texts.setdefault(key, []).append(text)
    return texts


def hash_texts(path: str | Path) -> str:
    """Return the SHA-256 of a file of texts.

    Raises:
        ValueError: as ``read_texts``.
    """
    read_texts(path)
    with Path(path).expanduser().open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(row: dict[str, Any]) -> tuple[tuple[str, str], ReplayedText]:
    name, temperature, condition = map(row.get, ("problem_id", "temperature", "condition"))
    completion, stop_reason = row.get("completion"), row.get("stop_reason", "stop")
    if not isinstance(name, str) or not isinstance(completion, str):
        raise ValueError("needs the keys 'problem_id' and 'completion', both texts")
    if condition is not None and not isinstance(condition, str):
        raise ValueError(f"'condition' must be the name of a condition, got {condition!r}")
    known = isinstance(temperature, int | float) and not isinstance(temperature, bool)
    if condition is None and not known:
        raise ValueError(f"needs the key 'temperature', a number, got {temperature!r}")
    if stop_reason not in STOP_REASONS:
        raise ValueError(f"'stop_reason' must be 'stop' or 'length', got {stop_reason!r}")
    at = condition or temperature_name(temperature)
    return (name, at), ReplayedText(completion, stop_reason)


def text_of(texts: Texts, request: Request) -> ReplayedText:
    """Return the text that answers a request.

    Raises:
        ValueError: the file has no text, or not so many, of this problem in this condition.
    """
    name, index = request.problem_id, request.sample_index
    found = texts.get((name, request.condition), [])
    if index >= len(found):
        plain = request.condition == temperature_name(request.temperature)
        named = f"in condition {request.condition}"
        where = f"at temperature {request.temperature:g}" if plain else named
        raise ValueError(
            f"generation.engine.samples has {len(found)} texts of problem {name!r} {where}, and "
            f"sample {index} needs one more; lower generation.n, or add a line"
        )
    return found[index]
