"""Lists all keys of a config for `plume config`: types, defaults, meaning; and its JSON schema, for editors."""

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from plume.config import Config, choices, models

_WIDTH, _INDENT = 79, "    "
_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path", type(None): "null"}
_BOUNDS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


@dataclass(frozen=True)
class Key:
    """Describes one key, dotted as on a command line, `[]` for items of a list. `default` is None if it is required."""

    name: str
    kind: str
    default: str | None
    meaning: str


def keys(model: type[Config], prefix: str = "") -> Iterator[Key]:
    """List every key of a config, in the order of its declaration."""
    for name, field in model.model_fields.items():
        inner = models(choices(field.annotation))
        items = [m for c in choices(field.annotation) for m in models(get_args(c))]
        if not (inner and isinstance(field.default, BaseModel)):  # a section that is always there is its keys
            yield Key(prefix + name, _kind(field), _default(field), field.description or "")
        for section in inner:
            yield from keys(section, f"{prefix}{name}.")
        for item in items:
            yield from keys(item, f"{prefix}{name}[].")


def listing(configs: Sequence[type[Config]]) -> str:
    """Write what `plume config` prints: a paragraph a config, two lines a key, none longer than a terminal is wide."""
    parts = []
    for model in configs:
        parts += ["", *_wrap(f"{model.__name__}: {(model.__doc__ or '').partition(chr(10))[0]}"), ""]
        for key in keys(model):
            told = "required" if key.default is None else key.default
            parts += [*_wrap(f"{key.name} = {told}"), *_wrap(f"{key.meaning} ({key.kind})", first=_INDENT)]
    return "\n".join(parts[1:])


def _wrap(text: str, first: str = "") -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=_INDENT, break_on_hyphens=False, break_long_words=False
    )


def schema(configs: Sequence[type[Config]]) -> str:
    """Write the JSON schema that a YAML file names in its `# yaml-language-server` line; it takes any config."""
    made = TypeAdapter(Union[*configs]).json_schema()
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **made}, ensure_ascii=False, indent=1)


def _kind(field: FieldInfo) -> str:
    words = " or ".join(_word(choice) for choice in choices(field.annotation))
    found = [(sign, getattr(bound, name, None)) for bound in field.metadata for name, sign in _BOUNDS.items()]
    return ", ".join([words, *(f"{sign}{value}" for sign, value in found if value is not None)])


def _word(choice: Any) -> str:
    if get_origin(choice) is Literal:
        return f"one of {', '.join(map(str, get_args(choice)))}"
    if get_origin(choice) in (list, tuple):
        return f"list of {' or '.join(_word(c) for c in choices(get_args(choice)[0]))}"
    if models([choice]):
        return "section"
    if choice is IPv4Address:
        return "IPv4 address"
    return _WORDS.get(choice, getattr(choice, "__name__", str(choice)))


def _default(field: FieldInfo) -> str | None:
    if field.is_required():
        return None
    value = field.default
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple | list) else str(value)
