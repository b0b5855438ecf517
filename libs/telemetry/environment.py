"""Settings from environment variables, read once at a service's composition root.

A settings type is a frozen msgspec Struct with ``rename="upper"``: the field ``log_level`` is the
variable LOG_LEVEL. A wrong value ends in a ``SettingsError`` of one line that names the variable
and what it takes, and never shows the value, which may be a secret.
"""

import re
from collections.abc import Mapping
from typing import Annotated, TypeVar

import msgspec
from msgspec import inspect

S = TypeVar("S", bound=msgspec.Struct)

PositiveInt = Annotated[int, msgspec.Meta(gt=0)]
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]


class SettingsError(ValueError):
    """A variable is missing or wrong. Its text is one line for the operator."""


def read_settings(
    kind: type[S], environ: Mapping[str, str], defaults: Mapping[str, str] | None = None
) -> S:
    """Build a settings Struct from environment variables.

    An empty or blank variable counts as not set. ``defaults`` stand in for variables that are
    not set: what a service knows better than the Struct, such as its OTEL_SERVICE_NAME.

    Raises:
        SettingsError: a value is missing, has the wrong type, or the Struct refuses it.
    """
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    values = {**(defaults or {}), **given}
    types = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    ours = {name: _known(types[name], value) for name, value in values.items() if name in types}
    for name, value in ours.items():
        if "\0" in value:  # in a path or a host's name it fails with a line that names nothing
            raise SettingsError(f"{name} has a NUL character in it")
    try:
        return msgspec.convert(ours, kind, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(kind, str(error))) from None


def _known(kind: object, value: str) -> str:
    """The value as a list of known ones writes it: OpenTelemetry's are of any case."""
    known = inspect.type_info(kind)
    choices = known.types if isinstance(known, inspect.UnionType) else (known,)
    values = [
        str(each)
        for choice in choices
        if isinstance(choice, inspect.LiteralType)
        for each in choice.values
    ]
    return next((each for each in values if each.lower() == value.lower()), value)


def _explain(kind: type[msgspec.Struct], message: str) -> str:
    takes = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    if missing := re.search(r"missing required field `(\w+)`", message):
        name = missing[1]
        return f"{name} is not set: it takes {_described(inspect.type_info(takes[name]))}"
    if wrong := re.search(r"at `\$\.(\w+)", message):
        name = wrong[1]
        return f"{name} takes {_described(inspect.type_info(takes[name]))}"
    return " ".join(message.split())


def _described(kind: inspect.Type) -> str:
    match kind:
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(str(value) for value in values)
        case inspect.BoolType():
            return "true or false"
        case (
            inspect.IntType(gt=gt, ge=ge, lt=lt, le=le)
            | inspect.FloatType(gt=gt, ge=ge, lt=lt, le=le)
        ):
            bounds = {"above": gt, "at least": ge, "below": lt, "at most": le}
            limits = [f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None]
            number = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
            return " ".join([number, " and ".join(limits)]).strip()
        case inspect.UnionType(types=types):
            choices = (_described(choice) for choice in types if choice != inspect.NoneType())
            return " or ".join(choices)
        case _:
            return "text"
