"""Checkpoints of a training: all that decides what comes after them."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from workbench.correction_training.policy import Policy
from workbench.storage.parquet import write_text

KEPT = 2
"""The newest one, and the one before it."""
WEIGHTS, STATE, PLACE = "weights.safetensors", "state.pt", "place.json"
"""The files of a checkpoint; the place is written last."""


@dataclass
class Place:
    """How far a training is."""

    step: int = 0
    """Updates that are done: with it the stage, the learning rate and the place in the data are
    known, and the seeds of all that is drawn."""
    quiet: int = 0
    """Updates in a row, up to this one, in which there was nothing to learn."""


def save_checkpoint(
    folder: Path, policy: Policy, optimizer: Any, scaler: Any, place: Place
) -> None:
    """Write a checkpoint beside those that are there, and remove the oldest ones."""
    final = folder / f"checkpoint-{place.step:07d}"
    partial = folder / f".{final.name}.partial"
    for stale in (partial, final):
        shutil.rmtree(stale, ignore_errors=True)
    partial.mkdir(parents=True)
    weights = {name: weight.detach().contiguous() for name, weight in policy.trained().items()}
    save_file(weights, partial / WEIGHTS)
    state = {
        "optimizer": optimizer.state_dict(),
        "scaler": scaler.state_dict(),
        "random": torch.get_rng_state(),
    }
    torch.save(state, partial / STATE)
    write_text(partial / PLACE, json.dumps(vars(place)))
    partial.rename(final)
    for old in _checkpoints(folder)[:-KEPT]:
        shutil.rmtree(old)


def last_checkpoint(folder: Path) -> tuple[Path, Place] | None:
    """Return the newest whole checkpoint and how far it is; None if there is none."""
    for path in reversed(_checkpoints(folder)):
        try:
            return path, Place(**json.loads((path / PLACE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            continue  # damaged: the one before it
    return None


def load_checkpoint(path: Path, policy: Policy, optimizer: Any, scaler: Any) -> None:
    """Set weights, optimiser, scale and random state to those of a checkpoint.

    Raises:
        ValueError: it is of a model with other weights.
    """
    weights = load_file(path / WEIGHTS)
    trained = policy.trained()
    if {name: one.shape for name, one in weights.items()} != {
        name: one.shape for name, one in trained.items()
    }:
        raise ValueError(
            f"{path} holds the weights of another model; give another folder with --out"
        )
    with torch.no_grad():
        for name, weight in trained.items():
            weight.copy_(weights[name])
    state = torch.load(path / STATE, weights_only=True)
    optimizer.load_state_dict(state["optimizer"])
    scaler.load_state_dict(state["scaler"])
    torch.set_rng_state(state["random"])


def _checkpoints(folder: Path) -> list[Path]:
    """Return the finished checkpoints, the oldest first."""
    return sorted(folder.glob("checkpoint-*"))
