"""Read typed configs from YAML and `key=value` overrides; tell every error at once, with the nearest valid key."""

import difflib
import re
import reprlib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from ipaddress import IPv4Address
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Self, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from plume.errors import InputError, without_secrets
from plume.paths import in_clone

NonEmpty = Annotated[str, Field(min_length=1)]
_TEXT = (str, Path, IPv4Address)  # what is read as it is written
_NULL = ("", "~", "null", "Null", "NULL")
_shown = reprlib.Repr()  # of what was given: a line, however much it is
_shown.maxstring = _shown.maxother = 120
_shown.maxlevel = 2


class _Loader(yaml.SafeLoader):
    """Read YAML with decimal numbers alone: 010 is no 8, 1:30 no 90, 1e3 is 1000, a day is text (folders are named so).

    And the last of two equal keys does not silently win.
    """

    yaml_implicit_resolvers: ClassVar[dict] = {
        first: [
            (tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] not in ("timestamp", "int", "float")
        ]
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


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"[-+]?(0|[1-9][0-9_]*)$|0x[0-9a-fA-F_]+$"), [*"-+0123456789"]
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"[-+]?([0-9][0-9_]*)?\.[0-9_]+([eE][-+]?[0-9]+)?$|[-+]?[0-9][0-9_]*\.?([eE][-+]?[0-9]+)$|[-+]?[0-9][0-9_]*\.$"
        r"|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"
    ),
    [*"-+0123456789."],
)


class Config(BaseModel):
    """Base of every config. Unknown keys are errors; values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    command: ClassVar[str] = ""  # train, preferences, eval, study, serve or data: whose config it is

    @field_validator("*", mode="before")
    @classmethod
    def _no_word_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse a truth value for a number: `rank: yes` is YAML's true, and Python's true is 1."""
        kinds = set(_kinds(cls.model_fields[info.field_name].annotation))
        if isinstance(value, bool) and bool not in kinds and kinds & {int, float}:
            raise ValueError("a number is wanted")
        return value

    @classmethod
    def read(cls, path: str | Path) -> dict[str, Any]:
        """Read the values of a file, not yet checked."""
        return read_yaml(path, cls)

    @classmethod
    def load(cls, path: str | Path | None, overrides: Iterable[str] = ()) -> Self:
        """Read a YAML file (or start from the defaults if `path` is None) and apply `a.b=value` overrides.

        Raises InputError with one line per error of the file and of the overrides.
        """
        values = cls.read(path) if path else {}
        where = str(path) if path else cls.__name__
        problems = []
        for override in overrides:
            key, separator, text = override.partition("=")
            if not separator or not key:
                problems.append(f"{override!r}: an override is written key=value")
                continue
            try:
                _set(values, key.split("."), _read_value(text, _field(cls, key.split("."))))
            except (yaml.YAMLError, ValueError, RecursionError):
                problems.append(f"{without_secrets(_shown.repr(override))}: its value is not valid YAML")
            except TypeError as error:
                problems.append(f"{override!r}: {error} is a value, it has no keys")
        try:
            config = cls.model_validate(values)
        except ValidationError as error:
            problems += [_explain(cls, e) for e in _one_a_key(cls, error.errors())]
        if problems:
            count = f"{len(problems)} error{'s' if len(problems) > 1 else ''}"
            raise InputError("\n  ".join([f"{where}: {count}", *problems]))
        return config

    def to_yaml(self) -> str:
        """Return the resolved config, in the order of its declaration."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def flat(self) -> dict[str, Any]:
        """Return the resolved config with dotted keys, as MLflow's parameters want it."""
        return dict(flatten(self.model_dump(mode="json")))


def read_yaml(path: str | Path, model: type[BaseModel] | None = None) -> dict[str, Any]:
    """Read a mapping from a YAML file, each value as the field of `model` wants it. Raises InputError."""
    path = Path(path)
    try:
        values = _read(in_clone(path).read_text(encoding="utf-8"), model)
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
    except ValueError as error:  # a number of thousands of digits
        raise InputError(f"{path}: not valid YAML ({error})") from None
    except RecursionError:
        raise InputError(f"{path}: not valid YAML (nested too deep, or in itself)") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError(f"{path}: a config is a mapping of keys to values, not a {type(values).__name__}")
    return values


def _read(text: str, wanted: Any) -> Any:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _keep_text(node, wanted)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _keep_text(node: yaml.Node, wanted: Any) -> None:
    """Keep what was written where a field takes text: a folder may be named 2024, 0750, 1e3 or on. Null is null."""
    taken = list(choices(wanted))
    if isinstance(node, yaml.ScalarNode):
        if any(map(_is_text, taken)) and not node.tag.endswith((":null", ":binary")):
            node.tag = "tag:yaml.org,2002:str"
    elif isinstance(node, yaml.SequenceNode):
        items = [a for c in taken if get_origin(c) in (list, tuple) for a in get_args(c) if a is not Ellipsis]
        for item in node.value if items else ():
            _keep_text(item, Union[*items])
    else:
        fields = {name: field for model in models(taken) for name, field in model.model_fields.items()}
        for key, value in node.value:
            if key.value == "<<":
                _keep_text(value, wanted)
            elif isinstance(key, yaml.ScalarNode) and key.value in fields:
                _keep_text(value, fields[key.value].annotation)


def _read_value(text: str, wanted: Any) -> Any:
    """Read the value of an override. A text field takes all of it, `#`, `:` and brackets too, unless quoted."""
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    if not quoted and (taken := set(choices(wanted)) - {type(None), None}) and all(map(_is_text, taken)):
        return None if text in _NULL else text
    return _read(text, wanted)


def _field(model: type[BaseModel], keys: Iterable[Any]) -> Any:
    """Find what the field of a dotted key takes; None if there is no such field."""
    wanted: Any = model
    for key in keys:
        found = (m.model_fields[key].annotation for m in models(choices(wanted)) if key in m.model_fields)
        wanted = next(found, None)
    return wanted


def models(taken: Iterable[Any]) -> list[type[BaseModel]]:
    """List the sections among the types that a field may be."""
    return [choice for choice in taken if isinstance(choice, type) and issubclass(choice, BaseModel)]


def choices(annotation: Any) -> Iterator[Any]:
    """List the types that a field may be: the members of a union, without their annotations."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from choices(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for part in get_args(annotation):
            yield from choices(part)
    else:
        yield annotation


def _is_text(choice: Any) -> bool:
    if get_origin(choice) is Literal:
        return all(isinstance(value, str) for value in get_args(choice))
    return choice in _TEXT


def _kinds(annotation: Any) -> Iterator[Any]:
    """List the types that an annotation is made of; of a Literal, those of its values."""
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


def flatten(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value of nested sections with its dotted key."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def keys_of(model: type[BaseModel], prefix: str = "") -> list[str]:
    """List every dotted key that a config of this type accepts."""
    keys = []
    for name, field in model.model_fields.items():
        keys.append(prefix + name)
        for section in models(choices(field.annotation)):  # `Tokens | None` holds keys too
            keys += keys_of(section, f"{prefix}{name}.")
    return keys


def _one_a_key(model: type[BaseModel], errors: Iterable[Any]) -> list[Any]:
    """Make one error of those of a key that may be of several types: pydantic gives one for each type."""
    found: dict[Any, Any] = {}
    for number, error in enumerate(errors):
        place = error["loc"]
        several = (place[:n] for n in range(1, len(place)) if _is_of_several_types(_field(model, place[:n])))
        if (key := next(several, None)) is None:
            found[number] = error
        elif key not in found:
            found[key] = error | {"loc": key}
        elif (more := error["msg"].removeprefix("Input should be ")) not in found[key]["msg"]:
            found[key]["msg"] += f", or {more}"
    return list(found.values())


def _is_of_several_types(annotation: Any) -> bool:
    taken = set(choices(annotation)) - {type(None)}
    return len(taken) > 1 and not models(taken)


def _explain(model: type[BaseModel], error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return "\n  ".join(f"{name}: {_unknown(model, name)}" for name in _leaves(key, error["input"]))
    if error["type"] == "missing":
        return f"{key}: missing; give it in the file or as {key}=value"
    message = error["msg"].removeprefix("Value error, ").removesuffix(" for <class 'pathlib.Path'>")
    message = message[:1].lower() + message[1:]
    return f"{key}: {message} (got {without_secrets(_shown.repr(error['input']))})" if key else message


def _leaves(key: str, given: Any, depth: int = 3) -> list[str]:
    """List the keys below an unknown section, such as another tool's `training_args`: each has its own advice."""
    if not isinstance(given, dict) or not given or not depth:
        return [key]
    return [leaf for name, value in given.items() for leaf in _leaves(f"{key}.{name}", value, depth - 1)][:20]


def _unknown(model: type[BaseModel], key: str) -> str:
    """Say what is wrong with an unknown key, and which key may be meant."""
    leaf, known = key.rpartition(".")[2], keys_of(model)
    ours = [k for k in known if k.split(".")[-1] == leaf]
    if not ours and (told := _foreign(model, leaf, known)):
        return f"unknown key; {told}"
    if hint := ours or difflib.get_close_matches(key, known, n=1, cutoff=0.5):
        return f"unknown key; did you mean {hint[0]}?"
    command = getattr(model, "command", "")
    return "unknown key; " + (f"all keys: plume config {command}" if command else f"known keys: {', '.join(known)}")


@cache
def foreign_keys() -> dict[str, dict[str, dict[str, str]]]:
    """Read other tools' keys, by command: `called` gives plume's key, `told` a line of advice."""
    return yaml.safe_load((files("plume") / "foreign_keys.yaml").read_text(encoding="utf-8"))


def _foreign(model: type[BaseModel], key: str, known: list[str]) -> str | None:
    """Find what plume has in place of a key of another tool or command; None if nobody has that key."""
    name = key.lstrip("-").replace("-", "_").lower()
    own = getattr(model, "command", "")
    for command, names in sorted(foreign_keys().items(), key=lambda item: item[0] != own):
        called, told = names["called"].get(name), names["told"].get(name)
        if command == own and called in known:
            return f"did you mean {called}?"
        if command == own and told:
            return told
        if own and command != own and called:
            return f"it is a key of plume {command}: {called}"
    return None
