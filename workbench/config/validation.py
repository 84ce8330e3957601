"""Check a tree of plain values against a pydantic dataclass, and read what is sound in it."""

import json
from collections.abc import Collection, Mapping
from dataclasses import is_dataclass
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from workbench.config.faults import Fault, Unsound, type_fault

T = TypeVar("T")
Place = tuple[str, ...]


def parse(kind: type[T], content: object) -> tuple[T | None, list[Fault]]:
    """Return the pydantic dataclass that plain values describe, and what is wrong with single ones.

    Types are strict. A ValueError that ``kind`` itself raises about several values is not among the
    faults, but there is no dataclass then either.
    """
    try:
        # As JSON, where pydantic can be strict about types and still make tuples of lists.
        text = json.dumps(content, default=str)
        return TypeAdapter(kind).validate_json(text, strict=True), []
    except ValidationError as error:
        items = [item for item in error.errors(include_url=False) if item["loc"]]
        order = {name: i for i, name in enumerate(fields_of(kind))}  # pydantic's is another
        items.sort(key=lambda item: order.get(str(item["loc"][0]), -1))
        return None, [type_fault(dict(item), _keys_around(kind, item["loc"])) for item in items]


class SoundPart:
    """A stand-in for a section (or a whole experiment) with faults: its sound settings.

    It is read like the section; reading a faulty setting raises ``Unsound``.
    """

    def __init__(self, kind: type, content: object, faulty: Collection[Place]) -> None:
        """Take the section's class and content, and the faulty keys in it; () for all of it."""
        self._kind, self._faulty = kind, faulty
        self._content: Mapping[str, Any] = content if isinstance(content, dict) else {}

    def __getattr__(self, name: str) -> Any:
        """Return a setting, or its default."""
        field = fields_of(self._kind)[name]
        name = field.alias or name
        annotation: Any = field.annotation
        section = _section_in(annotation)
        below = [at[1:] for at in self._faulty if at[:1] in ((), (name,))]
        if below and section and get_origin(annotation) is dict:
            return _sound_entries(section, self._content.get(name), below)
        if below and section:
            return SoundPart(section, self._content.get(name), below)
        if below:
            raise Unsound(name)
        if name in self._content:
            checked: Any = Annotated[annotation, *field.metadata] if field.metadata else annotation
            return TypeAdapter(checked).validate_python(self._content[name])
        return field.get_default(call_default_factory=True)


def _sound_entries(section: type, content: object, faulty: Collection[Place]) -> dict[str, Any]:
    """Return the entries of a mapping of sections by name, each as its sound settings.

    An entry whose name is faulty, or which is no mapping, has none. Raises ``Unsound`` where there
    is no mapping at all.
    """
    if not isinstance(content, dict) or () in faulty:
        raise Unsound
    return {
        str(name): SoundPart(section, entry, [at[1:] for at in faulty if at[0] == str(name)])
        for name, entry in content.items()
    }


def fields_of(kind: type | None) -> dict[str, FieldInfo]:
    """Return the fields of a pydantic dataclass by name; none where there is no such class."""
    return getattr(kind, "__pydantic_fields__", {})


def _section_in(annotation: Any) -> type | None:
    """Return the dataclass that a type is or holds, as ``dict[str, Section]`` does."""
    if isinstance(annotation, type) and is_dataclass(annotation):
        return annotation
    return next(filter(None, map(_section_in, get_args(annotation))), None)


def _keys_around(kind: type | None, at: tuple[int | str, ...]) -> dict[str, str | None]:
    """Return the keys of the section that holds the place ``at``, with what each is for."""
    is_name = False  # whether a part is a name of one's own, in a mapping of sections
    for part in at[:-1]:
        field = None if is_name else _by_key(kind).get(str(part))
        kind = _section_in(field.annotation) if field else kind
        is_name = field is not None and get_origin(field.annotation) is dict
    return {key: field.description for key, field in _by_key(kind).items()}


def _by_key(kind: type | None) -> dict[str, FieldInfo]:
    """Return fields by their keys in a file; of one that is a word of Python's it is the alias."""
    return {field.alias or name: field for name, field in fields_of(kind).items()}
