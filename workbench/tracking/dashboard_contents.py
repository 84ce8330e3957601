"""What the runs of a project hold that a dashboard can show, read off the names of their values."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.config.factors import PROMPT, SAMPLING_OPTIONS
from workbench.core.conditions import MIXED, TEMPERATURE
from workbench.metrics import METRICS

ACCURACIES = ("pass", "maj", "best")
"""What diversity is compared with: any of the k is right, the vote is, or the likeliest sample."""
AVERAGED_APART = ("task_name", "model")
"""The parts of a configuration whose levels are never averaged together, beside the factors."""
OVER_K = re.compile(r"(?!by_)(?P<name>.+)@(?P<k>\d+)(?:/(?P<at>[^/]+))?")
BY_LEVEL = re.compile(r"by_(?P<axis>\w+)/(?P<what>[^/]+)(?:/(?P<line>.+))?")


@dataclass(frozen=True)
class ProjectContents:
    """What the runs of a project hold that can be shown."""

    k: int
    """The largest subset size of any run."""
    selections: Sequence[str]
    metrics: Sequence[str]
    """Metrics of diversity at ``k``."""
    conditions: Sequence[str]
    """Spelt as in names, such as ``T0.7``; temperatures come first and ``mixed`` last."""
    factors: Sequence[str] = ()
    """The factors that have several levels within a run or among the runs."""
    sizes: Sequence[int] = ()
    """The subset sizes of all runs."""
    lines: Mapping[str, Sequence[str]] | None = None
    """Axis of a factor -> what ends the names of its curves, ``""`` where nothing else varies."""
    grouped_by: Sequence[str] = ()
    """The parts of a configuration that differ between runs, by which their lines are averaged."""

    def axes(self) -> Mapping[str, Sequence[str]]:
        """Return the axes of factors with the ends of their curves; the temperature is first."""
        return self.lines or {TEMPERATURE: [""]}


def project_contents(
    names: Collection[str], configs: Sequence[Mapping[str, Any]] = ()
) -> ProjectContents:
    """Find out what can be shown, from the names of the runs' values, such as ``maj@8/T0.7``.

    Args:
        names: of all summaries and histories.
        configs: the runs' configurations, which tell the factors.

    Raises:
        ValueError: no run has been analysed.
    """
    values = [name for name in names if not name.endswith(("/low", "/high", "/error"))]
    over_k = [found for name in values if (found := OVER_K.fullmatch(name))]
    sizes = sorted({int(found["k"]) for found in over_k if not found["at"]})
    if not sizes:
        raise ValueError(
            "none of the project's runs has been analysed yet, so there is nothing to show; finish "
            "one with `workbench run EXPERIMENT`, or `wandb sync` a run that was tracked offline"
        )
    k = sizes[-1]
    there = {found["name"] for found in over_k if not found["at"] and int(found["k"]) == k}
    order = [*METRICS, *(f"{name}_no_repeats" for name in METRICS)]
    selections = sorted(there - {*order, *ACCURACIES})
    at = {found["at"] for found in over_k if found["at"]}
    known = sorted((one for one in at if re.fullmatch(r"T[\d.]+", one)), key=lambda t: float(t[1:]))
    factors = _several_levels(configs, (*SAMPLING_OPTIONS, PROMPT))
    return ProjectContents(
        k,
        [*(name for name in ACCURACIES if name in there), *selections],
        [name for name in order if name in there],
        [*known, *sorted(at - {*known}, key=lambda name: (name == MIXED, name))],
        factors,
        sizes,
        _lines(values),
        [
            name
            for name in (*AVERAGED_APART, *factors)
            if len({str(config[name]) for config in configs if name in config}) > 1
        ],
    )


def _several_levels(configs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """Return the factors of which any run has several levels, or that differ between runs."""
    found = []
    for name in names:
        levels = {str(config[name]) for config in configs if name in config}
        if len(levels) > 1 or any("," in level for level in levels):
            found.append(name)
    return found


def _lines(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the axes of factors, and what ends the names of the curves over each."""
    found: dict[str, set[str]] = {}
    for name in names:
        if (curve := BY_LEVEL.fullmatch(name)) and curve["axis"] != "tokens":
            found.setdefault(curve["axis"], set()).add(curve["line"] or "")
    first = sorted(found, key=lambda axis: (axis != TEMPERATURE, axis))
    return {axis: sorted(found[axis]) for axis in first}
