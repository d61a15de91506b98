"""Typed configs: YAML plus `key=value` overrides, every error at once, with the nearest valid key."""

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from plume.errors import InputError


class _Loader(yaml.SafeLoader):
    """YAML without dates (a folder may be named as one), and without the last of two equal keys silently winning."""

    yaml_implicit_resolvers: ClassVar[dict] = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {name} is there twice", key.start_mark)
            seen.add(name or id(key))
        return super().construct_mapping(node, deep)


class Config(BaseModel):
    """Base of every config. Unknown keys are errors; values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    refused: ClassVar[dict[str, str]] = {}  # keys that other tools have, and why there is none here

    @field_validator("*", mode="before")
    @classmethod
    def _no_word_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """`rank: yes` is YAML's true, and Python's true is 1."""
        kinds = set(_kinds(cls.model_fields[info.field_name].annotation))
        if isinstance(value, bool) and bool not in kinds and kinds & {int, float}:
            raise ValueError("a number is wanted")
        return value

    @classmethod
    def load(cls, path: str | Path | None, overrides: Iterable[str] = ()) -> Self:
        """Read a YAML file (or start from the defaults if `path` is None) and apply `a.b=value` overrides.

        Raises InputError with one line per error of the file and of the overrides.
        """
        values = read_yaml(path) if path else {}
        where = str(path) if path else cls.__name__
        problems = []
        for override in overrides:
            key, separator, text = override.partition("=")
            if not separator or not key:
                problems.append(f"{override!r}: an override is written key=value")
                continue
            try:
                _set(values, key.split("."), yaml.load(text, _Loader))  # noqa: S506 - a SafeLoader
            except (yaml.YAMLError, ValueError):
                problems.append(f"{override!r}: its value is not valid YAML")
            except TypeError as error:
                problems.append(f"{override!r}: {error} is a value, it has no keys")
        try:
            config = cls.model_validate(values)
        except ValidationError as error:
            problems += [_explain(cls, e) for e in error.errors()]
        if problems:
            count = f"{len(problems)} error{'s' if len(problems) > 1 else ''}"
            raise InputError("\n  ".join([f"{where}: {count}", *problems]))
        return config

    def to_yaml(self) -> str:
        """The resolved config, in the order of its declaration."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def flat(self) -> dict[str, Any]:
        """The resolved config with dotted keys, as MLflow's parameters want it."""
        return dict(_flatten(self.model_dump(mode="json")))


def read_yaml(path: str | Path) -> dict[str, Any]:
    """A YAML file that holds a mapping. Raises InputError."""
    path = Path(path)
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError:
        near = sorted(str(p) for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        hint = f"; in that folder: {', '.join(near)}" if near else ""
        raise InputError(f"{path}: no such config{hint}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = " ".join(str(getattr(error, "problem", None) or error).split())
        raise InputError(f"{path}{line}: not valid YAML ({problem})") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError(f"{path}: a config is a mapping of keys to values, not a {type(values).__name__}")
    return values


def _kinds(annotation: Any) -> Iterator[Any]:
    """The types that an annotation is made of; of a Literal, those of its values."""
    parts = get_args(annotation)
    if not parts:
        yield annotation if isinstance(annotation, type) else type(annotation)
    for part in parts:
        yield from _kinds(part)


def _set(values: dict, keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        if values.get(key) is None:
            values[key] = {}
        values = values[key]
        if not isinstance(values, dict):
            raise TypeError(key)
    values[keys[-1]] = value


def _flatten(values: dict, prefix: str = ""):
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _refusals(model: type[BaseModel], prefix: str = "") -> dict[str, str]:
    """Every dotted key that is refused with a reason of its own."""
    found = {prefix + key: why for key, why in getattr(model, "refused", {}).items()}
    for name, field in model.model_fields.items():
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                found |= _refusals(kind, f"{prefix}{name}.")
    return found


def keys_of(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Every dotted key that a config of this type accepts."""
    keys = []
    for name, field in model.model_fields.items():
        keys.append(prefix + name)
        for kind in (field.annotation, *get_args(field.annotation)):  # `Tokens | None` holds keys too
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                keys += keys_of(kind, f"{prefix}{name}.")
    return keys


def _explain(model: type[BaseModel], error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        if why := _refusals(model).get(key):
            return f"{key}: {why}"
        known = keys_of(model)
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        by_leaf = [k for k in known if k.split(".")[-1] == key.split(".")[-1]]
        hint = by_leaf or near
        return f"{key}: unknown key" + (f"; did you mean {hint[0]}?" if hint else f"; known keys: {', '.join(known)}")
    if error["type"] == "missing":
        return f"{key}: missing; give it in the file or as {key}=value"
    message = error["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return f"{key}: {message} (got {error['input']!r})" if key else message
