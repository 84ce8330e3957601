"""What a program answered to one call: read from the sandbox's message, compared, and spelt.

Two values are the same output where Python's ``==`` says so, because that is what tests see: 1, 1.0
and ``True`` are one output, a list and a tuple are two, a set equals a frozen set, and the order of
a dictionary's keys does not count. Beyond ``==``, two floats may differ by a tolerance, NaN equals
NaN, what an iterator yields is compared item by item, and an object that is no literal is known by
the name of its type. An exception is an output too, known by its type and not by its words.

Where the value is None, what the call did to its arguments is part of the output: of a function
that sorts a list in place, it is all there is.

A call that was never answered has no output: the program was out of time, was ended, or what it
returned was too large to pass. So has one that ended in ``MemoryError``. These say something about
limits, not about the program.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

Output = Any
"""A value in the form in which it is compared: None, a number, a text, or a tuple that begins with
what kind of value it is. Equal ones are the same output without any tolerance."""

OF_LIMITS = ("TooLarge", "MemoryError")
"""Exceptions that say what a limit is, and nothing of what the program would have done."""
WHOLE = 2**53
"""Up to here a float loses nothing of a whole number."""
DEEPEST = 100
"""Values within values; the sandbox sends fewer, unless a program has forged its message."""
SPELT = 100
"""Letters that are kept of a long answer."""
SETS = ("s", "z", "k", "t")
"""Tags of what is equal to a set with the same items."""
ITEMS = ("l", "u", "q", "i", "v")
"""Tags of what has items in an order; values of two tags are never equal."""


def read_output(answer: object) -> Output | None:
    """Return the output of one of ``Verdict.answers``, in the form in which outputs are compared.

    Returns:
        ``("returned", value)``, ``("changed", arguments)`` where None was returned and arguments
        were changed, or ``("raised", type)``; None where there is no output. Whatever a program may
        have sent that is no message of the sandbox is no output either.

    Example:
        >>> read_output({"value": {"l": [1, 2.0, True]}, "changed": {}})
        ('returned', ('l', 1, 2, 1))
        >>> read_output({"exception": "IndexError", "says": "list index out of range"})
        ('raised', 'IndexError')
        >>> read_output(None) is None
        True
    """
    if not isinstance(answer, Mapping):
        return None
    if "digest" in answer:
        return ("digest", str(answer["digest"]))
    if "exception" in answer:
        kind = answer["exception"]
        return ("raised", kind) if isinstance(kind, str) and kind not in OF_LIMITS else None
    if "value" not in answer:
        return None
    try:
        changed = answer.get("changed") or {}
        if answer["value"] is None and changed:
            places = sorted((int(place), _value(changed[place], 0)) for place in changed)
            return ("changed", *(("", place, value) for place, value in places))
        return ("returned", _value(answer["value"], 0))
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError):
        return None


def _value(message: Any, depth: int) -> Output:
    """Return a value as it is compared; ValueError and the like where there is none."""
    if depth > DEEPEST:
        raise ValueError("too deep")
    if message is None or isinstance(message, str):
        return message
    if isinstance(message, bool | int | float):
        return _number(message)
    ((tag, body),) = message.items()
    if tag in ("f", "n"):
        return _number(float(body) if tag == "f" else int(body, 16))
    if tag == "c":
        real, imaginary = (_number(float(part)) for part in body)
        return real if imaginary == 0 else ("c", real, imaginary)
    if tag == "F":
        return _ratio(Fraction(*(int(_value(part, depth + 1)) for part in body)))
    if tag == "D":
        exact = Decimal(str(body))
        return _ratio(Fraction(exact)) if exact.is_finite() else _number(float(exact))
    if tag in ("b", "y"):
        return ("b", str(body))
    if tag == "r":
        taken = range(*(int(_value(part, depth + 1)) for part in body))
        return ("r", len(taken), *taken[:2])  # equal ranges have the same items
    if tag in ("o", "j"):
        return ("o", str(body[0]))
    if tag == "d":
        pairs = [("", _value(key, depth + 1), _value(held, depth + 1)) for key, held in body]
        return ("d", *sorted(pairs, key=_place))
    items = [_value(item, depth + 1) for item in body]
    if tag in SETS:
        return ("s", *sorted(items, key=_place))
    if tag in ITEMS:
        return (tag, *items)
    raise ValueError(f"a value with the unknown tag {tag!r}")


def _number(value: float) -> Output:
    """Return one spelling of equal numbers: whole ones as int, as long as a float holds them."""
    if isinstance(value, float):
        if math.isnan(value):
            return ("nan",)
        return int(value) if abs(value) <= WHOLE and value.is_integer() else value
    number = int(value)
    if abs(number) > WHOLE:
        try:
            return float(number) if float(number) == number else number
        except OverflowError:
            pass
    return number


def _ratio(value: Fraction) -> Output:
    """Return a fraction or decimal as the number that it equals, else as what it is."""
    if value.denominator == 1:
        return _number(value.numerator)
    try:
        if (near := float(value)) == value:
            return near
    except OverflowError:
        pass
    return ("F", hex(value.numerator), hex(value.denominator))


def _place(value: Output) -> tuple[int, float, str]:
    """Return what puts the items of a set in an order: numbers by size, all else by spelling."""
    if isinstance(value, int | float):
        try:
            return (0, float(value), "")
        except OverflowError:
            return (0, math.copysign(math.inf, value), hex(int(value)))
    return (1, 0.0, written(value))


def written(output: Output, digits: int = 17) -> str:
    """Return an output as text: by default the same text for equal outputs, and for no others.

    Floats have so many significant digits.
    """
    if isinstance(output, tuple):
        return f"({','.join(written(part, digits) for part in output)})"
    if isinstance(output, int):
        return hex(output) if abs(output) > WHOLE else str(output)
    return f"{output:.{digits}g}" if isinstance(output, float) else repr(output)


def has_fraction(output: Output) -> bool:
    """Say whether a number in an output can be near another one without being equal to it."""
    if isinstance(output, tuple):
        return any(map(has_fraction, output))
    return isinstance(output, float)


def same_output(one: Output, other: Output, tolerance: float) -> bool:
    """Say whether two outputs are the same but for what two floats may differ.

    Two whole numbers up to 2**53 are never near each other: 1,000,000,000 is not 1,000,000,001.

    The tolerance is a share of the larger number, and of 1 where both are smaller: ``rel_tol`` and
    ``abs_tol`` of ``math.isclose``.

    Example:
        >>> same_output(0.1 + 0.2, 0.3, 1e-9), same_output(2, 2.0000001, 1e-9)
        (True, False)
    """
    if isinstance(one, tuple) and isinstance(other, tuple):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(same_output(a, b, tolerance) for a, b in pairs)
    if isinstance(one, float) or isinstance(other, float):
        numbers = isinstance(one, int | float) and isinstance(other, int | float)
        return numbers and _near(one, other, tolerance)
    return bool(one == other)


def _near(one: float, other: float, tolerance: float) -> bool:
    if one == other or tolerance == 0:  # exactly: isclose makes floats of whole numbers
        return one == other
    try:
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    except OverflowError:  # a whole number beyond all floats
        return False


def skeleton(output: Output) -> Output:
    """Return an output without its numbers: outputs that are near each other have the same."""
    if isinstance(output, tuple):
        return tuple(map(skeleton, output))
    return 0 if isinstance(output, int | float) else output


def spell_answer(answer: Any, most: int = 40) -> str:
    """Return an answer as a reader would write it, at most so many letters long.

    Example:
        >>> spell_answer({"value": {"l": [1, {"u": ["a", None]}]}, "changed": {}})
        "[1, ('a', None)]"
        >>> spell_answer({"exception": "ValueError", "says": "no"})
        'ValueError'
    """
    if read_output(answer) is None:
        return "no answer"
    if "digest" in answer:
        return clipped(answer["spelt"], most)
    if "exception" in answer:
        return clipped(str(answer["exception"]), most)
    changed = answer.get("changed") or {}
    if answer["value"] is None and changed:
        spelt = ", ".join(_spelt(changed[place], most) for place in sorted(changed))
        return clipped(f"None, arguments now {spelt}", most)
    return clipped(_spelt(answer["value"], most), most)


def shortened(answer: Any) -> Any:
    """Return an answer that takes little room in the place of a long one.

    Equal values stay equal; what was near another one no longer is.

    Example:
        >>> sorted(shortened({"value": {"l": [0] * 1000}}))
        ['digest', 'spelt']
    """
    output = read_output(answer)
    if output is None:
        return None
    mark = hashlib.sha256(written(output).encode("utf-8", "surrogatepass")).hexdigest()
    return {"digest": mark, "spelt": spell_answer(answer, SPELT)}


BRACKETS = {"l": "[]", "u": "()", "s": "{}", "k": "{}", "t": "{}"}
NAMED = {"z": "frozenset", "q": "deque", "i": "iterator", "v": "dict_values"}


def _spelt(message: Any, most: int) -> str:
    """Spell a value that ``read_output`` could read, perhaps longer than is wanted."""
    if isinstance(message, str):
        return repr(message[: most + 1])
    if not isinstance(message, Mapping):
        return repr(message)
    ((tag, body),) = message.items()
    if tag in ("f", "n"):
        return str(body)
    if tag in ("o", "j"):
        return f"<{body[0]}>"
    if tag == "c":
        return repr(complex(*map(float, body)))
    if tag == "F":
        return f"Fraction({', '.join(_spelt(part, most) for part in body)})"
    if tag == "D":
        return f"Decimal({str(body)!r})"
    if tag in ("b", "y"):
        return repr(bytes.fromhex(body[: 2 * most]))
    if tag == "d":
        return f"{{{', '.join(': '.join(_spelt(p, most) for p in pair) for pair in body[:most])}}}"
    inside = ", ".join(_spelt(item, most) for item in body[:most])
    if tag == "r":
        return f"range({inside})"
    if tag in NAMED:
        return f"{NAMED[tag]}([{inside}])"
    if tag == "s" and not body:
        return "set()"
    comma = "," if tag == "u" and len(body) == 1 else ""
    return f"{BRACKETS[tag][0]}{inside}{comma}{BRACKETS[tag][1]}"


def clipped(text: str, most: int) -> str:
    """Return a text of one line, with its end left out where it is too long.

    Example:
        >>> clipped("[1, 2, 3, 4]", 8)
        '[1, 2, …'
    """
    line = text.replace("\n", " ")
    return line if len(line) <= most else f"{line[: most - 1]}…"
