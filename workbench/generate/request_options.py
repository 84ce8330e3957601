"""The sampling options of one request: the experiment's own, and what its condition changes."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from workbench.config.factors import ENGINE, SAMPLING_OPTIONS
from workbench.config.schema import Generation
from workbench.core.types import Request


def options_of(request: Request, settings: Generation) -> dict[str, Any]:
    """Return a request's options under vLLM's names; its temperature and seed stand beside them.

    Example:
        >>> from workbench.core.types import Prompt
        >>> hot = Request("p", 1.5, 0, Prompt("?"), "hash", 0, options={"min_p": 0.1})
        >>> found = options_of(hot, Generation(model="m", top_k=40))
        >>> found["min_p"], found["top_k"]
        (0.1, 40)
    """
    return {name: getattr(settings, name) for name in SAMPLING_OPTIONS} | dict(request.options)


def refused_by(engine: str, request: Request, why: str) -> str:
    """Return what to say of a request whose options an engine refuses, the options it speaks of.

    Example:
        >>> from workbench.core.types import Prompt
        >>> options = {"min_p": 0.1, "presence_penalty": 5.0}
        >>> hot = Request("p", 1.5, 0, Prompt("?"), "", 0, condition="hot", options=options)
        >>> refused_by("vLLM", hot, "presence_penalty must be in [-2, 2], got 5.0.")
        "generation.engine.presence_penalty: vLLM refuses it for condition 'hot': presence_penalty \
must be in [-2, 2], got 5.0."
    """
    own = ["temperature", *request.options]
    named = [name for name in own if name in why] or own
    keys = [name if name in (*SAMPLING_OPTIONS, "temperature") else ENGINE + name for name in named]
    told = f"{engine} refuses it for condition {request.condition!r}: {why}"
    return f"generation.{' or generation.'.join(keys)}: {told}"


def settings_for(request: Request, settings: Generation) -> Generation:
    """Return the section ``generation`` with a request's own sampling options."""
    own = {name: request.options[name] for name in SAMPLING_OPTIONS if name in request.options}
    return _changed(_Settings(settings), tuple(own.items())) if own else settings


class _Settings:
    """Settings as a key, by identity: one stage has the same object for all of its requests."""

    def __init__(self, settings: Generation) -> None:
        self.settings = settings

    def __hash__(self) -> int:
        return id(self.settings)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Settings) and other.settings is self.settings


@lru_cache(maxsize=256)
def _changed(settings: _Settings, own: tuple[tuple[str, Any], ...]) -> Generation:
    return replace(settings.settings, **dict(own))
