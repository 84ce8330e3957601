"""One process at a time works on a run's folder; others may ask whether one does."""

from __future__ import annotations

import contextlib
import os
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


def is_locked(root: Path) -> bool | None:
    """Say whether a process holds a run's folder, without holding it oneself for a moment.

    Linux lists the locks of the processes of this machine, or of this container. None is returned
    where there is no such list, as on macOS.
    """
    try:
        listed = Path("/proc/locks").read_text(encoding="ascii")
        found = (root / ".lock").stat()
    except FileNotFoundError as fault:
        return None if fault.filename == "/proc/locks" else False
    except OSError:
        return None
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    return any(device in line.split() for line in listed.splitlines())
