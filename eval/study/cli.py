"""Define `plume eval study …`: plan a study with agents, serve it, analyse it."""

from pathlib import Path
from typing import Annotated

import typer

from plume.command import say

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Overrides = Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Overrides of the config.")]


@app.callback()
def study() -> None:
    """A study with agents: time, quality and harm, with and without a draft.

    What agents write lies in STUDY/study.sqlite, pseudonymised, beside the reviews in STUDY/items.jsonl: nowhere else,
    until somebody exports it or deletes the folder.
    """


@app.command()
def plan(
    config: Annotated[Path, typer.Argument(help="Config of the study, such as configs/eval/study.yaml.")],
    overrides: Overrides = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a plan whose study has not begun.")] = False,
) -> None:
    """How many agents and reviews an effect needs, by simulation; makes the study's folder and prints its hash."""
    from eval.study.config import StudyConfig
    from eval.study.items import candidates
    from eval.study.preregistration import check_out
    from plume import tracking

    study = StudyConfig.load(config, overrides or ())
    check_out(study.out, (study.data, *study.drafts), force=force)
    found = candidates(study)  # before the slow imports
    tracking.connect(create=tracking.is_default())  # before the work: its ledger must be there
    from eval.mlflow_runs import log_study
    from eval.study.plan import plan as plan_study

    digest = plan_study(study, found)
    log_study(study.out, digest)


@app.command()
def serve(
    study: Annotated[Path, typer.Argument(help="Folder that plan made.")],
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for other machines, with --url.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for one that is free.")] = 8500,
    url: Annotated[
        str | None,
        typer.Option(help="Address by which agents reach it: https://… of the proxy; default: the config's."),
    ] = None,
    new_links: Annotated[bool, typer.Option("--new-links", help="Replace all links; those sent before end.")] = False,
) -> None:
    """Serve the study to agents' browsers; prints the organiser's link and each agent's, once."""
    from eval.study.server.serve import serve as serve_study

    serve_study(study, host, port, url=url, new_links=new_links)


@app.command()
def export(
    study: Annotated[Path, typer.Argument(help="Folder of a study that has begun; it may be served meanwhile.")],
    out: Annotated[Path, typer.Option(help="Folder for the files.")],
) -> None:
    """Write ratings.jsonl, decisions.jsonl and records.jsonl of a study: texts pseudonymised, people by number."""
    from eval.study.exports import write_files

    for path, n in write_files(study, out):
        say(f"{path}: {n} rows")


@app.command()
def forget(
    study: Annotated[Path, typer.Argument(help="Folder of a study; nobody may serve it meanwhile.")],
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="Experiences to forget (id_experience).")
    ] = None,
    agent: Annotated[str | None, typer.Option(help="An agent who withdraws, such as A003.")] = None,
) -> None:
    """Erase experiences from a study, or an agent: every text, time and judgement about or by them."""
    from eval.study.erase import erase_agent, erase_experiences
    from plume.errors import InputError

    if not ids and not agent:
        raise InputError("nothing to forget: name experiences, or an agent with --agent")
    if agent:
        say(f"{study}: {agent} and {erase_agent(study, agent)} tasks erased")
    if ids:
        items, tasks = erase_experiences(study, ids)
        say(f"{study}: {items} reviews and {tasks} tasks about them erased")
    say("files that were exported before still hold them: erase those, or export again")


@app.command()
def analyse(
    study: Annotated[Path, typer.Argument(help="Folder of a study in which agents have written; it may be served.")],
    out: Annotated[Path, typer.Option(help="Folder for study.json and study.html.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite an analysis of a study there.")] = False,
) -> None:
    """Time, quality and harm with and without a draft. Exit code 10 if preregistration.json changed or is missing."""
    from eval.mlflow_runs import log_study_analysis
    from eval.study.analysis.run import analyse as analyse_study
    from plume import tracking

    tracking.connect(create=tracking.is_default())  # before the work: its ledger must be there
    result, code = analyse_study(study, out, force=force)
    log_study_analysis(result, out)
    say(f"{out / 'study.html'}, {out / 'study.json'}")
    for told in result["not_said"]:
        say(f"- {told}")
    if code:
        state = result["preregistration"]["state"]
        say(f"preregistration.json is {state}: the page says so at its top, nothing of it counts as planned")
        raise typer.Exit(code)
