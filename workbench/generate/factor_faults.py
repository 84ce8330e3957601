"""What is wrong with an experiment's factors: a backend cannot set one, a model is not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from workbench.config.conditions import conditions_of, loading_of
from workbench.config.factors import ENGINE
from workbench.config.faults import Fault
from workbench.config.schema import Experiment, Generation
from workbench.config.validation import Place, fields_of, parse
from workbench.core.conditions import TEMPERATURE
from workbench.core.lookup import unknown
from workbench.generate import BACKENDS, resolve


def factor_faults(sound: Experiment) -> Iterator[Fault]:
    """Check that the backend can set each factor, and that each model can be found."""
    generation = sound.generation
    if not (generation.grid or generation.conditions):
        return
    name = resolve(generation.backend)
    row, at = BACKENDS[name], ("generation", "grid" if generation.grid else "conditions")
    conditions = conditions_of(generation)
    factors = dict.fromkeys(factor for one in conditions for factor in one.levels)
    for factor in factors if name == "import" else ():
        if factor != TEMPERATURE:
            yield Fault((*at, factor), "imported samples are drawn already: nothing can be set")
    for factor in factors:
        option = factor.removeprefix(ENGINE)
        known = (*row.request_options, *(row.engine_options or ()))
        known += tuple(fields_of(row.options))
        open_ended = row.engine_options is None and row.options is None
        if factor != option and option not in known and not open_ended:
            said = unknown(option, known, f"option of backend {name}")
            yield Fault((*at, factor), f"the backend cannot set it: {said}")
    for one in conditions:
        yield from _loading_faults(loading_of(one, generation, row.request_options), at)


def _loading_faults(loaded: Generation, at: Place) -> Iterator[Fault]:
    """Check the engine options and the model of a condition."""
    row = BACKENDS[resolve(loaded.backend)]
    if row.options:
        for fault in parse(row.options, loaded.engine)[1]:
            yield Fault((*at, ".".join(("engine", *fault.at))), fault.message)
    if row.local_model and (missing := missing_folder(loaded.model)):
        yield Fault((*at, "model"), missing)


def missing_folder(name: str) -> str:
    """Say that a model which is named by its folder is not there; '' where it is."""
    if not name.startswith(("/", "./", "../", "~")) or Path(name).expanduser().is_dir():
        return ""
    return (
        f"there is no folder {name} (looked for from {Path.cwd()}); paths are relative to the "
        "current working directory"
    )
