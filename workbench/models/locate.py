"""Finds the model that a name stands for: a local folder or the id of a model on the hub.

A name is looked up in this order: as a model that an installed package carries
(``SmolLM2-135M-Instruct``), as a folder (``./my-model``, ``/models/x``, ``~/x``, or any folder that
exists) and as a hub id (``ORG/NAME``).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from io import StringIO
from pathlib import Path

from filelock import FileLock

from workbench.models.gguf_conversion import convert
from workbench.models.packaged import ENCODERS, MODELS, Packaged, files_in_packages

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")

HASHED = (".json", ".jinja", ".txt", ".model", ".safetensors", ".bin", ".gguf")
"""Endings of the files that decide what a model says: configuration, tokenizer, weights."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of model that can be looked for."""

    label: str
    packaged: Mapping[str, Packaged]
    markers: tuple[str, ...]
    """A folder, or a place on the hub, that has one of these files holds such a model."""


LANGUAGE_MODEL = Kind("model", MODELS, ("config.json",))
# older sentence-transformers folders keep config.json one level down
ENCODER = Kind("encoder", ENCODERS, ("config.json", "modules.json"))


def check_model(name: str) -> None:
    """Raise the ValueError of ``resolve_model`` that concerns the name; nothing is converted."""
    _locate(name, LANGUAGE_MODEL)


def check_encoder(name: str) -> None:
    """Raise the ValueError of ``resolve_encoder`` that concerns the name; nothing is loaded."""
    _locate(name, ENCODER)


def resolve_model(name: str) -> Path | str:
    """Return the folder of a language model, in Hugging Face format, or its hub id as given.

    A packaged GGUF file is converted to bfloat16 the first time (about 25 s and 270 MB for
    SmolLM2-135M, twice that for Gemma 3 270M) and kept in the cache, under a name that contains the
    file's hash. A conversion
    that is killed leaves nothing that could be mistaken for a model. If two processes convert at
    the same time, one of them does the work and the other waits.

    Raises:
        ValueError: there is no such name or folder, the folder has no ``config.json``, the package
            is not installed, the cache folder cannot be written, or nothing of a hub model is in
            the hub's cache while the hub cannot be reached.
    """
    if name in MODELS:
        return _converted(name, files_in_packages(name, LANGUAGE_MODEL.label, MODELS))
    return _resolve(name, LANGUAGE_MODEL)


def resolve_encoder(name: str) -> Path | str:
    """Return the folder of a sentence encoder, or its hub id as given.

    Raises:
        ValueError: there is no such name or folder, the folder has neither ``modules.json`` nor
            ``config.json``, the package is not installed, or as for ``resolve_model`` on the hub.
    """
    return _resolve(name, ENCODER)


def model_hash(model: Path | str) -> str:
    """Return twelve hexadecimal digits that change when the files of a model change.

    For a folder it is the SHA-256 hash of the relative path and the content of every
    configuration, tokenizer and weight file in it (not of its README). The digest of each file is
    kept in the cache until the file's size or modification time changes, so that a folder of 16 GB
    is read only once. For a hub id it is the start of the commit of the cached snapshot. If there
    is none, the model's small ``config.json`` is fetched; if that fails, the id itself is returned.

    Args:
        model: what ``resolve_model`` or ``resolve_encoder`` returned.

    Raises:
        ValueError: the folder holds no such file.
    """
    folder = Path(model)
    if isinstance(model, str) and not folder.is_dir():
        try:  # the folder of a snapshot is named after its commit
            return Path(_hub_file(model, ("config.json",))).parent.name[:12]
        except OSError:  # offline, no such model, no permission: loading it will say which
            return model
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in HASHED
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not files:
        raise ValueError(
            f"{folder} holds no model files ({', '.join(HASHED)}); give a folder that does"
        )
    whole = hashlib.sha256()
    for path in files:
        whole.update(f"{path.relative_to(folder).as_posix()}\0{_file_hash(path)}\n".encode())
    return whole.hexdigest()[:12]


def cache_folder() -> Path:
    """Return the folder of what is made once: converted models, file digests, a page's script.

    It need not exist yet.
    """
    chosen = os.environ.get("WORKBENCH_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "workbench"


def _locate(name: str, kind: Kind) -> Path | str:
    """Return a packaged file or folder, a folder of the user's, or a hub id."""
    if name in kind.packaged:
        return files_in_packages(name, kind.label, kind.packaged)[0]
    folder = Path(name).expanduser()
    if name.startswith((".", "/", "~")) or (name and folder.is_dir()):
        where = f"{kind.label} folder {name}"
        if not folder.is_dir():
            raise ValueError(f"{where} does not exist (looked at {folder.resolve()})")
        if not any((folder / marker).is_file() for marker in kind.markers):
            lacking = " or ".join(kind.markers)
            raise ValueError(f"{where} holds no {lacking}; give a folder in Hugging Face format")
        return folder.resolve()
    if HUB_ID.fullmatch(name):
        return name
    near = get_close_matches(name, kind.packaged, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"unknown {kind.label} {name!r}{hint} (known: {', '.join(kind.packaged)}; otherwise give "
        "an existing folder, or a hub name as ORG/NAME)"
    )


def _resolve(name: str, kind: Kind) -> Path | str:
    """Return what ``_locate`` does, a hub id only if the model is cached or can be fetched."""
    found = _locate(name, kind)
    if isinstance(found, str):
        try:
            _hub_file(found, kind.markers)
        except (OSError, ValueError) as fault:  # offline, no such name, no permission
            said = f"{type(fault).__name__}: {' '.join(str(fault).split())}"
            raise ValueError(
                f"cannot load {kind.label} {found!r} from the hub ({said}); give the path of a "
                "local folder in Hugging Face format, or fetch it where there is a network: "
                f"hf download {found}"
            ) from fault
    return found


def _hub_file(hub_id: str, names: tuple[str, ...]) -> str:
    """Return the path of one of these files, cached or fetched now; raise the first fault."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    for name in names:
        if isinstance(cached := try_to_load_from_cache(hub_id, name), str):
            return cached
    faults: list[Exception] = []
    for name in names:
        try:
            return hf_hub_download(hub_id, name)
        except (OSError, ValueError) as fault:
            faults.append(fault)
    raise faults[0]


def _converted(name: str, pieces: Sequence[Path]) -> Path:
    """Return the model folder made from a GGUF file, which is made now unless it is there."""
    models = cache_folder() / "models"
    digests = [_file_hash(piece) for piece in pieces]
    digest = (
        digests[0] if len(pieces) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    )
    final = models / f"{name}-{digest[:12]}"
    if final.is_dir():
        return final
    try:
        models.mkdir(parents=True, exist_ok=True)
        with FileLock(models / f".{final.name}.lock"):
            if final.is_dir():  # another process made it while this one waited
                return final
            partial = models / f".{final.name}.partial"
            shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
            print(f"converting {name} once (half a minute), into {final} ...", file=sys.stderr)
            with redirect_stderr(StringIO()):  # three bars of transformers' own, of tqdm
                convert(pieces, partial)
            partial.rename(final)
    except OSError as error:
        raise ValueError(
            f"cannot convert {name} into {final}: {error}; "
            "set WORKBENCH_CACHE to a folder with room that can be written"
        ) from error
    return final


def _file_hash(path: Path) -> str:
    """Return the SHA-256 hash of a file, kept until its size or modification time changes."""
    state = path.stat()  # of the file behind a link, as hub caches are full of them
    key = f"{path.resolve()}\0{state.st_size}\0{state.st_mtime_ns}"
    note = cache_folder() / "hashes" / hashlib.sha256(key.encode()).hexdigest()
    with suppress(OSError):
        if re.fullmatch("[0-9a-f]{64}", known := note.read_text()):  # not half a digest
            return known
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with suppress(OSError):  # without the note, the next call reads the file again
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(digest)
    return digest
