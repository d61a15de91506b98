"""Tells in French why the desk cannot do what an agent asks; nothing that was typed is lost by it."""

import tomllib
from pathlib import Path

_WORDS = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
SAY: dict[str, str] = _WORDS["say"]  # states of a page, for its script
TONES: dict[str, str] = _WORDS["tones"]
KINDS: dict[str, str] = _WORDS["kinds"]  # of passages
OUTCOMES: dict[str, str] = _WORDS["outcomes"]
FIELDS: dict[str, str] = _WORDS["fields"]
_REFUSED: dict[str, dict] = _WORDS["refused"]


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """Refuses what a browser asks, by its `kind`: the guard's kinds of refusal, and the desk's own."""

    def __init__(self, kind: str, more: str = "") -> None:
        super().__init__(kind)
        self.kind = kind if kind in _REFUSED else "internal"
        said = _REFUSED[self.kind]
        self.status, self.title = said["status"], said["title"]
        self.told = " ".join(filter(None, (more, said["told"])))
        self.is_final = said.get("final", False)  # the same request will be refused again
