"""Checks, when a row of a table is made, that its functions take what they will be given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Signature, signature
from typing import Any


def refuse_call(key: str, fn: Callable[..., Any], arguments: Sequence[str]) -> None:
    """Refuse a function that cannot be called with some arguments, by their places.

    Args:
        key: which part of a row it is, for the message.
        fn: the function. One that does not say what it takes, as some of C do not, is let pass.
        arguments: what it will be given, in words and in order.

    Raises:
        TypeError: it is no function, or takes fewer arguments or more.

    Example:
        >>> refuse_call("extract", lambda text, settings: (None, "none"), ("text", "settings"))
        >>> refuse_call("check", print, ("settings",))
        >>> refuse_call("load", len, ())
        Traceback (most recent call last):
        TypeError: load is called with 0 arguments (), which len(obj, /) does not take
    """
    if not callable(fn):
        raise TypeError(f"{key} must be a function, got {fn!r}")
    try:
        taken: Signature = signature(fn)
    except (ValueError, TypeError):
        return
    try:
        taken.bind(*arguments)
    except TypeError as fault:
        count = f"{len(arguments)} argument{'s' * (len(arguments) != 1)}"
        name = getattr(fn, "__name__", type(fn).__name__)
        bare = taken.replace(
            parameters=[one.replace(annotation=one.empty) for one in taken.parameters.values()],
            return_annotation=Signature.empty,
        )
        raise TypeError(
            f"{key} is called with {count} ({', '.join(arguments)}), which {name}{bare} does not "
            "take"
        ) from fault
