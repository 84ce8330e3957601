"""How large a model is, and how many floating-point operations its prompts and samples cost.

A multiplication and an addition count as two operations. Counted are matrix products, in which
nearly all of them are; norms, activations, rotary positions and the softmax are left out, as
``torch.utils.flop_counter`` leaves them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from workbench.core.types import Floats


@dataclass(frozen=True, slots=True)
class ModelSize:
    """The numbers of a decoder-only language model that decide what a token costs.

    Raises:
        ValueError: a number is negative or not whole, there are more local layers than layers, or
            local layers without a window.

    Example:
        >>> tiny = ModelSize(
        ...     parameters=1000, layer_parameters=600, output_head=300, input_embedding=0,
        ...     layers=2, attention_heads=2, head_dim=4,
        ... )
        >>> ModelSize.from_dict(tiny.to_dict()) == tiny
        True
    """

    parameters: int
    """All of them: those of every expert too, and an embedding that is also the head once."""
    layer_parameters: int
    """Those in the layers' matrices that each token is multiplied with: of a mixture of experts
    only as many as one token is sent to. Norms and biases are left out."""
    output_head: int
    """Those of the matrix that makes logits: vocabulary x hidden size."""
    input_embedding: int
    """Those that are only looked up: the input embedding unless it is the head too (tied), and
    learned positions. They cost no operations."""
    layers: int
    attention_heads: int
    """Heads of queries; keys and values may have fewer, which changes no operation count."""
    head_dim: int
    local_layers: int = 0
    """How many of the layers attend to the last ``sliding_window`` tokens only."""
    sliding_window: int | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that no model has."""
        for name, value in asdict(self).items():
            if name == "sliding_window" and value is None:
                continue
            if type(value) is not int or value < 0:
                raise ValueError(f"{name} of a model must be a whole number from 0, got {value!r}")
        if self.local_layers > self.layers:
            raise ValueError(f"{self.local_layers} local layers are more than {self.layers} layers")
        if self.local_layers and not self.sliding_window:
            raise ValueError(
                f"{self.local_layers} local layers need a sliding_window of at least 1 token, got "
                f"{self.sliding_window}"
            )

    def to_dict(self) -> dict[str, int | None]:
        """Return the fields as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelSize:
        """Return what ``to_dict`` made these values of.

        Raises:
            ValueError: a field is missing, unknown, or no number that a model has.
        """
        known = {field.name for field in fields(cls)}
        optional = {"local_layers", "sliding_window"}
        if wrong := sorted((known - optional - values.keys()) | (values.keys() - known)):
            raise ValueError(
                f"the size of a model has the fields {', '.join(sorted(known))}; missing or "
                f"unknown: {', '.join(wrong)}"
            )
        return cls(**values)


def prompt_flops(size: ModelSize, prompt_tokens: ArrayLike) -> Floats:
    """Floating-point operations that reading a prompt once takes.

    2 x layer parameters for each of the P tokens, 2 x parameters of the output head for the last
    one, from which the first token is drawn (no other logits are needed), and attention: 4 x
    heads x head_dim in each layer for each pair of positions. Pairs are counted as
    ``torch.utils.flop_counter`` counts them: the full P x P square, though half of it is masked,
    and also in layers with a sliding window. An engine that leaves masked parts out does less.

    Samples of one prompt may share its reading (prefix caching): then it is counted once for all
    of them, and otherwise once for each.

    Args:
        size: the model.
        prompt_tokens: P, any shape; NaN where it is unknown, which gives NaN.

    Returns:
        Operations, in the shape of ``prompt_tokens``.

    Raises:
        ValueError: a prompt has less than one token, or a number of tokens is not whole.

    Source:
        Kaplan et al. (2020), arXiv:2001.08361, section 2.1: 2 x parameters per token and
        2 x 2 x layers x context x width for attention.

    Example:
        >>> tiny = ModelSize(1000, 600, 300, 0, layers=2, attention_heads=2, head_dim=4)
        >>> prompt_flops(tiny, [1, 10])  # 10 tokens: 2*600*10 + 2*300 + 4*2*2*4*10*10
        array([ 1864., 19000.])
    """
    tokens = _whole(prompt_tokens, "a prompt's tokens", least=1)
    pairs = size.layers * tokens**2
    flops = 2.0 * (size.layer_parameters * tokens + size.output_head) + _attention(size, pairs)
    return np.asarray(flops)


def completion_flops(
    size: ModelSize, prompt_tokens: ArrayLike, completion_tokens: ArrayLike
) -> Floats:
    """Floating-point operations that drawing a completion takes, once its prompt was read.

    The prompt's last position gives the first token and is counted with the prompt; each of the
    other L - 1 is drawn after the token before it was read, with the keys and values of all
    earlier ones kept. Reading one costs 2 x (layer parameters + output head), and for attention
    4 x heads x head_dim x context in each layer, where the context is the number of tokens so far:
    P + 1, ..., P + L - 1, and in a layer with a sliding window at most the window.

    Args:
        size: the model.
        prompt_tokens: P, any shape.
        completion_tokens: L, all tokens that were drawn, the one that ends the sample among them.
            It is broadcast against ``prompt_tokens``; NaN in either gives NaN.

    Returns:
        Operations, in the shape that both are broadcast to; 0 where L is 0 or 1.

    Raises:
        ValueError: a prompt has less than one token, a completion less than none, or a number of
            tokens is not whole. A mean of lengths is refused too, as the cost of a mean length is
            not the mean cost.

    Source:
        As ``prompt_flops``, summed over the positions.

    Example:
        >>> tiny = ModelSize(1000, 600, 300, 0, layers=2, attention_heads=2, head_dim=4)
        >>> completion_flops(tiny, 10, [0, 1, 3])  # 3 tokens: 2*2*(600 + 300) + 4*2*2*4*(11 + 12)
        array([   0.,    0., 5072.])
    """
    before = _whole(prompt_tokens, "a prompt's tokens", least=1)
    drawn = _whole(completion_tokens, "a completion's tokens", least=0)
    steps = np.maximum(drawn - 1, 0)
    after = before + steps
    contexts = (size.layers - size.local_layers) * _sum_up_to(before, after)
    if size.sliding_window is not None:
        contexts += size.local_layers * _sum_up_to(before, after, size.sliding_window)
    each = 2.0 * (size.layer_parameters + size.output_head)
    return np.asarray(each * steps + _attention(size, contexts))


def _attention(size: ModelSize, contexts: Floats) -> Floats:
    """Operations of queries against so many keys, and of as many weights against values."""
    return 4.0 * size.attention_heads * size.head_dim * contexts


def _sum_up_to(before: Floats, after: Floats, window: int | None = None) -> Floats:
    """Sum of min(c, window) over the whole numbers c with before < c <= after."""

    def total(n: Floats) -> Floats:
        short = n if window is None else np.minimum(n, window)
        return np.asarray(short * (short + 1) / 2 + (n - short) * short)

    return total(after) - total(before)


def _whole(tokens: ArrayLike, what: str, *, least: int) -> Floats:
    """Return numbers of tokens as floats; NaN stays."""
    numbers = np.asarray(tokens, dtype=np.float64)
    wrong = (numbers < least) | ~(np.isnan(numbers) | (numbers == np.floor(numbers)))
    wrong |= np.isinf(numbers)
    if wrong.any():
        raise ValueError(
            f"{what} must be whole numbers from {least}, got {numbers[wrong].flat[0]:g}; give the "
            "tokens of each sample, or NaN where they are unknown"
        )
    return numbers
