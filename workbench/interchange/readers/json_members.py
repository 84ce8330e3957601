"""What is under a key of a large JSON object, or of an object in it, read piece by piece."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.core.unpacked_files import damaged, open_unpacked
from workbench.interchange.readers.json_stream import DamagedJsonError, JsonStream

Keys = tuple[str, ...]


def stream_under(path: Path, *under: str) -> Iterator[tuple[Keys, Any]]:
    """Yield (keys that lead to it, value) of what a file's object holds.

    What is under the keys ``under`` comes in pieces: a list as (``under``, element) for each, an
    object as (``under`` and its key, value) for each. All else comes whole.

    Raises:
        ValueError: the file holds no such object, or is cut off.
    """
    try:
        with open_unpacked(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig") as text:
            yield from _members(JsonStream(text), under, ())
    except (DamagedJsonError, UnicodeDecodeError) as fault:
        raise damaged(path, "cannot be read to its end", fault) from fault


def _members(stream: JsonStream, under: Keys, at: Keys) -> Iterator[tuple[Keys, Any]]:
    for key in stream.members():
        here = (*at, key)
        if here == under and stream.peek() == "[":
            yield from ((here, element) for element in stream.elements())
        elif here == under[: len(here)] and stream.peek() == "{":
            yield from _members(stream, under, here)
        else:
            yield here, stream.value()


def settings_of(path: Path, *under: str) -> dict[Keys, Any]:
    """Return what a file's object holds beside the pieces under the keys ``under``."""
    return {
        keys: value for keys, value in stream_under(path, *under) if keys[: len(under)] != under
    }
