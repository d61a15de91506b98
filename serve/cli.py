"""`plume serve …`: vLLM with the champion, behind the guard."""

import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from plume.command import DefaultGroup, say, status, stderr
from plume.errors import InputError, briefly
from serve import cli_state, key_commands, keys
from serve.config import WHERE, ConfigFile, Overrides, ServeConfig
from serve.state import State

app = typer.Typer(
    cls=DefaultGroup,
    add_completion=False,
    rich_markup_mode=None,
    help="vLLM with the champion's adapter. `plume serve KEY=VALUE …` is `plume serve run KEY=VALUE …`.",
)
app.add_typer(key_commands.app, name="key")
app.add_typer(cli_state.app)


@app.command()
def run(
    overrides: Overrides = None,
    config: ConfigFile = None,
    only_print: Annotated[
        bool, typer.Option("--print", help="Print the engine's exact command and leave; nothing is written.")
    ] = False,
    again: Annotated[bool, typer.Option(help="Serve what was rolled back all the same.")] = False,
) -> None:
    """Become the engine: serve the champion until SIGTERM or Ctrl-C; begun drafts are finished first.

    What alias.json says is served again after a restart, even while MLflow is down; `sync` follows the registry.
    """
    from serve import vllm_command, vllm_process
    from serve.champion import resolve
    from serve.fleet import reachable

    settings = ServeConfig.load(config, overrides or ())
    state, away = reachable(State.of(settings))
    if not only_print:
        vllm_process.check_startable(settings)
        keys.known(state)
    with status(f"looking {settings.version} up in MLflow, and verifying its adapter"):
        served, remarks = resolve(settings, state, again, not only_print)
    for remark in [*away, *remarks]:
        stderr.print(f"plume: {remark}", markup=False, soft_wrap=True)
    if only_print:
        say(vllm_command.shown(served, settings))
        return
    with vllm_process.hold(state):
        vllm_process.write_state(served, settings, state)
        where = settings.socket or settings.url
        say(f"{served.name} is started on {where}; it takes requests once {where}/ready answers 200")
        sys.stdout.flush()
        vllm_process.become(served, settings)


@app.command()
def draft(
    data: Annotated[Path, typer.Option(help="Dataset folder; a pair of its test split is answered.")],
    overrides: Overrides = None,
    pair: Annotated[str | None, typer.Option("--id", help="Id of the pair, by default the first one.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="JSON file for the draft, its findings, and how far the engine is from PEFT.")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Start the engine behind its guard, ask it for one draft as a client does, print the draft, stop the engine."""
    from plume import files
    from plume.corpus.dataset import read_manifest, read_split
    from serve import alias, golden, vllm_command, vllm_process

    fixed = {"state", "socket", "maskers", "golden", "database"}  # a folder of its own, a port, one masker, no sync
    settings = ServeConfig.load_for(set(ServeConfig.model_fields) - fixed, config, overrides or ())
    read_manifest(data)
    chosen = next((row for row in read_split(data, "test") if pair in (None, row["id"])), None)
    if chosen is None:
        raise InputError(f"{data}: {f'no pair {pair!r} in' if pair else 'nothing in'} the test split")
    with tempfile.TemporaryDirectory(prefix="plume-serve-") as folder:  # no state of a server that runs is touched
        settings = settings.model_copy(update={"state": Path(folder), "socket": None, "maskers": 1, "database": None})
        asked = {key: chosen[key] for key in ("review", "network", "structure", "title") if chosen.get(key)}
        began = time.monotonic()
        with vllm_process.started_for_this(settings) as client:
            ready = time.monotonic()
            with status("drafting"):
                written = client.draft(asked)
            told = {"draft": written, "start_seconds": ready - began, "draft_seconds": time.monotonic() - ready}
            if report:
                dtype = vllm_command.dtype(settings, gpu=vllm_command.has_gpu())
                with status("comparing the engine with PEFT"):
                    told["golden"] = golden.describe(client, alias.read(State(settings.folder)).champion, dtype)
    if report:
        with files.telling(report, "name another file with --report"):
            files.write(report, files.json_line(told))
    found = dict.fromkeys(f"{f['check']} ({', '.join(f['rules'])})" for f in written["findings"] if f["gating"])
    failed = ", ".join(found) or "none"
    tokens = written["usage"]["completion_tokens"]
    say(f"{written['model']}, draft for {chosen['id']} ({tokens} tokens; failed checks: {failed}):\n{written['draft']}")


@app.command()
def sync(
    overrides: Overrides = None,
    config: ConfigFile = None,
    watch: Annotated[float | None, typer.Option(min=1, help="Look again every so many seconds.")] = None,
    again: Annotated[bool, typer.Option(help="Serve what was rolled back all the same.")] = False,
) -> None:
    """Follow the registry: fetch, verify, compare with PEFT, load beside what is served, then switch in one step.

    Whatever is refused, the version in service goes on.
    """
    from serve.sync import sync as once

    uses = {*WHERE, "tracking_uri", "version", "challenger_weight", "golden"}
    settings = ServeConfig.load_for(uses, config, overrides or ())
    # A file is the server's: what it says of `golden` was given at the start.
    compare = settings.golden if any(each.startswith("golden=") for each in overrides or ()) else None
    if watch is None:
        say(once(settings, again=again, compare=compare))
        return
    if again:
        raise InputError("--again: is for one sync; with --watch it would bring back whatever is rolled back")
    told = None
    while True:
        try:
            told, before = once(settings, compare=compare), told
        except Exception as error:  # whatever it is, what is served goes on, and so does the watch
            told, before = f"not synced: {briefly(error)}", told
        if told != before:
            say(told)
            sys.stdout.flush()
        time.sleep(watch)


@app.command()
def rollback(overrides: Overrides = None, config: ConfigFile = None) -> None:
    """Go back to what was served before the last switch, in one step; `sync` then leaves what was rolled back alone."""
    from serve.sync import rollback as back

    say(back(ServeConfig.load_for(WHERE, config, overrides or ())))


@app.command("status")
def show_status(overrides: Overrides = None, config: ConfigFile = None) -> None:
    """Who answers, whether the server takes requests, what it knows, and when it was last synced."""
    from serve.sync import describe

    say(describe(ServeConfig.load_for(WHERE, config, overrides or ())))


@app.command()
def batch(
    reviews: Annotated[
        Path, typer.Argument(metavar="REVIEWS.jsonl", help='Lines {"id", "review", …} as for /v1/drafts.')
    ],
    out: Annotated[Path, typer.Option(help="Lines {id, draft, findings, …}; drafts that it holds already are kept.")],
    overrides: Overrides = None,
    config: ConfigFile = None,
) -> None:
    """Draft for many reviews, through the same rendering, masking and checks; a stopped batch is resumed."""
    from serve.batch import batch as run_batch

    settings = ServeConfig.load_for(set(ServeConfig.model_fields) - {"golden"}, config, overrides or ())
    given = {each.partition("=")[0] for each in overrides or ()}
    say(run_batch(reviews, out, settings, only_for_a_start=given - set(WHERE)))


@app.command()
def bench(
    data: Annotated[Path, typer.Option(help="Dataset folder; the reviews and replies of its test split are the load.")],
    out: Annotated[Path, typer.Option(help="Folder for bench.json and bench.png.")],
    overrides: Overrides = None,
    config: Annotated[
        Path | None, typer.Option(help="The server's YAML; keys of its own and defaults: plume config bench.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the results of another measurement.")] = False,
) -> None:
    """Start the engine and measure it under the corpus's own load, with the guard and without, against its limits.

    vLLM's own benchmark asks; drafts are as long as the published replies. Each line says whether what is promised
    (first_token_p99, token_p99, draft_p99) holds.
    """
    from serve.bench.config import BenchConfig
    from serve.bench.report import table
    from serve.bench.run import FIXED
    from serve.bench.run import bench as measure

    settings = BenchConfig.load_for(set(BenchConfig.model_fields) - set(FIXED), config, overrides or ())
    say(table(measure(settings, data, out, force=force)))
    say(f"{out}: bench.json, bench.png")


@app.command()
def desk(
    overrides: Overrides = None,
    config: Annotated[Path | None, typer.Option(help="YAML config; all keys and defaults: plume config desk.")] = None,
    reviews: Annotated[
        Path | None, typer.Option(help="Reviews to pick from: an export, or JSONL or CSV with a column `review`.")
    ] = None,
) -> None:
    """Pages on which agents work with drafts, in a browser of this machine, until Ctrl-C; docs/agent.md is their guide.

    A process of its own that asks a running server, with a client's key. It listens on loopback alone: nginx, with its
    own access, lets other machines in.
    """
    from serve.desk.config import DeskConfig
    from serve.desk.run import run as run_desk

    run_desk(DeskConfig.load(config, overrides or ()), reviews)


@app.command()
def render(
    out: Annotated[Path, typer.Option(help="Folder for them: empty, or of an earlier render and unchanged since.")],
    overrides: Overrides = None,
    config: ConfigFile = None,
) -> None:
    """Write what a site needs beside plume, from the server's config: nginx, systemd and so on, small and readable.

    What a site decides stands below `site` in the config (plume config serve).
    """
    from serve.render.render import write

    written = write(ServeConfig.load(config, overrides or ()), out)
    say(f"{out}: {len(written)} files; how to use each stands at its top: {', '.join(written)}")


@app.command()
def decisions(
    out: Annotated[Path, typer.Option(help="decisions.jsonl")],
    overrides: Overrides = None,
    config: ConfigFile = None,
    reviews: Annotated[
        bool, typer.Option("--reviews", help="The review beside each, for plume train preferences.")
    ] = False,
) -> None:
    """Write what agents made of the drafts: one line a draft that was decided on, pseudonymised."""
    from plume import files, output
    from serve.guard.journal import Journal

    state = _with_journal(config, overrides)
    output.check_file(out, [("id", "outcome", "final")])
    rows = list(Journal.of(state).decisions(reviews=reviews))
    with files.telling(out, "name another file with --out"):
        files.write(out, files.to_jsonl(rows))
    say(f"{out}: {len(rows)} decisions")


@app.command()
def resend(overrides: Overrides = None, config: ConfigFile = None) -> None:
    """Send drafts and decisions that MLflow lacks again, where a store was lost or an old copy of it put back.

    What was deleted in MLflow on purpose is lacking there, too, and comes back.
    """
    from plume.store import unless_of_environment
    from serve.guard.mlflow_export import resend as send_again

    state = _with_journal(config, overrides, "tracking_uri")
    uri = _load(config, overrides, "tracking_uri").tracking_uri or _store_of_server(state)
    uri = unless_of_environment(uri)
    with status("comparing the journal with MLflow"):
        drafts, decisions, sent = send_again(state, uri)
    say(f"MLflow lacked {drafts} drafts and {decisions} decisions; {sent} sent, those still waiting included")


def _store_of_server(state: State) -> str | None:
    from serve.state import Started

    return Started.read(state).config.tracking_uri if state.serve.exists() else None


def _load(config: Path | None, overrides: list[str] | None, *uses: str) -> ServeConfig:
    """Load the config of a command that needs a state folder, whether or not a server runs."""

    return ServeConfig.load_for(("state", "database", *uses), config, overrides or ())


def _with_journal(config: Path | None, overrides: list[str] | None, *uses: str) -> State:

    state = State.of_server(_load(config, overrides, *uses))
    if not state.database and not state.journal.exists():
        raise InputError(f"{state.journal}: is not there; no server has run with this state folder")
    return state
