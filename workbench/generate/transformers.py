"""Backend ``transformers``: samples of the same distribution, for machines without vLLM.

``generate`` runs the model. A logits processor of ours draws the next token: it inverts the
cumulative distribution, after the same options as vLLM's, at one uniform number from the sample's
own generator. So samples of different temperatures can share a batch, a sample depends on its own
seed alone, and the logits of only one step are in memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import transformers
from tokenizers.decoders import DecodeStream

from workbench.config.schema import Generation
from workbench.core.types import Request, Sample
from workbench.generate.continued import go_on, stopped
from workbench.generate.request_options import settings_for
from workbench.models.hf_model import BATCH, Model, load, read_prompt, warper
from workbench.models.tokenization import (
    encode_prompt,
    has_special_markers,
    markers_behind,
    token_counter,
    too_long,
)


@dataclass
class RunningSample:
    """A sample that is being drawn: one row of a batch."""

    request: Request
    prompt: list[int]
    max_new_tokens: int
    generator: torch.Generator
    skip_special: bool
    """Whether special tokens are left out of the text; some tokenizers mark thoughts by them."""
    stream: DecodeStream = field(init=False)
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    text: str = ""
    ended: bool = False

    def __post_init__(self) -> None:
        """Begin the text behind the prompt."""
        self.stream = DecodeStream(ids=self.prompt, skip_special_tokens=self.skip_special)

    def append(
        self, model: Model, token: int, logprob: float, entropy: float | None = None
    ) -> Sample | None:
        """Add one token; return the sample if it ends here, as vLLM would end it."""
        self.ids.append(token)
        self.logprobs.append(logprob)
        if entropy is not None:
            self.entropies.append(entropy)
        stopped = token in model.ends
        if not stopped:
            self.text += self.stream.step(model.tokenizer.backend_tokenizer, token) or ""
            found = [stop for stop in model.settings.stop if stop in self.text]
            if found:  # the one that is complete first
                stopped = True
                stop = min(found, key=lambda stop: self.text.index(stop) + len(stop))
                self.text = self.text[: self.text.index(stop)]
        self.ended = stopped or len(self.ids) == self.max_new_tokens
        if not self.ended:
            return None
        return self.request.sampled(
            self.text,
            "stop" if stopped else "length",
            tuple(self.ids),
            tuple(self.logprobs),
            token_entropies=tuple(self.entropies),
            missing_mass=(0.0,) * len(self.entropies),  # nothing is left out: they are exact
            count_tokens=token_counter(
                model.tokenizer, self.prompt, self.ids, skip_special=self.skip_special
            ),
            num_prompt_tokens=len(self.prompt),
        )


def sample(requests: Iterable[Request], settings: Generation) -> Generator[Sample]:
    """Draw samples batch by batch, each batch yielded when its longest sample ends.

    All samples of a batch have the same prompt, which the model reads once, so that no row is
    padded and no mask is needed, and the same options but for the temperature. Of
    ``generation.engine`` only ``max_num_seqs`` is used, as the largest batch; the other options are
    for vLLM.

    Raises:
        ValueError: a conversation is asked and the model has no chat template.
    """
    loaded = load(settings)
    size = settings.engine.get("max_num_seqs", BATCH)
    for _, group in itertools.groupby(requests, key=_batch_key):
        while batch := list(itertools.islice(group, size)):
            again = list(batch)
            while again:  # once, unless texts are made to go on
                again.sort(key=lambda request: request.prompt_hash)
                parts = itertools.groupby(again, key=_batch_key)
                found = [found for _, part in parts for found in _of_batch(list(part), loaded)]
                yield from (one for one in found if isinstance(one, Sample))
                again = [one for one in found if isinstance(one, Request)]


def _of_batch(batch: list[Request], loaded: Model) -> list[Sample | Request]:
    """Return the samples of a batch, or requests where their texts are made to go on."""
    settings = loaded.settings
    own = settings_for(batch[0], settings)
    model = replace(loaded, settings=own, warp=warper(own)) if own != settings else loaded
    prompt = encode_prompt(model.tokenizer, batch[0].prompt)
    errors = [(one, too_long(one, len(prompt), model.limit)) for one in batch]
    if errors[0][1] is not None:
        return [stopped(one, error) for one, error in errors if error is not None]
    rows = [_start(request, prompt, model) for request in batch]
    return [go_on(row.request, sample, settings) for row, sample in _draw(rows, prompt, model)]


def _batch_key(request: Request) -> tuple[str, dict[str, Any]]:
    return request.prompt_hash, dict(request.options)


def next_tokens(
    logits: torch.Tensor, temperatures: torch.Tensor, uniforms: torch.Tensor, warp: Any
) -> torch.Tensor:
    """Draw one token per row.

    Args:
        logits: (rows, vocabulary) float32, of the model itself or after a repetition penalty.
        temperatures: (rows,); at 0 the token with the largest logit is taken.
        uniforms: (rows,) float64 in [0, 1), each row's only source of randomness.
        warp: logits divided by the temperature -> the same, with -inf where top-k, top-p or min-p
            rules a token out.

    Returns:
        (rows,) token ids.
    """
    divisors = torch.where(temperatures > 0, temperatures, 1.0)
    scores = warp(logits / divisors[:, None])
    cumulative = torch.softmax(scores.double(), dim=-1).cumsum(dim=-1)
    # the first token whose cumulative probability exceeds the threshold: never one of probability 0
    thresholds = (uniforms * cumulative[:, -1])[:, None]
    drawn = torch.searchsorted(cumulative, thresholds, right=True).squeeze(1)
    drawn = drawn.clamp_max(logits.shape[1] - 1)  # NaN logits: refused where samples are kept
    return torch.where(temperatures > 0, drawn, logits.argmax(dim=-1))


def _start(request: Request, prompt: list[int], model: Model) -> RunningSample:
    behind = markers_behind(model.tokenizer, prompt, request.thinking)
    return RunningSample(
        request=replace(request, thinking=behind),
        prompt=prompt,
        max_new_tokens=min(model.settings.max_tokens, model.limit - len(prompt)),
        generator=torch.Generator().manual_seed(request.seed),
        skip_special=not has_special_markers(model.tokenizer, request.thinking),
    )


def _draw(
    rows: list[RunningSample], prompt: list[int], model: Model
) -> list[tuple[RunningSample, Sample]]:
    """Draw a batch of samples of one prompt; ``generate`` is left one choice at every step."""
    network, device = model.network, model.network.device
    penalty = model.settings.repetition_penalty
    penalised = transformers.RepetitionPenaltyLogitsProcessor(penalty) if penalty != 1 else None
    temperatures = torch.tensor([row.request.temperature for row in rows], device=device)
    done: list[tuple[RunningSample, Sample]] = []

    def choose(input_ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        """Draw each row's next token; return (rows, vocabulary), 1 for these tokens, else 0."""
        logits = logits.float()
        uniforms = [torch.rand(1, generator=row.generator, dtype=torch.float64) for row in rows]
        scores = penalised(input_ids, logits) if penalised else logits
        tokens = next_tokens(scores, temperatures, torch.cat(uniforms).to(device), model.warp)
        raw = torch.log_softmax(logits, dim=-1)  # of the model itself
        logprobs = raw.gather(1, tokens[:, None]).squeeze(1).tolist()
        entropies: list[float | None] = [None] * len(rows)
        if model.settings.logprobs:
            entropies = torch.special.entr(raw.exp()).sum(dim=-1).tolist()
        for row, *drawn in zip(rows, tokens.tolist(), logprobs, entropies, strict=True):
            if not row.ended and (finished := row.append(model, *drawn)):
                done.append((row, finished))
        return torch.zeros_like(logits).scatter_(1, tokens[:, None], 1.0)

    def ended(input_ids: torch.Tensor, scores: Any, **more: Any) -> torch.Tensor:
        return torch.tensor([row.ended for row in rows], device=device)

    ids = torch.tensor([prompt], device=device)  # of which `generate` reads the last token
    with torch.inference_mode():
        network.generate(
            ids.repeat(len(rows), 1),
            past_key_values=read_prompt(network, ids, len(rows)),
            generation_config=transformers.GenerationConfig(
                do_sample=False, max_new_tokens=rows[0].max_new_tokens, pad_token_id=0
            ),
            logits_processor=transformers.LogitsProcessorList([choose]),
            stopping_criteria=transformers.StoppingCriteriaList([ended]),
        )
    return done
