"""Settings of second turns and of texts that are made to go on, parts of ``generation``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from workbench.config.faults import Fault, Unsound
from workbench.config.setting_types import STRICT


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SecondTurn:
    """The ``generation.second_turn`` section: what is left out is as in the first turn."""

    temperature: float | None = Field(default=None, gt=0)
    """Of all second answers but those to greedy ones, which are greedy too."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Longest second answer, tokens."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Continuation:
    """The ``generation.continue`` section: a text that would have ended is made to go on."""

    times: int = Field(default=1, ge=1, le=100)
    """How often, at most; a text that was cut at max_tokens is not made to go on."""
    text: str = Field(default="Wait", min_length=1)
    """What is put behind the text, letter by letter, before the model goes on."""


def turn_faults(experiment: Any) -> Iterator[Fault]:
    """Refuse what contradicts itself in settings of turns; what is faulty itself is passed over.

    ``experiment`` is an ``Experiment`` or a stand-in for one with faults.
    """
    generation = experiment.generation
    with suppress(Unsound):
        if generation.turns == 1:
            none = "is of second answers, and there are none: set generation.turns to 2, or leave "
            if generation.corrections != 1:
                yield Fault(("generation", "corrections"), f"{none}it out")
            second = generation.second_turn
            for key in ("temperature", "max_tokens"):
                with suppress(Unsound):
                    if getattr(second, key) is not None:
                        yield Fault(("generation", "second_turn", key), f"{none}it out")
    with suppress(Unsound):
        longest, whole = generation.second_turn.max_tokens, generation.max_model_len
        if longest is not None and whole is not None and longest >= whole:
            message = f"second answers of {longest} tokens leave no room for a prompt in "
            message += f"max_model_len = {whole}; lower max_tokens or raise max_model_len"
            yield Fault(("generation", "second_turn", "max_tokens"), message)
    for key, name in (("turns", "second turns"), ("continue", "texts that go on")):
        with suppress(Unsound):
            if _asked(generation, key) and generation.backend == "import":
                message = f"imported samples are drawn already: there are no {name}; leave it out"
                yield Fault(("generation", key), message)
        with suppress(Unsound):
            if _asked(generation, key) and experiment.scoring.models:
                message = (
                    "second models read a sample behind the problem's own prompt, and know no "
                )
                way_out = f"{name}; leave generation.{key} or these out"
                yield Fault(("scoring", "models"), message + way_out)
    with suppress(Unsound):
        if (
            generation.continued
            and generation.backend == "replay"
            and "samples" in generation.engine
        ):
            message = (
                "the texts of generation.engine.samples are whole and cannot go on; leave one "
            )
            yield Fault(("generation", "continue"), message + "of the two out")
    with suppress(Unsound):
        if not experiment.task.correction.strip():
            message = "must say what is asked of a second answer, got a text without any letter"
            yield Fault(("task", "correction"), message)


def _asked(generation: Any, key: str) -> bool:
    return generation.turns == 2 if key == "turns" else generation.continued is not None
