"""The sampling options of one request: the experiment's own, and what its condition changes."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from workbench.config.factors import SAMPLING_OPTIONS
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
