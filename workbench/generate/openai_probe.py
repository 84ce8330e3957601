"""Finds out what a server is and can do, with a few requests for one token each.

It is asked what the experiment will ask: the first prompt with its system message, every
temperature, a seed as large as those of samples. What it does not take is left out or replaced
where that changes no sample; where it would, the message says which setting has to change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from workbench.config.conditions import conditions_of
from workbench.config.schema import Generation
from workbench.core.console import notice
from workbench.core.types import Prompt
from workbench.generate import openai_protocol as protocol
from workbench.generate.openai import FIRST_TRIES, NoAnswer, RequestRefused, Server, connect
from workbench.generate.openai_options import model_entries
from workbench.generate.openai_protocol import (
    NEUTRAL_VALUES,
    OPTIONAL_FIELDS,
    SUBSTITUTES,
    Choice,
    ReportedTokens,
)

TOP_TOKENS = 5
"""How many of the likeliest tokens are asked for, unless the experiment asks for more."""

MODEL_FACTS = ("id", "root", "owned_by", "max_model_len")
"""What is kept of a model's entry in the server's list: not its date."""

COOL, HOT = 0.5, 1.5
"""Temperatures at which the log-probabilities of one token are compared, where both are taken."""

SEED = 2**63 - 1
"""The largest that a sample may have."""

FORMS = [
    form
    for size in range(3)
    for form in combinations(SUBSTITUTES, size)
    if {"large_seeds", "seed"} != {*form}
]
"""What may have to be replaced, the least first."""

Refusal = Callable[[Collection[str]], str]
"""(fields to leave out) -> the server's reason to refuse a request with the others, or ''."""


@dataclass(frozen=True)
class RequestForm:
    """How a server takes requests."""

    left_out: tuple[str, ...]
    """Of ``OPTIONAL_FIELDS`` and ``SUBSTITUTES``, what it does not take."""
    max_tokens: int
    """How many tokens the probe has to ask for."""


@dataclass(frozen=True)
class Probe:
    """A server that is being asked."""

    server: Server
    settings: Generation

    def ask(
        self, prompt: Prompt, temperature: float, form: RequestForm, **changes: Any
    ) -> protocol.Choice:
        """Ask for one sample, with some changes of the settings."""
        top = self.settings.logprobs or TOP_TOKENS
        options = replace(self.settings, max_tokens=form.max_tokens, logprobs=top, **changes)
        fields = protocol.request_body(prompt, options, temperature, SEED, form.left_out)
        path = protocol.path_of(prompt)
        answer: protocol.Answer = self.server.portal.call(self.server.post, path, fields)
        return answer.choices[0]

    def form(self, prompt: Prompt, temperature: float) -> RequestForm:
        """Return how the server takes a request.

        Raises:
            RequestRefused: it takes it in no form.
            NoAnswer: it gives no answer.
        """

        def refusal(left_out: Collection[str]) -> str:
            try:
                self.ask(prompt, temperature, RequestForm(tuple(left_out), most))
            except RequestRefused as fault:
                return str(fault)
            return ""

        for most in dict.fromkeys((1, self.settings.max_tokens)):
            try:
                left_out = refusals(refusal)
            except RequestRefused as fault:
                reason = fault
                continue
            refuse_needed_options(self.settings, left_out, self.server.address.url, refusal)
            return RequestForm(left_out, most)
        raise reason

    def refuse_to_go_on(self, prompt: Prompt, temperature: float, form: RequestForm) -> None:
        """Ask for a text that goes on.

        Raises:
            ValueError: the server does not take a conversation that ends with the model's words.
        """
        try:
            self.ask(replace(prompt, begun="It is"), temperature, form)
        except (RequestRefused, NoAnswer) as fault:
            raise ValueError(
                "generation.continue: the server does not go on from the words of the model "
                f"({fault}); set task.prompt to completion, or leave generation.continue out"
            ) from None


def probe(
    settings: Generation, prompt: Prompt, without_logprobs: str
) -> tuple[dict[str, Any], tuple[str, ...], dict[str, Any]]:
    """Ask a server what it is, and print what a person has to know of it.

    Args:
        settings: of the experiment.
        prompt: the first that it asks.
        without_logprobs: what has to be left out of it without log-probabilities, in words.

    Returns:
        What belongs to the identity of its samples: ``logprobs_kind`` (``raw``, ``processed``,
        ``unknown`` or ``none``) and ``server`` (model, version, whether it reports token ids, and
        the fields left out). These fields again, of ``openai_protocol.OPTIONAL_FIELDS`` and
        ``SUBSTITUTES``. And the body of a request that the server answers.

    Raises:
        ValueError: the server cannot be reached, does not know the model, or cannot do what the
            experiment asks.
    """
    with connect(settings, max_retries=FIRST_TRIES) as server:
        listed = server.portal.call(server.get, "/models")
        asked = Probe(server, settings)
        temperatures = temperatures_of(settings)
        usual = min(temperatures, key=lambda value: abs(value - 1))
        try:
            form = asked.form(prompt, usual)
        except (RequestRefused, NoAnswer) as fault:
            raise ValueError(_way_out(asked, prompt, usual, fault)) from None
        if settings.continued is not None:
            asked.refuse_to_go_on(prompt, usual, form)
        for temperature in temperatures:
            try:
                first = asked.ask(prompt, temperature, form)
            except RequestRefused as fault:
                raise ValueError(_not_taken(temperature, fault, "leave it out")) from None
        try:
            cool, hot = (asked.ask(prompt, value, form, **NEUTRAL_VALUES) for value in (COOL, HOT))
            kind = logprobs_kind(cool, hot)
        except (RequestRefused, NoAnswer):  # the experiment does not ask at these temperatures
            kind = "unknown" if _told(first).logprobs else "none"
        told = server.portal.call(server.get, f"{server.address.url.removesuffix('/v1')}/version")
        told_version = isinstance(told, dict) and "version" in told  # as vLLM does
        entries = [row for row in model_entries(listed) if row["id"] == settings.model]
        facts = {
            "model": {key: entries[0].get(key) for key in MODEL_FACTS} if entries else None,
            "version": str(told["version"]) if told_version else None,
            "token_ids": bool(_told(first).ids),
            "left_out": list(form.left_out),
        }
    report(kind, form.left_out, settings, without_logprobs)
    answered = protocol.request_body(prompt, settings, usual, SEED, form.left_out)
    return {"logprobs_kind": kind, "server": facts}, form.left_out, answered


def refusals(refusal: Refusal) -> tuple[str, ...]:
    """Return which fields a server does not take, one by one where it does not take all.

    Raises:
        RequestRefused: it does not take a request without any of them either.
    """
    reason = refusal(())
    if not reason:
        return ()
    for form in FORMS:
        if not refusal((*OPTIONAL_FIELDS, *form)):
            if form and not refusal(form):
                return form
            return (*form, *(f for f in OPTIONAL_FIELDS if refusal((*_all_but(f), *form))))
    raise RequestRefused(reason)


def _all_but(name: str) -> list[str]:
    return [other for other in OPTIONAL_FIELDS if other != name]


def _way_out(asked: Probe, prompt: Prompt, usual: float, fault: ValueError) -> str:
    """Return why a server takes no request, and which setting makes it take one, if one does."""
    messages = tuple(m for m in prompt.messages or () if m["role"] != "system")
    if messages and messages != prompt.messages:
        try:
            asked.form(replace(prompt, messages=messages), usual)
        except ValueError:
            pass
        else:
            said = getattr(fault, "reason", fault)
            return (
                f'task.system: the server takes no system message ({said}); set it to "", or leave '
                "the message out of a template in task.prompt"
            )
    others = [value for value in (1.0, *temperatures_of(asked.settings)) if value != usual]
    for other in others if isinstance(fault, RequestRefused) else ():
        try:
            asked.form(prompt, other)
        except ValueError:
            continue
        return _not_taken(usual, fault, f"it takes {other:g}")
    return f"{fault}, even to a plain request" if isinstance(fault, RequestRefused) else str(fault)


def temperatures_of(settings: Generation) -> list[float]:
    """Return the temperatures at which samples are drawn, each once."""
    heats = (one.temperature for one in conditions_of(settings))
    return list(dict.fromkeys(heat for heat in heats if heat is not None))


def _not_taken(temperature: float, fault: ValueError, way_out: str) -> str:
    said = f"the server does not take temperature {temperature:g} ({fault})"
    if temperature == 0:
        return f"generation.greedy: {said}; set it to false"
    return f"generation.temperatures: {said}; {way_out}"


def refuse_needed_options(
    settings: Generation, left_out: Collection[str], url: str, refusal: Refusal
) -> None:
    """Refuse an experiment that asks for what the server does not take.

    Raises:
        ValueError: an option is left out though it has another value than its neutral one.
    """
    form = [name for name in left_out if name in SUBSTITUTES]
    for name, neutral in (NEUTRAL_VALUES | {"logprobs": 0}).items():
        value = getattr(settings, name)
        if name in left_out and value != neutral:
            raise ValueError(
                f"generation.{name}: the server at {url} does not take {value} "
                f"({refusal((*_all_but(name), *form))}); set it to {neutral}, or ask another server"
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
    tokens = [_told(choice) for choice in (cool, hot)]
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


def _told(choice: Choice) -> ReportedTokens:
    """Return what a choice reports of its tokens: nothing where it cannot be."""
    try:
        return protocol.reported_tokens(choice)
    except ValueError:
        return ReportedTokens()


def report(kind: str, left_out: Collection[str], settings: Generation, without: str) -> None:
    """Say what a person must know of the server.

    Raises:
        ValueError: entropies are asked of a server that tells no log-probabilities.
    """
    if plain := [name for name in left_out if name not in SUBSTITUTES]:
        notice(
            f"generate: the server does not take {', '.join(plain)}; left out, which changes "
            "no sample"
        )
    for name in left_out:
        if name in SUBSTITUTES:
            notice(f"generate: the server does not take {name}: {SUBSTITUTES[name]}")
    if kind == "none":
        if settings.logprobs:
            raise ValueError(
                f"generation.logprobs = {settings.logprobs} asks for entropies, but the server "
                "tells no log-probabilities; set it to 0, or ask another server"
            )
        lost = f", and there will be no {without}" if without else ""
        notice(f"generate: the server tells no log-probabilities; samples are kept without{lost}")
    elif kind != "raw":
        why = "they change with the temperature" if kind == "processed" else "it tells too little"
        notice(
            f"generate: the server's log-probabilities are {kind} ({why}): avg_log_prob and what "
            "uses it are not of the model itself"
        )
