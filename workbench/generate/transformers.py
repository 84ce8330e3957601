"""Backend ``transformers``: samples of the same distribution, for machines without vLLM.

Everything random is one Gumbel draw per step and row from that row's own generator, and the next
token the largest of tempered logit + Gumbel noise: exactly a draw from the softmax (Gumbel 1954;
Maddison et al. 2014, arXiv:1411.0030). So ``generate`` itself runs greedily, samples of any
temperatures share a batch, and a sample depends on its own seed alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    StoppingCriteria,
    StoppingCriteriaList,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from workbench.config import Generation
from workbench.generate.tokens import encode_prompt, too_long
from workbench.models import resolve_model
from workbench.types import Request, Sample

BATCH = 32
"""Sequences a step where ``engine.max_num_seqs`` does not say."""


class RawLogprobs(LogitsProcessor):  # type: ignore[misc, unused-ignore]
    """Notes each sampled token's log-probability under the model itself.

    It comes before every other processor, so it sees the raw logits. Only the last step's are
    kept, until the step after shows which token was drawn.
    """

    def __init__(self) -> None:
        """Start with nothing seen."""
        self.last: torch.Tensor | None = None  # (rows, vocabulary)
        self.steps: list[torch.Tensor] = []  # (rows,) each

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Read off the token drawn from the step before, and keep this step."""
        self.note(input_ids)
        self.last = scores
        return scores

    def note(self, input_ids: torch.Tensor) -> None:
        """Record the log-probability of the last token of each row, (rows, length)."""
        if self.last is not None:
            logprobs = torch.log_softmax(self.last.float(), dim=-1)
            self.steps.append(logprobs.gather(1, input_ids[:, -1:]).squeeze(1))


class SeededGumbel(LogitsProcessor):  # type: ignore[misc, unused-ignore]
    """Adds each row's own Gumbel noise, so that the largest score is a draw from the softmax."""

    def __init__(self, seeds: list[int], temperatures: list[float]) -> None:
        """Take one seed and one temperature per row; temperature 0 adds nothing (greedy)."""
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.sampled = [temperature > 0 for temperature in temperatures]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return scores + noise."""
        noise = torch.zeros(scores.shape, dtype=torch.float64)
        for row, generator in enumerate(self.generators):
            if self.sampled[row]:
                uniform = torch.rand(scores.shape[1], generator=generator, dtype=torch.float64)
                noise[row] = -torch.log(-torch.log(uniform.clamp_min(1e-300)))
        return scores.double() + noise.to(scores.device)


class RowTemperature(LogitsProcessor):  # type: ignore[misc, unused-ignore]
    """Divides each row's logits by that row's temperature."""

    def __init__(self, temperatures: list[float]) -> None:
        """Take one temperature per row; 0 divides by nothing."""
        self.divisors = torch.tensor([t if t > 0 else 1.0 for t in temperatures])[:, None]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the tempered logits, in float32."""
        return scores.float() / self.divisors.to(scores.device)


class Endings(StoppingCriteria):  # type: ignore[misc, unused-ignore]
    """Tells which rows have ended, and after how many tokens."""

    def __init__(self, tokenizer: Any, eos: set[int], stops: tuple[str, ...], start: int) -> None:
        """Watch rows whose prompts are ``start`` tokens long."""
        self.tokenizer, self.eos, self.stops, self.start = tokenizer, eos, stops, start
        self.tail = max((len(stop) for stop in stops), default=0) + 8  # tokens that can hold one
        self.lengths: dict[int, int] = {}

    def __call__(
        self, input_ids: torch.Tensor, scores: torch.Tensor, **unused: Any
    ) -> torch.Tensor:
        """Return (rows,) whether each row has ended."""
        for row in range(len(input_ids)):
            if row in self.lengths:
                continue
            new = input_ids[row, self.start :].tolist()
            text = self.tokenizer.decode(new[-self.tail :]) if self.stops else ""
            if new[-1] in self.eos or any(stop in text for stop in self.stops):
                self.lengths[row] = len(new)
        ended = [row in self.lengths for row in range(len(input_ids))]
        return torch.tensor(ended, device=input_ids.device)


def load(name: str, dtype: str) -> tuple[Any, Any]:
    """Return the model, on the GPU where there is one, and its tokenizer padding on the left.

    The model's own sampling defaults are dropped; of its generation_config only the end-of-text
    tokens are kept.
    """
    folder = str(resolve_model(name))
    chosen = "auto" if dtype == "auto" else getattr(torch, dtype)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=chosen).eval()
    if torch.cuda.is_available():
        model = model.to("cuda")
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    ends = model.generation_config.eos_token_id
    model.generation_config = GenerationConfig()
    model.eos_ids = {tokenizer.eos_token_id, *([ends] if isinstance(ends, int) else ends or [])}
    return model, tokenizer


def sample(requests: Iterable[Request], settings: Generation) -> Iterator[Sample]:
    """Draw samples batch by batch, each batch yielded when its longest sample ends.

    Of ``generation.engine`` only ``max_num_seqs`` is read, as the batch size; the rest is vLLM's.
    """
    model, tokenizer = load(settings.model, settings.dtype)
    limit = settings.max_model_len or int(model.config.max_position_embeddings)
    # a repetition penalty counts the prompt's tokens, so no row may be padded
    size = 1 if settings.repetition_penalty != 1 else settings.engine.get("max_num_seqs", BATCH)
    waiting = iter(requests)
    while batch := list(itertools.islice(waiting, size)):
        ready = []
        for request in batch:
            ids = encode_prompt(tokenizer, request.prompt)
            error = too_long(request, len(ids), limit)
            if error is None:
                ready.append((request, ids))
            else:
                yield error
        if ready:
            yield from _draw(model, tokenizer, ready, settings, limit)


def _draw(
    model: Any,
    tokenizer: Any,
    batch: list[tuple[Request, list[int]]],
    settings: Generation,
    limit: int,
) -> Iterator[Sample]:
    width = max(len(ids) for _, ids in batch)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    rows = [[pad] * (width - len(ids)) + ids for _, ids in batch]
    mask = [[0] * (width - len(ids)) + [1] * len(ids) for _, ids in batch]
    recorder = RawLogprobs()
    endings = Endings(tokenizer, model.eos_ids, settings.stop, width)
    with torch.inference_mode():
        output = model.generate(
            torch.tensor(rows, device=model.device),
            attention_mask=torch.tensor(mask, device=model.device),
            generation_config=GenerationConfig(
                do_sample=False,
                pad_token_id=pad,
                max_new_tokens=min(settings.max_tokens, limit - min(len(i) for _, i in batch)),
            ),
            logits_processor=_processors(recorder, [r for r, _ in batch], settings),
            stopping_criteria=StoppingCriteriaList([endings]),
        )
    recorder.note(output)
    logprobs = torch.stack(recorder.steps, dim=1).cpu()  # (rows, steps)
    for row, (request, ids) in enumerate(batch):
        room = min(settings.max_tokens, limit - len(ids))
        length = min(endings.lengths.get(row, room), room)
        stopped = endings.lengths.get(row, room + 1) <= room
        new = output[row, width : width + length].tolist()
        text = tokenizer.decode(new, skip_special_tokens=True)
        cuts = [text.index(stop) for stop in settings.stop if stop in text]
        yield request.sampled(
            text[: min(cuts)] if cuts else text,
            "stop" if stopped else "length",
            tuple(new),
            tuple(logprobs[row, :length].tolist()),
        )


def _processors(
    recorder: RawLogprobs, requests: list[Request], settings: Generation
) -> LogitsProcessorList:
    """Return what stands between the logits and the draw, in vLLM's order."""
    temperatures = [request.temperature for request in requests]
    steps: list[LogitsProcessor] = [recorder]
    if settings.repetition_penalty != 1:
        steps.append(RepetitionPenaltyLogitsProcessor(settings.repetition_penalty))
    steps.append(RowTemperature(temperatures))
    if settings.min_p > 0:
        steps.append(MinPLogitsWarper(settings.min_p))
    if settings.top_k > 0:
        steps.append(TopKLogitsWarper(settings.top_k))
    if settings.top_p < 1:
        steps.append(TopPLogitsWarper(settings.top_p))
    steps.append(SeededGumbel([request.seed for request in requests], temperatures))
    return LogitsProcessorList(steps)
