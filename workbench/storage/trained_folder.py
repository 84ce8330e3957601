"""The folder of a model that was trained here: of one training, and whole when that is done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.storage.manifest import Manifest

SETTINGS = "training.json"
"""The manifest of such a folder."""
WORK = ".training"
"""Checkpoints, until the model is finished."""


def publish(model: Path, out: Path) -> None:
    """Move a model's files into ``out``; ``config.json``, by which a model is recognised, last."""
    for path in sorted(model.iterdir(), key=lambda path: path.name == "config.json"):
        path.replace(out / path.name)


def refuse_other_folder(out: Path) -> None:
    """Raise ValueError for a folder that holds anything but a training."""
    if out.is_dir() and not (out / SETTINGS).exists():
        others = sorted(path.name for path in out.iterdir() if path.name != ".lock")
        if others:
            raise ValueError(
                f"{out} holds something else ({others[0]}); give a new folder with --out"
            )


def is_finished(manifest: Manifest, out: Path, made_from: Mapping[str, Any], what: str) -> bool:
    """Say whether a folder holds this very training, finished; ValueError if it holds another.

    ``what`` is trained there, in words.
    """
    before = manifest.data.get("made_from", made_from)
    names = [n for n in {**before, **made_from} if before.get(n) != made_from.get(n)]
    if names:
        changes = "; ".join(f"{n}: {before.get(n)} there, {made_from.get(n)} now" for n in names)
        raise ValueError(
            f"{out} holds {what} made from something else ({changes}); give another "
            "folder with --out, or delete that one"
        )
    return bool(manifest.stage("train").get("status") == "done")
