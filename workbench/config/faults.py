"""What is wrong with an experiment, said key by key, in the words of a person who writes YAML."""

from dataclasses import dataclass
from typing import Any

from workbench.core.lookup import unknown

EXPECTED = {
    "int": "an integer",
    "float": "a number",
    "finite_number": "a finite number",
    "string": "a text",
    "bool": "true or false",
    "dict": "a mapping (lines of 'key: value')",
    "dataclass": "a mapping (lines of 'key: value')",
}
"""By the first part of pydantic's error type (``int_type``, ``int_from_float`` ...)."""
LIMITS = {
    "greater_than": ("gt", "must be more than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be less than"),
    "less_than_equal": ("le", "must be at most"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: where (``("generation", "n")``) and what."""

    at: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        """Return the whole key and the message, as in a line of an error message."""
        return f"{'.'.join(self.at)}: {self.message}"


class Unsound(AttributeError):
    """A setting was read that is faulty itself."""


def type_fault(error: dict[str, Any], fields: dict[str, str | None]) -> Fault:
    """Return an item of ``ValidationError.errors()`` as a fault.

    ``fields`` are the section's keys with what each one is for.
    """
    at = tuple(str(part) for part in error["loc"] if part != "[key]")
    kind, value, context = error["type"], error.get("input"), error.get("ctx", {})
    if kind == "unexpected_keyword_argument":
        return Fault(at, unknown(at[-1], fields))
    if kind == "missing":
        purpose = fields.get(at[-1]) or "it has no default"
        told = purpose.rstrip(".").replace("``", "`")
        return Fault(at, f"missing: {told[0].lower()}{told[1:]}")
    if kind == "value_error":
        return Fault(at, str(context["error"]))
    if kind == "literal_error":
        known = context["expected"].replace(" or ", ", ").replace("'", "").split(", ")
        return Fault(at, unknown(str(value), known, "value"))
    if kind in LIMITS:
        key, words = LIMITS[kind]
        return Fault(at, f"{words} {context[key]:g}, got {shown(value)}")
    if kind == "tuple_type":
        example = "" if isinstance(value, dict | None) else f"; write [{shown(value)}]"
        return Fault(at, f"expected a list, got {shown(value)}{example}")
    expected = EXPECTED.get(kind) or EXPECTED.get(kind.split("_")[0])
    said = f"expected {expected}" if expected else error["msg"]  # which no setting gives today
    return Fault(at, f"{said}, got {shown(value)}")


def shown(value: object) -> str:
    """Return a value as its writer knows it: ``nothing`` rather than None, ``true``, not True."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def shortened(text: str) -> str:
    r"""Return a text that a person typed, on one line and not too long for one.

    Example:
        >>> shortened("generation.engine=[\n1,\n2]")
        'generation.engine=[ 1, 2]'
    """
    line = " ".join(text.split())
    return line if len(line) <= 100 else f"{line[:97]}..."
