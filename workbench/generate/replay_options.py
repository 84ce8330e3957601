"""Options of backend ``replay`` (``generation.engine``)."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from workbench.config.setting_types import STRICT


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ReplayOptions:
    """``generation.engine`` for backend ``replay``."""

    samples: str | None = None
    """A JSONL file of texts to draw instead of make-believe sums, a sample a line: ``problem_id``,
    ``temperature`` or ``condition``,
    ``completion`` and ``stop_reason`` (``stop`` by default, ``length`` for a text
    that was cut). Other keys are left alone. The first sample of a problem at a temperature gets
    the first text of these in the file, and so on."""
    seconds_per_sample: float = Field(default=0.0, ge=0, le=3600)
    """Time that each sample pretends to take."""
