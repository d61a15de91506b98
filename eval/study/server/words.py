"""Load what the study's pages say in French."""

import tomllib
from pathlib import Path

_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
REFUSED: dict[str, dict] = _WORDS["refused"]  # by the reason of a Refusal
SAY: dict[str, str] = _WORDS["say"]  # states of the writing page
PROBLEMS: dict[str, str] = _WORDS["problems"]
CHOICES: dict[str, dict[str, str]] = _WORDS["choices"]  # by what is compared
REASONS: dict[str, str] = _WORDS["reasons"]
BLOCKS: dict[str, dict] = _WORDS["blocks"]
