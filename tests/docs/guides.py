"""Reads the commands of a guide's fenced blocks, whatever prose stands around them.

How a guide writes what is not to be typed as it stands: `[…]` after a blank may be left out; `a|b` is one or the other;
`…` at the end of a word is more words of the same kind, alone it is a text that the reader writes.
"""

import itertools
import re
import shlex
from collections.abc import Iterator

from plume.paths import ROOT

GUIDES = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")) if path.stem != "log")]
_BEFORE = r"(?:^|[;(&|]|\bdo\b|\buntil\b|\bthen\b)[ \t]*(?:[A-Z_]+=\S*[ \t]+)*"  # where a command begins
_WORDS = r"(?:'[^']*'|\"[^\"]*\"|(?<=\w)\|(?=\w)|[^'\"#|;>)\n])*"
_PLUME = re.compile(f"{_BEFORE}plume ({_WORDS})", re.M)
_OPTIONAL = re.compile(r"(?<=\s)\[([^\]]*)\](?=\s|$)")
_SETTINGS = re.compile(r"(KEY=VALUE|key=value) …")  # any, for example none


def blocks(guide: str) -> list[str]:
    """List the fenced blocks of a guide that a shell reads: those without a language."""
    return re.findall(r"^```\n(.*?)^```", (ROOT / guide).read_text(encoding="utf-8"), re.S | re.M)


def commands(block: str) -> list[str]:
    """List the commands of a block, each whole: continued lines, here-documents and loops joined."""
    found: list[str] = []
    end = None
    for line in block.splitlines():
        if found and (end or found[-1].endswith("\\")):
            found[-1] += f"\n{line}"
            end = None if line == end else end
        else:
            found.append(line)
            if here := re.search(r"<<'(\w+)'", line):
                end = here[1]
            elif re.match(r"for .* do$", line):
                end = "done"
    return found


def plume_commands(guide: str) -> Iterator[list[str]]:
    """Yield the words of every `plume …` of a guide's blocks, once for each way in which it may be typed."""
    for block in blocks(guide):
        for written in _PLUME.findall(block.replace("\\\n", " ")):
            for text in {_OPTIONAL.sub("", written), _OPTIONAL.sub(r"\1", written)}:
                ways = [_ways(word) for word in shlex.split(_SETTINGS.sub("", text))]
                yield from map(list, itertools.product(*ways))


def _ways(word: str) -> list[str]:
    return [word] if word == "…" else word.removesuffix("…").split("|")
