"""Options of backend ``replay`` (``generation.engine``)."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from workbench.config.setting_types import STRICT


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ReplayOptions:
    """``generation.engine`` for backend ``replay``."""

    seconds_per_sample: float = Field(default=0.0, ge=0, le=3600)
    """Time that each sample pretends to take."""
