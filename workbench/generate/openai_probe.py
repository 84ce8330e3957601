"""Finds out what a server is and can do, with a few requests for one token each."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from workbench.config.schema import Generation, TaskSettings
from workbench.core.console import notice
from workbench.core.types import Prompt
from workbench.generate import openai_protocol as protocol
from workbench.generate.openai import RequestRefused, connect
from workbench.generate.openai_protocol import NEUTRAL_VALUES, OPTIONAL_FIELDS, Choice

FIRST_TRIES = 2
"""Retries of a request while a person waits: that an address is wrong should show in seconds."""

TOP_TOKENS = 5
"""How many of the likeliest tokens are asked for, unless the experiment asks for more."""

NO_FILTERS: dict[str, Any] = {**NEUTRAL_VALUES, "top_p": 1.0}
"""Options with which no token is ruled out."""

MODEL_FACTS = ("id", "root", "owned_by", "max_model_len")
"""What is kept of a model's entry in the server's list: not its date."""

COOL, HOT = 0.5, 1.5
"""Temperatures at which the log-probabilities of one token are compared."""

Refusal = Callable[[Collection[str]], str]
"""(options to leave out) -> the server's reason to refuse a request with the others, or ''."""


def probe(
    settings: Generation, task: TaskSettings
) -> tuple[dict[str, Any], tuple[str, ...], dict[str, Any]]:
    """Ask a server what it is, and print what a person has to know of it.

    Returns:
        What belongs to the identity of its samples: ``logprobs_kind`` (``raw``, ``processed``,
        ``unknown`` or ``none``) and ``server`` (model, version, whether it reports token ids, and
        the options left out). These options again, of ``openai_protocol.OPTIONAL_FIELDS``. And
        the body of a request that the server answers.

    Raises:
        ValueError: the server cannot be reached, does not know the model, or cannot do what the
            experiment asks.
    """
    prompt = Prompt(text="One, two, three,")
    if task.prompt == "chat":
        messages = ({"role": "user", "content": "Name a colour."},)
        prompt = Prompt(messages=messages, template_options=task.template_options)
    one_token = replace(settings, max_tokens=1, logprobs=settings.logprobs or TOP_TOKENS)
    plain = replace(one_token, **NO_FILTERS)
    with connect(settings, max_retries=FIRST_TRIES) as server:
        listed = server.portal.call(server.get, "/models")

        def ask(left_out: Collection[str], temperature: float, options: Generation) -> Choice:
            fields = protocol.request_body(prompt, options, temperature, 0, left_out)
            path = protocol.path_of(prompt)
            answer: protocol.Answer = server.portal.call(server.post, path, fields)
            return answer.choices[0]

        def refusal(left_out: Collection[str]) -> str:
            try:
                ask(left_out, COOL, one_token)
            except RequestRefused as fault:
                return str(fault)
            return ""

        left_out = refusals(refusal)
        refuse_needed_options(settings, left_out, server.address.url, refusal)
        cool, hot = (ask(left_out, temperature, plain) for temperature in (COOL, HOT))
        kind = logprobs_kind(cool, hot)
        told = server.portal.call(server.get, f"{server.address.url.removesuffix('/v1')}/version")
        told_version = isinstance(told, dict) and "version" in told  # as vLLM does
        entries = [row for row in protocol.model_entries(listed) if row["id"] == settings.model]
        facts = {
            "model": {key: entries[0].get(key) for key in MODEL_FACTS} if entries else None,
            "version": str(told["version"]) if told_version else None,
            "token_ids": bool(protocol.reported_tokens(cool).ids),
            "left_out": list(left_out),
        }
        answered = protocol.request_body(prompt, settings, COOL, 1, left_out)
    report(kind, left_out, settings)
    return {"logprobs_kind": kind, "server": facts}, left_out, answered


def refusals(refusal: Refusal) -> tuple[str, ...]:
    """Return which options a server does not take, one by one where it does not take all.

    Raises:
        ValueError: it does not take a request without any of them either.
    """
    if not refusal(()):
        return ()
    if reason := refusal(OPTIONAL_FIELDS):
        raise ValueError(f"{reason}, even to a plain request for one token")
    return tuple(name for name in OPTIONAL_FIELDS if refusal(_all_but(name)))


def _all_but(name: str) -> list[str]:
    return [other for other in OPTIONAL_FIELDS if other != name]


def refuse_needed_options(
    settings: Generation, left_out: Collection[str], url: str, refusal: Refusal
) -> None:
    """Refuse an experiment that asks for what the server does not take.

    Raises:
        ValueError: an option is left out though it has another value than its neutral one.
    """
    for name, neutral in (NEUTRAL_VALUES | {"logprobs": 0}).items():
        value = getattr(settings, name)
        if name in left_out and value != neutral:
            raise ValueError(
                f"generation.{name}: the server at {url} does not take {value} "
                f"({refusal(_all_but(name))}); set it to {neutral}, or ask another server"
            )


def logprobs_kind(cool: Choice, hot: Choice) -> str:
    """Tell of which distribution a server's log-probabilities are, from one token.

    The model's own do not depend on the temperature. If logits are divided by the temperature
    first, all differences between log-probabilities are HOT / COOL = 3 times as large at COOL as at
    HOT. The comparison has a wide margin, since a server's rounding depends on its batch.

    Args:
        cool: the token drawn at temperature COOL.
        hot: the same at HOT.

    Returns:
        ``raw``, ``processed``, ``unknown`` (too little is reported) or ``none`` (nothing is).
    """
    tokens = [protocol.reported_tokens(choice) for choice in (cool, hot)]
    if not tokens[0].logprobs:
        return "none"
    tops = [dict(known.likeliest[0]) if known.likeliest else {} for known in tokens]
    likely = [name for name in tops[0] if min(top.get(name, -math.inf) for top in tops) > -1000.0]
    if len(likely) < 2:
        return "unknown"
    spreads = [max(top[n] for n in likely) - min(top[n] for n in likely) for top in tops]
    if min(spreads) < 0.1:  # all as likely as one another: nothing follows
        return "unknown"
    ratio = spreads[0] / spreads[1]
    if 0.8 < ratio < 1.25:
        return "raw"
    return "processed" if ratio > 2 else "unknown"


def report(kind: str, left_out: Collection[str], settings: Generation) -> None:
    """Say what a person must know of the server.

    Raises:
        ValueError: entropies are asked of a server that tells no log-probabilities.
    """
    if left_out:
        notice(
            f"generate: the server does not take {', '.join(left_out)}; left out, which changes "
            "no sample"
        )
    if kind == "none":
        if settings.logprobs:
            raise ValueError(
                f"generation.logprobs = {settings.logprobs} asks for entropies, but the server "
                "tells no log-probabilities; set it to 0, or ask another server"
            )
        notice("generate: the server tells no log-probabilities; samples are kept without")
    elif kind != "raw":
        why = "they change with the temperature" if kind == "processed" else "it tells too little"
        notice(
            f"generate: the server's log-probabilities are {kind} ({why}): avg_log_prob and what "
            "uses it are not of the model itself"
        )
