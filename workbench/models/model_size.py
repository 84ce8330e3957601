"""Reads how large a model is from its folder, without loading its weights or a library of models.

``config.json`` says how the model attends, and the headers of its safetensors files say what
matrices there are. Every matrix must be one whose use is known: what cannot be told is said to be
unknown, as a wrong count would go unnoticed in every comparison of costs.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.core.flops import ModelSize

IN_LAYER = re.compile(r"(?:^|\.)(?:layers|h)\.(\d+)\.")
EXPERT = re.compile(r"\.experts\.(?:(\d+)\.)?")
ATTENTION_OUTPUT = re.compile(
    r"(?<!cross_)(?:attn|attention)\.(?:o_proj|out_proj|c_proj|dense)\.weight$"
)
LOOKED_UP = {"embed_tokens", "wte", "embed_in", "word_embeddings"}
POSITIONS = {"wpe", "embed_positions"}
HEADS = {"lm_head", "embed_out"}
FLOATS = {"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"}
BUFFERS = (".inv_freq", ".masked_bias", "_scale", "_scale_inv")
"""Endings of what is stored beside the parameters."""
LATENT = ("kv_lora_rank", "qk_nope_head_dim")
"""Settings of models that attend in a compressed space, as DeepSeek's do."""
FULL_EVERY = {
    "mistral": 0, "mixtral": 0, "phi3": 0, "starcoder2": 0, "gemma2": 2, "cohere2": 4,
    "gemma3_text": 6,
}  # fmt: skip
"""Where config.json gives a window but not in which layers: every so many layers one attends to
all tokens, 0 where none does. Source: the configuration classes of transformers 5."""
WINDOW_UNLESS_SAID = {"mistral", "gemma2", "cohere2", "gemma3_text"}
"""Kinds whose layers have a window even where config.json leaves it out."""


@dataclass(frozen=True, slots=True)
class SizeReading:
    """What was read of a model's size."""

    size: ModelSize | None
    """None where the folder does not tell all of it."""
    unknown: str = ""
    """Why the size is unknown, for a reader; empty where it is known."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A line of a safetensors header."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def parameters(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    @property
    def layer(self) -> int | None:
        """The number of the layer it belongs to."""
        found = IN_LAYER.search(self.name)
        return int(found[1]) if found else None

    @property
    def module(self) -> str:
        """The part of the model whose weight it is."""
        return self.name.removesuffix(".weight").rpartition(".")[2]


def read_model_size(model: Path | str) -> SizeReading:
    """Read a model's size from its files.

    Nothing is fetched: of a model on the hub only the files in the hub's cache are read.

    Args:
        model: what ``resolve_model`` returned: a folder in Hugging Face format, or a hub id.

    Returns:
        The size; or None and the reason, where the files do not tell it: no safetensors files,
        packed (quantised) weights, layers that are not of plain attention, a mixture of experts
        that does not say how many of them a token uses, or a matrix whose use is not known here.

    Example:
        >>> read_model_size("some-organisation/model-that-nobody-fetched").unknown
        'some-organisation/model-that-nobody-fetched is not in the cache of the hub'
    """
    try:
        return SizeReading(_read(_folder(model)))
    except ValueError as fault:
        return SizeReading(None, str(fault))


def _folder(model: Path | str) -> Path:
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import try_to_load_from_cache

    if isinstance(cached := try_to_load_from_cache(str(model), "config.json"), str):
        return Path(cached).parent
    raise ValueError(f"{model} is not in the cache of the hub")


def _read(folder: Path) -> ModelSize:
    whole = _config(folder)
    config = whole.get("text_config", whole)
    tensors = list(_tensors(folder))
    _refuse_other_kinds(whole, config)
    of_text = tensors
    if config is not whole:
        of_text = [t for t in tensors if "language_model" in t.name or t.module in HEADS]
    layers = _number(config, "num_hidden_layers", "n_layer")
    heads = _number(config, "num_attention_heads", "n_head")
    head_dim = _head_dim(config, heads)
    _check_attention(of_text, layers, heads * head_dim)
    looked_up, head = _outside_layers(of_text)
    tied = head is None or config.get("tie_word_embeddings", whole.get("tie_word_embeddings"))
    embedding = looked_up.pop("embedding")
    local, window = _local_layers(config, layers)
    return ModelSize(
        parameters=sum(t.parameters for t in tensors if not (tied and t is head)),
        layer_parameters=_multiplied([t for t in of_text if _is_in(t, layers)], config),
        output_head=embedding if head is None else head.parameters,
        input_embedding=looked_up["positions"] + (0 if tied else embedding),
        layers=layers,
        attention_heads=heads,
        head_dim=head_dim,
        local_layers=local,
        sliding_window=window,
    )


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise ValueError(f"config.json in {folder} cannot be read ({fault})") from fault
    if not isinstance(config, dict) or not isinstance(config.get("text_config", {}), dict):
        raise ValueError(f"config.json in {folder} holds no settings of a model")
    return config


def _tensors(folder: Path) -> Iterator[Tensor]:
    """Yield the parameters that the headers of the safetensors files name."""
    from huggingface_hub import get_local_safetensors_metadata
    from huggingface_hub.errors import NotASafetensorsRepoError, SafetensorsParsingError

    try:
        found = get_local_safetensors_metadata(folder)
    except NotASafetensorsRepoError as fault:
        raise ValueError(
            f"{folder} holds neither model.safetensors nor its index, and other files of weights "
            "are not read"
        ) from fault
    except (OSError, ValueError, KeyError, SafetensorsParsingError) as fault:
        raise ValueError(f"the weights in {folder} cannot be read ({fault})") from fault
    for file in found.files_metadata.values():
        for name, line in file.tensors.items():
            mask = len(line.shape) == 4 and name.endswith(".bias")  # GPT-2 stores it
            if not (mask or name.endswith(BUFFERS)):
                yield Tensor(name, line.dtype, tuple(line.shape))


def _refuse_other_kinds(whole: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Refuse models whose cost is not that of plain attention over plain matrices."""
    kind = config.get("model_type")
    if whole.get("is_encoder_decoder"):
        raise ValueError(f"a model of type {kind!r} has an encoder, whose cost is not counted")
    if found := [key for key in LATENT if config.get(key)]:
        raise ValueError(
            f"a model of type {kind!r} attends in a compressed space ({found[0]}), whose cost "
            "depends on the engine"
        )


def _number(config: Mapping[str, Any], *names: str) -> int:
    """Return a positive whole number of the configuration, under the first name it has."""
    value = next((config[name] for name in names if name in config), None)
    if type(value) is not int or value < 1:
        said = "does not give" if value is None else f"gives {value!r} for"
        raise ValueError(f"config.json {said} {names[0]}, of which one whole number is needed")
    return value


def _head_dim(config: Mapping[str, Any], heads: int) -> int:
    if config.get("head_dim") is not None:
        return _number(config, "head_dim")
    width = _number(config, "hidden_size", "n_embd")
    if width % heads:
        raise ValueError(
            f"config.json gives no head_dim, and a width of {width} cannot be shared by {heads} "
            "heads"
        )
    return width // heads


def _is_in(tensor: Tensor, layers: int) -> bool:
    """Whether it is of a layer that every token goes through; some models store further ones."""
    return tensor.layer is not None and tensor.layer < layers


def _check_attention(tensors: list[Tensor], layers: int, width: int) -> None:
    """Hold what the configuration says of layers and heads to the matrices that there are."""
    if missing := {*range(layers)} - {t.layer for t in tensors}:
        raise ValueError(
            f"config.json gives {layers} layers, and there are no weights of layer {min(missing)}"
        )
    outputs = {t.layer: t for t in tensors if ATTENTION_OUTPUT.search(t.name)}
    for layer in range(layers):
        if layer not in outputs:
            raise ValueError(f"layer {layer} has no attention whose output matrix is known here")
        shape = outputs[layer].shape
        if outputs[layer].dtype in FLOATS and shape[1:] != (width,):
            raise ValueError(
                f"{outputs[layer].name} has the shape {shape}, where config.json gives heads of "
                f"{width} numbers together"
            )


def _outside_layers(tensors: list[Tensor]) -> tuple[dict[str, int], Tensor | None]:
    """Return how many parameters are looked up, and the output head if it is stored."""
    looked_up, head = {"embedding": 0, "positions": 0}, None
    for tensor in tensors:
        if tensor.layer is not None or len(tensor.shape) < 2:
            continue
        if tensor.dtype not in FLOATS:
            raise ValueError(f"the weights are quantised ({tensor.name} is {tensor.dtype})")
        if tensor.module in LOOKED_UP and not looked_up["embedding"]:
            looked_up["embedding"] = tensor.parameters
        elif tensor.module in POSITIONS:
            looked_up["positions"] += tensor.parameters
        elif tensor.module in HEADS and head is None:
            head = tensor
        else:
            raise ValueError(f"it is not known here how {tensor.name} {tensor.shape} is used")
    if not looked_up["embedding"]:
        raise ValueError(f"there is no input embedding ({', '.join(sorted(LOOKED_UP))})")
    return looked_up, head


def _multiplied(tensors: list[Tensor], config: Mapping[str, Any]) -> int:
    """Return how many parameters of the layers each token is multiplied with."""
    plain, experts = 0, []
    for tensor in tensors:
        if len(tensor.shape) < 2 or tensor.name.endswith("bias") or "norm" in tensor.module:
            continue
        if tensor.dtype not in FLOATS:
            raise ValueError(f"the weights are quantised ({tensor.name} is {tensor.dtype})")
        if EXPERT.search(tensor.name) and len(tensor.shape) <= 3:
            experts.append(tensor)
        elif len(tensor.shape) == 2 and tensor.name.endswith(".weight"):
            plain += tensor.parameters
        else:
            raise ValueError(f"it is not known here how {tensor.name} {tensor.shape} is used")
    return plain + (_of_experts(experts, config) if experts else 0)


def _of_experts(tensors: list[Tensor], config: Mapping[str, Any]) -> int:
    """Return how many parameters the experts have that one token is sent to."""
    used = _number(config, "num_experts_per_tok")
    count = _number(config, "num_experts", "num_local_experts", "n_routed_experts")
    numbers = set().union(*(_expert_numbers(tensor) for tensor in tensors))
    if len(numbers) != count:
        raise ValueError(
            f"config.json gives {count} experts, and there are weights of {len(numbers)}"
        )
    return sum(tensor.parameters for tensor in tensors) * used // count


def _expert_numbers(tensor: Tensor) -> set[int]:
    """Return which experts a tensor holds weights of: one, or all of them stacked."""
    if len(tensor.shape) == 3:
        return {*range(tensor.shape[0])}
    found = EXPERT.search(tensor.name)
    return {int(found[1])} if found and found[1] else set()


def _local_layers(config: Mapping[str, Any], layers: int) -> tuple[int, int | None]:
    """Return how many layers have a sliding window, and the window."""
    kind = config.get("model_type")
    types = config.get("layer_types")
    if types is not None:
        known = ("full_attention", "sliding_attention")
        if type(types) is not list or len(types) < layers:
            raise ValueError(f"config.json gives layer_types {types!r} for {layers} layers")
        if other := [one for one in types if one not in known]:
            raise ValueError(
                f"config.json has layers of type {other[0]!r}, which is not plain attention"
            )
        if local := types[:layers].count("sliding_attention"):
            return local, _number(config, "sliding_window")
        return 0, None
    if "sliding_window" not in config and kind in WINDOW_UNLESS_SAID:
        raise ValueError(f"config.json does not give the sliding_window of a {kind} model")
    if config.get("sliding_window") is None or config.get("use_sliding_window") is False:
        return 0, None
    window = _number(config, "sliding_window")
    if config.get("use_sliding_window"):  # as Qwen2 says it
        return max(0, layers - _number(config, "max_window_layers")), window
    every = config.get("sliding_window_pattern", FULL_EVERY.get(str(kind)))
    if type(every) is not int:
        raise ValueError(
            f"config.json gives a sliding_window of {window}, but neither layer_types nor another "
            "setting that says in which layers"
        )
    return layers - (layers // every if every else 0), window
