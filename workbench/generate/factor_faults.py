"""What is wrong with an experiment's factors: a backend cannot set one, a model is not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from workbench.config.conditions import conditions_of, loading_of
from workbench.config.factors import ENGINE
from workbench.config.faults import Fault
from workbench.config.schema import Experiment, Generation
from workbench.config.validation import Place, fields_of, parse
from workbench.core.lookup import unknown
from workbench.generate import BACKENDS, resolve


def factor_faults(sound: Experiment, *, here: bool = True) -> Iterator[Fault]:
    """Check that the backend can set each factor, and that each model can be found.

    A run that is only looked at may lie elsewhere than its models: folders and files are looked for
    only where they have to be ``here``.
    """
    generation = sound.generation
    if not (generation.grid or generation.conditions):
        return
    name = resolve(generation.backend)
    row, at = BACKENDS[name], ("generation", "grid" if generation.grid else "conditions")
    conditions = conditions_of(generation)
    if name == "import":
        for factor in dict.fromkeys(factor for grid in generation.grid for factor in grid):
            message = "imported samples are drawn already: nothing can be set; leave the grid out"
            yield Fault(("generation", "grid", factor), message)
        return
    factors = dict.fromkeys(factor for one in conditions for factor in one.levels)
    wrong = list(_option_faults(factors, name, at))
    yield from wrong
    loaded = [loading_of(one, generation, row.request_options) for one in conditions]
    faults = [fault for one in loaded if not wrong for fault in _loading_faults(one, at, here)]
    yield from dict.fromkeys(faults)  # each once, and not once for each condition


def _option_faults(factors: Iterable[str], name: str, at: Place) -> Iterator[Fault]:
    """Check that a backend has each option of it that is a factor."""
    row = BACKENDS[name]
    for factor in factors:
        option = factor.removeprefix(ENGINE)
        known = (*row.request_options, *(row.engine_options or ()))
        known += tuple(fields_of(row.options))
        open_ended = row.engine_options is None and row.options is None
        if factor != option and option not in known and not open_ended:
            said = f"unknown option {option!r}; it has none"
            if known:
                said = unknown(option, known, "option")
            yield Fault((*at, factor), f"backend {name} cannot set it: {said}")


def _loading_faults(loaded: Generation, at: Place, here: bool) -> Iterator[Fault]:
    """Check the engine options and the model of a condition."""
    row = BACKENDS[resolve(loaded.backend)]
    if row.options:
        for fault in parse(row.options, loaded.engine)[1]:
            yield Fault((*at, ".".join(("engine", *fault.at))), fault.message)
    if here and row.local_model and (missing := missing_folder(loaded.model)):
        yield Fault((*at, "model"), missing)
    try:
        if here and row.hash_files:
            row.hash_files(loaded.engine)
    except ValueError as fault:
        option, _, message = str(fault).partition(": ")
        yield Fault((*at, ENGINE + option), message)


def missing_folder(name: str) -> str:
    """Say that a model which is named by its folder is not there; '' where it is."""
    if not name.startswith(("/", "./", "../", "~")) or Path(name).expanduser().is_dir():
        return ""
    return (
        f"there is no folder {name} (looked for from {Path.cwd()}); paths are relative to the "
        "current working directory"
    )
