"""What is wrong with a request, in words: every wrong field of it, and not the first alone.

msgspec stops at the first error, and speaks of Python's types. So a request that Litestar refused
is looked at once more, field by field of the types that its route declares. Only a refusal pays
for this.

A type may say what its pattern means: ``Meta(pattern=…, extra={"reason": "is no name"})``. In place
of the text may stand a function, which gets the value and returns the reason, or None.
"""

import re
from collections.abc import Coroutine, Iterator, Sequence
from enum import Enum
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from litestar import Request
from litestar.exceptions import SerializationException
from litestar.params import ParameterKwarg

MAX_ERRORS: Final = 20
"""The most that are named: a body of ten thousand wrong books needs no longer answer."""

_JSON_NAMES: Final = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "an array",
    dict: "an object",
}
_TOO_LONG: Final = re.compile(r"Expected `str` of length <= (\d+)")
_LONE_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")

T = TypeVar("T")


class FieldError(msgspec.Struct, frozen=True):
    """One field of the request, and what is wrong with it."""

    field: str
    reason: str


def of_request(request: Request[Any, Any, Any], found: Sequence[Any]) -> list[FieldError]:
    """The wrong fields of a request; ``found`` is what Litestar says of them."""
    parameters = request.route_handler.parsed_fn_signature.parameters
    errors: list[FieldError] = []
    for entry in found:
        key, message = str(entry.get("key", "body")), str(entry.get("message", "is not valid"))
        if entry.get("source") == "body" and "data" in parameters:
            if not already_read(request.body()):
                return [FieldError("body", "is empty")]
            body = already_read(request.json())
            wrong = list(islice(field_errors(body, parameters["data"].raw), MAX_ERRORS))
            # None: the types have nothing against it, but the route has.
            errors += wrong or [FieldError(key, message)]
        else:
            given = parameters[key].kwarg_definition if key in parameters else None
            errors.append(_parameter_error(request, key, message, given))
    return errors


def field_errors(value: Any, kind: Any, where: str = "") -> Iterator[FieldError]:
    """What keeps a JSON value from being of this type, a field at a time."""
    bare = _bare(kind)
    if isinstance(value, dict) and isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        wrong = False
        for field in msgspec.structs.fields(bare):
            place = f"{where}.{field.encode_name}" if where else field.encode_name
            if field.encode_name in value:
                found = list(field_errors(value[field.encode_name], field.type, place))
            else:
                found = [FieldError(place, "is missing")] if field.required else []
            wrong = wrong or bool(found)
            yield from found
        if wrong:
            return
    elif isinstance(value, list) and get_origin(bare) is list:
        for index, item in enumerate(value):
            yield from field_errors(item, get_args(bare)[0], f"{where}[{index}]")
        return
    try:
        msgspec.convert(value, kind, strict=False, str_keys=True)
    except msgspec.ValidationError as error:
        known = field_error(error, where or "body")
        yield FieldError(known.field, _own_reason(value, kind) or _in_words(known.reason, value))


def field_error(error: msgspec.ValidationError, whole: str = "body") -> FieldError:
    """What msgspec found wrong, as a field and a reason; ``whole`` names an error at the root.

    msgspec writes the path behind the reason: ``Expected `str`, got `int` - at `$.title` ``.
    """
    reason, _, path = str(error).rpartition(" - at `$")
    if not reason:
        return FieldError(whole, str(error))
    return FieldError(path.rstrip("`").lstrip(".") or whole, reason)


def why_no_json(request: Request[Any, Any, Any]) -> str | None:
    """Why the body of a route that takes one cannot be decoded; None when it can be."""
    if "data" not in request.route_handler.parsed_fn_signature.parameters:
        return None
    try:
        already_read(request.json())
    except RecursionError:
        return "is nested too deeply"
    except UnicodeDecodeError:
        return "is not UTF-8"
    except SerializationException as error:
        # msgspec takes no lone surrogate, and calls some of them truncated input.
        surrogate = _LONE_SURROGATE.search(already_read(request.body()) or b"")
        return f"is not JSON{', or a lone surrogate' if surrogate else ''}: {error.__cause__}"
    return None


def already_read(reading: Coroutine[Any, Any, T]) -> T | None:
    """What ``request.body()`` or ``.json()`` has read before; None if that would have to wait."""
    try:
        reading.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    reading.close()
    return None


def _parameter_error(
    request: Request[Any, Any, Any], key: str, message: str, given: Any
) -> FieldError:
    """Of a parameter of the query or a header."""
    if message == repr(key):  # Litestar's words for one that is not there
        return FieldError(key, "is missing")
    if not isinstance(given, ParameterKwarg):
        return FieldError(key, message)
    name = given.name or key
    if "`int`" in message or "Integer" in message:
        return FieldError(name, f"must be a whole number between {given.ge} and {given.le}")
    value = request.headers.get(name, request.query_params.get(name, ""))
    return FieldError(name, _in_words(message, value))


def _bare(kind: Any) -> Any:
    """The type without what is annotated to it, and without the wish to tell what is not given."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    given = [each for each in get_args(kind) if each is not msgspec.UnsetType]
    return _bare(given[0]) if msgspec.UnsetType in get_args(kind) and len(given) == 1 else kind


def _choices(kind: Any) -> list[str]:
    """What an enumeration, or a Literal, has; nothing for other types."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(member.value) for member in kind]
    if get_origin(kind) is Literal:
        return [str(each) for each in get_args(kind)]
    if get_origin(kind) in (Annotated, Union, UnionType):
        return [choice for each in get_args(kind) for choice in _choices(each)]
    return []


def _own_reason(value: Any, kind: Any) -> str | None:
    """What the type itself says in words."""
    if choices := _choices(kind):
        return f"must be one of {', '.join(choices)}"
    for each in (kind, *get_args(kind)):
        for meta in getattr(each, "__metadata__", ()):
            reason = (meta.extra or {}).get("reason") if isinstance(meta, msgspec.Meta) else None
            if callable(reason):
                return str(found) if isinstance(value, str) and (found := reason(value)) else None
            if reason is not None:
                return str(reason)
    return None


def _in_words(message: str, value: Any) -> str:
    if message.startswith("Expected `str`, got"):
        return f"must be a string, not {_JSON_NAMES.get(type(value), 'that')}"
    if isinstance(value, str) and "`str`" in message:
        if not value.strip():
            return "is blank"
        if longest := _TOO_LONG.match(message):
            return f"has {len(value)} characters; at most {longest[1]} are taken"
    # msgspec repeats what was sent here, which is nobody's business.
    return "is none of the values that are taken" if message.startswith("Invalid ") else message
