"""One metric of subsets of a pool."""

from __future__ import annotations

from workbench.config import Measure
from workbench.lookup import lookup
from workbench.metrics import METRICS
from workbench.types import Floats, Ints, Pool


def compute(name: str, pool: Pool, subsets: Ints, settings: Measure) -> Floats:
    """Apply one metric of ``METRICS`` to subsets (S, K) of a pool; returns (S,).

    Raises:
        ValueError: there is no such metric, or the pool has not what it needs.
    """
    metric = lookup(METRICS, name, "metric")
    fields = (getattr(pool, need) for need in metric.needs)
    options = {key: getattr(settings, field) for key, field in metric.settings.items()}
    return metric.fn(*fields, subsets, **options)
