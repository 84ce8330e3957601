"""What can change a sample: of a run as a whole, and of each of its conditions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from workbench.config.conditions import loading_of, model_variant, own_loading
from workbench.config.factors import ENGINE, MODEL, SAMPLING_OPTIONS
from workbench.config.faults import shown
from workbench.config.schema import Generation, Thinking
from workbench.config.turns_schema import SecondTurn
from workbench.core.conditions import Condition, temperature_name
from workbench.core.name_table import plugin_hashes
from workbench.generate import BACKENDS, engine_versions, resolve
from workbench.generate.drawing_settings import (
    DEFAULT,
    drawing_engine,
    drawing_settings,
    refuse_other_settings,
)
from workbench.models import locate
from workbench.storage.open_run import OpenRun

LOADED = ("model_hash", "dtype", "max_model_len", "engine", "correction", "corrections")
"""What is kept of a condition beside its levels: how its model was loaded; and of second answers
what was asked, and how many there are to each first one, by which they are numbered."""


@dataclass(frozen=True)
class LoadGroup:
    """Conditions that are drawn by one engine, which is loaded once."""

    settings: Generation
    """The section ``generation`` with the model and the engine options of the group."""
    conditions: tuple[Condition, ...]

    @property
    def second_turn(self) -> bool:
        """Whether these are second answers."""
        return bool(self.conditions[0].first)

    @property
    def pool_sizes(self) -> dict[str, int]:
        """How many samples each condition's pools are to have."""
        return {condition.name: condition.n for condition in self.conditions}


def load_groups(generation: Generation, conditions: Sequence[Condition]) -> list[LoadGroup]:
    """Group conditions by the engine that draws them, in order of appearance.

    Second answers are groups of their own, behind all others: their prompts hold the first ones.
    """
    request_options = BACKENDS[resolve(generation.backend)].request_options
    found: dict[str, tuple[Generation, list[Condition]]] = {}
    for condition in sorted(conditions, key=lambda one: bool(one.first)):
        settings = loading_of(condition, generation, request_options)
        name = json.dumps([asdict(settings), bool(condition.first)], sort_keys=True, default=list)
        found.setdefault(name, (settings, []))[1].append(condition)
    return [
        LoadGroup(_for_engine(settings, group), tuple(group)) for settings, group in found.values()
    ]


def _for_engine(settings: Generation, group: Sequence[Condition]) -> Generation:
    """Return settings with which an engine is made ready for all conditions of a group.

    Each request brings its own options. What is probed and reserved at the start, such as the
    longest sample, has to do for all of them.
    """
    heats = dict.fromkeys(one.temperature for one in group if not one.greedy)
    longest = [one.levels.get("max_tokens", settings.max_tokens) for one in group]
    return replace(
        settings,
        temperatures=tuple(heats),
        max_tokens=max(longest),
        turns=1,
        corrections=1,
        second_turn=SecondTurn(),
    )


def request_options(condition: Condition, generation: Generation) -> dict[str, Any]:
    """Return the options that are sent with each request of a condition, under vLLM's names."""
    more = BACKENDS[resolve(generation.backend)].request_options
    found = {}
    for factor, level in condition.levels.items():
        name = factor.removeprefix(ENGINE)
        sent = factor != name and name in more and level is not None
        if factor in SAMPLING_OPTIONS or sent:
            found[name] = level
    return found


def identity(settings: Generation, thinking: Thinking = DEFAULT) -> dict[str, Any]:
    """Return everything that can change a sample, except the prompts and the other factors.

    The manifest keeps it, and the fingerprint of the stage is a hash of it: samples are added to a
    run only under the same identity.
    """
    backend = resolve(settings.backend)
    row, own = BACKENDS[backend], own_loading(settings)
    found = {
        **drawing_settings(settings, thinking),
        "backend": backend,
        "engine_versions": {} if row.probe else engine_versions(backend),
        "logprobs_kind": row.logprobs_kind,
        "model": _model_identity(own),
    }
    if files := row.hash_files(own.engine) if row.hash_files else {}:
        found["engine_files"] = files
    if settings.logprobs:
        found["entropies"] = row.entropies
    return found | plugin_hashes(backend=BACKENDS.hashes([backend]))


def _model_identity(settings: Generation) -> str:
    if not BACKENDS[resolve(settings.backend)].local_model:
        return settings.model
    return locate.model_hash(locate.resolve_model(settings.model))


def condition_identities(
    generation: Generation, groups: Sequence[LoadGroup], correction: str = ""
) -> dict[str, Any]:
    """Return what makes each condition what it is, beside the run's identity.

    Conditions of which only the temperature is set are what their name says, and left out. Second
    answers are asked for by ``correction``.
    """
    own = own_loading(generation)
    models = {own.model: _model_identity(own)}
    found: dict[str, Any] = {}
    for group in groups:
        model = group.settings.model
        if model not in models:
            models[model] = _model_identity(group.settings)
        for one in group.conditions:
            if one.changed or one.name != temperature_name(one.temperature):
                entry = {"temperature": one.temperature, **json.loads(json.dumps(one.changed))}
                loaded: dict[str, Any] = {}
                if one.first:
                    loaded |= {"correction": correction, "corrections": one.corrections}
                if model != own.model:
                    loaded["model_hash"] = models[model]
                for key in ("dtype", "max_model_len"):
                    if getattr(group.settings, key) != getattr(own, key):
                        loaded[key] = getattr(group.settings, key)
                engine = _engine_of_model(one, generation)
                if engine != drawing_engine(own.engine):
                    loaded["engine"] = engine
                found[one.name] = entry | loaded
    return found


def _engine_of_model(condition: Condition, generation: Generation) -> dict[str, Any]:
    """Return the engine options of a condition's model that decide a sample, factors left out."""
    variant = model_variant(condition.changed.get(MODEL, generation.model), generation)
    return drawing_engine(generation.engine if variant.engine is None else variant.engine)


def server_facts(settings: Generation, recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run's server said when it was last asked, of the recorded identity."""
    if BACKENDS[resolve(settings.backend)].probe is None:
        return {}
    return {key: recorded[key] for key in ("logprobs_kind", "server") if key in recorded}


def refuse_other_identity(run: OpenRun, current: Mapping[str, Any]) -> None:
    """Refuse to go on where the folder holds samples of another identity."""
    before = run.manifest.data.get("identity")
    if before is not None and [*run.blocks_with_samples()]:
        refuse_other_settings(run.root, before, current)


def merged_conditions(run: OpenRun, current: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of every condition that was ever drawn, and of the current ones.

    Raises:
        ValueError: the folder holds samples of a condition of this name with other settings.
    """
    before: dict[str, Any] = run.manifest.data.get("conditions", {})
    for name in sorted(before.keys() & current.keys()):
        if before[name] != current[name]:
            raise ValueError(
                f"{run.root} holds samples of another condition that is called {name!r}: it has "
                f"{_spelt(before[name])}, and the experiment now gives {_spelt(current[name])}; "
                "give the new one another name, restore its settings, or give this experiment "
                "another folder with --out"
            )
    return before | dict(current)


def refuse_other_conditions(run: OpenRun) -> None:
    """Refuse to look at samples under levels that they were not drawn with; no model is read.

    Raises:
        ValueError: the folder holds samples of a condition of this name with other levels.
    """
    before: dict[str, Any] = run.manifest.data.get("conditions", {})
    for one in run.conditions:
        if one.name in before:
            levels = {"temperature": one.temperature, **json.loads(json.dumps(dict(one.changed)))}
            held = {name: level for name, level in before[one.name].items() if name not in LOADED}
            merged_conditions(run, {one.name: before[one.name] if held == levels else levels})


def _spelt(settings: Mapping[str, Any]) -> str:
    short = {n: shown(v) if isinstance(v, str) and " " in v else v for n, v in settings.items()}
    return ", ".join(f"{name} {value}" for name, value in short.items())
