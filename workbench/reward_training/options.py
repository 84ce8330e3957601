"""The settings of ``workbench train-reward``."""

from __future__ import annotations

import math
from dataclasses import dataclass

DTYPES = ("auto", "float32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a reward model is trained."""

    model: str = "SmolLM2-135M-Instruct"
    """The model to fine-tune: a folder, a hub name, or a model of a registry package."""
    epochs: float = 3.0
    """How many times each solution is used."""
    max_steps: int | None = None
    """Number of batches, instead of epochs."""
    batch_size: int = 16
    lr: float = 2e-4
    """Highest learning rate of AdamW: it rises over the first tenth and falls to 0."""
    rank: int = 16
    """Rank of LoRA's matrices, which are added to every linear layer but the last."""
    balance: bool = False
    """Whether right and wrong solutions have the same total weight. The reward is then not the
    probability of being right, but what it would be if half of all solutions were right."""
    validation: float = 0.15
    """Share of the problems of the validation part, by whose loss the checkpoint is chosen."""
    test: float = 0.2
    """Share of the problems of the test part, by which nothing is chosen."""
    seed: int = 0
    """Seed of the split, of the initial weights and of the order of the solutions."""
    dtype: str = "auto"
    """Of the model, in training and when written. ``auto``: bfloat16 on a GPU, else float32."""
    max_model_len: int | None = None
    """Longest problem and solution together, tokens; longer ones are left out."""
    recompute: bool | None = None
    """Whether to recompute activations instead of keeping them: a third slower, with much less
    memory. By default only on a GPU."""

    def __post_init__(self) -> None:
        """Raise ValueError at settings with which nothing can be trained."""
        for name in ("epochs", "lr", "batch_size", "rank", "max_steps", "max_model_len"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} must be more than 0, got {value}")
        if self.dtype not in DTYPES:
            raise ValueError(f"unknown dtype {self.dtype!r} (known: {', '.join(DTYPES)})")
        if min(self.validation, self.test) <= 0 or self.validation + self.test >= 1:
            raise ValueError(
                "validation and test are shares of the problems: each more than 0, and together "
                f"less than 1, got {self.validation:g} and {self.test:g}"
            )
