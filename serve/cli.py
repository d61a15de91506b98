"""`plume serve …`: vLLM with the champion."""

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plume.command import DefaultGroup, say, status

if TYPE_CHECKING:
    from serve.champion import Served
    from serve.config import ServeConfig

app = typer.Typer(
    cls=DefaultGroup,
    add_completion=False,
    help="vLLM with the champion's adapter. `plume serve KEY=VALUE …` is `plume serve run KEY=VALUE …`.",
)

Overrides = Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Config overrides.")]
ConfigFile = Annotated[Path | None, typer.Option(help="YAML config; the defaults are configs/serve/default.yaml.")]


@app.command()
def run(
    overrides: Overrides = None,
    config: ConfigFile = None,
    only_print: Annotated[bool, typer.Option("--print", help="Print the engine's exact command and leave.")] = False,
) -> None:
    """Serve the champion until Ctrl-C or SIGTERM; running requests are finished first."""
    from serve import engine
    from serve.config import ServeConfig

    settings = ServeConfig.load(config, overrides or ())
    if not only_print:
        engine.check_startable(settings)
    served = _resolve(settings)
    if only_print:
        say(engine.shown(served, settings))
        return
    _leave_on_sigterm(0)
    with engine.running(served, settings) as started:
        say(f"{served.name} answers at {started.url}/v1 (log: {started.log}); Ctrl-C stops it")
        started.wait()


@app.command()
def draft(
    data: Annotated[Path, typer.Option(help="Dataset folder; a pair of its test split is answered.")],
    overrides: Overrides = None,
    pair: Annotated[str | None, typer.Option("--id", help="Id of the pair, by default the first one.")] = None,
    config: ConfigFile = None,
) -> None:
    """Start the engine, ask it for one draft through its OpenAI-compatible API, print the draft, stop the engine."""
    from plume.corpus.dataset import read_manifest, read_split
    from plume.errors import InputError
    from plume.prompt import load_prompt
    from serve import engine
    from serve.client import Client
    from serve.config import ServeConfig

    settings = ServeConfig.load(config, overrides or ())
    read_manifest(data)
    chosen = next((row for row in read_split(data, "test") if pair in (None, row["id"])), None)
    if chosen is None:
        raise InputError(f"{data}: {f'no pair {pair!r} in' if pair else 'nothing in'} the test split")
    engine.check_startable(settings)
    served = _resolve(settings)
    messages = load_prompt(served.adapter.prompt).messages(chosen)
    _leave_on_sigterm(128 + signal.SIGTERM)
    with engine.running(served, settings) as started, status("drafting"):
        written = Client(started.url).draft(
            served.name, messages, max_new_tokens=settings.max_new_tokens, stop_token_id=served.stop_token_id
        )
    say(f"{written.model}, draft for {chosen['id']} ({written.draft_tokens} tokens):\n{written.text}")


def _resolve(settings: "ServeConfig") -> "Served":
    from serve.champion import resolve

    with status("fetching the adapter"):
        return resolve(settings)


def _leave_on_sigterm(code: int) -> None:
    """SIGTERM leaves like an exception, so that the engine is stopped on the way out."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(code))
