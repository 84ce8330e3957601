"""A number with the noun that it counts, for messages."""


def counted(number: int, noun: str) -> str:
    """Return a number and a noun, in the plural where the number is not one.

    Example:
        >>> counted(1, "more file"), counted(2400, "pool")
        ('1 more file', '2,400 pools')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
