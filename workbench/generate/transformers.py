"""Backend ``transformers``: samples of the same distribution, for machines without vLLM.

``generate`` runs the model. A logits processor of ours draws the next token: it inverts the
cumulative distribution, after the same options as vLLM's, at one uniform number from the sample's
own generator. So samples of different temperatures can share a batch, a sample depends on its own
seed alone, and the logits of only one step are in memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from tokenizers.decoders import DecodeStream
from transformers import (
    DynamicCache,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    StoppingCriteria,
    StoppingCriteriaList,
)

from workbench.config.schema import Generation
from workbench.core.types import Request, Sample
from workbench.models.hf_model import BATCH, Model, load
from workbench.models.tokenization import encode_prompt, too_long


@dataclass
class RunningSample:
    """A sample that is being drawn: one row of a batch."""

    request: Request
    max_new_tokens: int
    generator: torch.Generator
    stream: DecodeStream
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    text: str = ""
    ended: bool = False

    def append(
        self, token: int, logprob: float, model: Model, entropy: float | None = None
    ) -> Sample | None:
        """Add one token; return the sample if it ends here, as vLLM would end it."""
        self.ids.append(token)
        self.logprobs.append(logprob)
        if entropy is not None:
            self.entropies.append(entropy)
        stopped = token in model.ends
        if not stopped:
            self.text += self.stream.step(model.tokenizer.backend_tokenizer, token) or ""
            found = [
                (self.text.index(stop) + len(stop), order, stop)
                for order, stop in enumerate(model.settings.stop)
                if stop in self.text
            ]
            if found:  # the one that is complete first
                stopped = True
                end, _, stop = min(found)
                self.text = self.text[: end - len(stop)]
        self.ended = stopped or len(self.ids) == self.max_new_tokens
        if not self.ended:
            return None
        reason = "stop" if stopped else "length"
        return self.request.sampled(
            self.text,
            reason,
            tuple(self.ids),
            tuple(self.logprobs),
            token_entropies=tuple(self.entropies),
            missing_mass=(0.0,) * len(self.entropies),  # nothing is left out: they are exact
        )


def sample(requests: Iterable[Request], settings: Generation) -> Generator[Sample]:
    """Draw samples batch by batch, each batch yielded when its longest sample ends.

    All samples of a batch have the same prompt, which the model reads once, so that no row is
    padded and no mask is needed. Of ``generation.engine`` only ``max_num_seqs`` is used, as the
    largest batch; the other options are for vLLM.

    Raises:
        ValueError: a conversation is asked and the model has no chat template.
    """
    model = load(settings)
    size = settings.engine.get("max_num_seqs", BATCH)
    for _, group in itertools.groupby(requests, key=lambda request: request.prompt_hash):
        while batch := list(itertools.islice(group, size)):
            prompt = encode_prompt(model.tokenizer, batch[0].prompt)
            errors = [too_long(request, len(prompt), model.limit) for request in batch]
            if errors[0] is None:
                yield from _draw(
                    [_start(request, prompt, model) for request in batch], prompt, model
                )
            yield from (error for error in errors if error is not None)


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
    return RunningSample(
        request=request,
        max_new_tokens=min(model.settings.max_tokens, model.limit - len(prompt)),
        generator=torch.Generator().manual_seed(request.seed),
        stream=DecodeStream(ids=prompt, skip_special_tokens=True),
    )


class TokenDrawer(LogitsProcessor):  # type: ignore[misc, unused-ignore]
    """Draws each row's next token: a logits processor that leaves ``generate`` one choice."""

    def __init__(self, rows: list[RunningSample], prompt: list[int], model: Model) -> None:
        """Draw for ``rows``; samples that have ended are collected in ``done``."""
        self.rows, self.prompt, self.model = rows, prompt, model
        self.done: list[Sample] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Take the raw logits (rows, vocabulary); return 1 for the drawn tokens, 0 elsewhere."""
        logits = scores.float()
        tokens, logprobs, entropies = _step(logits, self.rows, input_ids, self.model)
        drawn = zip(self.rows, tokens.tolist(), logprobs, entropies, strict=True)
        for row, token, logprob, entropy in drawn:
            sample = None if row.ended else row.append(token, logprob, self.model, entropy)
            if sample is not None:
                self.done.append(sample)
        return torch.zeros_like(logits).scatter_(1, tokens[:, None], 1.0)


class AllEnded(StoppingCriteria):  # type: ignore[misc, unused-ignore]
    """Tells ``generate`` which rows have ended."""

    def __init__(self, rows: list[RunningSample]) -> None:
        """Watch ``rows``."""
        self.rows = rows

    def __call__(self, input_ids: torch.Tensor, *unused: Any, **more: Any) -> torch.Tensor:
        """Return (rows,) truth values."""
        return torch.tensor([row.ended for row in self.rows], device=input_ids.device)


def _draw(rows: list[RunningSample], prompt: list[int], model: Model) -> list[Sample]:
    """Draw a batch of samples of one prompt."""
    network = model.network
    ids = torch.tensor([prompt], device=network.device)
    cache = DynamicCache(config=network.config)
    drawer = TokenDrawer(rows, prompt, model)
    with torch.inference_mode():
        if len(prompt) > 1:  # read once for all rows; `generate` reads the last token
            network(input_ids=ids[:, :-1], past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache.batch_repeat_interleave(len(rows))
        network.generate(
            ids.repeat(len(rows), 1),
            past_key_values=cache,
            generation_config=GenerationConfig(
                do_sample=False, max_new_tokens=rows[0].max_new_tokens, pad_token_id=0
            ),
            logits_processor=LogitsProcessorList([drawer]),
            stopping_criteria=StoppingCriteriaList([AllEnded(rows)]),
        )
    return drawer.done


def _step(
    logits: torch.Tensor, rows: Sequence[RunningSample], input_ids: torch.Tensor, model: Model
) -> tuple[torch.Tensor, list[float], Sequence[float | None]]:
    """Draw each row's next token.

    Returns:
        The tokens, (rows,), and under the model itself their log-probabilities and, where the
        experiment asks for them, the entropies of the distributions they come from.
    """
    device, penalty = logits.device, model.settings.repetition_penalty
    uniforms = [torch.rand(1, generator=row.generator, dtype=torch.float64) for row in rows]
    scores = (
        logits if penalty == 1 else RepetitionPenaltyLogitsProcessor(penalty)(input_ids, logits)
    )
    temperatures = torch.tensor([row.request.temperature for row in rows], device=device)
    tokens = next_tokens(scores, temperatures, torch.cat(uniforms).to(device), model.warp)
    raw = torch.log_softmax(logits, dim=-1)
    logprobs = raw.gather(1, tokens[:, None]).squeeze(1)
    entropies: Sequence[float | None] = [None] * len(rows)
    if model.settings.logprobs:
        entropies = torch.special.entr(raw.exp()).sum(dim=-1).tolist()
    return tokens, logprobs.tolist(), entropies
