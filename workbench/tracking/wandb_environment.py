"""What the environment says of W&B: whether runs are tracked, and in which sweep.

It imports nothing heavy, as ``workbench validate`` asks it.
"""

import os


def tracking_mode(mode: str = "auto") -> str:
    """Return how runs are tracked on this machine: ``online``, ``offline`` or ``disabled``.

    The mode ``auto`` is online if an API key is set or the agent of a sweep started the process,
    else offline; the variable WANDB_MODE overrides it.
    """
    mode = os.environ.get("WANDB_MODE") or mode
    if mode != "auto":
        return mode
    return "online" if os.environ.get("WANDB_API_KEY") or sweep_ids() else "offline"


def sweep_ids() -> tuple[str, str] | None:
    """Return the ids of the sweep and of the run in it that a W&B agent started; else None."""
    sweep, run = (os.environ.get(f"WANDB_{name}_ID", "") for name in ("SWEEP", "RUN"))
    return (sweep, run) if sweep and run else None
