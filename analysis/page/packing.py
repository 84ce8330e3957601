"""Compressed JSON that a page carries beside its text and that the browser unpacks."""

from __future__ import annotations

import base64
import gzip
import json
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

PLACES = 4
"""Decimals of log-probabilities and rewards that a page shows."""


def pack(value: Any) -> str:
    """Return a JSON value as gzip in base64: safe inside HTML, whatever the value holds.

    Raises:
        ValueError: the value holds a number that JSON does not know; see ``json_numbers``.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # a lone surrogate, which a model's bytes may decode to, has no UTF-8 of its own
    return base64.b64encode(gzip.compress(text.encode("utf-8", "replace"), 9, mtime=0)).decode()


def unpack(text: str) -> Any:
    """Return what was packed.

    Example:
        >>> unpack(pack({"p1": [1, None]}))
        {'p1': [1, None]}
    """
    return json.loads(gzip.decompress(base64.b64decode(text)))


def json_numbers(values: ArrayLike, places: int = PLACES) -> list[float | None]:
    """Return numbers that JSON knows: rounded, and None for what is not finite."""
    rounded = np.round(np.asarray(values, dtype=float), places)
    return [value if math.isfinite(value) else None for value in rounded.tolist()]
