"""Plug-ins: Python files and modules of one's own that add rows to the tables of names.

A plug-in writes ``METRICS["spread"] = Metric(...)`` or the like when it is executed. It is loaded
where a user names it (``plugins`` in an experiment file, ``--set plugins=...``, ``load_plugins``)
or has installed it (a package with an entry point in the group ``workbench.plugins``). The folder
of a run may come from somebody else: the plug-ins that it names are never loaded for it.
"""

from __future__ import annotations

import hashlib
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from workbench.core.name_table import NAME_TABLES, NOT_LOADED, NameTable, take_additions

GROUP = "workbench.plugins"
"""The group of entry points by which an installed package says that one of its modules is a
plug-in."""


class PluginError(ValueError):
    """A plug-in that cannot be loaded; the message names it, the line, and what to do."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plug-in as it was loaded."""

    name: str
    """The absolute path of a file, or the name of a module."""
    sha256: str
    """Of the file; of a module, of all Python files beside and below it in its package."""
    source: bytes | None = None
    """What was executed; None for a module. Worker processes execute the same bytes, whatever has
    become of the file."""

    @property
    def adds(self) -> dict[str, list[str]]:
        """The names that it has added, by kind."""
        added = {
            table.kind: [name for name, (by, _) in table.added_by.items() if by == self.name]
            for table in NAME_TABLES
        }
        return {kind: names for kind, names in added.items() if names}


_LOADED: dict[str, Plugin] = {}
"""By the name that was given: a copy of a file that is loaded already stands for that one."""
_ROWS_OF_MODULES: dict[str, list[tuple[NameTable[Any], str, Any]]] = {}
"""The rows of modules that were put away: Python executes a module only once."""
_INSTALLED: list[str] | None = None
"""The modules that installed packages name; None until they have been looked for."""


def located(name: str, home: Path) -> str:
    """Return the name of a plug-in with a path made absolute, as seen from the folder ``home``.

    Example:
        >>> [located(name, Path("/study")) for name in ("mine/metrics.py", "package.metrics")]
        ['/study/mine/metrics.py', 'package.metrics']
    """
    is_path = name.endswith(".py") or "/" in name
    return str((home / Path(name).expanduser()).resolve()) if is_path else name


def load_plugins(names: Iterable[str]) -> None:
    """Load plug-ins, and those of installed packages before them.

    What is loaded already is left as it is; a file that has changed since is executed again.

    Args:
        names: paths of Python files, relative to the current working directory, and modules.

    Raises:
        PluginError: one of them is not to be found, fails, or adds a name that there is already.

    Example:
        >>> load_plugins([])
    """
    load_installed()
    for name in names:
        _load(located(name, Path.cwd()))


def put_away_others(names: Iterable[str]) -> None:
    """Take the rows of all plug-ins out of the tables but of these and of installed packages.

    So a run in a notebook gets the same tables and names as on the command line, whatever was run
    before it, and two experiments may have plug-ins that use one name.

    Args:
        names: absolute paths of files, and modules, as an experiment holds them.
    """
    kept = {_LOADED[name].name for name in (*(_INSTALLED or ()), *names) if name in _LOADED}
    for plugin in loaded():
        if plugin.name not in kept:
            _forget(plugin)
            NOT_LOADED[plugin.name] = None


def load_installed() -> None:
    """Load the plug-ins of installed packages, once for each process.

    Raises:
        PluginError: one of them fails; the message names the package.
    """
    global _INSTALLED
    if _INSTALLED is not None:
        return
    from importlib.metadata import entry_points

    found = []
    for entry in entry_points(group=GROUP):
        try:
            _load(entry.module)
        except PluginError as fault:
            package = entry.dist.name if entry.dist else "?"
            raise PluginError(f"the installed package {package!r}: {fault}") from fault
        found.append(entry.module)
    _INSTALLED = found


def loaded() -> tuple[Plugin, ...]:
    """Return the plug-ins that this process has loaded, in order, each once."""
    return tuple(dict.fromkeys(_LOADED.values()))


def used_by(names: Sequence[str]) -> dict[str, Plugin]:
    """Return the plug-ins of installed packages and some others, by name; they must be loaded."""
    return {name: _LOADED[name] for name in (*(_INSTALLED or ()), *names)}


def load_again(plugins: Sequence[Plugin]) -> None:
    """Load in a worker process what the process that started it has loaded."""
    for plugin in plugins:
        if plugin.name not in _LOADED:
            with _adding(plugin):
                _execute(plugin)


def as_option(names: Sequence[str]) -> str:
    """Return the option of a command line that names plug-ins; '' for none.

    Example:
        >>> as_option(["mine.py", "package.rows"])
        " --set 'plugins=[mine.py, package.rows]'"
    """
    return f" --set 'plugins=[{', '.join(names)}]'" if names else ""


def blamed(fault: BaseException) -> str:
    """Return which line of a plug-in an exception came through, and the exception; '' for none.

    An exception of a worker process has the lines as the text of its cause.
    """
    if isinstance(fault, PluginError):
        return ""
    told = "".join(traceback.format_exception(fault))
    for plugin in loaded():
        file = plugin.name
        if plugin.source is None:
            file = getattr(sys.modules.get(plugin.name), "__file__", None) or file
        if lines := re.findall(rf'File "{re.escape(file)}", line (\d+)', told):
            said = " ".join(str(fault).split())
            return f"{file}, line {lines[-1]}: {type(fault).__name__}: {said}"
    return ""


def note_not_loaded(names: Iterable[str]) -> list[str]:
    """Return which plug-ins of a run are not loaded; messages about unknown names name them."""
    known = {plugin.name for plugin in _LOADED.values()} | {*_LOADED}
    left = [name for name in names if name not in known]
    NOT_LOADED.update(dict.fromkeys(left))
    return left


def _load(name: str) -> None:
    plugin = _read_file(Path(name)) if "/" in name else _find_module(name)
    before = _LOADED.get(name)
    if before is not None and (before.sha256 == plugin.sha256 or plugin.source is None):
        return
    if before is not None and before.name == name:
        _forget(before)
    same = [one for one in _LOADED.values() if one.sha256 == plugin.sha256 and one.source]
    if same:
        _LOADED[name] = same[0]
        return
    with _adding(plugin):
        _execute(plugin)


def _read_file(path: Path) -> Plugin:
    try:
        source = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as fault:
        there = [other.name for other in path.parent.glob("*.py")] if path.parent.is_dir() else []
        near = get_close_matches(path.name, there, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise PluginError(f"there is no file {path}{hint}") from fault
    except OSError as fault:
        raise PluginError(f"{path} cannot be read: {fault.strerror}") from fault
    return Plugin(str(path), hashlib.sha256(source).hexdigest(), source)


def _find_module(name: str) -> Plugin:
    try:
        spec = find_spec(name)
    except Exception as fault:  # its package is imported for this
        if not isinstance(fault, ModuleNotFoundError):
            raise PluginError(f"{name}: {_where(fault, '')}") from fault
        spec = None
    if spec is None:
        raise PluginError(
            f"no installed package has a module {name!r}; a file is named with its suffix, as "
            f"{name.split('.')[0]}.py"
        )
    folders = spec.submodule_search_locations
    if not folders and "." in name and spec.origin:
        folders = [str(Path(spec.origin).parent)]
    files = sorted(path for folder in folders or () for path in Path(folder).rglob("*.py"))
    if not files and spec.origin:
        files = [Path(spec.origin)]
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes() if path.is_file() else b"")
    return Plugin(name, digest.hexdigest())


def _execute(plugin: Plugin) -> None:
    """Execute a plug-in; raise PluginError where it fails."""
    place = plugin.name
    try:
        if plugin.source is None:
            for table, name, row in _ROWS_OF_MODULES.pop(place, ()):
                table[name] = row
            import_module(place)
            return
        stem, path = Path(place).stem, hashlib.sha256(place.encode()).hexdigest()[:8]
        module = ModuleType(f"workbench_plugin_{stem}_{path}")
        module.__file__ = place
        sys.modules[module.__name__] = module  # dataclasses and pickle look for it there
        exec(compile(plugin.source, place, "exec", dont_inherit=True), vars(module))
    except (Exception, SystemExit) as fault:
        raise PluginError(f"{place}{_where(fault, place)}") from fault


def _where(fault: BaseException, file: str) -> str:
    """Return the line of a file at which it failed, and the fault, in one line."""
    if isinstance(fault, SyntaxError) and fault.filename == file:
        return f", line {fault.lineno}: {type(fault).__name__}: {fault.msg}"
    frames = traceback.extract_tb(fault.__traceback__)
    own = [frame for frame in frames if frame.filename == file]
    line = f", line {own[-1].lineno}" if own else ""
    if not own and frames:  # of a module: the place where it happened
        line = f" ({frames[-1].filename}, line {frames[-1].lineno})"
    said = " ".join(str(fault).split())
    hint = ""
    if isinstance(fault, ModuleNotFoundError) and own:
        hint = "; a plug-in imports what is installed, not the files beside it"
    return f"{line}: {type(fault).__name__}: {said}{hint}"


@contextmanager
def _adding(plugin: Plugin) -> Iterator[None]:
    """Note the rows that are added meanwhile as the plug-in's; restore all tables if it fails."""
    held: dict[int, dict[str, Any]] = {id(table): dict(table) for table in NAME_TABLES}
    try:
        yield
        for table in NAME_TABLES:
            before = held.get(id(table), table.shipped)
            try:
                take_additions(table, before, plugin.name, plugin.sha256)
            except ValueError as fault:
                raise PluginError(f"{plugin.name}: {fault}") from fault
        if plugin.source is not None and not plugin.adds:  # a module may have been imported before
            raise PluginError(
                f"{plugin.name} adds nothing; a plug-in writes a row into a table, such as "
                'METRICS["mine"] = Metric(...)'
            )
    except BaseException:
        for table in NAME_TABLES:
            before = held.get(id(table), table.shipped)
            table.clear()
            table.update(before)
            table.added_by = {n: by for n, by in table.added_by.items() if n in before}
        raise
    _LOADED[plugin.name] = plugin
    NOT_LOADED.pop(plugin.name, None)


def _forget(plugin: Plugin) -> None:
    """Take the rows of a plug-in out of all tables."""
    rows: list[tuple[NameTable[Any], str, Any]] = []
    for table in NAME_TABLES:
        for name in [name for name, (by, _) in table.added_by.items() if by == plugin.name]:
            rows.append((table, name, table.pop(name)))
            del table.added_by[name]
    if plugin.source is None:
        _ROWS_OF_MODULES[plugin.name] = rows
    for name in [name for name, one in _LOADED.items() if one == plugin]:
        del _LOADED[name]
