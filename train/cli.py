"""`plume train …`: from a dataset folder to a registered LoRA adapter."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from plume.command import DefaultGroup, is_other_rank, say
from plume.errors import InputError

if TYPE_CHECKING:
    from train.config import TrainConfig
    from train.preferences.config import PreferencesConfig
    from train.run import Result

app = typer.Typer(
    cls=DefaultGroup,
    add_completion=False,
    rich_markup_mode=None,
    help="From pairs to a LoRA adapter: plume train CONFIG KEY=VALUE ….",
)


@app.callback()
def group() -> None: ...


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="YAML config, for example configs/train/demo.yaml.")],
    overrides: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Config overrides.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the run's folder.")] = False,
    processes: Annotated[
        int, typer.Option("--processes", min=1, metavar="N", help="Train on N GPUs of this machine: the same run.")
    ] = 1,
    preview: Annotated[
        int | None, typer.Option("--preview", min=0, metavar="N", help="Show N samples, lengths, masks; train nothing.")
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Memory and time; train nothing, load no weights.")
    ] = False,
    speed: Annotated[
        float | None, typer.Option("--speed", min=1, help="Tokens a second, measured or hoped for, for --estimate.")
    ] = None,
) -> None:
    """Train (the default command): plume train CONFIG KEY=VALUE …."""
    from train.config import TrainConfig

    resolved = TrainConfig.load(config, overrides or ())
    if speed and not estimate:
        raise InputError("--speed is for --estimate; give both, or neither to train")
    if (resume or force) and (preview is not None or estimate):
        raise InputError("--preview and --estimate train nothing; leave out --resume and --force")
    looks = preview is not None or estimate
    if looks and processes > 1:
        raise InputError("--preview and --estimate need one process; leave out --processes")
    resolved = _check(resolved, resume=resume, force=force, looks=looks)
    if looks:
        _look(resolved, preview, estimate, speed)
        return
    if processes > 1:
        from train.launch import launch

        flags = (("--resume", resume), ("--force", force))
        launch(processes, [str(config), *(overrides or ()), *(flag for flag, given in flags if given)])
        return
    from train.run import train

    result = train(resolved, resume=resume, force=force)
    if result is None:  # not the first process of torchrun
        return
    _tell(result)
    if resolved.canaries:
        say(f"canaries: {resolved.canaries}, so no version; what is retained: plume eval memory {resolved.out}")


@app.command()
def preferences(
    config: Annotated[Path, typer.Argument(help="YAML config: configs/train/preferences.yaml.")],
    overrides: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Config overrides.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the run's folder.")] = False,
    preview: Annotated[
        int | None,
        typer.Option("--preview", min=0, metavar="N", help="Show N samples, what is left out; train nothing."),
    ] = None,
) -> None:
    """Learn from what agents made of drafts, from an adapter: plume train preferences CONFIG KEY=VALUE …."""
    from plume.corpus.dataset import read_manifest
    from train import folder
    from train.preferences.config import PreferencesConfig

    resolved = PreferencesConfig.load(config, overrides or ())
    if (resume or force) and preview is not None:
        raise InputError("--preview trains nothing; leave out --resume and --force")
    read_manifest(resolved.data)  # what can be refused without torch, which takes seconds to import
    for path in (*resolved.decisions, *resolved.ratings, *resolved.drafts):
        if not path.is_file():
            raise InputError(f"{path}: no such file")
    if preview is not None:
        _look_at_preferences(resolved, preview)
        return
    if not resume:
        folder.check(resolved, resume=False, force=force)
    from train.preferences.run import train_preferences

    result = train_preferences(resolved, resume=resume, force=force)
    _tell(result)


def _tell(result: "Result") -> None:
    """Say where a run ended, and what it left."""
    loss = f"loss {result.loss:.3f}"
    if result.validation_loss is not None:
        loss += f", validation {result.validation_loss:.3f}"
    if result.stopped:
        say(f"stopped early: {result.stopped}")
    say(f"adapter: {result.adapter} ({loss})")
    say(f"MLflow run: {result.run_id}")
    if result.version is not None:
        say(f"version: {result.version}")


def _look_at_preferences(config: "PreferencesConfig", count: int) -> None:
    from plume.models import load_tokenizer
    from train.preferences.preview import preview
    from train.preferences.run import find_start
    from train.preferences.samples import load_preferences

    config, start = find_start(config)
    tokenizer = load_tokenizer(config.base)
    samples = load_preferences(config, start, tokenizer)
    preview(samples, tokenizer, count, _console())


@app.command()
def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN…", help="Folders of runs, MLflow run ids, or versions.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE.json|csv", help="Write the table to a file, too.")] = None,
) -> None:
    """Compare training runs: configs where they differ, data, losses, speed, memory, energy."""
    from plume.output import check_file

    if len(runs) < 2:
        raise InputError("plume train compare: give two runs or more: folders, MLflow run ids, or versions")
    if out is not None:
        if out.suffix not in (".json", ".csv"):
            raise InputError(f"--out {out}: name a file that ends in .json or .csv")
        if out.is_file():
            raise InputError(f"--out {out}: is there already; name another file, or remove it")
        check_file(out, (), reads=[run for run in runs if Path(run).is_dir()])
    from train.compare_runs import compare_runs, show, write_table
    from train.run_records import read_run

    rows = compare_runs([read_run(run) for run in runs])
    show(rows, _console())
    if out is not None:
        write_table(rows, out)


@app.command()
def export(
    version: Annotated[str, typer.Argument(help="Number or alias of a version of plume-reply, or an adapter folder.")],
    to: Annotated[
        Literal["merged", "gguf", "hub"],
        typer.Option(help="Base and adapter as one model; the adapter for llama.cpp; the adapter for the model hub."),
    ],
    out: Annotated[Path, typer.Option(help="Folder to make; it is there only if it says what base + adapter say.")],
    base_name: Annotated[
        str | None, typer.Option(metavar="OWNER/NAME", help="The base on the model hub, if yours is a folder.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(metavar="ID", help="For the card, by the hub's list; by default the base's.")
    ] = None,
    with_canaries: Annotated[
        bool, typer.Option("--with-canaries", help="Export a shadow run, which knows planted secrets, all the same.")
    ] = False,
) -> None:
    """Export a version for other programs, once it is shown to say what base + adapter say. Nothing is uploaded.

    Computes in float32 on the CPU: for 7 billion parameters it takes 29 GB of memory.
    """
    from plume import registry

    if not Path(version).is_dir():
        registry.check_reference(version)
    from train.export.run import export as write

    done = write(version, to, out, base_name=base_name, licence=licence, with_canaries=with_canaries)
    near = done.parity
    say(f"{out}: as base + adapter to {near.largest:.2g} of a log-probability (allowed {near.tolerance:g})")
    told = {
        "merged": f"serve it with: plume serve merged={out}",
        "gguf": f"how to use it: {out / 'README.md'}",
        "hub": f"nothing was uploaded; to do so: hf upload OWNER/NAME {out} --private",
    }
    say(told[to])


def _check(config: "TrainConfig", *, resume: bool, force: bool, looks: bool) -> "TrainConfig":
    """Refuse what can be refused without torch, which takes seconds to import. Reads no weights.

    Returns the config, with the adapter that it starts from named for good.
    """
    from plume.corpus.dataset import read_manifest
    from plume.models import EMBEDDED, check_unquantised
    from plume.prompt import load_prompt
    from train import folder, starting_adapter

    load_prompt(config.prompt)
    if config.base.model != EMBEDDED:
        check_unquantised(config.base)
    manifest = read_manifest(config.data)
    if not is_other_rank():  # the first process fetches an adapter, and writes into the folder
        config, start = starting_adapter.find(config)
        starting_adapter.check_not_erased(start, manifest)
        if not looks:
            folder.check(config, resume=resume, force=force)
    return config


def _look(config: Any, preview: int | None, estimate: bool, speed: float | None) -> None:
    """Before training: the samples, and what they will take."""
    from plume.models import load_tokenizer
    from plume.prompt import load_prompt
    from train.preview import preview as show
    from train.samples import load_samples

    tokenizer = load_tokenizer(config.base)
    samples = load_samples(config, tokenizer, load_prompt(config.prompt))
    console = _console()
    if preview is not None:
        show(config, samples, tokenizer, preview, console)
    if estimate:
        from train.estimate_tables import print_estimate

        print_estimate(config, samples, speed, console)


def _console() -> Any:
    from rich.console import Console

    wide = None if sys.stdout.isatty() else 1000  # a line stays a line in a pipe
    return Console(highlight=False, emoji=False, width=wide)
