"""Exports a version: written aside, read back, compared with base + adapter, and only then put in its place."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig

from plume import registry
from plume.adapters import TEMPLATE, TRAINING
from plume.command import status
from plume.errors import InputError, first_line
from plume.exported import Exported, Target, tag_of
from plume.files import folder_aside, folder_sha256, telling
from plume.lineage import Named
from plume.models import load_model, load_tokenizer, quiet_bars, resolve
from plume.output import EXPORT, check_folder
from plume.prompt import Prompt, format_of, load_prompt
from train.export import card, gguf_lora, hub, merged, parity, source
from train.export.card import Called

_ROOM = "make room, or name another folder with --out"


def check_out(out: Path, reference: str) -> None:
    """Refuse a folder that is there already, or cannot be written. Changes nothing."""
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out}: is not empty; name another folder with --out")
    if out.is_dir() and (out.is_mount() or out.samefile(Path.cwd())):  # it would be replaced by another one
        raise InputError(f"{out}: is a mount point, or the folder that you are in; name one in it with --out")
    check_folder(out, EXPORT, force=True, reads=[reference])


def export(
    reference: str,
    to: Target,
    out: Path,
    *,
    base_name: str | None = None,
    licence: str | None = None,
    with_canaries: bool = False,
) -> Exported:
    """Export a version (number, alias, adapter folder) into `out`. Raises InputError, and then `out` is not there.

    Everything is computed in float32 on the CPU: the figures are the same on every machine, and a GPU is left alone.
    The digest of merged weights becomes a tag of a registered version: `plume serve` serves none that lacks it.
    """
    check_out(out, reference)
    out = out.resolve()  # a link to an empty folder stays
    found = source.find(reference, with_canaries=with_canaries)
    base = found.adapter.base
    called = card.call(base, to, base_name, licence)
    config = AutoConfig.from_pretrained(resolve(base))
    if to == "gguf":
        gguf_lora.check_kind(config)
    dtype = str(config.dtype or torch.float32).removeprefix("torch.")
    if dtype not in parity.ROUNDED:
        raise InputError(f"base.model={base.model}: its weights are {dtype}; known: {', '.join(parity.ROUNDED)}")
    work = _Work(found, called, to, dtype, load_tokenizer(base), load_prompt(found.adapter.prompt))
    with telling(out, _ROOM), folder_aside(out, first_wins=False) as made, quiet_bars():
        try:
            exported = work.write(made)
        except SafetensorError as error:  # what a full disk is to it
            raise InputError(f"{out}: cannot be written ({first_line(error)}); {_ROOM}") from None
        exported.write(made)
        card.write(made, exported, found, called, work.prompt, format_of(work.tokenizer))
        if to == "merged" and found.version:
            digest = folder_sha256(made)
            registry.tag(found.version, tag_of(digest), digest)
    return exported


@dataclass(frozen=True)
class _Work:
    """Writes one target's files, reads them back, and compares."""

    found: Named
    called: Called
    to: Target
    dtype: str
    tokenizer: Any
    prompt: Prompt

    def write(self, made: Path) -> Exported:
        """Fill the folder `made`. Raises InputError if it is not, or does not say, what base + adapter do."""
        adapter = self.found.adapter
        with status(f"export: loading {adapter.base.model}"):
            # float32 first: PEFT rounds an adapter to the base's precision.
            model = adapter.attach(load_model(adapter.base, self.dtype).cpu().float()).eval()
        encoded = parity.samples(self.tokenizer, self.prompt)
        with status("export: asking base + adapter"):
            expected = parity.say(model, encoded)
        with status(f"export: writing, as {self.to}"):
            under = self._put(made, model)
        del model  # merged weights are loaded in its place
        with status("export: reading it back, and asking it"):
            seen = parity.say(self._read_back(made, under), encoded)
        near = parity.compare(expected, seen, parity.ROUNDED[self.dtype] if self.to == "merged" else parity.SAME)
        golden = tuple((start, first) for (start, _), first in zip(encoded, expected.first, strict=True))
        base = adapter.base.model_copy(update={"model": self.called.base})
        return Exported(self.to, self.found.version, adapter.sha256, base, self.dtype, near, golden)

    def _put(self, made: Path, model: Any) -> Any:
        """Write the files; return the model on which they are to be read back, None if they are a whole one."""
        adapter, base = self.found.adapter, self.called.base
        (made / TRAINING).write_text(source.training(adapter, base), encoding="utf-8")
        if self.to == "hub":
            hub.write(made, adapter, base)
            return model.unload()
        if self.to == "gguf":
            gguf_lora.write(made / f"{source.file_name(self.found)}.gguf", model, source.file_name(self.found))
            shutil.copyfile(adapter.folder / TEMPLATE, made / TEMPLATE)
            return model
        whole = merged.merge(model, getattr(torch, self.dtype))
        merged.write(made, whole, self.tokenizer)
        merged.check_files(made, whole)
        return None

    def _read_back(self, made: Path, under: Any) -> Any:
        """Load what was written as its users do. Raises InputError if it is not what was to be written."""
        if self.to == "hub":
            return hub.read_back(made, self.found.adapter, under)
        if self.to == "gguf":
            return gguf_lora.read_back(made / f"{source.file_name(self.found)}.gguf", under)
        return merged.read_back(made, self.dtype, self.tokenizer)
