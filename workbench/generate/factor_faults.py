"""What is wrong with an experiment's factors: a backend cannot set one, a model is not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from workbench.config.conditions import conditions_of, loading_of
from workbench.config.factors import ENGINE, MODEL
from workbench.config.faults import Fault, shown
from workbench.config.schema import Experiment, Generation
from workbench.config.validation import Place, fields_of, parse
from workbench.core.conditions import Condition
from workbench.core.lookup import unknown
from workbench.generate import BACKENDS, resolve
from workbench.generate.vllm_options import engine_options, sampling_options, wrong_type


def factor_faults(sound: Experiment, *, here: bool = True) -> Iterator[Fault]:
    """Check that the backend can set each factor, and that each model can be found.

    A run that is only looked at may lie elsewhere than its models: folders and files are looked for
    only where they have to be ``here``.
    """
    generation = sound.generation
    name = resolve(generation.backend)
    if name == "vllm" and here:
        yield from _unknown_to_vllm(generation)
    if not (generation.grid or generation.conditions):
        return
    conditions = conditions_of(generation)
    if name == "import":
        for factor in dict.fromkeys(factor for grid in generation.grid for factor in grid):
            message = "imported samples are drawn already: nothing can be set; leave the grid out"
            yield Fault(("generation", "grid", factor), message)
        return
    factors = dict.fromkeys(factor for one in conditions for factor in one.levels)
    wrong = list(_option_faults(factors, name, generation))
    yield from wrong
    faults = [fault for one in conditions if not wrong
              for fault in _loading_faults(one, generation, here)]  # fmt: skip
    yield from dict.fromkeys(faults)  # each once, and not once for each condition


def _place(factor: str, generation: Generation) -> Place:
    """Return the key that a factor stands under."""
    in_grid = any(factor in grid for grid in generation.grid)
    return "generation", "grid" if in_grid else "conditions", factor


def _option_faults(factors: Iterable[str], name: str, generation: Generation) -> Iterator[Fault]:
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
            yield Fault(_place(factor, generation), f"backend {name} cannot set it: {said}")


def _unknown_to_vllm(generation: Generation) -> Iterator[Fault]:
    """Check the names of vLLM's options, and the types of those that go with each request."""
    sent = BACKENDS["vllm"].request_options
    kinds = {name: sampling_options().get(name, "") for name in sent}
    engines: dict[Place, Mapping[str, Any]] = {("generation", "engine"): generation.engine}
    for model, variant in generation.models.items():
        engines["generation", "models", model, "engine"] = variant.engine or {}
    for at, options in engines.items():
        for option, value in options.items():
            message = _unknown_option(option)
            if option in sent and engine_options():
                factor = f"{ENGINE}{option}: [{shown(value)}]"
                message = (
                    f"goes with each request: give it as a factor, in generation.grid {factor}"
                )
            if message:
                yield Fault((*at, option), message)
    levels = [("grid", name, v) for grid in generation.grid for name in grid for v in grid[name]]
    levels += [("conditions", *level) for cell in generation.conditions for level in cell.items()]
    faults: dict[Fault, None] = {}
    for key, name, level in levels:
        option = name.removeprefix(ENGINE)
        if option != name:
            message = _unknown_option(option) or wrong_type(kinds.get(option, ""), level)
            faults |= {Fault(("generation", key, name), message): None} if message else {}
    yield from faults


def _unknown_option(option: str) -> str:
    """Say that vLLM has no such option; '' where it has, or where that is not known."""
    known, sent = engine_options(), BACKENDS["vllm"].request_options
    if not known or option in known or option in sent:
        return ""
    if option in sampling_options():
        listed = ", ".join(sent)
        return f"an option of vLLM's requests that is not passed on (those are: {listed})"
    near = get_close_matches(option, {**known, **dict.fromkeys(sent), **sampling_options()}, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    others = "(the options are the fields of vllm.EngineArgs, and of requests "
    return f"vLLM has no such option{hint} {others}{', '.join(sent)})"


def _loading_faults(one: Condition, generation: Generation, here: bool) -> Iterator[Fault]:
    """Check the engine options and the model of a condition."""
    row = BACKENDS[resolve(generation.backend)]
    loaded = loading_of(one, generation, row.request_options)
    if row.options:
        for fault in parse(row.options, loaded.engine)[1]:
            at = _place_of_option(fault.at[0], one, generation)
            yield Fault((*at, *fault.at[1:]), fault.message)
    if here and row.local_model and (missing := missing_folder(loaded.model)):
        model = one.changed.get(MODEL, generation.model)
        named = model in generation.models and generation.models[model].model
        at = ("generation", "models", model, "model") if named else _place(MODEL, generation)
        yield Fault(at, missing)
    try:
        if here and row.hash_files:
            row.hash_files(loaded.engine)
    except ValueError as fault:
        option, _, message = str(fault).partition(": ")
        yield Fault(_place_of_option(option, one, generation), message)


def _place_of_option(option: str, one: Condition, generation: Generation) -> Place:
    """Return the key by which a condition has an option of its engine."""
    model = one.changed.get(MODEL, generation.model)
    engine = generation.models[model].engine if model in generation.models else None
    if ENGINE + option in one.changed:
        return _place(ENGINE + option, generation)
    if engine is not None:
        return "generation", "models", model, "engine", option
    return "generation", "engine", option


def missing_folder(name: str) -> str:
    """Say that a model which is named by its folder is not there; '' where it is."""
    if not name.startswith(("/", "./", "../", "~")) or Path(name).expanduser().is_dir():
        return ""
    return (
        f"there is no folder {name} (looked for from {Path.cwd()}); paths are relative to the "
        "current working directory"
    )
