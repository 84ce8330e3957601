"""Requests to an OpenAI-compatible server, and what its answers mean, without any network."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from workbench.config.schema import Generation
from workbench.core.types import Prompt, Request, Sample
from workbench.models.token_entropy import as_stored, entropy_bounds

NEUTRAL_VALUES = {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}
"""Sampling options beyond OpenAI's own, with the values at which they change nothing."""

REPORTING_OPTIONS = ("return_token_ids", "return_tokens_as_token_ids")
"""Options of vLLM that change what is reported, not what is drawn."""

OPTIONAL_FIELDS = (*NEUTRAL_VALUES, *REPORTING_OPTIONS, "logprobs")
"""Fields of a request without which a server can still be used."""

FINISH_REASONS = ("stop", "length")
"""How a sample may end."""

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
        left_out: those of ``OPTIONAL_FIELDS`` that the server does not take.
    """
    top = settings.logprobs
    fields: dict[str, Any] = {
        "model": settings.model,
        "n": 1,
        "temperature": temperature,
        "seed": seed,
        "max_tokens": settings.max_tokens,
        "top_p": settings.top_p,
        **{name: getattr(settings, name) for name in NEUTRAL_VALUES},
        **dict.fromkeys(REPORTING_OPTIONS, True),
    }
    if settings.stop:
        fields["stop"] = list(settings.stop)
    if prompt.messages is None:  # llama.cpp reports nothing when asked for 0
        fields |= {"prompt": prompt.text, "logprobs": max(1, top)}
    else:
        fields |= {"messages": [dict(message) for message in prompt.messages], "logprobs": True}
        if top and "logprobs" not in left_out:
            fields["top_logprobs"] = top
    return {name: value for name, value in fields.items() if name not in left_out}


@dataclass(frozen=True)
class ChatToken:
    """A token of a chat answer."""

    token: str
    logprob: float
    id: int | None = None
    top_logprobs: tuple[ChatToken, ...] = ()


@dataclass(frozen=True)
class Logprobs:
    """Log-probabilities of an answer: ``content`` of a chat, the lists of a completion."""

    content: tuple[ChatToken, ...] | None = None
    tokens: tuple[str, ...] = ()
    token_logprobs: tuple[float, ...] | None = None
    top_logprobs: tuple[Mapping[str, float] | None, ...] | None = None


@dataclass(frozen=True)
class Message:
    """What the model says in a chat."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


@dataclass(frozen=True)
class Choice:
    """One sample, as servers write it."""

    finish_reason: str | None = None
    text: str | None = None
    message: Message | None = None
    logprobs: Logprobs | None = None
    token_ids: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Usage:
    """Token counts of an answer."""

    completion_tokens: int | None = None


@dataclass(frozen=True)
class Answer:
    """A server's answer; fields that are not used are ignored."""

    choices: tuple[Choice, ...] = Field(min_length=1, max_length=1)
    usage: Usage | None = None


ANSWER = TypeAdapter(Answer)


class ReportedTokens(NamedTuple):
    """What is known of the tokens of a sample; what the server does not tell is empty."""

    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    likeliest: list[list[tuple[str, float]]]
    """At each place some tokens with their log-probabilities, where they were asked for."""


def parse_answer(content: bytes) -> Answer:
    """Read the body of an answer.

    Raises:
        ValueError: it is not the answer to a request for one sample; the message quotes it.
    """
    try:
        answer = ANSWER.validate_json(content)
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the answer"
        begins = content[:80].decode(errors="replace").strip()
        raise ValueError(f"{where}: {first['msg']}; it begins {begins!r}") from None
    text_of(answer.choices[0])
    reported_tokens(answer.choices[0])
    return answer


def text_of(choice: Choice) -> str:
    """Return the text of a sample, without the reasoning that a server keeps apart.

    Raises:
        ValueError: there is neither.
    """
    if choice.text is not None:
        return choice.text
    message = choice.message or Message()
    if message.content is not None:
        return message.content
    reasoned = message.reasoning_content is not None or message.reasoning is not None
    if choice.finish_reason in FINISH_REASONS and not reasoned:
        raise ValueError("choices.0 holds no text")
    return ""  # cut off while it reasoned, or ended for another reason


def reported_tokens(choice: Choice) -> ReportedTokens:
    """Return what a choice reports of its tokens.

    Raises:
        ValueError: there are not as many ids as log-probabilities.
    """
    said = choice.logprobs or Logprobs()
    if said.content is not None:
        logprobs = tuple(entry.logprob for entry in said.content)
        names = tuple(entry.token for entry in said.content)
        ids = tuple(entry.id for entry in said.content)
        tops = [[(top.token, top.logprob) for top in entry.top_logprobs] for entry in said.content]
    else:
        logprobs, names = said.token_logprobs or (), said.tokens
        ids = (None,) * len(names)
        tops = [list((step or {}).items()) for step in said.top_logprobs or ()]
    if choice.token_ids is not None:
        ids = choice.token_ids
    elif names and all(name.startswith(TOKEN_ID) for name in names):
        ids = tuple(int(name.removeprefix(TOKEN_ID)) for name in names)
    known = tuple(number for number in ids if number is not None)
    known = known if len(known) == len(ids) else ()
    if known and logprobs and len(known) != len(logprobs):
        raise ValueError(f"{len(known)} token ids and {len(logprobs)} log-probabilities")
    return ReportedTokens(known, logprobs, tops)


def to_sample(request: Request, answer: Answer, top: int) -> Sample:
    """Return the sample in an answer; an error row if it did not end in one of FINISH_REASONS.

    The entropies are bounded with the ``top`` likeliest tokens; at 0 there are none. A server may
    add the drawn token's own log-probability, with which the bound would be biased.
    """
    choice = answer.choices[0]
    if choice.finish_reason not in FINISH_REASONS:
        reason = f"the server ended it with {choice.finish_reason!r}"
        return request.sampled("", "error", error=reason)
    ids, logprobs, likeliest = reported_tokens(choice)
    complete = top and len(likeliest) == len(logprobs)
    entropies, missing = entropy_bounds(
        sorted((logprob for _, logprob in step), reverse=True)[:top]
        for step in (likeliest if complete else ())
    )
    return request.sampled(
        text_of(choice),
        choice.finish_reason,
        ids,
        as_stored(logprobs),
        token_entropies=entropies,
        missing_mass=missing,
        num_output_tokens=answer.usage.completion_tokens if answer.usage else None,
    )


def model_entries(listed: Any) -> list[dict[str, Any]]:
    """Return the entries of a server's list of models; none if it is no such list.

    >>> model_entries({"data": [{"id": "small"}, "else"]}), model_entries(None)
    ([{'id': 'small'}], [])
    """
    rows = listed.get("data") if isinstance(listed, dict) else None
    return [row for row in rows or () if isinstance(row, dict) and "id" in row]
