"""The model that is trained, and the reference that it is kept near."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils import logging

from workbench.config.schema import Generation
from workbench.config.training_schema import CorrectionTraining
from workbench.correction_training.losses import TokenValues, token_values
from workbench.models.hf_model import Model, load
from workbench.models.locate import resolve_model
from workbench.models.lora import resolve_dtype, with_adapter
from workbench.models.tokenization import same_tokens

Turn = tuple[Sequence[int], Sequence[int]]
"""The tokens of a prompt, and those of the answer to it."""


@dataclass(frozen=True)
class Policy:
    """A loaded policy. Both it and the reference are read under the same precision."""

    model: Model
    """The policy, as answers are drawn from it."""
    reference: Any
    """A frozen network; None: the policy with its adapter switched off."""
    precision: str
    rank: int

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        found: torch.device = self.model.network.device
        return found

    def trained(self) -> dict[str, torch.nn.Parameter]:
        """Return the weights that are trained, by name."""
        named = self.model.network.named_parameters()
        return {name: weight for name, weight in named if weight.requires_grad}

    @contextmanager
    def as_computed(self) -> Iterator[None]:
        """Compute with the precision of the training."""
        mixed = self.precision != "float32"
        dtype = getattr(torch, self.precision) if mixed else None
        with torch.autocast(self.device.type, dtype=dtype, enabled=mixed):
            yield

    def values(self, turns: Sequence[Turn]) -> tuple[TokenValues, torch.Tensor]:
        """Return the values of each answer's tokens, (B, T), and a mask of the same shape."""
        inputs, tokens, mask = padded(turns, self.device)
        network = self.model.network
        with self.as_computed():
            logits = _answer_logits(network, inputs, tokens.shape[1])
            with torch.no_grad():
                if self.reference is None:
                    with network.disable_adapter():
                        fixed = _answer_logits(network, inputs, tokens.shape[1])
                else:
                    fixed = _answer_logits(self.reference, inputs, tokens.shape[1])
        return token_values(logits, fixed, tokens), mask

    def save(self, folder: Path) -> None:
        """Write the model with what it has learnt into a folder that ``generation.model`` takes."""
        network = self.model.network
        if self.rank:
            network = network.merge_and_unload(safe_merge=True)
        if self.precision != "float32":
            network = network.to(getattr(torch, self.precision))
        # its sampling defaults stay behind: some do not pass the check in saving
        network.generation_config = GenerationConfig(eos_token_id=sorted(self.model.ends))
        network.save_pretrained(folder)
        self.model.tokenizer.save_pretrained(folder)


def open_policy(generation: Generation, training: CorrectionTraining, seed: int) -> Policy:
    """Load the policy and its reference; the first weights of LoRA follow from the seed.

    Raises:
        ValueError: there is no such model, or the reference has another vocabulary.
    """
    logging.disable_progress_bar()
    torch.manual_seed(seed)
    precision = resolve_dtype(training.precision)
    own: Any = precision if training.rank else "float32"  # frozen weights need no more
    model = load(replace(generation, dtype=own, engine={}))
    reference: Any = None
    if training.reference is not None or not training.rank:
        reference = _reference(model, training.reference or generation.model, own)
    if training.rank:
        model = replace(model, network=with_adapter(model.network, training.rank))
    else:
        model.network.requires_grad_(True)
    model.network.eval()  # without dropout: the divergence from itself is 0
    return Policy(model, reference, precision, training.rank)


def padded(
    turns: Sequence[Turn], device: torch.device | str = "cpu"
) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
    """Return a batch whose answers all begin at one place: prompts end there, answers go on.

    Returns:
        What a network is given; the answers' tokens, (B, T), with 0 behind them; and a mask of
        these, float32.
    """
    before = max(len(prompt) for prompt, _ in turns)
    behind = max(1, *(len(answer) for _, answer in turns))
    ids = torch.zeros((len(turns), before + behind), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, (prompt, answer) in enumerate(turns):
        begin, end = before - len(prompt), before + len(answer)
        ids[row, begin:end] = torch.tensor([*prompt, *answer])
        mask[row, begin:end] = 1
    places = (mask.cumsum(dim=1) - 1).clamp_min(0)
    ids, mask, places = (one.to(device) for one in (ids, mask, places))
    inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": places}
    return inputs, ids[:, before:], mask[:, before:].float()


def _answer_logits(network: Any, inputs: dict[str, torch.Tensor], length: int) -> torch.Tensor:
    """Return the logits from which each token of the answers was drawn, (B, length, V)."""
    found = network(**inputs, use_cache=False, logits_to_keep=length + 1).logits[:, :-1]
    logits: torch.Tensor = found.float()
    return logits


def _reference(model: Model, name: str, dtype: str) -> Any:
    """Load the reference beside the policy, and refuse one of another vocabulary."""
    place = str(resolve_model(name))
    tokenizer = AutoTokenizer.from_pretrained(place)
    network = AutoModelForCausalLM.from_pretrained(place, dtype=getattr(torch, dtype)).eval()
    sizes = [one.config.get_text_config().vocab_size for one in (model.network, network)]
    if sizes[0] != sizes[1] or not same_tokens(model.tokenizer, tokenizer):
        raise ValueError(
            f"training.reference: {name} has another vocabulary ({sizes[1]:,} tokens) than "
            f"{model.settings.model} ({sizes[0]:,}), so that the two cannot be compared token by "
            "token; give a model with the same tokenizer, or leave it out"
        )
    return network.to(model.network.device).requires_grad_(False)
