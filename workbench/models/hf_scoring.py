"""Probabilities and hidden states from the transformers library, exactly, from whole logits.

``NextTokenScorer``, ``CompletionScorer`` and ``PromptEncoder`` of ``protocols.py``.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import DynamicCache, GenerationConfig

from workbench.config.schema import Generation
from workbench.config.scoring_schema import OutcomeRewardModel, SecondModel
from workbench.models.hf_model import BATCH, Model, load
from workbench.models.protocols import (
    CompletionScorer,
    CompletionScores,
    NextTokenScorer,
    PromptEncoder,
    Prompts,
    Sequences,
)

LOGITS = 2**26
"""Logits held at once while completions are scored (256 MiB in float32, and a few times that for a
moment)."""

ONE_STEP = GenerationConfig(
    max_new_tokens=1,
    do_sample=False,
    use_cache=False,
    pad_token_id=0,
    return_dict_in_generate=True,
    output_logits=True,
)


@contextmanager
def loaded_model(settings: OutcomeRewardModel | SecondModel) -> Iterator[list[Model]]:
    """Load a model while the ``with`` block runs, on the GPU if there is one.

    The model is the only entry of the list, which is emptied at the end. A caller that keeps the
    list, and takes the model from it for each call, does not keep the model in memory after that.
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
def open_next_token_scorer(settings: OutcomeRewardModel) -> Iterator[NextTokenScorer]:
    """Load a reward model while the ``with`` block runs.

    Of ``scoring.orm.engine`` only ``max_num_seqs`` is used, as the size of the largest batch.
    """
    size = settings.engine.get("max_num_seqs", BATCH)
    with loaded_model(settings) as loaded:

        def score(prompts: Prompts, tokens: Sequence[int]) -> Iterator[tuple[str, list[float]]]:
            return next_logprobs(loaded[0].network, prompts, tokens, size)

        yield NextTokenScorer(loaded[0].tokenizer, loaded[0].limit, score)


@contextmanager
def open_completion_scorer(settings: SecondModel) -> Iterator[CompletionScorer]:
    """Load one of ``scoring.models`` while the ``with`` block runs.

    Of its section's ``engine`` only ``max_num_seqs`` is used, as the size of the largest batch.
    """
    size = settings.engine.get("max_num_seqs", BATCH)
    with loaded_model(settings) as loaded:

        def score(sequences: Sequences) -> Iterator[CompletionScores]:
            return completion_scores(loaded[0].network, sequences, size, settings.logprobs > 0)

        vocabulary = int(loaded[0].network.get_output_embeddings().weight.shape[0])
        yield CompletionScorer(loaded[0].tokenizer, loaded[0].limit + 1, vocabulary, score)


@contextmanager
def open_prompt_encoder(settings: OutcomeRewardModel) -> Iterator[PromptEncoder]:
    """Load a reward model while the ``with`` block runs, for its hidden states."""
    size = settings.engine.get("max_num_seqs", BATCH)
    with loaded_model(settings) as loaded:

        def states(prompts: Prompts) -> Iterator[tuple[str, NDArray[np.float32]]]:
            return last_states(loaded[0].network, prompts, size)

        yield PromptEncoder(loaded[0].tokenizer, loaded[0].limit, states)


def next_logprobs(
    network: Any, prompts: Prompts, tokens: Sequence[int], size: int
) -> Iterator[tuple[str, list[float]]]:
    """Yield each prompt's name with the log-probabilities of ``tokens`` as the next, in nats.

    Prompts of similar length share a batch, so that there is little padding; the longest come
    first, so that a batch too large for the memory fails at once. ``generate`` takes one step: it
    sets the positions beside the padding, and computes the logits of each row's last place alone.

    Args:
        network: a language model of transformers.
        prompts: token ids by name, none empty.
        tokens: those whose log-probabilities are returned, of the whole vocabulary's distribution.
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

    It is the state after the last norm, from which the model's head predicts the next token.
    Prompts of similar length share a batch. They are padded at the end, which no token before the
    padding attends to, so there is no mask.

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


def completion_scores(
    network: Any, sequences: Sequences, size: int, entropies: bool
) -> Iterator[CompletionScores]:
    """Yield how likely a model holds each token of each sequence's completion.

    Completions of one prompt share a batch, in which the prompt is read once. They are padded at
    the end, which no token before the padding attends to, so there is no mask. Logits are computed
    for a few places at a time: those of a long completion would not fit in memory beside the model.

    Args:
        network: a language model of transformers.
        sequences: by name; no prompt and no completion is empty. Those of one prompt should stand
            together.
        size: completions in a batch.
        entropies: whether each token's entropy and certainty are wanted too.
    """
    for prompt, group in groupby(sequences, key=lambda name: tuple(sequences[name][0])):
        names = sorted(group, key=lambda name: len(sequences[name][1]), reverse=True)
        for start in range(0, len(names), size):
            batch = names[start : start + size]
            found = _read_batch(network, prompt, [sequences[n][1] for n in batch], entropies)
            for row, name in enumerate(batch):
                length = len(sequences[name][1])
                yield CompletionScores(name, *(part[row][:length] for part in found))


def _read_batch(
    network: Any, prompt: Sequence[int], completions: Sequence[Sequence[int]], entropies: bool
) -> list[list[list[float]]]:
    """Return log-probabilities, and if asked for entropies and certainties, (rows, longest) each.

    The values at the padding are returned as well.
    """
    rows, longest = len(completions), max(map(len, completions))
    device = network.device
    tokens = torch.zeros((rows, longest), dtype=torch.long)
    for row, ids in enumerate(completions):
        tokens[row, : len(ids)] = torch.tensor(list(ids), dtype=torch.long)
    tokens = tokens.to(device)
    before = torch.tensor([prompt], device=device)
    read = torch.cat([before[:, -1:].expand(rows, 1), tokens[:, :-1]], dim=1)
    cache = DynamicCache(config=network.config)
    kept: list[list[Any]] = [[], [], []] if entropies else [[]]
    with torch.inference_mode():
        if len(prompt) > 1:
            network(
                input_ids=before[:, :-1], past_key_values=cache, use_cache=True, logits_to_keep=1
            )
            cache.batch_repeat_interleave(rows)
        places = max(1, LOGITS // (rows * network.config.get_text_config().vocab_size))
        for start in range(0, longest, places):
            part = slice(start, start + places)
            logits = network(
                input_ids=read[:, part], past_key_values=cache, use_cache=True
            ).logits.float()
            raw = torch.log_softmax(logits, dim=-1)
            del logits
            kept[0].append(raw.gather(2, tokens[:, part, None]).squeeze(2))
            if entropies:
                kept[2].append(-raw.mean(dim=-1) - math.log(raw.shape[-1]))
                kept[1].append(torch.special.entr(raw.exp_()).sum(dim=-1))  # overwrites raw
    return [torch.cat(parts, dim=1).tolist() for parts in kept]
