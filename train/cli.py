"""`plume train …`: from a dataset folder to a registered LoRA adapter."""

from pathlib import Path
from typing import Annotated

import typer

from plume.command import DefaultGroup, say

app = typer.Typer(
    cls=DefaultGroup, add_completion=False, help="From pairs to a LoRA adapter: plume train CONFIG KEY=VALUE …."
)


@app.callback()
def group() -> None: ...


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="YAML config, for example configs/train/demo.yaml.")],
    overrides: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Config overrides.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the run's folder.")] = False,
) -> None:
    """Train (the default command): plume train CONFIG KEY=VALUE …."""
    from train.config import TrainConfig

    resolved = TrainConfig.load(config, overrides or ())
    from train.run import train

    result = train(resolved, resume=resume, force=force)
    if result is None:  # not the first process of torchrun
        return
    loss = f"loss {result.loss:.3f}"
    if result.validation_loss is not None:
        loss += f", validation {result.validation_loss:.3f}"
    say(f"adapter: {result.adapter} ({loss})")
    say(f"MLflow run: {result.run_id}")
    if result.version is not None:
        say(f"version: {result.version}")
