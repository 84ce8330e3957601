"""Requests to an OpenAI-compatible server, and what its answers mean, without any network."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from workbench.config.schema import Generation
from workbench.core.types import Prompt, Request, Sample
from workbench.models.token_entropy import as_stored, entropy_bounds

NEUTRAL_VALUES = {"top_p": 1.0, "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}
"""Sampling options that not every server has, with the values at which they change nothing."""

REPORTING_OPTIONS = ("return_token_ids", "return_tokens_as_token_ids")
"""Options of vLLM that change what is reported, not what is drawn."""

OPTIONAL_FIELDS = ("n", *NEUTRAL_VALUES, *REPORTING_OPTIONS, "logprobs")
"""Fields of a request without which a server can still be used."""

SUBSTITUTES = {
    "max_tokens": "max_completion_tokens says how long a sample may be",
    "large_seeds": "only the last 31 bits of a sample's seed are sent",
    "seed": "a sample that is drawn again will be another",
}
"""What a server may not take though it is needed -> what is done instead."""

FINISH_REASONS = {
    "stop": "stop", "eos": "stop", "eos_token": "stop", "stop_sequence": "stop", "end_turn": "stop",
    "length": "length", "max_tokens": "length", "max_length": "length", "model_length": "length",
}  # fmt: skip
"""Servers' words for how a sample ended -> ours."""

FAILURES = frozenset((
    "content_filter", "tool_calls", "function_call", "tool_use", "refusal", "safety", "recitation",
    "blocklist", "abort", "aborted", "cancelled", "error", "insufficient_system_resource",
))  # fmt: skip
"""Words with which a server says that a sample is no whole text. Any other word leaves the text."""

ROUNDING = 1e-3
"""How far rounding may put a log-probability above 0, in nats; beyond it the value is a fault."""

MOST = 2**31 - 1
"""The largest token id and the largest count that a table holds."""

HALF_PAIR = re.compile("[\ud800-\udfff]")
"""What no file can hold: half a surrogate pair, and so is each byte that is no UTF-8 read here."""

TOKEN_ID = "token_id:"
"""How vLLM writes a token as its number, which no two tokens share, unlike their texts."""


def path_of(prompt: Prompt) -> str:
    """Return the path, under the base address, that answers such a prompt.

    >>> path_of(Prompt(text="One, two,"))
    '/completions'
    """
    return "/completions" if prompt.messages is None else "/chat/completions"


def request_body(
    prompt: Prompt,
    settings: Generation,
    temperature: float,
    seed: int,
    left_out: Collection[str] = (),
) -> dict[str, Any]:
    """Return the body of a request for one sample.

    Every sampling option is given, even where it changes nothing: a server takes an option that is
    not given from the model's own generation_config.

    Args:
        prompt: a text to go on from, or a conversation.
        settings: the sampling options, and the server's name of the model; ``logprobs`` is how many
            of the likeliest tokens to report at each position, beside the one drawn.
        temperature: of this sample.
        seed: of this sample.
        left_out: those of ``OPTIONAL_FIELDS`` and ``SUBSTITUTES`` that the server does not take.
    """
    top = settings.logprobs
    fields: dict[str, Any] = {
        "model": settings.model,
        "n": 1,
        "temperature": temperature,
        "seed": seed & (2**31 - 1) if "large_seeds" in left_out else seed,
        "max_tokens": settings.max_tokens,
        **{name: getattr(settings, name) for name in NEUTRAL_VALUES},
        **dict.fromkeys(REPORTING_OPTIONS, True),
    }
    if "max_tokens" in left_out:
        fields["max_completion_tokens"] = settings.max_tokens
    if settings.stop:
        fields["stop"] = list(settings.stop)
    if prompt.messages is None:  # llama.cpp reports nothing when asked for 0
        fields |= {"prompt": f"{prompt.text}{prompt.begun}", "logprobs": max(1, top)}
    else:
        begun = [{"role": "assistant", "content": prompt.begun}] * bool(prompt.begun)
        fields |= {"messages": [*map(dict, prompt.messages), *begun], "logprobs": True}
        if begun:  # as vLLM and SGLang have it
            fields |= {"continue_final_message": True, "add_generation_prompt": False}
        if prompt.template_options:
            fields["chat_template_kwargs"] = dict(prompt.template_options)
        if top and "logprobs" not in left_out:
            fields["top_logprobs"] = top
    return {name: value for name, value in fields.items() if name not in left_out}


@dataclass(frozen=True)
class ChatToken:
    """A token of a chat answer."""

    logprob: float
    token: str | None = None
    id: int | None = None
    top_logprobs: tuple[ChatToken, ...] | None = None


@dataclass(frozen=True)
class Logprobs:
    """Log-probabilities of an answer: ``content`` of a chat, the lists of a completion."""

    content: tuple[ChatToken, ...] | None = None
    tokens: tuple[str, ...] | None = None
    token_logprobs: tuple[float, ...] | None = None
    top_logprobs: tuple[Mapping[str, float] | None, ...] | None = None


def _joined(content: Any) -> Any:
    """Return the texts of a content that is given in parts as one text."""
    if not isinstance(content, list):
        return content
    return "".join(part["text"] for part in content if isinstance(part, dict) and "text" in part)


@dataclass(frozen=True)
class Message:
    """What the model says in a chat."""

    content: Annotated[str | None, BeforeValidator(_joined)] = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: Any = None


@dataclass(frozen=True)
class Choice:
    """One sample, as servers write it. What may be odd without spoiling the text is read later."""

    finish_reason: Any = None
    text: str | None = None
    message: Message | None = None
    logprobs: Any = None
    token_ids: Any = None


@dataclass(frozen=True)
class Answer:
    """A server's answer; fields that are not used are ignored."""

    choices: tuple[Choice, ...] = Field(min_length=1, max_length=1)
    usage: Any = None


ANSWER = TypeAdapter(Answer)
LOGPROBS = TypeAdapter(Logprobs)
TOKEN_IDS = TypeAdapter(tuple[Annotated[int, Field(ge=0, le=MOST)], ...])
COUNT = TypeAdapter(Annotated[int, Field(ge=0, le=MOST)] | None)


def most_bytes(settings: Generation) -> int:
    """Return how large an answer may be: plenty for each token and the likeliest beside it.

    >>> most_bytes(Generation(model="m", max_tokens=1024, logprobs=20)) / 2**20
    21.5
    """
    return 2**24 + settings.max_tokens * (2 + max(1, settings.logprobs)) * 256


class ReportedTokens(NamedTuple):
    """What is known of the tokens of a sample; what the server does not tell is empty."""

    ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    likeliest: tuple[list[tuple[str, float]], ...] = ()
    """At each place some tokens with their log-probabilities, where they were asked for."""


def parse_answer(content: bytes) -> Answer:
    """Read the body of an answer. Bytes that are no UTF-8 become halves of surrogate pairs.

    Raises:
        ValueError: it is not the answer to a request for one sample; the message quotes it.
    """
    try:
        return ANSWER.validate_python(json.loads(content.decode(errors="surrogateescape")))
    except ValidationError as fault:
        said = _first_fault(fault, "the answer")
    except (ValueError, RecursionError) as fault:
        said = f"the answer: {fault}"
    begins = content[:80].decode(errors="replace").strip()
    raise ValueError(f"{said}; it begins {begins!r}")


def _first_fault(fault: ValidationError, what: str) -> str:
    first = fault.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or what}: {first['msg']}"


def text_of(choice: Choice) -> str | None:
    """Return the text of a sample, without the reasoning that a server keeps apart; None: none."""
    if choice.text is not None:
        return choice.text
    message = choice.message or Message()
    if message.content is not None:
        return message.content
    reasoned = message.reasoning_content is not None or message.reasoning is not None
    return "" if reasoned else None  # cut off while it reasoned


def reported_tokens(choice: Choice) -> ReportedTokens:
    """Return what a choice reports of its tokens; NaN among the log-probabilities is left in.

    Raises:
        ValueError: what is reported cannot be: a log-probability above 0 or of minus infinity, a
            token id below 0, or not as many ids as log-probabilities.
    """
    try:
        said = LOGPROBS.validate_python(choice.logprobs or {})
        ids = TOKEN_IDS.validate_python(choice.token_ids or ())
        if said.content is not None:
            logprobs = tuple(entry.logprob for entry in said.content)
            names = tuple(entry.token or "" for entry in said.content)
            found = tuple(entry.id for entry in said.content if entry.id is not None)
            tops = tuple(
                [(top.token or "", top.logprob) for top in entry.top_logprobs or ()]
                for entry in said.content
            )
        else:
            logprobs, names, found = said.token_logprobs or (), said.tokens or (), ()
            tops = tuple(list((step or {}).items()) for step in said.top_logprobs or ())
        if not ids and names and all(re.fullmatch(f"{TOKEN_ID}\\d+", name) for name in names):
            ids = TOKEN_IDS.validate_python([name.removeprefix(TOKEN_ID) for name in names])
        elif not ids and len(found) == len(logprobs):
            ids = TOKEN_IDS.validate_python(found)
    except ValidationError as fault:
        raise ValueError(_first_fault(fault, "log-probabilities")) from None
    if ids and logprobs and len(ids) != len(logprobs):
        raise ValueError(f"{len(ids)} token ids and {len(logprobs)} log-probabilities")
    if not any(map(math.isnan, logprobs)):
        for value in (*logprobs, *(v for step in tops for _, v in step if v != -math.inf)):
            if not -math.inf < value <= ROUNDING:
                raise ValueError(f"{value:g} is no log-probability")
    return ReportedTokens(ids, logprobs, tops)


def to_sample(request: Request, answer: Answer, top: int, max_tokens: int = MOST) -> Sample:
    """Return the sample in an answer: an error row, with what text there is, if it is not whole.

    What else is odd is left out and said in ``Sample.error``: log-probabilities or a count that
    cannot be. A word for the end that is not known is said there too; such a sample was cut off
    where it has ``max_tokens`` tokens.

    The entropies are bounded with the ``top`` likeliest tokens; at 0 there are none. A server may
    add the drawn token's own log-probability, with which the bound would be biased.
    """
    choice = answer.choices[0]
    tokens, notes = ReportedTokens(), []
    count = thought_count = prompt_count = None
    try:
        tokens = reported_tokens(choice)
    except ValueError as fault:
        notes.append(f"log-probabilities left out: {fault}")
    try:
        usage = answer.usage if isinstance(answer.usage, dict) else {}
        count = COUNT.validate_python(usage.get("completion_tokens"))
        prompt_count = COUNT.validate_python(usage.get("prompt_tokens"))
        details = usage.get("completion_tokens_details")
        spent = details if isinstance(details, dict) else {}
        thought_count = COUNT.validate_python(spent.get("reasoning_tokens"))
    except ValidationError as fault:
        notes.append(f"token count left out: {_first_fault(fault, 'usage')}")
    ids, logprobs, likeliest = tokens
    text = text_of(choice)
    if reason := _failure(choice, text, logprobs):
        return request.sampled(storable(text or ""), "error", error=reason)
    word = choice.finish_reason
    ended = FINISH_REASONS.get(str(word).lower())
    if ended is None or word != ended:
        notes.append(f"the server ended it with {_quoted(word)}")
    if ended is None:
        drawn = len(ids) or count or len(logprobs)
        ended = "length" if drawn >= max_tokens else "stop"
    complete = top and len(likeliest) == len(logprobs)
    entropies, missing = entropy_bounds(
        sorted((logprob for _, logprob in step), reverse=True)[:top]
        for step in (likeliest if complete else ())
    )
    message = choice.message or Message()
    return request.sampled(
        text or "",
        ended,
        ids,
        as_stored(logprobs),
        storable("; ".join(notes)),
        token_entropies=entropies,
        missing_mass=missing,
        num_output_tokens=count,
        reasoning=message.reasoning or message.reasoning_content or None,
        num_thought_tokens=thought_count,
        num_prompt_tokens=prompt_count,
    )


def _failure(choice: Choice, text: str | None, logprobs: tuple[float, ...]) -> str:
    """Return why a choice is no whole sample; '' where it is."""
    refusal, word = choice.message and choice.message.refusal, choice.finish_reason
    if refusal and not text:
        return f"the model refused: {_quoted(refusal)}"
    if str(word).lower() in FAILURES:
        return f"the server ended it with {_quoted(word)}"
    if text is None:
        return f"the server ended it with {_quoted(word)} and sent no text"
    if HALF_PAIR.search(text):
        return "the text holds half a surrogate pair, or bytes that are no UTF-8"
    return "a log-probability is NaN" if any(map(math.isnan, logprobs)) else ""


def storable(text: str) -> str:
    """Return a text as a file can hold it."""
    return HALF_PAIR.sub("\ufffd", text)


def _quoted(said: Any) -> str:
    return storable(repr(said))[:200]
