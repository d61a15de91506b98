"""Part 3, the base model: its parameters are counted, and it finds French likelier than French shuffled."""

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from plume.acceptance.point import Point
from plume.acceptance.site import Site, plume
from plume.command import run, say
from plume.files import write
from plume.models import Base, fast_dtype, load_model, load_tokenizer, resolve

SENTENCES = Path(__file__).with_name("sentences.txt")  # invented for this, one a line
LOWEST = 0.2  # nats a token: below, the model would read what it is to foretell
HIGHEST = 0.55  # of ln(vocabulary), which is the loss of guessing


def look(site: Site) -> Iterator[Point]:
    """Load the base in a process of its own, and judge what it measures. Raises PlumeError."""
    file, config = site.work / "base.json", site.config
    base = json.dumps(site.base.model_dump(include=set(Base.model_fields)))
    four_bits = ["--four-bits"] if config.lora.qlora else []
    plume(base, config.dtype, file, *four_bits, module="plume.acceptance.base_model")
    yield from judge(json.loads(file.read_text(encoding="utf-8")))


def measure(base: Base, dtype: str, *, four_bits: bool) -> dict[str, Any]:
    """Load the base and measure it. Raises InputError if its weights are not whole."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    dtype = fast_dtype() if dtype == "auto" else dtype
    tokenizer, model = load_tokenizer(base), load_model(base, dtype, four_bits=four_bits).eval()
    with torch.device("meta"):
        described = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(resolve(base))).num_parameters()
    draw, losses, shuffled = random.Random(0), [], []  # noqa: S311 - an order, not a secret
    for sentence in SENTENCES.read_text(encoding="utf-8").splitlines():
        ids = tokenizer(sentence)["input_ids"]
        losses.append(_loss(model, ids))
        draw.shuffle(rest := ids[1:])
        shuffled.append(_loss(model, [ids[0], *rest]))
    return {
        "parameters": model.num_parameters(),
        "described": described,
        "vocabulary": model.config.vocab_size,
        "losses": losses,
        "shuffled": shuffled,
    }


def judge(found: dict[str, Any]) -> Iterator[Point]:
    """Yield the points of what was measured."""
    counted, described = found["parameters"], found["described"]
    why = "the folder holds other weights than its config.json describes: fetch the model again"
    yield Point.judged("parameters", f"{described:,}, by its config", f"{counted:,}", counted == described, why)
    losses, shuffled = found["losses"], found["shuffled"]
    loss, highest = sum(losses) / len(losses), HIGHEST * math.log(found["vocabulary"])
    why = "the weights are not those of a language model that knows French, or the tokenizer is another model's"
    yield Point.judged(
        f"loss of {len(losses)} French sentences",
        f"{LOWEST} to {highest:.1f} nats a token",
        f"{loss:.2f} ({min(losses):.2f} to {max(losses):.2f})",
        all(map(math.isfinite, losses)) and LOWEST <= loss <= highest,
        why,
    )
    lower = sum(a < b for a, b in zip(losses, shuffled, strict=True))
    yield Point.judged(
        "the same tokens shuffled",
        f"likelier in their order, all {len(losses)}",
        f"{lower} of {len(losses)}; shuffled {sum(shuffled) / len(shuffled):.2f} nats",
        lower == len(losses),
        why,
    )


def _loss(model: Any, ids: list[int]) -> float:
    """Nats a token, from the second one on."""
    import torch

    row = torch.tensor([ids], device=model.device)
    with torch.inference_mode():
        logits = model(row).logits[0, :-1].float()
    return torch.nn.functional.cross_entropy(logits, row[0, 1:]).item()


app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main(base: str, dtype: str, file: Path, four_bits: bool = False) -> None:
    """Measure a base, given as JSON, and write to `file` what `judge` reads."""
    found = measure(Base(**json.loads(base)), dtype, four_bits=four_bits)
    write(file, json.dumps(found))
    say(f"{found['parameters']:,} parameters read")


if __name__ == "__main__":
    run(app, "plume doctor")
