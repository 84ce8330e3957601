"""Reading an experiment file: strict, and with all its faults in one message.

``workbench.config.schema`` says what a file may hold; this module reads it, applies ``--set`` and
looks every name up in its table.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from workbench.config.condition_faults import condition_faults, mixed_faults, same_prompt_faults
from workbench.config.conditions import fill_in_conditions
from workbench.config.faults import Fault, Unsound, shortened
from workbench.config.schema import Experiment, Generation, contradictions
from workbench.config.validation import Place, SoundPart, fields_of, parse
from workbench.config.yaml_file import NESTING_LIMIT, YamlError, parse_yaml, read_mapping
from workbench.core.lookup import unknown
from workbench.core.name_table import unloaded_hint
from workbench.core.plugins import (
    PluginError,
    load_plugins,
    located,
    note_not_loaded,
    put_away_others,
)
from workbench.core.types import SelectionRule
from workbench.generate import BACKENDS
from workbench.generate.factor_faults import factor_faults, missing_folder
from workbench.metrics import METRICS
from workbench.rewards import REWARDS
from workbench.tasks import TASKS
from workbench.tasks.setting_faults import setting_faults

TABLES: tuple[tuple[str, str, str, Mapping[str, Any]], ...] = (
    ("task", "name", "task", TASKS),
    ("generation", "backend", "backend", BACKENDS),
    ("scoring", "rewards", "reward", REWARDS),
    ("measure", "metrics", "metric", METRICS),
)
"""Settings that hold a name or a list of names: section, key, kind and table of what there is."""


GRID = ("generation", "grid")


class ExperimentError(ValueError):
    """An experiment file that is not valid; the message lists every fault, one a line."""

    def __init__(self, path: str | Path, faults: Sequence[str]) -> None:
        """Make the message of a file and its faults."""
        lines = (" ".join(fault.split()) for fault in faults)
        super().__init__("\n  ".join([f"{path} is not a valid experiment:", *lines]))


def load_experiment(
    path: str | Path,
    overrides: Sequence[str] = (),
    *,
    aggregators: Mapping[str, SelectionRule] | None = None,
    here: bool = True,
    trusted: bool = True,
) -> Experiment:
    """Read and check an experiment file; nothing heavy is loaded and no network is asked.

    Types are taken as written: the text ``"16"`` is not a number, ``true`` is not an integer and
    ``4`` is not a list. Paths in the file are relative to the current working directory, and those
    of plug-ins to the file. ``task.source``, ``task.examples`` and the ``examples`` of its prompts
    are looked for beside the file where the working directory has no such file.

    Args:
        path: a YAML file.
        overrides: settings that replace the file's, as ``generation.n=32``; the value is YAML.
        aggregators: the selection rules there are, by name; their names are not checked without.
        here: whether the folders and problem files that it names have to be on this machine. A
            run that was copied elsewhere is scored, analysed and looked at without them.
        trusted: whether the plug-ins that the file names are loaded. The file in a run's folder is
            not trusted: the folder may come from somebody else. Only plug-ins that ``overrides``
            name are then loaded, and names that may be of the others are let pass.

    Raises:
        ExperimentError: the file is missing, is not YAML, or is not valid; with all its faults.
    """
    try:
        tree = read_mapping(Path(path))
    except YamlError as error:
        raise ExperimentError(path, [str(error)]) from error
    home = Path(path).resolve().parent
    tree["plugins"] = _located(tree.get("plugins"), home)
    if trusted:  # the folder of a run has a file problems.jsonl, which is another one
        _find_beside(tree.get("task"), Path(path).parent)
    return check_experiment(
        tree, overrides, path, aggregators=aggregators, here=here, trusted=trusted
    )


def check_experiment(
    tree: dict[str, Any],
    overrides: Sequence[str],
    path: str | Path,
    *,
    aggregators: Mapping[str, SelectionRule] | None = None,
    here: bool = True,
    trusted: bool = True,
) -> Experiment:
    """Check an experiment that was read already, or was never a file.

    ``tree`` holds its sections, and the overrides are set in it; ``path`` is what the message calls
    it; the other arguments are those of ``load_experiment``.

    Raises:
        ExperimentError: it is not valid; with all its faults.
    """
    set_keys, lines = _override(tree, overrides)
    for name in fields_of(Experiment):
        if name not in ("name", "training") and tree.get(name) is None:
            tree[name] = [] if name == "plugins" else {}  # left out, or only comments
    fill_in_conditions(tree["generation"])
    by_hand = ("plugins",) in set_keys
    tree["plugins"] = _located(tree["plugins"], Path.cwd())  # those of a file are absolute
    experiment, faults = parse(Experiment, tree)
    sound = cast(Experiment, SoundPart(Experiment, tree, [fault.at for fault in faults]))
    unloaded = list(_plugin_faults(sound, trusted or by_hand))
    faults += unloaded
    if not unloaded and not note_not_loaded(getattr(sound, "plugins", ())):
        faults += [*_name_faults(sound), *_aggregator_faults(sound, aggregators)]
    faults += [*contradictions(sound), *_backend_faults(sound)]
    with suppress(Unsound):
        faults += condition_faults(sound.generation, list(sound.task.prompts))
        faults += [*same_prompt_faults(sound), *mixed_faults(sound)] if not faults else []
    faults += factor_faults(sound, here=here) if not faults else []
    if here:
        faults += [*_path_faults(sound), *_task_faults(sound, tree, faults)]
    for fault in map(_with_section, faults):
        by_hand = any(all(a == b for a, b in zip(key, fault.at, strict=False)) for key in set_keys)
        lines.append(f"{'--set ' if by_hand else ''}{fault}")
    if lines or experiment is None:
        raise ExperimentError(path, lines)
    return experiment


def _with_section(fault: Fault) -> Fault:
    """Say of an unknown key which section has one of this name, as of ``n`` without its section."""
    name = fault.at[-1]
    sections = fields_of(Experiment).items()
    homes = [
        f"{at}.{name}" for at, row in sections if name in fields_of(cast(type, row.annotation))
    ]
    if not homes or not fault.message.startswith("unknown key"):
        return fault
    return Fault(fault.at, f"unknown key here; did you mean {' or '.join(homes)}?")


def _override(tree: dict[str, Any], overrides: Sequence[str]) -> tuple[list[Place], list[str]]:
    """Set values in ``tree``; return the keys that were set, and what could not be."""
    keys, faults = [], []
    for override in overrides:
        name, equals, text = override.partition("=")
        key = _key(name)
        try:
            if not equals or not all(key):
                raise ValueError("expected KEY=VALUE, such as generation.n=32")
            if len(key) > NESTING_LIMIT:
                raise ValueError(f"the key has {len(key):,} parts; no setting has so many")
            _set(tree, key, parse_yaml(text))
            keys.append(key)
        except ValueError as error:
            faults.append(f"--set {shortened(override)}: {error}")
    return keys, faults


def _key(name: str) -> Place:
    """Return the parts of a key; a factor of a grid is one part, as ``engine.NAME`` is."""
    key = tuple(name.strip().split("."))
    return (*GRID, ".".join(key[2:])) if key[:2] == GRID and all(key[2:3]) and key[2:] else key


def _set(tree: dict[str, Any], key: Place, value: object) -> None:
    for end, part in enumerate(key[:-1], start=1):
        if tree.get(part) is None:
            tree[part] = {}
        tree = tree[part]
        if key[:end] == GRID and isinstance(tree, list) and len(tree) == 1:
            tree = tree[0]  # a run's file has a list of grids, also where it is of one
        if not isinstance(tree, dict):
            why = "has no keys of its own"
            if key[:end] == GRID and isinstance(tree, list):
                why = f"is a list of {len(tree)} grids; set all of it"
            raise ValueError(f"{'.'.join(key[:end])} {why}")
    tree[key[-1]] = value


def load_named_plugins(overrides: Sequence[str]) -> None:
    """Load the plug-ins that settings name, before there is an experiment to set them in.

    Raises:
        PluginError: one of them cannot be loaded, or one of an installed package.
    """
    tree: dict[str, Any] = {}
    _override(tree, overrides)
    names = tree.get("plugins")
    load_plugins(
        [name for name in names if isinstance(name, str)] if isinstance(names, list) else ()
    )


def _located(names: Any, home: Path) -> Any:
    """Make the paths of plug-ins absolute; what is no list of texts is refused later."""
    if not isinstance(names, list):
        return names
    return [located(name, home) if isinstance(name, str) else name for name in names]


def _find_beside(task: Any, home: Path) -> None:
    """Name the task's files by their folder ``home`` where they are found only there."""
    if not isinstance(task, dict):
        return
    variants = task.get("prompts")
    for section in (task, *(variants.values() if isinstance(variants, dict) else ())):
        for key in ("source", "examples") if isinstance(section, dict) else ():
            name = section.get(key)
            if isinstance(name, str) and not Path(name).exists() and (home / name).is_file():
                section[key] = str(home / name)


def _plugin_faults(sound: Experiment, load: bool) -> Iterator[Fault]:
    """Load the plug-ins, if their names are to be known, and put away those of other experiments.

    Those of installed packages are always loaded.
    """
    try:
        load_plugins(())
    except PluginError as fault:
        yield Fault(("plugins",), str(fault))
        return
    if not load:
        return
    names = getattr(sound, "plugins", ())
    files = Counter(Path(name).name for name in names if "/" in name)
    for file in (file for file, count in files.items() if count > 1):
        message = f"{files[file]} files are called {file}, and the run's folder keeps a copy of "
        yield Fault(("plugins",), message + "each by its name; rename one of them")
    put_away_others(names)
    for name in names:
        try:
            load_plugins([name])
        except PluginError as fault:
            yield Fault(("plugins",), str(fault))


def _name_faults(sound: Experiment) -> Iterator[Fault]:
    """Look every name up in its table."""
    for section, key, kind, table in TABLES:
        with suppress(Unsound):
            names = getattr(getattr(sound, section), key)
            for name in [names] if isinstance(names, str) else names:
                if name not in table:
                    yield Fault((section, key), unknown(name, table, kind) + unloaded_hint())


def _aggregator_faults(
    sound: Experiment, aggregators: Mapping[str, SelectionRule] | None
) -> Iterator[Fault]:
    """Look the selection rules up, and the rewards that are given to them."""
    if aggregators is None:
        return
    at = ("selection", "aggregators")
    for name in getattr(sound.selection, "aggregators", ()):
        rule, colon, reward = name.partition(":")
        if rule not in aggregators:
            yield Fault(at, unknown(rule, aggregators, "aggregator") + unloaded_hint())
        elif colon and "rewards" not in aggregators[rule].needs:
            able = ", ".join(other for other, row in aggregators.items() if "rewards" in row.needs)
            message = f"{name!r}: {rule!r} uses no reward; only {able} can be given one"
            yield Fault(at, message)
        elif colon:
            with suppress(Unsound):
                rewards = sound.scoring.rewards
                if reward not in rewards:
                    message = f"{name!r}: {reward!r} is not among scoring.rewards {list(rewards)}; "
                    yield Fault(at, message + "add it there or choose one of them")


def _backend_faults(sound: Experiment) -> Iterator[Fault]:
    """Check what a backend takes of the section ``generation``, where its row says so."""
    row = BACKENDS.get(getattr(sound.generation, "backend", ""))
    for key in row.decided_by_server if row else ():
        default = fields_of(Generation)[key].default
        if getattr(sound.generation, key, None) not in (None, default):
            message = "not for this backend: the server decides it; leave it out"
            yield Fault(("generation", key), message)
    if row and row.options:
        with suppress(Unsound):
            for fault in parse(row.options, sound.generation.engine)[1]:
                yield Fault(("generation", "engine", *fault.at), fault.message)


def _path_faults(sound: Experiment) -> Iterator[Fault]:
    """Check the folders and files that are named; names of the hub are left to the hub."""
    row = BACKENDS.get(getattr(sound.generation, "backend", ""))
    for section in ("generation", "embedding"):
        if section == "generation" and row is not None and not row.local_model:
            continue  # a server's name for it, or only a name
        name = getattr(getattr(sound, section), "model", "")
        if message := missing_folder(name):
            yield Fault((section, "model"), message)
    with suppress(Unsound):
        try:
            if row and row.hash_files:
                row.hash_files(sound.generation.engine)
        except ValueError as fault:
            option, _, message = str(fault).partition(": ")
            yield Fault(("generation", "engine", option), message)


def _task_faults(sound: Experiment, tree: dict[str, Any], faults: list[Fault]) -> Iterator[Fault]:
    """Let the task check its own settings, those that are faulty already left out."""
    task = TASKS.get(getattr(sound.task, "name", ""))
    if task is not None:
        imported = getattr(sound.generation, "backend", None) == "import"
        yield from setting_faults(task, tree["task"], faults, imported=imported)
        with suppress(Unsound):
            if "partial" in sound.scoring.rewards and not task.programs:
                known = ", ".join(name for name, row in TASKS.items() if row.programs)
                message = f"'partial' is the share of tests that a program passes: only {known} "
                yield Fault(("scoring", "rewards"), message + "have tests; leave it out")
