"""Which tracked run a folder is: one for ever, whatever is drawn on top or analysed anew.

The id is drawn when the folder is tracked for the first time, and kept in its manifest. It is made
neither of settings nor of the signature, which change with a top-up and with the code's version,
nor of the path, which other machines have as well and which another run may take later.
"""

from __future__ import annotations

import re
from pathlib import Path
from uuid import uuid4

from workbench.storage.manifest import Manifest

KEPT = "tracked_run"
"""In a manifest: ``{"id": ..., "folder": ...}``, the folder being where it was last tracked."""
OF_BEFORE = re.compile(r"(?:/runs/|offline-run-\d+_\d+-|/run-\d+_\d+-)(?P<id>\w+)/?")
"""Where a run was tracked that was begun before its id was kept."""


def tracked_id(manifest: Manifest, given: str = "") -> str:
    """Return the id of a folder's tracked run, which is kept in its manifest from now on.

    A folder that was moved keeps its tracked run. A copy gets one of its own while the folder that
    it was copied from is there: two folders never write to one run on the same machine.

    Args:
        manifest: of the folder; it is written where the id or the folder is new.
        given: the id that the agent of a sweep has made the run with.
    """
    here = str(manifest.path.parent.resolve())
    kept = manifest.data.get(KEPT) or {}
    if not kept and (found := OF_BEFORE.search(str(manifest.data.get("tracked") or ""))):
        kept = {"id": found["id"]}
    if kept.get("folder", here) != here and _is_tracked_as(Path(kept["folder"]), manifest, kept):
        kept = {}
    own = given or str(kept.get("id") or uuid4().hex[:12])
    if manifest.data.get(KEPT) != {"id": own, "folder": here}:
        manifest.update(**{KEPT: {"id": own, "folder": here}})
    return own


def _is_tracked_as(folder: Path, manifest: Manifest, kept: dict[str, str]) -> bool:
    """Say whether another folder is there that has the same tracked run."""
    try:
        other = Manifest(folder / manifest.path.name)
    except (OSError, ValueError):  # not ours to read, or damaged: then it is no rival
        return False
    return bool((other.data.get(KEPT) or {}).get("id") == kept["id"])
