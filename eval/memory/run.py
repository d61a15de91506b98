"""Run `plume eval memory`: what a shadow run retained of its canaries, beside the base model that never saw them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.memory import page
from eval.memory.exposure import (
    ADAPTER,
    BASE,
    MemoryEstimate,
    Seen,
    chance_bits,
    control,
    estimate,
    most_bits,
    space_bits,
)
from eval.memory.likelihood import ask, extracted, log_perplexities
from plume import canaries, models
from plume.adapters import TRAINING, Adapter
from plume.command import progress, say
from plume.config import read_yaml
from plume.corpus import privacy
from plume.corpus.dataset import read_manifest
from plume.errors import InputError
from plume.files import file_sha256, read_jsonl, read_object, telling, write
from plume.output import MEMORY, building, check_folder
from plume.prompt import format_of, load_prompt

_NEEDS = ("id", "place", "repetitions", "format", "secret", "pair")


@dataclass(frozen=True)
class ShadowRun:
    """A finished run with canaries: its folder, adapter, and the rows of canaries.jsonl."""

    folder: Path
    adapter: Adapter
    planted: list[dict[str, Any]]


def read_run(folder: Path) -> ShadowRun:
    """Read what is needed of a run's folder, without torch. Raises InputError."""
    if read_object(folder / "run.json") is None:
        raise InputError(f"{folder}: not the folder of a training run (no run.json); name what plume train had as out=")
    file = folder / canaries.FILE
    if not file.is_file():
        raise InputError(
            f"{folder}: was trained without canaries, so nothing can be said of it; train a shadow run with: "
            "plume train CONFIG canaries=64 out=OTHER"
        )
    if not (folder / "adapter").is_dir():
        raise InputError(f"{folder}: has no adapter yet; end its training with: plume train … --resume")
    adapter = Adapter.load(folder / "adapter")
    adapter.check_prompt()
    planted = read_jsonl(file, needs=_NEEDS)
    whole = adapter.training.get(canaries.KEY) == len(planted) > 0 and all(map(_is_whole, planted))
    if not whole or adapter.training.get(canaries.DIGEST) != file_sha256(file):
        raise InputError(f"{file}: is not what {folder / 'adapter' / TRAINING} was trained on; train a shadow run anew")
    return ShadowRun(folder, adapter, planted)


def _is_whole(row: dict[str, Any]) -> bool:
    try:
        return row["place"] in canaries.PLACES and row["pair"][row["place"]].count(row["secret"]) == 1
    except (TypeError, AttributeError, KeyError):
        return False


def memory(
    folder: Path, *, out: Path | None = None, alternatives: int = 127, data: Path | None = None, force: bool = False
) -> list[MemoryEstimate]:
    """Measure a run's memory and write memory.json and memory.html; show it in its dataset's privacy.html.

    Raises InputError for a run without canaries, one that has not ended, or an output that must not be written.
    """
    run, out = read_run(folder), out or folder / canaries.TESTED
    check_folder(out, MEMORY, force=force, reads=[folder / "adapter"])
    seen = look(run, alternatives)
    lines = estimate(seen)
    document = _document(run, seen, lines, alternatives)
    with telling(out, "make room or mend that, or name another folder with --out"), building(out, MEMORY) as made:
        write(made / "memory.html", page.render(document))
        write(made / "memory.json", json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    say(f"{out / 'memory.html'}, {out / 'memory.json'}")
    for told in page.sentences(document):
        say(f"- {told}")
    _show_in_dataset(run, document, data)
    return lines


def look(run: ShadowRun, alternatives: int) -> list[Seen]:
    """Ask the base model, then the same model with the run's adapter, about every canary."""
    adapter = run.adapter
    tokenizer, prompt = models.load_tokenizer(adapter.base), load_prompt(adapter.prompt)
    asked = [ask(canary, tokenizer, prompt, alternatives) for canary in run.planted]
    end, pad = format_of(tokenizer).end_id(tokenizer), tokenizer.pad_token_id
    model = models.load_model(adapter.base, adapter.training["config"]["dtype"]).eval()
    model.config.use_cache = True  # OpenHermes ships false
    seen = []
    with progress() as bar:
        for system in (BASE, ADAPTER):
            model = adapter.attach(model).eval() if system == ADAPTER else model
            written = extracted(model, asked, pad, end)
            for one, hit in zip(bar.track(asked, description=f"memory: {system}"), written, strict=True):
                secret, *rest = log_perplexities(model, one.before, one.said, pad)
                ahead, of = sum(other <= secret for other in rest), one.canary
                seen.append(Seen(of["id"], of["place"], of["repetitions"], system, ahead, alternatives, hit))
    return seen


def _document(run: ShadowRun, seen: list[Seen], lines: list[MemoryEstimate], alternatives: int) -> dict[str, Any]:
    training = run.adapter.training
    form = run.planted[0]["format"]
    return {
        "estimates": [line.as_dict() for line in lines],
        "canaries": [one.as_dict() for one in seen],
        "control": asdict(control(seen)),
        "format": form,
        "space_bits": round(space_bits(form), 2),
        "alternatives": alternatives,
        "most_bits": round(most_bits(alternatives), 3),
        "chance_bits": round(chance_bits(alternatives), 3),
        "base": run.adapter.base.model,
        "prompt": run.adapter.prompt,
        "trained": {
            "pairs": training["samples"]["train_pairs"],
            "steps": training["steps"],
            "epochs": training["steps"] * training["config"]["batch_size"] / training["samples"]["train_pairs"],
            "learning_rate": training["config"]["optimiser"]["learning_rate"],
            "rank": run.adapter.rank,
        },
        "inputs": {
            "adapter_sha256": run.adapter.sha256,
            "canaries_sha256": file_sha256(run.folder / canaries.FILE),
            "train_split_sha256": training["dataset"]["splits"]["train"]["sha256"],
        },
    }


def _show_in_dataset(run: ShadowRun, document: dict[str, Any], data: Path | None) -> None:
    """Keep the result beside the pairs that the run was trained on, and write their privacy.html anew."""
    asked_for = data
    data = data or Path(str(read_yaml(run.folder / "config.yaml").get("data", "")))
    try:
        manifest = read_manifest(data)
        if manifest["splits"]["train"]["sha256"] != document["inputs"]["train_split_sha256"]:
            raise InputError(f"{data}: its train split is not the one that the run was trained on")
        with telling(data, "mend that, then run this command again with --force"):
            write(data / privacy.MEMORY, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
            privacy.write_report(data, manifest)
    except InputError as error:
        if asked_for:
            raise
        say(f"not shown in a dataset's privacy.html ({error}); name the folder with --data")
    else:
        say(f"shown in {data / privacy.FILE}")
