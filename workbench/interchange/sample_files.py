"""Which files are imported, and how their columns are read: the options of the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from workbench.core.counted import counted
from workbench.core.lookup import lookup
from workbench.interchange.readers import FORMATS
from workbench.interchange.readers.find_files import find_files
from workbench.interchange.reward_scales import REWARD_SCALES
from workbench.interchange.sample_row import SAMPLE_COLUMNS


@dataclass(frozen=True)
class SampleFiles:
    """Files of one format and how they are to be read."""

    files: tuple[Path, ...]
    format: str
    """A key of ``FORMATS``."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Our name of a column -> the file's, where they differ."""
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column -> the values, as text, of the rows that are taken."""
    reward_scale: str = "probability"
    """A key of ``REWARD_SCALES``."""

    @classmethod
    def from_options(
        cls,
        paths: Sequence[Path],
        columns: Sequence[str] = (),
        where: Sequence[str] = (),
        scale: str = "probability",
    ) -> Self:
        """Return the files that the options of a command line name.

        Each of ``columns`` is ``OURS=THEIRS``, each of ``where`` is ``COLUMN=VALUE``; several
        values of one column take the rows of either.

        Raises:
            ValueError: a file is not there, is damaged or of no known format, or several are of
                different ones; or an option is malformed.
        """
        renamings = _renamings(columns)
        files, format_name = find_files(paths, renamings.get("text"))
        if columns and not FORMATS[format_name].is_plain:
            raise ValueError(
                f"--column {columns[0]}: the columns of {files[0]} are known, as it is of the "
                f"format {format_name}; leave --column out"
            )
        lookup(REWARD_SCALES, scale, "reward scale")
        return cls(files, format_name, renamings, _filters(where), scale)

    @property
    def name(self) -> str:
        """How messages name the files."""
        more = len(self.files) - 1
        return f"{self.files[0]}" + (f" and {counted(more, 'more file')}" if more else "")


def _renamings(options: Sequence[str]) -> dict[str, str]:
    """Return our name of a column -> the file's."""
    renamings: dict[str, str] = {}
    for option in options:
        ours, _, theirs = option.partition("=")
        if not (ours and theirs):
            raise ValueError(f"--column {option}: expected OURS=THEIRS, such as text=completion")
        lookup(dict.fromkeys(SAMPLE_COLUMNS), ours, "column")
        if ours in renamings:
            raise ValueError(f"--column {option}: {ours} is already {renamings[ours]}")
        renamings[ours] = theirs
    return renamings


def _filters(options: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return column -> the values that are taken, as text."""
    filters: dict[str, tuple[str, ...]] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not (name and equals):
            raise ValueError(f"--where {option}: expected COLUMN=VALUE, such as temperature=0.7")
        filters[name] = (*filters.get(name, ()), value)
    return filters
