"""What a run's folder keeps of the plug-ins it was made with: their hashes, names and source."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from workbench.core.console import notice
from workbench.core.plugins import as_option, used_by
from workbench.storage.manifest import Manifest
from workbench.storage.parquet import write_atomically

FOLDER = "plugins"
"""Copies of the plug-ins that are files, in a run's folder. They are there to be read, and are
executed only where a user names them."""


def keep_plugins(root: Path, manifest: Manifest, names: Sequence[str]) -> None:
    """Record the plug-ins of an experiment, which are loaded, and say which have changed.

    Args:
        root: the run's folder.
        manifest: gets, for each plug-in, its name, its SHA-256 and the names that it adds.
        names: the experiment's ``plugins``; those of installed packages are recorded as well.
    """
    used = used_by(names)
    recorded = manifest.data.get("plugins", ())
    before = {Path(entry["name"]).name: entry["sha256"] for entry in recorded}
    for name, plugin in used.items():
        if before.get(Path(name).name, plugin.sha256) != plugin.sha256:
            notice(f"{name} has changed: what it made of this run is made again")
        if plugin.source is not None:
            write_atomically(copy_of(root, name), partial(Path.write_bytes, data=plugin.source))
    if used or before:
        entries = [
            {"name": name, "sha256": plugin.sha256, "adds": plugin.adds}
            for name, plugin in used.items()
        ]
        manifest.update(plugins=entries)


def copy_of(root: Path, name: str) -> Path:
    """Return where a run's folder keeps the source of a plug-in that is a file."""
    return root / FOLDER / Path(name).name


def unloaded_message(root: Path, names: Sequence[str]) -> str:
    """Return what to say of plug-ins that a run was made with and that are not loaded."""
    there = [name if "/" not in name or Path(name).exists() else None for name in names]
    copies = [str(copy_of(root, name)) for name in names]
    offered = [own or copy for own, copy in zip(there, copies, strict=True)]
    gone = [f"{name} is gone" for name, own in zip(names, there, strict=True) if own is None]
    kept = f" ({', '.join(gone)}; the folder keeps a copy)" if gone else ""
    return (
        f"{root} was made with the plug-in {', '.join(names)}{kept}. The folder of a run may come "
        "from somebody else, so its plug-ins are executed only if you name them: add"
        + as_option(offered)
    )
