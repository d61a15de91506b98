"""Draw the rooms of the house and their arrows into ARCHITECTURE.md, from the imports of the code.

    python docs/draw.py

`tests/house` holds the imports to `ORDER`, and the picture to the imports.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
STAGES = ("train", "eval", "serve")  # none imports another
# A room imports only rooms before it. `files` stands before `command`, which keeps all that is written private.
ORDER = {
    "errors": "the lines that tell a user what to mend",
    "paths": "where things lie",
    "marks": "how a mark is written: [TEL_2]",
    "files": "write a file whole, lock, append, digest",
    "shares": "exact limits of a share",
    "database": "a small SQLite file: one change at a time, on disk before it is told",
    "config": "typed YAML",
    "config_keys": "all keys of a config, for `plume config`",
    "interrupt": "Ctrl-C from the first moment, or a little later",
    "boundary": "whatever is raised becomes a line",
    "command": "one command line: groups, errors, progress",
    "output": "where a command may write",
    "vllm_options": "what every vLLM engine is started with",
    "canaries": "secrets planted to measure what is retained, and who is refused for them",
    "judgements": "what agents made of drafts, which of two a rater prefers",
    "page": "one skin of the French pages",
    "french": "the language: text, numbers, vocabulary, rules, mentions",
    "contacts": "the directory of public contacts",
    "passages": "passages of official sources, as a prompt shows them",
    "prompt": "what a model reads",
    "models": "base models and tokenizers",
    "adapters": "LoRA adapters as folders",
    "golden": "reviews on which an engine is compared with PEFT",
    "exported": "what an exported model says of itself",
    "store": "MLflow's stores: addresses, and what is on their disks",
    "tracking": "MLflow's runs",
    "registry": "MLflow's versions and aliases",
    "lineage": "an adapter by its name, and all that its weights have seen",
    "pseudonymise": "what identifies a person, found and replaced",
    "export": "the platform's file, read once into experiences",
    "checks": "what a draft may not say",
    "sources": "official sheets: imported, kept, and found for a review",
    "corpus": "experiences -> pairs in a dataset folder",
    "retrieval": "examples of replies to similar reviews",
    "doctor": "what this machine can do",
    "demo": "the main job on embedded defaults",
    "acceptance": "whether a machine keeps what plume promises of it",
    "train": "pairs -> adapter",
    "eval": "adapter -> drafts -> scores -> verdict",
    "serve": "alias -> vLLM, guarded",
    "cli": "mounts the stages by name",
}
# Rooms that the picture shows as one: nearly all others stand on the first.
DRAWN_AS = {
    "ground": (
        *(
            "errors",
            "paths",
            "marks",
            "files",
            "shares",
            "database",
            "config",
            "config_keys",
            "interrupt",
            "boundary",
            "command",
        ),
        *("output", "vllm_options", "canaries", "judgements", "passages"),
    ),
    "tracking": ("store", "tracking", "registry"),
}
BEGIN, END = "<!-- drawn by docs/draw.py -->", "<!-- end -->"


@cache
def modules() -> dict[str, Path]:
    """Each module of the tree -> its file."""
    found = {}
    for top in ("plume", *STAGES):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports() -> dict[str, frozenset[str]]:
    """Each module -> the modules of the tree that it imports anywhere, functions and TYPE_CHECKING included."""
    return {name: frozenset(_imported(name, path)) - {name} for name, path in modules().items()}


def _imported(name: str, path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules())
        elif isinstance(node, ast.ImportFrom):
            package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
            base = [*package[: len(package) - node.level + 1], *filter(None, [node.module])] if node.level else []
            source = ".".join(base) or node.module
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                if (found := inner if inner in modules() else source) in modules():
                    yield found


def room_of(module: str) -> str:
    """The room of a module: a part of plume, or a stage; "" for plume itself, on which all stand."""
    top, _, rest = module.partition(".")
    return rest.partition(".")[0] if top == "plume" else top


def upward() -> list[tuple[str, str]]:
    """Each import from a room that stands later in the order, or between stages: (module, imported)."""
    place = {room: len(ORDER) if room in STAGES else number for number, room in enumerate(ORDER)}
    place |= {"": -1, "cli": len(ORDER) + 1}
    return [
        (module, other)
        for module, others in imports().items()
        for other in sorted(others)
        if (a := room_of(module)) != (b := room_of(other)) and not place[b] < place[a]
    ]


def boxes() -> dict[str, list[str]]:
    """The boxes of the picture in their order, each with its rooms that are there."""
    drawn = {room: name for name, rooms in DRAWN_AS.items() for room in rooms}
    there = {room_of(module) for module in modules()}
    found: dict[str, list[str]] = defaultdict(list)
    for room in ORDER:
        if room in there:
            found[drawn.get(room, room)].append(room)
    return found


def arrows() -> dict[str, set[str]]:
    """Each box -> those that it stands on, without what another arrow says already, and without upward imports."""
    box_of = {room: box for box, rooms in boxes().items() for room in rooms}
    refused = set(upward())
    found: dict[str, set[str]] = {box: set() for box in boxes()}
    for module, others in imports().items():
        for other in others:
            a, b = box_of.get(room_of(module)), box_of.get(room_of(other))
            if a and b and a != b and (module, other) not in refused:
                found[a].add(b)
    below: dict[str, set[str]] = {}  # all that a box stands on, directly or not
    for box in boxes():
        below[box] = found[box].union(*(below[on] for on in found[box]))
    return {box: on - set().union(*(below[each] for each in on)) for box, on in found.items()}


def picture() -> str:
    """The boxes and arrows, in the order of the house, in mermaid's language."""
    lines = ["```mermaid", "flowchart BT"]
    for box, rooms in boxes().items():
        label = ", ".join(rooms) if len(rooms) > 1 else f"{box}: {ORDER[box]}"
        lines.append(f'    {box}["{label.replace("`", "")}"]')
    for box, on in arrows().items():
        if on:
            lines.append(f"    {box} --> {' & '.join(sorted(on, key=list(boxes()).index))}")
    return "\n".join([*lines, "```"])


def with_picture(text: str) -> str:
    """ARCHITECTURE.md with the picture between its marks."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{picture()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    page = ROOT / "ARCHITECTURE.md"
    drawn_anew = with_picture(page.read_text(encoding="utf-8"))
    page.write_text(drawn_anew, encoding="utf-8")
    sys.stdout.write(picture() + "\n")
