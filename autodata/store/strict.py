"""Dataclasses read strictly from JSON: no field may be missing, unknown or of another type.

The readers are made once a class from its annotations; a flat record costs a few microseconds.
"""

from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from autodata.types import Json

T = TypeVar("T")
_Inner = Callable[[Any], Any]
_SCALARS: dict[Any, frozenset[type]] = {
    str: frozenset({str}),
    int: frozenset({int}),
    bool: frozenset({bool}),
    float: frozenset({float, int}),
    NoneType: frozenset({NoneType}),
}
_ANYTHING: frozenset[type] = frozenset({str, int, bool, float, NoneType, list, dict})
_Column = tuple[str, frozenset[type], _Inner | None, Any]  # name, types, what is inside, default
_Written = tuple[str, str, Any, bool]  # name in JSON, attribute, default, whether it is JSON


class NotOfThisClass(ValueError):
    """Says which field is missing, unknown or of another type."""


def read(cls: type[T], data: Any) -> T:
    """Return the value of a dataclass that JSON data stands for.

    Raises:
        NotOfThisClass: it stands for none.
    """
    if type(data) is not dict:
        raise NotOfThisClass(f"it is {_shown(data)}, no object")
    values, present = [], 0
    for name, types, inner, default in _columns(cls):
        value = data.get(name, MISSING)
        if value is MISSING:
            if default is MISSING:
                raise NotOfThisClass(f"the field {name!r} is missing")
            values.append(default)
            continue
        present += 1
        if type(value) not in types:
            raise NotOfThisClass(f"the field {name!r} is {_shown(value)}")
        if inner is not None and value is not None:
            try:
                value = inner(value)
            except NotOfThisClass as error:
                raise NotOfThisClass(f"the field {name!r}: {error}") from None
        values.append(value)
    if present != len(data):
        unknown = sorted(data.keys() - {column[0] for column in _columns(cls)})
        raise NotOfThisClass(f"the field {unknown[0]!r} is not known")
    return cls(*values)


def write(value: Any) -> Json:
    """Return a dataclass as JSON; its own fields that have their default are left out."""
    data: Json = {}
    for name, attribute, default, flat in _written(type(value)):
        part = getattr(value, attribute)
        if default is MISSING or part != default:
            data[name] = part if flat else _plain(part)
    return data


def json_name(field: "Field[Any]") -> str:
    """Return under which name a field stands in JSON."""
    return str(field.metadata.get("name", field.name))


def marked(cls: type, mark: object) -> Iterator[str]:
    """Yield the JSON names of fields, and of those inside of them, whose type has this mark."""
    hints = get_type_hints(cls, include_extras=True)
    for field in fields(cls):
        yield from (json_name(field) for part in _parts(hints[field.name]) if part == mark)
        for part in _parts(hints[field.name]):
            if is_dataclass(part) and isinstance(part, type):
                yield from marked(part, mark)


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield an annotation and everything it is made of, marks included."""
    yield annotation
    if get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            yield from _parts(part)


def _make_columns(cls: type) -> tuple[_Column, ...]:
    hints = get_type_hints(cls)
    return tuple(
        (json_name(field), *_reader(hints[field.name]), _default(field)) for field in fields(cls)
    )


def _make_written(cls: type) -> tuple[_Written, ...]:
    hints = get_type_hints(cls)
    return tuple(
        (json_name(field), field.name, _default(field), _flat(hints[field.name]))
        for field in fields(cls)
    )


def _flat(annotation: Any) -> bool:
    """Whether values are JSON as they are."""
    parts = list(_parts(annotation))
    return not any(get_origin(part) is tuple or is_dataclass(part) for part in parts)


_columns: Callable[[type], tuple[_Column, ...]] = cache(_make_columns)
_written: Callable[[type], tuple[_Written, ...]] = cache(_make_written)


def _default(field: "Field[Any]") -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _reader(annotation: Any) -> tuple[frozenset[type], _Inner | None]:
    """Return the types that a value may have, and what reads the inside of one."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _reader(args[0])
    if annotation is Any:
        return _ANYTHING, None
    if annotation in _SCALARS:
        return _SCALARS[annotation], None
    if origin in (Union, UnionType):
        members = [_reader(arg) for arg in args]
        inner = [reads for _, reads in members if reads is not None]
        return frozenset().union(*(types for types, _ in members)), inner[0] if inner else None
    if origin is Literal:
        return frozenset(type(value) for value in args), lambda value: _one_of(args, value)
    if origin is tuple:
        return frozenset({list}), _tuple_reader(args)
    if origin is dict:
        return frozenset({dict}), None if args[1] is Any else _dict_reader(args[1])
    if is_dataclass(annotation):
        return frozenset({dict}), lambda value: read(annotation, value)  # type: ignore[arg-type]
    raise TypeError(f"no JSON is read as {annotation}")


def _tuple_reader(args: tuple[Any, ...]) -> _Inner:
    many = args[-1] is Ellipsis
    readers = [_reader(arg) for arg in args if arg is not Ellipsis]

    def inside(value: list[Any]) -> tuple[Any, ...]:
        if not many and len(value) != len(readers):
            raise NotOfThisClass(f"it has {len(value)} parts, not {len(readers)}")
        return tuple(
            _item(item, *readers[0 if many else number]) for number, item in enumerate(value)
        )

    return inside


def _dict_reader(annotation: Any) -> _Inner:
    types, inner = _reader(annotation)
    return lambda value: {name: _item(item, types, inner) for name, item in value.items()}


def _item(value: Any, types: frozenset[type], inner: _Inner | None) -> Any:
    if type(value) not in types:
        raise NotOfThisClass(f"a part is {_shown(value)}")
    return value if inner is None or value is None else inner(value)


def _one_of(values: tuple[Any, ...], value: Any) -> Any:
    if value not in values:
        raise NotOfThisClass(f"it is {_shown(value)}")
    return value


def _plain(value: Any) -> Any:
    if type(value) is tuple:
        return [_plain(item) for item in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _shown(value: Any) -> str:
    return f"{value!r:.60}"
