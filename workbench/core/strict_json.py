"""JSON as files of problems and samples hold it, read more strictly than by Python's ``json``.

Python takes ``Infinity`` for a number and makes it of ``1e400``, keeps the last of a key that is
given twice, and ends in a RecursionError where values nest too deeply. Here these are errors.
``NaN`` is read, because pandas and others write it for what is missing; see ``without_nan``.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

NESTING_LIMIT = 100
"""Lists and objects inside one another. Files of samples nest about ten deep, and later steps walk
through the values again: Python ends a recursion at 1,000."""


def parse_json(text: str) -> Any:
    """Return the value that a JSON text holds.

    Raises:
        json.JSONDecodeError: it is not JSON, or is cut off.
        ValueError: it is JSON that cannot be taken as it is: an infinite number, a key given
            twice, values nested too deeply, an integer of thousands of digits.

    Example:
        >>> parse_json('{"gold": 8, "score": NaN}')
        {'gold': 8, 'score': nan}
        >>> parse_json('{"gold": 8, "gold": 9}')
        Traceback (most recent call last):
            ...
        ValueError: the key 'gold' is given twice; keep one of them
    """
    try:
        value = DECODER.decode(text)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    except ValueError as error:
        raise _plain(error) from error
    if text.count("[") + text.count("{") > NESTING_LIMIT:
        refuse_deep(value)
    return value


def refuse_deep(value: Any, left: int = NESTING_LIMIT) -> None:
    """Raise ValueError where lists and mappings are nested more than ``left`` deep."""
    if not isinstance(value, list | dict):
        return
    if not left:
        raise ValueError(TOO_DEEP)
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, list | dict):
            refuse_deep(part, left - 1)


def without_nan(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record in which a column that is NaN is None: missing, and no number or text.

    Example:
        >>> without_nan({"gold": float("nan"), "text": "NaN"})
        {'gold': None, 'text': 'NaN'}
    """
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in record.items()
    }


def is_nan(value: object) -> bool:
    """Say whether a value is the number NaN."""
    return isinstance(value, float) and math.isnan(value)


def half_surrogate(value: Any) -> str | None:
    r"""Return a text somewhere in a JSON value that no file can hold, or None.

    It has half of a surrogate pair, as JSON allows: ``"\ud83d"``.
    """
    if isinstance(value, str):
        return value if any("\ud800" <= letter <= "\udfff" for letter in value) else None
    parts: list[Any] = []
    if isinstance(value, dict):
        parts = [*value, *value.values()]
    elif isinstance(value, list):
        parts = value
    return next((found for part in parts if (found := half_surrogate(part)) is not None), None)


TOO_DEEP = f"values are nested more than {NESTING_LIMIT} deep; write them flatter"


def _plain(error: ValueError) -> ValueError:
    """Return Python's error about an integer's digits in words that help; any other as it is."""
    if "integer string conversion" in str(error):
        return ValueError("an integer has thousands of digits; write it as a text")
    return error


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} is given twice; keep one of them")
    return found


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is larger than any number can be; write it as a text")
    return value


def _constant(text: str) -> float:
    if text == "NaN":
        return math.nan
    raise ValueError(f"{text} is no number in JSON; write null for what is unknown")


DECODER = json.JSONDecoder(
    object_pairs_hook=_distinct, parse_float=_finite, parse_constant=_constant
)
