"""Reading an experiment file: strict, and with all its faults in one message.

``workbench.config.schema`` says what a file may hold; this module reads it, applies ``--set`` and
looks every name up in its table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticUndefined

from workbench.config import schema as config
from workbench.config import scoring_schema as settings
from workbench.config.messages import Fault, type_fault, unknown
from workbench.config.schema import Experiment
from workbench.config.yaml_file import YamlError, parse_yaml, read_mapping
from workbench.core.selection_rule import SelectionRule
from workbench.generate import BACKENDS
from workbench.metrics import METRICS
from workbench.rewards import REWARDS
from workbench.tasks import TASKS

PARTS: dict[str, Any] = {
    "name": settings.FolderName,
    "task": config.TaskSettings,
    "generation": config.Generation,
    "scoring": settings.Scoring,
    "embedding": config.Embedding,
    "measure": config.Measure,
    "selection": config.Selection,
    "analysis": config.Analysis,
    "tracking": config.Tracking,
}

Value = Callable[[str, str], Any]
"""(section, key) -> a setting, or None where it is missing or faulty itself."""


class ExperimentError(ValueError):
    """An experiment file that is not valid; the message lists every fault, one a line."""

    def __init__(self, path: str | Path, faults: Sequence[str]) -> None:
        """Make the message of a file and its faults."""
        super().__init__(
            "\n".join([f"{path} is not a valid experiment:", *(f"  {fault}" for fault in faults)])
        )


def load_experiment(
    path: str | Path,
    overrides: Sequence[str] = (),
    *,
    aggregators: Mapping[str, SelectionRule] | None = None,
    here: bool = True,
) -> Experiment:
    """Read and check an experiment file; nothing heavy is loaded and no network is asked.

    Types are taken as written: the text ``"16"`` is not a number, ``true`` is not an integer and
    ``4`` is not a list. Paths in the file are relative to the current working directory.

    Args:
        path: a YAML file.
        overrides: settings that replace the file's, as ``generation.n=32``; the value is YAML.
        aggregators: the selection rules there are, by name; their names are not checked without.
        here: whether the folders and problem files that it names have to be on this machine. A
            run that was copied elsewhere is scored, analysed and looked at without them.

    Raises:
        ExperimentError: the file is missing, is not YAML, or is not valid; with all its faults.
    """
    try:
        tree = read_mapping(Path(path))
    except YamlError as error:
        raise ExperimentError(path, [str(error)]) from error
    return check_experiment(tree, overrides, path, aggregators=aggregators, here=here)


def check_experiment(
    tree: dict[str, Any],
    overrides: Sequence[str],
    path: str | Path,
    *,
    aggregators: Mapping[str, SelectionRule] | None = None,
    here: bool = True,
) -> Experiment:
    """Check an experiment that was read already, or was never a file.

    Args:
        tree: its sections.
        overrides: as for ``load_experiment``.
        path: what the message calls it.
        aggregators: as for ``load_experiment``.
        here: as for ``load_experiment``.

    Raises:
        ExperimentError: it is not valid; with all its faults.
    """
    set_keys, faults = _override(tree, overrides)
    experiment, found = _validate(tree, aggregators, here)
    for fault in found:
        by_hand = any(all(a == b for a, b in zip(key, fault.at, strict=False)) for key in set_keys)
        faults.append(f"{'--set ' if by_hand else ''}{'.'.join(fault.at)}: {fault.message}")
    if faults or experiment is None:
        raise ExperimentError(path, faults)
    return experiment


def _override(
    tree: dict[str, Any], overrides: Sequence[str]
) -> tuple[list[tuple[str, ...]], list[str]]:
    """Set values in ``tree``; return the keys that were set, and what could not be."""
    keys: list[tuple[str, ...]] = []
    faults: list[str] = []
    for override in overrides:
        name, equals, text = override.partition("=")
        key = tuple(name.strip().split("."))
        if not equals or not all(key):
            faults.append(f"--set {override}: expected KEY=VALUE, such as generation.n=32")
            continue
        try:
            value = parse_yaml(text)
        except YamlError as error:
            faults.append(f"--set {override}: {error}")
            continue
        place: Any = tree
        for i, part in enumerate(key[:-1]):
            if place.get(part) is None:
                place[part] = {}
            place = place[part]
            if not isinstance(place, dict):
                faults.append(f"--set {override}: {'.'.join(key[: i + 1])} has no keys of its own")
                break
        else:
            place[key[-1]] = value
            keys.append(key)
    return keys, faults


def _validate(
    tree: dict[str, Any], aggregators: Mapping[str, SelectionRule] | None, here: bool
) -> tuple[Experiment | None, list[Fault]]:
    """Check section by section, so that a fault in one hides none in another."""
    faults = [Fault((str(key),), unknown(str(key), PARTS)) for key in tree if key not in PARTS]
    parsed: dict[str, Any] = {}
    for part, kind in PARTS.items():
        content = tree.get(part)
        if part == "name" and part not in tree:
            faults.append(Fault((part,), "missing: it names the run's folder, results/NAME"))
            continue
        if part != "name" and content is None:  # left out, or all its lines are commented out
            content = {}
        try:
            # As JSON, where pydantic can be strict about types and still make tuples of lists.
            text = json.dumps(content, default=str)
            parsed[part] = TypeAdapter(kind).validate_json(text, strict=True)
        except ValidationError as error:
            for item in error.errors(include_url=False):
                inner = settings.NESTED.get(str(item["loc"][0])) if item["loc"][1:] else None
                fault = type_fault(dict(item), _purposes(inner or kind))
                faults.append(Fault((part, *fault.at), fault.message))
    for key, message in settings.unknown_models(parsed["scoring"]) if "scoring" in parsed else ():
        faults.append(Fault(("scoring", *key.split(".")), message))
    value = partial(_value, tree, faults)
    said = {fault.at[:2] for fault in faults}
    together = [fault for fault in _cross_faults(value) if fault.at[:2] not in said]
    faults += _name_faults(value, aggregators) + together + _backend_faults(value)
    if here:
        faults += _path_faults(value)
        faults += _task_faults(value, faults)
    return (None if faults else Experiment(**parsed)), faults


def _purposes(kind: object) -> dict[str, str | None]:
    found = getattr(kind, "__pydantic_fields__", {})
    return {name: field.description for name, field in found.items()}


def _value(tree: Mapping[str, Any], faults: Sequence[Fault], section: str, key: str) -> Any:
    """Return one setting, or None where it is missing or faulty itself.

    So names are looked up, and settings held against one another, beside faults elsewhere in the
    same section.
    """
    if any((section, key)[: len(fault.at)] == fault.at[:2] for fault in faults):
        return None
    content = tree.get(section) or {}
    if key in content:
        return content[key]
    default = PARTS[section].__pydantic_fields__[key].get_default(call_default_factory=True)
    return None if default is PydanticUndefined else default


def _name_faults(value: Value, aggregators: Mapping[str, SelectionRule] | None) -> list[Fault]:
    """Look every name up in its table."""
    tables: list[tuple[str, str, str, Mapping[str, Any]]] = [
        ("task", "name", "task", TASKS),
        ("generation", "backend", "backend", BACKENDS),
        ("scoring", "rewards", "reward", REWARDS),
        ("measure", "metrics", "metric", METRICS),
    ]
    faults = []
    for section, key, kind, table in tables:
        names = value(section, key) or ()
        for name in [names] if isinstance(names, str) else names:
            if name not in table:
                faults.append(Fault((section, key), unknown(name, table, kind)))
    if aggregators is not None:
        rewards = value("scoring", "rewards")
        for name in value("selection", "aggregators") or ():
            message = _aggregator_fault(name, aggregators, rewards)
            if message:
                faults.append(Fault(("selection", "aggregators"), message))
    return faults


def _aggregator_fault(
    name: str, aggregators: Mapping[str, SelectionRule], rewards: Sequence[str] | None
) -> str | None:
    rule, colon, reward = name.partition(":")
    if rule not in aggregators:
        return unknown(rule, aggregators, "aggregator")
    if not colon:
        return None
    if not aggregators[rule].uses_reward:
        able = [other for other, row in aggregators.items() if row.uses_reward]
        return f"{name!r}: {rule!r} uses no reward; only {', '.join(able)} can be given one"
    if rewards is not None and reward not in rewards:
        return (
            f"{name!r}: {reward!r} is not among scoring.rewards {list(rewards)}; "
            "add it there or choose one of them"
        )
    return None


def _path_faults(value: Value) -> list[Fault]:
    """Check that what is clearly a model's folder is there; hub names are left to the hub."""
    faults = []
    for section in ("generation", "embedding"):
        name = value(section, "model")
        row = BACKENDS.get(str(value("generation", "backend")))
        if section == "generation" and row is not None and not row.local_model:
            continue  # a server's name for it, or only a name
        if name and name.startswith(("/", "./", "../", "~")):
            folder = Path(name).expanduser()
            if not folder.is_dir():
                faults.append(
                    Fault(
                        (section, "model"),
                        f"there is no folder {name} (looked for from {Path.cwd()}); paths are "
                        "relative to the current working directory",
                    )
                )
    return faults


def _cross_faults(value: Value) -> list[Fault]:
    """Hold settings against one another."""
    found = config.contradictions(
        k=value("measure", "k"),
        n=value("generation", "n"),
        max_tokens=value("generation", "max_tokens"),
        max_model_len=value("generation", "max_model_len"),
        reward=value("selection", "reward"),
        rewards=value("scoring", "rewards"),
        has_orm=value("scoring", "orm") is not None,
        has_encodings=(value("scoring", "orm") or {}).get("encodings") is True,
        source=value("embedding", "source"),
        temperatures=value("generation", "temperatures"),
        backend=value("generation", "backend"),
        logprobs=value("generation", "logprobs"),
        metrics=value("measure", "metrics"),
        dpp_quality=value("measure", "dpp_quality"),
    )
    return [Fault(tuple(key.split(".")), message) for key, message in found]


def _backend_faults(value: Value) -> list[Fault]:
    """Check what a backend takes of the section ``generation``, where its row says so."""
    row = BACKENDS.get(str(value("generation", "backend")))
    faults = []
    for key in row.decided_by_server if row else ():
        default = PARTS["generation"].__pydantic_fields__[key].default
        if value("generation", key) not in (None, default):
            message = "not for this backend: the server decides it; leave it out"
            faults.append(Fault(("generation", key), message))
    if row and row.options:
        try:
            text = json.dumps(value("generation", "engine") or {}, default=str)
            TypeAdapter(row.options).validate_json(text, strict=True)
        except ValidationError as error:
            for item in error.errors(include_url=False):
                fault = type_fault(dict(item), _purposes(row.options))
                faults.append(Fault(("generation", "engine", *fault.at), fault.message))
    return faults


def _task_faults(value: Value, faults: Sequence[Fault]) -> list[Fault]:
    """Let the task check its own settings, those that are faulty already left out."""
    settings = {key: value("task", key) for key in _purposes(config.TaskSettings)}
    if settings["name"] not in TASKS:
        return []
    known = {key: setting for key, setting in settings.items() if setting is not None}
    try:
        TASKS[settings["name"]].check(config.TaskSettings(**known))
    except ValueError as error:
        lines = [line.partition(": ") for line in str(error).splitlines()]
        found = [Fault(("task", *key.split(".")), message) for key, _, message in lines]
        said = {fault.at[:2] for fault in faults}
        if value("generation", "backend") == "import":  # its problems came with the samples
            said |= {("task", "source"), ("task", "num_problems")}
        return [fault for fault in found if fault.at[:2] not in said]
    return []
