"""A bar for stages that read files from end to end: by the bytes that are read, packed or not."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from workbench.core.console import progress_bar
from workbench.core.unpacked_files import MIB, on_position

SHOWN_FROM = 64 * MIB
"""Bytes of files that are read before anyone asks how far it is."""


@contextmanager
def reading_progress(what: str, files: Sequence[Path]) -> Iterator[None]:
    """Show how far files are read while the block runs; nothing for those that are soon read."""
    sizes = {path: path.stat().st_size for path in files}
    total = sum(sizes.values())
    if total < SHOWN_FROM:
        yield
        return
    positions = dict.fromkeys(files, 0)
    shown = 0
    with progress_bar(what, total // MIB, "MiB") as advance:

        def note(path: Path, position: int) -> None:
            nonlocal shown
            positions[path] = max(position, positions.get(path, 0))
            done = sum(positions.values()) // MIB
            if done > shown:
                advance(done - shown)
                shown = done

        token = on_position.set(note)
        try:
            yield
        finally:
            on_position.reset(token)
