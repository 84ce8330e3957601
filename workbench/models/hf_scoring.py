"""How likely given tokens are to come next, with transformers, where vLLM is not to be had."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import GenerationConfig

from workbench.config.schema import Generation
from workbench.config.scoring_schema import OutcomeRewardModel, SecondModel
from workbench.models.hf_model import BATCH, Model, load
from workbench.models.protocols import Encoder, Prompts, Scorer

ONE_STEP = GenerationConfig(
    max_new_tokens=1, do_sample=False, use_cache=False, pad_token_id=0,
    return_dict_in_generate=True, output_logits=True,
)  # fmt: skip


@contextmanager
def lent(settings: OutcomeRewardModel | SecondModel) -> Iterator[list[Model]]:
    """Load a model while the block runs, on the GPU where there is one: the one entry of a list.

    Who takes it from the list each time, and keeps nothing, lets go of it at the end.
    """
    chosen = Generation(
        model=settings.model, dtype=settings.dtype, max_model_len=settings.max_model_len
    )
    loaded = [load(chosen)]
    try:
        yield loaded
    finally:
        loaded.clear()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


@contextmanager
def open_scorer(settings: OutcomeRewardModel) -> Iterator[Scorer]:
    """Load a reward model while the block runs.

    Of ``scoring.orm.engine`` only ``max_num_seqs`` is read, as the largest batch.
    """
    size = settings.engine.get("max_num_seqs", BATCH)
    with lent(settings) as loaded:

        def score(prompts: Prompts, tokens: Sequence[int]) -> Iterator[tuple[str, list[float]]]:
            return next_logprobs(loaded[0].network, prompts, tokens, size)

        yield Scorer(loaded[0].tokenizer, loaded[0].limit, score)


@contextmanager
def open_encoder(settings: OutcomeRewardModel) -> Iterator[Encoder]:
    """Load a reward model while the block runs, for what it holds of its prompts."""
    size = settings.engine.get("max_num_seqs", BATCH)
    with lent(settings) as loaded:

        def states(prompts: Prompts) -> Iterator[tuple[str, NDArray[np.float32]]]:
            return last_states(loaded[0].network, prompts, size)

        yield Encoder(loaded[0].tokenizer, loaded[0].limit, states)


def next_logprobs(
    network: Any, prompts: Prompts, tokens: Sequence[int], size: int
) -> Iterator[tuple[str, list[float]]]:
    """Yield each prompt's name with the log-probabilities of ``tokens`` as the next, in nats.

    Prompts of like length share a batch, longest first, so that little is padded and a batch that
    does not fit in memory is met at once. ``generate`` takes one step: it sees to positions beside
    the padding, and computes the logits of each row's last place alone.

    Args:
        network: a language model of transformers.
        prompts: token ids by name, none empty.
        tokens: whose log-probabilities are asked, among the whole vocabulary.
        size: prompts in a batch.
    """
    names = sorted(prompts, key=lambda name: len(prompts[name]), reverse=True)
    for start in range(0, len(names), size):
        batch = names[start : start + size]
        longest = len(prompts[batch[0]])
        ids = torch.zeros((len(batch), longest), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, name in enumerate(batch):
            ids[row, longest - len(prompts[name]) :] = torch.tensor(prompts[name])
            mask[row, longest - len(prompts[name]) :] = 1
        with torch.inference_mode():
            output = network.generate(
                ids.to(network.device),
                attention_mask=mask.to(network.device),
                generation_config=ONE_STEP,
            )
        logprobs = torch.log_softmax(output.logits[0].float(), dim=-1)  # (rows, vocabulary)
        yield from zip(batch, logprobs[:, list(tokens)].tolist(), strict=True)


def last_states(
    network: Any, prompts: Prompts, size: int
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield each prompt's name with the last hidden state at its last token, as a unit vector.

    It is what the model's head makes the next token of, after the last norm. Prompts of like
    length share a batch, padded at the end, where no token before it can see, so none needs a mask.

    Args:
        network: a language model of transformers.
        prompts: token ids by name, none empty.
        size: prompts in a batch.
    """
    names = sorted(prompts, key=lambda name: len(prompts[name]), reverse=True)
    for start in range(0, len(names), size):
        batch = names[start : start + size]
        ids = torch.zeros((len(batch), len(prompts[batch[0]])), dtype=torch.long)
        for row, name in enumerate(batch):
            ids[row, : len(prompts[name])] = torch.tensor(prompts[name])
        ends = [len(prompts[name]) - 1 for name in batch]
        with torch.inference_mode():
            states = network.base_model(ids.to(network.device), use_cache=False).last_hidden_state
            last = states[range(len(batch)), ends].float()  # (rows, D)
            units = torch.nn.functional.normalize(last, dim=-1).cpu().numpy()
        yield from zip(batch, units, strict=True)
