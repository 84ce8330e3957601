"""From the GGUF file of a packaged model to a folder that every backend loads."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from workbench.core.version import install_command


def convert(pieces: Sequence[Path], folder: Path) -> None:
    """Write a GGUF file's weights, in bfloat16, and its tokenizer as a Hugging Face folder.

    The folder says what the file says, the token that begins every text among it: transformers 5.19
    leaves that one out, without which Gemma 3 gives an English sentence 5 to 10 nats per token
    instead of 2 to 4.

    Args:
        pieces: the file; or, of one that is split, its pieces in order.
        folder: what is made. While it is made, a file in pieces is whole in there.

    Raises:
        ValueError: torch, transformers or gguf is not installed.
    """
    try:
        import torch
        from gguf import GGUFReader
        from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    except ImportError as error:
        raise ValueError(
            f"converting {pieces[0].name} needs torch, transformers and gguf ({error}); run "
            f"{install_command()}"
        ) from error
    file = pieces[0] if len(pieces) == 1 else _joined(pieces, folder)
    whole = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.bfloat16, quantization_config=whole
    )
    # a GGUF file does not name the class, by which vLLM chooses its own implementation
    model.config.architectures = [type(model).__name__]
    model.save_pretrained(folder)
    begins = GGUFReader(file).get_field("tokenizer.ggml.add_bos_token")
    # local: or it would be written down whether HF_HUB_OFFLINE was set, and change the model's hash
    options = {"local_files_only": True, "gguf_file": file.name}
    if begins and begins.contents():
        options["add_bos_token"] = True
    tokenizer = AutoTokenizer.from_pretrained(file.parent, **options)
    tokenizer.save_pretrained(folder)
    if len(pieces) > 1:
        file.unlink()


def _joined(pieces: Sequence[Path], folder: Path) -> Path:
    """Write the pieces of a file one after another into a folder; return the whole file."""
    folder.mkdir()
    file = folder / "whole.gguf"
    with file.open("wb") as target:
        for piece in pieces:
            with piece.open("rb") as source:
                shutil.copyfileobj(source, target, 2**20)
    return file
