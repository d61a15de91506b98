"""`plume`: mounts the stages' command lines by name. Imports no stage until one of its commands is asked for."""

import plume.interrupt  # noqa: F401, I001 - first of all: what follows takes a while
from typing import Annotated, ClassVar

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


@app.command()
def doctor() -> None:
    """What this machine can do, what is missing, and the command that mends it."""
    from plume.doctor import report

    raise typer.Exit(report())


def main() -> None:
    run(app, "plume")


if __name__ == "__main__":
    main()
