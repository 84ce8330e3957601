"""The files that an import reads, and their format."""

from collections.abc import Sequence
from pathlib import Path

from workbench.interchange.readers import FORMATS, format_of

SUFFIXES = tuple(dict.fromkeys(suffix for row in FORMATS.values() for suffix in row.suffixes))


def find_files(paths: Sequence[Path]) -> tuple[tuple[Path, ...], str]:
    """Return the files to be read, in order, and their one format.

    A folder stands for all files of samples inside, sorted by name.

    Raises:
        ValueError: a path is not there, a file is damaged or of no known format, or several are
            of different ones.
    """
    found: dict[Path, str] = {}
    for path in paths:
        if path.is_dir():
            found |= _files_in(path)
        elif not path.is_file():
            raise ValueError(f"there is no file {path} (looked for from {Path.cwd()})")
        else:
            name = format_of(path)
            if name is None:
                known = "\n".join(f"  {row.summary}" for row in FORMATS.values())
                raise ValueError(f"{path} is none of the files that can be read:\n{known}")
            found[path] = name
    first_of: dict[str, Path] = {}
    for path, name in found.items():
        first_of.setdefault(name, path)
    if len(first_of) > 1:
        listed = ", ".join(f"{path} is {name}" for name, path in first_of.items())
        raise ValueError(f"files of one format make a run, and {listed}; give those of one")
    return tuple(found), next(iter(first_of))


def _files_in(folder: Path) -> dict[Path, str]:
    if (folder / "experiment.yaml").exists():
        raise ValueError(f"{folder} is a run already: `workbench run {folder}` goes on with it")
    names = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    found = {}
    for path in names:
        kind = format_of(path)
        # tools also write results and settings as JSON beside their samples
        if kind is not None and (path.suffix != ".json" or not FORMATS[kind].is_plain):
            found[path] = kind
    if not found:
        looked = ", ".join(SUFFIXES)
        raise ValueError(f"{folder} has no file of samples; looked for {looked} in it and below")
    return found
