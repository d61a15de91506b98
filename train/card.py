"""Write the model card of an adapter: what it is, what it was trained on, its limits, and what the training cost."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from plume import lineage
from train.config import TrainConfig

TEMPLATE = Path(__file__).with_name("card.md.j2")


def card(config: TrainConfig, prompt: str, facts: dict[str, Any]) -> str:
    """Fill the template; `facts` is what `train.run` found out and also writes to `training.json`."""
    options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True}
    page = Environment(**options).from_string(TEMPLATE.read_text(encoding="utf-8"))  # noqa: S701 - Markdown
    absent = {"energy": None, "best_step": None, "canaries": 0, "started_from": None, "preferences": None}
    seen_before = [ancestor for ancestor in lineage.ancestors(facts) if lineage.train_split(ancestor)]
    return page.render(absent | facts, config=config, prompt=prompt, seen_before=seen_before)
