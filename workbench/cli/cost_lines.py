"""What an experiment will cost on this machine, as ``validate`` says it: time and disk."""

from __future__ import annotations

from pathlib import Path

from workbench.analysis.aggregate import AGGREGATORS
from workbench.config.conditions import conditions_of, loading_of
from workbench.config.schema import Experiment, Generation
from workbench.config.size_estimate import disk_bytes, disk_line, time_line, tokens_of
from workbench.core.machine import free_bytes
from workbench.generate.drawing_rate import drawing_rate
from workbench.measure.missing_inputs import needs_embeddings
from workbench.tracking.wandb_environment import tracking_mode

RESULTS = Path("results")
"""Where runs are unless a command says otherwise."""


def cost_lines(experiment: Experiment, problems: int) -> list[str]:
    """Return a line on the time that drawing takes at most, and one on the disk."""
    tokens = tokens_of(experiment, problems)
    per_second, source = _rate(experiment, problems, tokens)
    tracked = tracking_mode(experiment.tracking.mode) != "disabled"
    embedded = needs_embeddings(experiment, AGGREGATORS)
    needed = disk_bytes(experiment, problems, tokens, embedded=embedded, tracked=tracked)
    return [time_line(tokens, per_second, source), disk_line(needed, free_bytes(RESULTS))]


def _rate(experiment: Experiment, problems: int, tokens: int) -> tuple[float | None, str]:
    """Return the tokens per second over all models of an experiment, and where that is from."""
    drawn = experiment.generation
    loaded: dict[str, tuple[Generation, list[str]]] = {}
    for one in conditions_of(drawn):
        settings = loading_of(one, drawn)
        loaded.setdefault(settings.model, (settings, []))[1].append(one.name)
    seconds, sources = 0.0, []
    for model, (settings, names) in loaded.items():
        rate = drawing_rate(settings, RESULTS)
        if rate is None:
            return None, ""
        seconds += tokens_of(experiment, problems, names) / rate.tokens_per_second
        sources.append((model, rate))
    if len(sources) == 1:
        return sources[0][1].tokens_per_second, sources[0][1].source
    each = (f"{model} {rate.tokens_per_second:,.3g} {rate.source}" for model, rate in sources)
    return tokens / seconds, f"on average over {len(sources)} models: {'; '.join(each)}"
