"""The module that loads models for scoring with a backend, imported when it is asked for."""

from __future__ import annotations

from workbench.models.protocols import ScoringLibrary


def scoring_library(backend: str) -> ScoringLibrary:
    """Return the module of a backend that loads models for scoring.

    Args:
        backend: ``vllm`` or ``transformers``.
    """
    if backend == "vllm":
        from workbench.models import vllm_engine  # a slow import

        return vllm_engine
    from workbench.models import hf_scoring  # a slow import

    return hf_scoring
