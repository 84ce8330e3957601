"""How likely given tokens are to come next, with transformers, where vLLM is not to be had."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import GenerationConfig

from workbench.config import Generation
from workbench.generate.transformers import BATCH, load
from workbench.rewards.signs import Prompts, Scorer
from workbench.settings import OutcomeRewardModel

ONE_STEP = GenerationConfig(
    max_new_tokens=1, do_sample=False, use_cache=False, pad_token_id=0,
    return_dict_in_generate=True, output_logits=True,
)  # fmt: skip


@contextmanager
def open_scorer(settings: OutcomeRewardModel) -> Iterator[Scorer]:
    """Load a model while the block runs, on the GPU where there is one.

    Of ``scoring.orm.engine`` only ``max_num_seqs`` is read, as the largest batch.
    """
    loaded = [
        load(
            Generation(
                model=settings.model, dtype=settings.dtype, max_model_len=settings.max_model_len
            )
        )
    ]
    size = settings.engine.get("max_num_seqs", BATCH)

    def score(prompts: Prompts, tokens: Sequence[int]) -> Iterator[tuple[str, list[float]]]:
        return next_logprobs(loaded[0].network, prompts, tokens, size)

    try:
        yield Scorer(loaded[0].tokenizer, loaded[0].limit, score)
    finally:
        loaded.clear()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


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
