"""One process at a time works on a run's folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold a run's folder against other processes.

    Raises:
        ValueError: another process holds it.
        OSError: the folder cannot be made or written.
    """
    root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(root / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(
            f"another process is working on {root}; wait for it to end, or give this one another "
            "folder with --out"
        ) from None
    try:
        yield
    finally:
        lock.release()
