"""How likely given completions are, and how uncertain the model is at each token, exactly.

With transformers: one pass over prompt and completion, from the whole of the logits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import torch
from transformers import DynamicCache

from workbench.config.scoring_schema import SecondModel
from workbench.models.hf_model import BATCH
from workbench.models.hf_scoring import lent
from workbench.models.protocols import Reader, Sequences, Told

LOGITS = 2**26
"""Logits held at once (256 MiB in float32, and a few times that in passing)."""


@contextmanager
def open_reader(settings: SecondModel) -> Iterator[Reader]:
    """Load a model while the block runs.

    Of its section's ``engine`` only ``max_num_seqs`` is read, as the largest batch.
    """
    size = settings.engine.get("max_num_seqs", BATCH)
    with lent(settings) as loaded:

        def read(sequences: Sequences) -> Iterator[Told]:
            return read_tokens(loaded[0].network, sequences, size, settings.logprobs > 0)

        vocabulary = int(loaded[0].network.get_output_embeddings().weight.shape[0])
        yield Reader(loaded[0].tokenizer, loaded[0].limit + 1, vocabulary, read)


def read_tokens(network: Any, sequences: Sequences, size: int, entropies: bool) -> Iterator[Told]:
    """Yield what a model says of each sequence's completion.

    Completions of one prompt share a batch, in which the prompt is read once. They are padded at
    the end, where no token before it can see, so none needs a mask. The logits are of a few places
    at a time: a long completion's would not fit beside the model.

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
                yield Told(name, *(part[row][:length] for part in found))


def _read_batch(
    network: Any, prompt: Sequence[int], completions: Sequence[Sequence[int]], entropies: bool
) -> list[list[list[float]]]:
    """Return log-probabilities, and if asked entropies and certainties, (rows, longest) each.

    Those of the padding are among them.
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
                kept[1].append(torch.special.entr(raw.exp_()).sum(dim=-1))  # raw is no more
    return [torch.cat(parts, dim=1).tolist() for parts in kept]
