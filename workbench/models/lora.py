"""Low-rank adapters on a model of the transformers library, by peft, for whatever is trained."""

from __future__ import annotations

from typing import Any

import torch
from peft import LoraConfig, get_peft_model

ALPHA = 32
"""LoRA's scale is ALPHA / rank, with which the best learning rate hardly depends on the rank
(Schulman et al., 2025, "LoRA Without Regret")."""


def with_adapter(network: Any, rank: int) -> Any:
    """Return a network with matrices of LoRA beside every linear layer but the last.

    They are drawn from torch's own generator, and the network says the same as before until they
    are trained.
    """
    layers: dict[str, Any] = {"target_modules": "all-linear", "task_type": "CAUSAL_LM"}
    return get_peft_model(network, LoraConfig(r=rank, lora_alpha=ALPHA, **layers))


def resolve_dtype(name: str) -> str:
    """Return what ``auto`` stands for here: bfloat16 on a GPU that has it, else float32."""
    if name != "auto":
        return name
    there = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return "bfloat16" if there else "float32"
