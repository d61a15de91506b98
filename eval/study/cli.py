"""Define `plume eval study …`: plan a study with agents, serve it, analyse it."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="A study with agents: time, quality and harm, with and without a draft.",
)

Overrides = Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Overrides of the config.")]


@app.callback()  # a group, even while it has one command
def study() -> None: ...


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
