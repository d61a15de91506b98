"""Writes the acceptance as site.json, to send back, and as site.html: neither holds a path, a host name or a secret."""

import datetime as dt
import json
import os
import re
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plume import __version__
from plume.acceptance.point import Part
from plume.acceptance.site import Site
from plume.errors import without_secrets
from plume.files import json_sha256, read_jsonl, read_object, telling, write
from plume.page import Table, render
from plume.paths import ROOT, home

JSON, PAGE = "site.json", "site.html"
_TEMPLATE = Path(__file__).with_name("site.html.j2")
# Keys of the config that say where things lie, and the adapter to start from, which is no part of an acceptance.
_PLACES = ("data", "out", "server", "tracking_uri", "base.adapter")
_NAME = r"[\w.@~+%=-]+"
# Of a file, or of a server; a file right below a known place, which is "…" by then, keeps its name.
_PATH = re.compile(rf"(?<![\w.<>/])~?/+{_NAME}(?:[/:]{_NAME})+/?|(?<![\w.<>/…])~?/+{_NAME}/?")
TITLES = {
    "machine": "The machine",
    "tokens": "Ids and template",
    "base": "The base model",
    "train": "Training: ten steps",
    "serve": "Serving by vLLM",
}


def key(config: Any) -> str:
    """Hash what was accepted: --resume goes on with the same alone."""
    return json_sha256({"config": {k: v for k, v in config.flat().items() if k not in _PLACES}, "plume": __version__})


def outcome(parts: Sequence[Part]) -> str:
    """Say in one word how it went: `not ok`, else `in part` where something was not checked, else `ok`."""
    verdicts = {point.verdict for part in parts for point in part.points}
    return "not ok" if "not ok" in verdicts else "in part" if "not checked" in verdicts else "ok"


def earlier(out: Path, config: Any) -> dict[str, Part]:
    """Read the parts that went well in an earlier report on the same config."""
    told = read_object(out / JSON) or {}
    if told.get("key") != key(config):
        return {}
    return {part.name: part for part in map(Part.of, told["parts"]) if part.is_ok}


def save(out: Path, site: Site, parts: Sequence[Part]) -> None:
    """Write both files. Raises InputError if the disk refuses."""
    flat = {name: value for name, value in site.config.flat().items() if name not in _PLACES}
    if Path(site.config.base.model).is_dir():
        flat["base.model"] = "a folder"
    places = _known_places(out, site)
    rows = [part.as_dict() for part in parts]
    for point in (point for row in rows for point in row["points"]):
        point |= {name: _cleaned(point[name], places) for name in ("measured", "why")}
    told = {
        "plume": __version__,
        "when": f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC",
        "outcome": outcome(parts),
        "seconds": round(sum(part.seconds for part in parts), 1),
        "parts": rows,
        "key": key(site.config),
        "config": {name: _cleaned(value, places) for name, value in flat.items()},
        "numbers": _numbers(site),
    }
    tables = [_table(part) for part in rows]
    with telling(out, "make room, then go on with --resume"):
        write(out / PAGE, render(_TEMPLATE, told=told, tables=tables))
        write(out / JSON, json.dumps(told, ensure_ascii=False, indent=1) + "\n")


def _numbers(site: Site) -> dict[str, Any]:
    """Collect what the parts measured, without any text, for whoever gets the JSON."""
    trained = read_object(site.run / "adapter" / "training.json") or {}
    steps = site.run / "steps.jsonl"
    found = {
        "base": read_object(site.work / "base.json"),
        "steps": read_jsonl(steps) if steps.is_file() else None,
        **{name: trained.get(name) for name in ("samples", "memory_gib", "energy")},
        "golden": (read_object(site.work / "serve.json") or {}).get("golden"),
    }
    # NaN and infinity become words: JSON knows neither.
    return json.loads(json.dumps({name: value for name, value in found.items() if value}), parse_constant=str)


def _table(part: dict[str, Any]) -> dict[str, Any]:
    heads = ("point", "verdict", "expected", "measured", "why")
    rows = [[point[name] for name in ("name", *heads[1:])] for point in part["points"]]
    caption = f"{TITLES[part['name']]}, {part['seconds']:.0f} s"
    return {"title": TITLES[part["name"]], "table": Table(caption, heads, rows)}


def _known_places(out: Path, site: Site) -> dict[str, str]:
    """List what tells where this machine is and who uses it, with what stands in its place; the longest first."""
    folders = [out, site.work, home(), ROOT, Path.cwd(), Path.home(), Path(sys.prefix)]
    if Path(site.config.base.model).is_dir():
        folders.append(Path(site.config.base.model))
    found = {text: "…" for folder in folders for text in {str(folder), str(folder.resolve())} if len(text) > 1}
    names = {socket.gethostname(), socket.getfqdn(), os.environ.get("USER", "")} - {"", "localhost", "root"}
    return dict(sorted((found | dict.fromkeys(names, "…")).items(), key=lambda item: -len(item[0])))


def _cleaned(value: Any, places: dict[str, str]) -> Any:
    """Remove places, names and secrets from a text; leave any other value."""
    if not isinstance(value, str):
        return value
    text = without_secrets(value)
    for place, mark in places.items():
        text = re.sub(rf"(?<!\w){re.escape(place)}(?!\w)", mark, text)
    return re.sub("…+", "…", _PATH.sub("…", text))
