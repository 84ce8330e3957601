"""How drawing goes: how many samples, how fast, which of them failed, and what was odd."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from workbench.core.console import notice
from workbench.core.types import Request, Sample
from workbench.storage.manifest import Manifest

KINDS = 100
"""Most reasons that are told apart; a reason may name what is different for every sample."""


@dataclass
class DrawingProgress:
    """How many samples have been drawn in this run of the stage, and how fast.

    Time counts from the first request, which a backend takes when its model is loaded.
    """

    failed_before: int = 0
    """Error rows among the samples that are asked for and were there before."""
    tokens_before: int = 0
    """Tokens that this run's model drew on this machine in earlier attempts, and in how long."""
    seconds_before: float = 0.0
    seconds_paused: float = 0.0
    """Seconds that the engines before this one drew."""
    drawn: int = 0
    tokens: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    """Error rows by their reason."""
    odd: Counter[str] = field(default_factory=Counter)
    """Samples that are kept with something odd, by what it is."""
    started: float | None = None
    """When the first request was taken; None while no engine draws."""

    def asked(self, requests: Iterable[Request]) -> Iterator[Request]:
        """Yield requests to a backend, and take the time when it asks for the first one."""
        self.started = self.started or time.perf_counter()
        yield from requests

    def add(self, sample: Sample) -> None:
        """Count a sample."""
        self.drawn += 1
        self.tokens += sample.length or 0
        if sample.stop_reason == "error":
            _count(self.failures, sample.error)
        elif sample.error:
            for part in sample.error.split("; "):
                _count(self.odd, part.partition(": ")[0])

    def counts(self) -> dict[str, Any]:
        """Return what is logged while samples are drawn."""
        seconds = self._seconds()
        rate = round(self.tokens / seconds, 1) if self.drawn and seconds > 0 else None
        return {
            "samples_drawn": self.drawn,
            "tokens_drawn": self.tokens,
            "tokens_per_second": rate,
            "errors": self.failed_before + self.failures.total(),
        }

    def for_manifest(self) -> dict[str, Any]:
        """Return what the manifest keeps: the counts, and what they are most often due to.

        ``drawing`` is what all attempts together drew, and in how long: the machine's rate.
        """
        told = {"failures": self.failures, "odd": self.odd}
        seconds = round(self.seconds_before + self._seconds(), 3)
        drawing = {"tokens": self.tokens_before + self.tokens, "seconds": seconds}
        return (
            self.counts()
            | {"drawing": drawing}
            | {name: dict(c.most_common(3)) for name, c in told.items() if c}
        )

    def pause(self) -> None:
        """Stop the clock: the next engine is loaded, and starts it with its first request."""
        self.seconds_paused, self.started = self._seconds(), None

    def _seconds(self) -> float:
        running = time.perf_counter() - self.started if self.started else 0.0
        return self.seconds_paused + running


def _count(kinds: Counter[str], reason: str) -> None:
    name = reason[:200] or "no reason given"
    kinds[name if name in kinds or len(kinds) < KINDS else "other reasons"] += 1


def say_how_it_went(manifest: Manifest, max_failed: float) -> None:
    """Print how many samples are error rows or odd; nothing where there are none.

    Raises:
        ValueError: more than the share ``max_failed`` are error rows, or all are; the message says
            why, and how they are drawn again. They are all on disk, and so is everything else.
    """
    entry = manifest.stage("generate")
    if odd := entry.get("odd"):
        notice(f"generate: samples are kept with something odd, as their rows say: {_listed(odd)}")
    failed, total = entry.get("errors", 0), entry.get("samples", 0)
    if not failed:
        return
    why = f" ({_listed(entry['failures'])})" if entry.get("failures") else ""
    text = f"{failed:,} of {total:,} samples could not be drawn; their rows say why{why}"
    again = "the option --redraw errors draws them again"
    if failed <= max_failed * total and failed < total:
        notice(f"generate: {text}; {again}")
        return
    limit = "all failed" if failed == total else f"generation.max_failed is {max_failed:g}"
    raise ValueError(f"{text}; everything is kept, and {again} ({limit})")


def _listed(reasons: dict[str, int]) -> str:
    return "; ".join(f"{reason} ({count:,})" for reason, count in reasons.items())
