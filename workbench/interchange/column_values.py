"""What a row holds under a column or a path, and the kind of value that each column needs."""

import json
from collections.abc import Iterator
from typing import Any

from workbench.interchange.readers.records import Record

MISSING = object()
"""What a row has under a column that it lacks; None is a value that is unknown."""
BOOLEANS = {"true": True, "false": False}
VERDICTS = BOOLEANS | {"yes": True, "no": False, "correct": True, "incorrect": False,
                       "right": True, "wrong": False, "pass": True, "passed": True,
                       "fail": False, "failed": False}  # fmt: skip
"""Words for correctness."""
NUMBERS = frozenset(
    {
        "correct", "temperature", "sample_index", "logprob", "mean_logprob", "num_tokens",
        "mean_entropy", "num_thought_tokens", "thought_logprob", "answer_logprob",
        "thought_entropy", "answer_entropy", "reward", "seed", "token_logprobs", "max_tokens",
        "top_p", "top_k", "min_p", "repetition_penalty",
    }
)  # fmt: skip
"""Our columns that hold no text, so that a text there spells a number, true or false, or a list."""


def value_at(record: Record, path: str) -> Any:
    """Return the value of a column, or of a path of keys and numbers, or ``MISSING``.

    A path that leads through a list without a number gives a list.

    Example:
        >>> value_at({"choices": [{"text": "a"}, {"text": "b"}]}, "choices.1.text")
        'b'
        >>> value_at({"choices": [{"text": "a"}, {"text": "b"}]}, "choices.text")
        ['a', 'b']
    """
    if path in record:
        return record[path]
    if "." not in path:
        return MISSING
    return _follow(record, path.split("."))


def _follow(value: Any, parts: list[str]) -> Any:
    for number, part in enumerate(parts):
        if isinstance(value, dict):
            value = value.get(part, MISSING)
        elif isinstance(value, list) and part.isdecimal():
            value = value[int(part)] if int(part) < len(value) else MISSING
        elif isinstance(value, list):
            found = [_follow(item, parts[number:]) for item in value]
            return MISSING if MISSING in found else found
        else:
            return MISSING
    return value


def typed(column: str, value: Any) -> Any:
    """Return a value of one of our columns; a text becomes the number that it spells.

    Example:
        >>> typed("temperature", "0.7"), typed("correct", "Yes"), typed("text", "0.7")
        (0.7, True, '0.7')
    """
    if column not in NUMBERS or not isinstance(value, str):
        return value
    text = value.strip()
    if not text or text.lower() in ("nan", "none", "null"):
        return None
    words = VERDICTS if column == "correct" else BOOLEANS
    if text.lower() in words:
        return words[text.lower()]
    try:
        spelt = json.loads(text)
    except (ValueError, RecursionError):
        return value
    whole = isinstance(spelt, float) and spelt.is_integer() and column != "temperature"
    return int(spelt) if whole else spelt  # pandas writes 3.0 where a column lacks a number


def fits(column: str, value: Any) -> bool:
    """Say whether a value that is not null can be one of our column.

    Example:
        >>> fits("correct", 1), fits("correct", 0.5), fits("gold", [1])
        (True, False, False)
    """
    value = typed(column, value)
    if value is None:
        return True
    if column == "correct":
        return isinstance(value, bool | int | float) and value in (0, 1)
    if column == "token_logprobs":
        return isinstance(value, list)
    if isinstance(value, bool):
        return False
    if column in ("sample_index", "num_tokens", "num_thought_tokens", "seed", "max_tokens"):
        return isinstance(value, int) and (value >= 0 or column == "seed")
    if column in NUMBERS:
        return isinstance(value, int | float)
    if column in ("problem_id", "gold", "answer", "condition"):
        return isinstance(value, str | int | float)
    return isinstance(value, str)


def text_leaves(value: Any, path: str = "", depth: int = 8) -> Iterator[str]:
    """Yield the paths to texts inside of a row, of a list to those of its first element.

    Of a conversation it is the last message.

    Example:
        >>> list(text_leaves({"id": 1, "body": {"choices": [{"content": "a"}]}}))
        ['body.choices.0.content']
    """
    if isinstance(value, str) and "." in path:
        yield path
    elif depth and isinstance(value, dict | list):
        if isinstance(value, list):
            is_conversation = bool(value) and isinstance(value[-1], dict) and "role" in value[-1]
            place = len(value) - 1 if is_conversation else 0
            value = {place: value[place]} if value else {}
        for key, part in value.items():
            if key != "role":
                yield from text_leaves(part, f"{path}.{key}" if path else str(key), depth - 1)
