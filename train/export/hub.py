"""Writes an adapter as a folder for the model hub: nothing of the data, no draft, no path of this machine."""

import json
import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from plume.adapters import CONFIG, TEMPLATE, WEIGHTS, Adapter
from plume.errors import InputError
from train.export import parity


def write(folder: Path, adapter: Adapter, base: str) -> None:
    """Write PEFT's files and the template, with the base named `base`, as the hub knows it."""
    for name in (WEIGHTS, TEMPLATE):
        shutil.copyfile(adapter.folder / name, folder / name)
    peft = json.loads((adapter.folder / CONFIG).read_text(encoding="utf-8"))
    peft |= {"base_model_name_or_path": base, "revision": adapter.base.revision}
    (folder / CONFIG).write_text(json.dumps(peft, indent=2) + "\n", encoding="utf-8")


def read_back(folder: Path, adapter: Adapter, model: Any) -> Any:
    """Put the folder's adapter on the bare float32 model with PEFT. Raises InputError if it is another one."""
    written, original = (load_file(where / WEIGHTS) for where in (folder, adapter.folder))
    if written.keys() != original.keys():
        raise InputError(f"{folder / WEIGHTS}: holds other tensors than the adapter; nothing was exported")
    for name, tensor in original.items():
        parity.check_same(f"{folder / WEIGHTS}: {name}", written[name], tensor)
    return Adapter.load(folder).attach(model).float().eval()
