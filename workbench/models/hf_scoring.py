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

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import GenerationConfig

from workbench.config.schema import Generation
from workbench.config.scoring_schema import OutcomeRewardModel, SecondModel
from workbench.models import protocols
from workbench.models.hf_model import BATCH, Model, load, read_prompt
from workbench.models.protocols import CompletionScores, Prompts, Sequences

LOGITS = 2**26
"""Logits held at once while completions are scored (256 MiB in float32, and a few times that for a
moment)."""


@contextmanager
def loaded_model(settings: OutcomeRewardModel | SecondModel) -> Iterator[list[Model]]:
    """Load a model while the ``with`` block runs, on the GPU if there is one.

    The model is the only entry of the list, which is emptied at the end. A caller that keeps the
    list, and takes the model from it for each call, does not keep the model in memory after that.
    """
    name, dtype, limit = settings.model, settings.dtype, settings.max_model_len
    loaded = [load(Generation(model=name, dtype=dtype, max_model_len=limit))]
    try:
        yield loaded
    finally:
        loaded.clear()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _batch_size(settings: OutcomeRewardModel | SecondModel) -> int:
    """Return the size of the largest batch, the only engine option that this library uses."""
    return int(settings.engine.get("max_num_seqs", BATCH))


@contextmanager
def open_next_token_scorer(settings: OutcomeRewardModel) -> Iterator[protocols.NextTokenScorer]:
    """Load a reward model while the ``with`` block runs."""
    with loaded_model(settings) as loaded:
        yield protocols.NextTokenScorer(
            loaded[0].tokenizer,
            loaded[0].limit,
            lambda prompts, tokens: next_logprobs(
                loaded[0].network, prompts, tokens, _batch_size(settings)
            ),
        )


@contextmanager
def open_completion_scorer(settings: SecondModel) -> Iterator[protocols.CompletionScorer]:
    """Load one of ``scoring.models`` while the ``with`` block runs."""
    with loaded_model(settings) as loaded:
        yield protocols.CompletionScorer(
            loaded[0].tokenizer,
            loaded[0].limit + 1,
            int(loaded[0].network.get_output_embeddings().weight.shape[0]),
            lambda sequences: completion_scores(
                loaded[0].network, sequences, _batch_size(settings), settings.logprobs > 0
            ),
        )


@contextmanager
def open_prompt_encoder(settings: OutcomeRewardModel) -> Iterator[protocols.PromptEncoder]:
    """Load a reward model while the ``with`` block runs, for its hidden states."""
    with loaded_model(settings) as loaded:
        yield protocols.PromptEncoder(
            loaded[0].tokenizer,
            loaded[0].limit,
            lambda prompts: last_states(loaded[0].network, prompts, _batch_size(settings)),
        )


def next_logprobs(
    network: Any, prompts: Prompts, tokens: Sequence[int], size: int
) -> Iterator[tuple[str, list[float]]]:
    """Yield each prompt's name with the log-probabilities of ``tokens`` as the next, in nats.

    They are of the whole vocabulary's distribution. ``generate`` takes one step: it sets the
    positions beside the padding, and computes the logits of each row's last place alone.

    Args:
        network: a language model of transformers.
        prompts: token ids by name, none empty.
        tokens: the tokens to look up.
        size: prompts in a batch.
    """
    one_step = GenerationConfig(
        max_new_tokens=1, do_sample=False, use_cache=False, pad_token_id=0,
        return_dict_in_generate=True, output_logits=True,
    )  # fmt: skip
    for batch in _longest_first(prompts, size):
        mask = _padded([[1] * len(prompts[name]) for name in batch], "left").to(network.device)
        ids = _padded([prompts[name] for name in batch], "left").to(network.device)
        with torch.inference_mode():
            output = network.generate(ids, attention_mask=mask, generation_config=one_step)
        logprobs = torch.log_softmax(output.logits[0].float(), dim=-1)  # (rows, vocabulary)
        yield from zip(batch, logprobs[:, list(tokens)].tolist(), strict=True)


def last_states(
    network: Any, prompts: Prompts, size: int
) -> Iterator[tuple[str, protocols.Vector]]:
    """Yield each prompt's name with the last hidden state at its last token, as a unit vector.

    It is the state after the last norm, from which the model's head predicts the next token.
    Prompts are padded at the end, which no token before the padding attends to, so there is no
    mask. Arguments as of ``next_logprobs``.
    """
    for batch in _longest_first(prompts, size):
        ids = _padded([prompts[name] for name in batch])
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
        completions = {name: sequences[name][1] for name in group}
        for batch in _longest_first(completions, size):
            found = _read_batch(network, prompt, [completions[name] for name in batch], entropies)
            for row, name in enumerate(batch):
                length = len(completions[name])
                yield CompletionScores(name, *(part[row][:length] for part in found))


def _longest_first(tokens: Prompts, size: int) -> Iterator[list[str]]:
    """Yield batches of names; like lengths share one, and one too large for the memory is first."""
    names = sorted(tokens, key=lambda name: len(tokens[name]), reverse=True)
    yield from (names[start : start + size] for start in range(0, len(names), size))


def _padded(rows: Sequence[Sequence[int]], side: str = "right") -> torch.Tensor:
    """Return rows of token ids as (rows, longest), with zeros on one side of the shorter ones."""
    tensors = [torch.tensor(list(row)) for row in rows]
    return pad_sequence(tensors, batch_first=True, padding_side=side)


def _read_batch(
    network: Any, prompt: Sequence[int], completions: Sequence[Sequence[int]], entropies: bool
) -> list[list[list[float]]]:
    """Return log-probabilities, entropies and certainties, (rows, longest) each, at padding too."""
    tokens = _padded(completions).to(network.device)
    rows, longest = tokens.shape
    before = torch.tensor([prompt], device=network.device)
    read = torch.cat([before[:, -1:].expand(rows, 1), tokens[:, :-1]], dim=1)
    kept: list[list[Any]] = [[], [], []] if entropies else [[]]
    with torch.inference_mode():
        cached = {"past_key_values": read_prompt(network, before, rows), "use_cache": True}
        places = max(1, LOGITS // (rows * network.config.get_text_config().vocab_size))
        for start in range(0, longest, places):
            part = slice(start, start + places)
            logits = network(input_ids=read[:, part], **cached).logits.float()
            raw = torch.log_softmax(logits, dim=-1)
            del logits
            kept[0].append(raw.gather(2, tokens[:, part, None]).squeeze(2))
            if entropies:
                kept[2].append(-raw.mean(dim=-1) - math.log(raw.shape[-1]))
                kept[1].append(torch.special.entr(raw.exp_()).sum(dim=-1))  # overwrites raw
    return [torch.cat(parts, dim=1).tolist() for parts in kept]
