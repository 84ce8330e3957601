"""The settings of a training."""

from __future__ import annotations

import math
from dataclasses import dataclass

DTYPES = ("auto", "float32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a reward model is trained."""

    model: str = "SmolLM2-135M-Instruct"
    """What is fine-tuned: a folder, a hub name, or a model that a registry package carries."""
    epochs: float = 3.0
    """How often each solution is seen."""
    max_steps: int | None = None
    """Batches, instead of epochs."""
    batch_size: int = 16
    lr: float = 2e-4
    """Highest learning rate of AdamW: it rises over the first tenth and falls to 0."""
    rank: int = 16
    """Of LoRA's matrices, which are beside every linear layer but the last."""
    balance: bool = False
    """Weigh right and wrong solutions alike in sum. The reward is then no longer the chance of
    being right, but as if half of all solutions were."""
    validation: float = 0.15
    """Share of the problems by whose loss the checkpoint is chosen."""
    test: float = 0.2
    """Share of the problems that nothing is chosen by."""
    seed: int = 0
    """Of the split, the first weights and the order of the solutions."""
    dtype: str = "auto"
    """Of the model, in training and as it is written. ``auto``: bfloat16 on a GPU, else float32."""
    max_model_len: int | None = None
    """Longest problem and solution together, tokens; longer ones are left out."""
    recompute: bool | None = None
    """Recompute activations rather than keep them: a third slower in much less memory. By default
    on a GPU."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with.

        Raises:
            ValueError: the message says which setting, and what is allowed.
        """
        positive = {n: getattr(self, n) for n in ("epochs", "lr", "batch_size", "rank")}
        positive |= {n: getattr(self, n) for n in ("max_steps", "max_model_len")}
        for name, value in positive.items():
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} must be more than 0, got {value}")
        if self.dtype not in DTYPES:
            raise ValueError(f"unknown dtype {self.dtype!r} (known: {', '.join(DTYPES)})")
