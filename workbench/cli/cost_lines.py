"""What an experiment will cost on this machine, as ``validate`` says it: time and disk."""

from __future__ import annotations

from pathlib import Path

from workbench.analysis.aggregate import AGGREGATORS
from workbench.config.schema import Experiment
from workbench.config.size_estimate import disk_bytes, disk_line, requests_of, time_line
from workbench.core.machine import free_bytes
from workbench.generate.drawing_rate import drawing_rate
from workbench.measure.missing_inputs import needs_embeddings
from workbench.tracking.wandb_environment import tracking_mode

RESULTS = Path("results")
"""Where runs are unless a command says otherwise."""


def cost_lines(experiment: Experiment, problems: int) -> list[str]:
    """Return a line on the time that drawing takes at most, and one on the disk."""
    tokens = requests_of(experiment, problems) * experiment.generation.max_tokens
    rate = drawing_rate(experiment.generation, RESULTS)
    tracked = tracking_mode(experiment.tracking.mode) != "disabled"
    embedded = needs_embeddings(experiment, AGGREGATORS)
    needed = disk_bytes(experiment, problems, tokens, embedded=embedded, tracked=tracked)
    per_second, source = (rate.tokens_per_second, rate.source) if rate else (None, "")
    return [time_line(tokens, per_second, source), disk_line(needed, free_bytes(RESULTS))]
