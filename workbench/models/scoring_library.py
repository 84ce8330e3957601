"""The module that loads models for scoring with a backend, imported when it is asked for."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from workbench.config.scoring_schema import OutcomeRewardModel, SecondModel
from workbench.models.protocols import CompletionScorer, NextTokenScorer


class ScoringLibrary(Protocol):
    """A module that loads models for scoring, each while a ``with`` block runs."""

    def open_next_token_scorer(
        self, settings: OutcomeRewardModel
    ) -> AbstractContextManager[NextTokenScorer]:
        """Load a reward model."""

    def open_completion_scorer(
        self, settings: SecondModel
    ) -> AbstractContextManager[CompletionScorer]:
        """Load one of ``scoring.models``."""


def scoring_library(backend: str) -> ScoringLibrary:
    """Return the module of a backend, ``vllm`` or ``transformers``."""
    if backend == "vllm":
        from workbench.models import vllm_engine  # a slow import

        return vllm_engine
    from workbench.models import hf_scoring  # a slow import

    return hf_scoring
