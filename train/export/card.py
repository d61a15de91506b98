"""Writes the card of an exported model, and what llama.cpp and Ollama want beside an adapter."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import ModelCardData
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from plume import golden
from plume.errors import InputError
from plume.exported import Exported
from plume.lineage import Named
from plume.models import EMBEDDED, Base, resolve
from plume.prompt import ChatFormat, Prompt
from train.export.source import file_name

# Names and licences of bases, as their pages on the hub had them in 2026.
_HUB = {EMBEDDED: "HuggingFaceTB/SmolLM2-135M-Instruct"}
_LICENCES = {"HuggingFaceTB/SmolLM2-135M-Instruct": "apache-2.0", "teknium/OpenHermes-2-Mistral-7B": "apache-2.0"}
_LIBRARY = {"merged": "transformers", "gguf": "llama.cpp", "hub": "peft"}


@dataclass(frozen=True)
class Called:
    """Holds how the base is called where the export goes, and the licence; None where nobody knows it."""

    base: str
    licence: str | None


def call(base: Base, to: str, hub_name: str | None, licence: str | None) -> Called:
    """Find the base's name on the hub, and its licence. Raises InputError if the hub would not know the base."""
    is_folder = Path(base.model).expanduser().is_dir()
    name = hub_name or _HUB.get(base.model) or base.model
    licence = licence or _licence_of(base) or _LICENCES.get(name)
    if to != "hub":
        return Called(Path(name).name if is_folder and not hub_name else name, licence)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise InputError(f"--to hub: the base is a folder, {name}; name it as the hub knows it: --base-name OWNER/NAME")
    if licence is None:
        raise InputError(f"--to hub: the licence of {name} is not known here; name the adapter's: --licence apache-2.0")
    return Called(name, licence)


def _licence_of(base: Base) -> str | None:
    """Read the licence in the base's own card, if its folder holds one."""
    try:
        _, header, _ = (Path(resolve(base)) / "README.md").read_text(encoding="utf-8").split("---\n", 2)
        return yaml.safe_load(header).get("license")
    except (OSError, ValueError, AttributeError, yaml.YAMLError):
        return None


def write(folder: Path, exported: Exported, named: Named, called: Called, prompt: Prompt, chat: ChatFormat) -> None:
    """Write README.md; beside a GGUF adapter the Modelfile and the system text, too."""
    about = {
        "exported": exported,
        "name": file_name(named),
        "adapter": named.adapter,
        "called": called,
        "embedded": EMBEDDED,
        "prompt": prompt,
        "chat": chat,
        "header": _header(exported, named, called),
        "body": _body(named, called),
        "turns": prompt.messages(golden.pairs()[0]),
    }
    pages = {"README.md": "card.md.j2"}
    if exported.to == "gguf":
        pages |= {"Modelfile": "Modelfile.j2"}
        (folder / "system.txt").write_text(prompt.system, encoding="utf-8")
    loader = FileSystemLoader(Path(__file__).parent)
    options: dict[str, Any] = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    pages_of = Environment(loader=loader, keep_trailing_newline=True, **options)  # noqa: S701 - Markdown
    for name, template in pages.items():
        (folder / name).write_text(pages_of.get_template(template).render(about), encoding="utf-8")


def _header(exported: Exported, named: Named, called: Called) -> str:
    """Write the YAML that the hub reads of a card."""
    trained_on = named.adapter.training.get("dataset", {})
    told = ModelCardData(
        base_model=called.base,
        datasets=[_slug(Path(trained_on.get("source", {}).get("name", "")).stem)],
        language="fr",
        library_name=_LIBRARY[exported.to],
        license=called.licence,
        pipeline_tag="text-generation",
        tags=["plume", "lora"],
    )
    return told.to_yaml()


def _slug(name: str) -> str:
    return re.sub(r"[^\w.-]+|\.\.+|--+", "-", name, flags=re.ASCII).strip("-.").lower() or "unknown"


def _body(named: Named, called: Called) -> str:
    """Give the adapter's own card from its first fact on, with the base named as in this one."""
    card = named.adapter.folder / "README.md"
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    facts = text[max(text.find("\n- Base:"), 0) :].lstrip("\n")
    return facts.replace(f"`{named.adapter.base.model}`", f"`{called.base}`").replace("\n## ", "\n### ").rstrip()
