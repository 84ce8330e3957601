"""Writes a number of a JSON file the way a person writes it."""

from decimal import Decimal


def as_plain_text(value: str | float) -> str:
    """Return a text as it is, and a number without a power of ten.

    Python writes 1e-07, in which mathematics reads Euler's number.

    Example:
        >>> as_plain_text(1e-07), as_plain_text(1e22), as_plain_text(2.50), as_plain_text("1e3")
        ('0.0000001', '10000000000000000000000', '2.5', '1e3')
    """
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)
