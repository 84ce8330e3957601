"""The machine that this runs on: what it is, and how much room its disk has."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any


def hardware() -> dict[str, Any]:
    """Return processor, cores, memory and GPUs, as the manifest of a run keeps them."""
    gpus = output_of("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
    return {
        "machine": platform.machine(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "gpus": gpus.splitlines(),
    }


def free_bytes(folder: Path) -> int:
    """Return how many bytes are free where a folder is, or will be."""
    return shutil.disk_usage(nearest_existing(folder)).free


def nearest_existing(folder: Path) -> Path:
    """Return a folder, or the nearest above it that is there."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def output_of(*command: str, cwd: Path | None = None) -> str:
    """Return what a command prints, without white space at its ends; '' if it fails."""
    try:
        printed = subprocess.check_output(
            command, cwd=cwd, stderr=subprocess.PIPE, text=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return printed.strip()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
