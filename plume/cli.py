"""`plume`: mounts the stages' command lines by name. Imports no stage until one of its commands is asked for."""

import plume.interrupt  # noqa: F401, I001 - first of all: what follows takes a while
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import typer

from plume import __version__
from plume.command import LazyGroup, run, say
from plume.errors import InputError


class Stages(LazyGroup):
    stages: ClassVar[dict[str, str]] = {
        "data": "plume.corpus.cli:app",
        "train": "train.cli:app",
        "eval": "eval.cli:app",
        "serve": "serve.cli:app",
    }


app = typer.Typer(
    cls=Stages,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="From the public export of Services Publics + to a served, evaluated drafting model.",
    epilog="Exit codes: 0 done, 2 wrong input or config, 3 something missing here, 130 interrupted.",
)


def _version(asked: bool) -> None:
    if asked:
        say(f"plume {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None: ...


CONFIGS = {  # the types of the YAML files that a command reads
    "train": ("train.config:TrainConfig",),
    "preferences": ("train.preferences.config:PreferencesConfig",),
    "eval": ("eval.rule:GateRule", "eval.systems:System", "eval.time.claims.published:Baseline"),
    "study": ("eval.study.config:StudyConfig",),
    "serve": ("serve.config:ServeConfig",),
    "desk": ("serve.desk.config:DeskConfig",),
    "bench": ("serve.bench.config:BenchConfig",),
    "data": ("plume.corpus.build:DataConfig",),
}


def configs_of(command: str) -> list[Any]:
    """The config types of a command; its stage is imported only when it is asked for."""
    return [getattr(import_module(module), name) for module, _, name in (c.partition(":") for c in CONFIGS[command])]


@app.command()
def config(
    command: Annotated[
        Literal["train", "preferences", "eval", "study", "serve", "desk", "bench", "data"],
        typer.Argument(help="Whose keys."),
    ],
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema instead, for editors.")] = False,
) -> None:
    """All keys of a command's configs, with types, defaults and meaning."""
    from plume import config_keys

    say((config_keys.schema if schema else config_keys.listing)(configs_of(command)))


@app.command()
def doctor(
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Overrides of the training config.")
    ] = None,
    site: Annotated[
        Path | None,
        typer.Option(metavar="CONFIG", help="Accept this machine for a training config, in about ten minutes."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the report, by default var/site.")] = None,
    skip: Annotated[
        list[str] | None, typer.Option(metavar="PART", help="machine, tokens, base, train or serve; may be repeated.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Leave the parts that went well as they are.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an earlier report.")] = False,
) -> None:
    """What this machine can do, what it lacks, and what mends it; with --site, whether it keeps what plume promises."""
    if site is None:
        if overrides or out or skip or resume or force:
            raise InputError("these are for the acceptance of a machine; name a training config: --site CONFIG")
        from plume.doctor import report

        raise typer.Exit(report())
    (config_type,) = configs_of("train")
    config = config_type.load(site, overrides or ())
    from plume.acceptance.run import accept

    raise typer.Exit(accept(config, out, skip=skip or (), resume=resume, force=force))


def main() -> None:
    run(app, "plume")


if __name__ == "__main__":
    main()
