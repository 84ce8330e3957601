"""The files that an import reads, and their format."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from workbench.core.console import notice
from workbench.interchange.column_names import holds_texts
from workbench.interchange.readers import FORMATS, format_of
from workbench.interchange.readers.file_beginning import read_beginning
from workbench.interchange.readers.unreadable import POINTER, what_it_is

BESIDE_SAMPLES = (".json", ".csv", ".tsv", ".yaml", ".xlsx", ".xlsm")
"""Files that tools also write results and settings to, beside their samples."""


def suffixes() -> tuple[str, ...]:
    """Return the suffixes of the files of a folder that are looked at.

    >>> ".jsonl" in suffixes()
    True
    """
    return tuple(dict.fromkeys(suffix for row in FORMATS.values() for suffix in row.suffixes))


def find_files(
    paths: Sequence[Path], text_column: str | None = None
) -> tuple[tuple[Path, ...], str]:
    """Return the files to be read, in order, and their one format.

    A folder stands for all files of samples inside, sorted by name. ``text_column`` is the one that
    the user says has the texts.

    Raises:
        ValueError: a path is not there, a file is damaged or of no known format, several are of
            different ones, or two are exports of the same evaluation.
    """
    found: dict[Path, str] = {}
    for path in paths:
        if path.is_dir():
            found |= _files_in(path, text_column)
        elif not path.is_file():
            raise ValueError(f"there is no file {path} (looked for from {Path.cwd()})")
        else:
            found[path] = _format_of(path, text_column)
    beside = {other for path, name in found.items() for other in FORMATS[name].beside(path)}
    found = {path: name for path, name in found.items() if path not in beside}
    first_of: dict[str, Path] = {}
    exported: dict[str, Path] = {}
    for path, name in found.items():
        first_of.setdefault(name, path)
        evaluation = FORMATS[name].evaluation(path)
        if evaluation is not None and exported.setdefault(evaluation, path) != path:
            raise ValueError(
                f"{exported[evaluation]} and {path} are exports of the same evaluation "
                f"({evaluation}), and hold the same samples: give one of them"
            )
    if len(first_of) > 1:
        listed = ", ".join(f"{path} is {name}" for name, path in first_of.items())
        raise ValueError(f"files of one format make a run, and {listed}; give those of one")
    return tuple(found), next(iter(first_of))


def _format_of(path: Path, text_column: str | None) -> str:
    beginning = read_beginning(path)
    name = format_of(beginning)
    if _begins(text_column, beginning.names):  # the user knows the file better than its form says
        plain = [one for one, row in FORMATS.items() if row.is_plain and row.recognise(beginning)]
        name = plain[0] if plain else "json" if beginning.kind == "json" else name
    if name is None or FORMATS[name].is_plain:
        what = what_it_is(path)
        if what:
            raise ValueError(f"{path} is {what}")
    if name is None and beginning.kind == "json":
        keys = ", ".join(sorted(beginning.names)[:10])
        raise ValueError(
            f"{path} is a JSON object without a list of samples in it (its keys: {keys}); if it is "
            "one sample itself, say where its text is with --column text=THEIRS"
        )
    if name is None:
        listed = "\n".join(f"  {row.summary}" for row in FORMATS.values())
        raise ValueError(f"{path} is none of the files that can be read:\n{listed}")
    return name


def _files_in(folder: Path, text_column: str | None) -> dict[Path, str]:
    if (folder / "experiment.yaml").exists():
        raise ValueError(f"{folder} is a run already: `workbench run {folder}` goes on with it")
    found: dict[Path, str] = {}
    beside: dict[Path, str] = {}
    others: list[Path] = []
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    looked_at = suffixes()
    for path in files:
        if path.suffix not in looked_at:
            continue
        beginning, what = read_beginning(path), what_it_is(path)
        name = format_of(beginning)
        if what == POINTER:
            raise ValueError(f"{path} is {what}")
        if name is None or (what and FORMATS[name].is_plain):
            others.append(path)
        elif not (FORMATS[name].is_plain and _may_be_beside(path)):
            found[path] = name
        elif holds_texts(beginning.names) or _begins(text_column, beginning.names):
            beside[path] = name
        else:
            others.append(path)
    if not found and not beside:
        found = _of_other_suffixes(files)
    if not found and not beside:
        raise ValueError(f"{folder} has no file of samples{_what_was_seen(others)}")
    not_read = [*beside, *others] if found else others
    if not_read and (beside or not found):
        notice(f"import: {len(not_read):,} files in {folder} are not read: {_named(not_read)}")
    return found or beside


def _of_other_suffixes(files: Sequence[Path]) -> dict[Path, str]:
    """Return the files of known formats among those whose names end in no known way."""
    found: dict[Path, str] = {}
    for path in files:
        with suppress(ValueError):  # a damaged file of whatever kind
            name = None if path.suffix in suffixes() else format_of(path)
            if name is not None and not FORMATS[name].is_plain:
                found[path] = name
    return found


def _may_be_beside(path: Path) -> bool:
    """Say whether a tool may have written a file beside samples; W&B's tables say what they are."""
    return path.suffix in BESIDE_SAMPLES and not path.name.endswith(".table.json")


def _begins(column: str | None, names: frozenset[str]) -> bool:
    """Say whether the user's own column, which may be a path, begins with one of the names."""
    return column is not None and bool({column, column.partition(".")[0]} & names)


def _what_was_seen(others: Sequence[Path]) -> str:
    if not others:
        return f"; looked for {', '.join(suffixes())} in it and below"
    what = what_it_is(others[0])
    why = f"is {what}" if what else "has no column that is known to hold texts"
    advice = "" if what else "; say which one does with --column text=THEIRS"
    return f" among {_named(others)}: {others[0].name} {why}{advice}"


def _named(paths: Sequence[Path]) -> str:
    return ", ".join(path.name for path in paths[:3]) + (", ..." if len(paths) > 3 else "")
