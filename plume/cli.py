"""`plume`: mounts the stages' command lines by name. Imports no stage until one of its commands is asked for."""

import plume.interrupt  # noqa: F401, I001 - first of all: what follows takes a while
from importlib import import_module
from typing import Annotated, Any, ClassVar, Literal

import typer

from plume import __version__
from plume.command import LazyGroup, run, say


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
    add_completion=False,
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
    "eval": ("eval.rule:GateRule", "eval.systems:System", "eval.time.claims.published:Baseline"),
    "serve": ("serve.config:ServeConfig",),
    "data": ("plume.corpus.build:DataConfig",),
}


def configs_of(command: str) -> list[Any]:
    """The config types of a command; its stage is imported only when it is asked for."""
    return [getattr(import_module(module), name) for module, _, name in (c.partition(":") for c in CONFIGS[command])]


@app.command()
def config(
    command: Annotated[Literal["train", "eval", "serve", "data"], typer.Argument(help="Whose keys.")],
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema instead, for editors.")] = False,
) -> None:
    """All keys of a command's configs, with types, defaults and meaning."""
    from plume import config_keys

    say((config_keys.schema if schema else config_keys.listing)(configs_of(command)))


@app.command()
def doctor() -> None:
    """What this machine can do, what it lacks, and what mends it."""
    from plume.doctor import report

    raise typer.Exit(report())


def main() -> None:
    run(app, "plume")


if __name__ == "__main__":
    main()
