"""Backend ``replay``: samples without a model, for tests of everything after generation.

It works out the sum in the prompt, correctly more often for easy problems and low temperatures, so
that tables are not trivial; or it gives the texts of a file, as another run drew them. Tokens and
log-probabilities are make-believe in either case. A sample depends on its request alone.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Generator, Iterable

import numpy as np

from workbench.config.schema import Generation
from workbench.core.types import Request, Sample
from workbench.generate.continued import go_on
from workbench.generate.replay_options import ReplayOptions
from workbench.generate.replayed_texts import ReplayedText, read_texts, text_of
from workbench.generate.request_options import settings_for
from workbench.models.token_entropy import as_stored

TRUNCATED = 0.75
"""As if at this share of the temperature: samples of which top-p, top-k or min-p cut the tail."""
OPENINGS = ("We add them", "Adding up", "Let us see: we count", "First we take the tens and then")


def sample(requests: Iterable[Request], settings: Generation) -> Generator[Sample]:
    """Yield one sample per request, in the order of the requests.

    Raises:
        ValueError: the file of texts is faulty, or has no text for a request.
    """
    options = ReplayOptions(**settings.engine)
    texts = read_texts(options.samples) if options.samples else None
    for request in requests:
        if options.seconds_per_sample:
            time.sleep(options.seconds_per_sample)
        if texts is None:
            found: Request | Sample = request
            while isinstance(found, Request):
                found = go_on(found, _draw(found, settings), settings)
            yield found
        else:
            rng = np.random.default_rng(request.seed)
            yield _sample(request, settings, text_of(texts, request), rng)


def _draw(request: Request, settings: Generation) -> Sample:
    rng = np.random.default_rng(request.seed)
    settings = settings_for(request, settings)
    cut = settings.top_p < 1 or settings.top_k > 0 or settings.min_p > 0
    heat = request.temperature * (TRUNCATED if cut else 1.0)
    difficulty = zlib.crc32(request.problem_id.encode()) % 100 / 100
    right = _sum_in(request)
    answer = right if rng.random() > difficulty * (0.6 + 0.4 * heat) else right + _slip(rng, heat)
    opening = OPENINGS[int(rng.integers(len(OPENINGS)))] if rng.random() < heat else OPENINGS[0]
    ending = f"The answer is \\boxed{{{answer}}}." if rng.random() > 0.08 * heat else "I wonder."
    words = f"{opening} and get {answer}. {ending}".split(" ")
    kept = words[: settings.max_tokens]
    text = ReplayedText(" ".join(kept), "stop" if len(kept) == len(words) else "length")
    return _sample(request, settings, text, rng)


def _sample(
    request: Request, settings: Generation, text: ReplayedText, rng: np.random.Generator
) -> Sample:
    """Return a text as a sample; each of its words is a token."""
    words = text.completion.split(" ")
    logprobs = as_stored(-rng.exponential(0.05 + 0.3 * request.temperature, len(words)))
    entropies = tuple(-value for value in logprobs) if settings.logprobs else ()
    return request.sampled(
        text.completion,
        text.stop_reason,
        tuple(zlib.crc32(word.encode()) % 50_000 for word in words),
        logprobs,
        token_entropies=entropies,
        missing_mass=(0.0,) * len(entropies),
        num_prompt_tokens=_length_of(request),
    )


def _sum_in(request: Request) -> int:
    """Return the value of the last sum or difference in the prompt, or the count of its words."""
    text = _text_of(request)
    found = re.findall(r"-?\d+(?: [+-] \d+)+", text)
    if not found:
        return len(text.split())
    terms = re.findall(r"([+-]?) ?(\d+)", found[-1])
    return sum(-int(number) if sign == "-" else int(number) for sign, number in terms)


def _text_of(request: Request) -> str:
    """Return the text that is asked, or the last message; in a second turn that of the first."""
    prompt = request.prompt
    last = -1 if request.parent is None else -3
    return prompt.text if prompt.text is not None else (prompt.messages or ())[last]["content"]


def _length_of(request: Request) -> int:
    """Return the words of the text or of the last message; in a second turn those of all of it."""
    if request.parent is None or request.prompt.messages is None:
        return len(_text_of(request).split())
    return sum(len(turn["content"].split()) for turn in request.prompt.messages)


def _slip(rng: np.random.Generator, heat: float) -> int:
    """Return the error of a wrong answer; small ones are commoner, as with a real model."""
    return int(rng.choice([-1, 1, 10])) if rng.random() > heat / 2 else int(rng.integers(2, 30))
