"""Define the commands of the evaluator's desk: drafts from elsewhere, a plan of how many reviews, the champions."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

Data = Annotated[Path, typer.Option(help="Dataset folder.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what plume wrote there.")]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Drafts as they were sent: CSV, JSON or JSON lines.")],
    system: Annotated[str, typer.Option(help="Who wrote them, as pages will call it.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="drafts.jsonl to write.")],
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    prompt: Annotated[str, typer.Option(help="Prompt version whose facts a draft may repeat.")] = "v1",
    id_column: Annotated[str | None, typer.Option(help="Column of the ids, by default found by its name.")] = None,
    draft_column: Annotated[str | None, typer.Option(help="Column of the texts, by default found by its name.")] = None,
    probes: Annotated[Path | None, typer.Option(help="A second such file: its drafts of the probes.")] = None,
    force: Force = False,
) -> None:
    """Take drafts that were written elsewhere. They are compared; as nobody knows what wrote them, they never pass."""
    from eval.import_drafts import import_drafts

    columns = {"id_column": id_column, "draft_column": draft_column}
    import_drafts(file, system, data, out, split=split, prompt=prompt, **columns, probes=probes, force=force)


@app.command()
def plan(
    gain: Annotated[float, typer.Option(help="True gain of the challenger on the primary measure: 0.05 for 5 points.")],
    data: Annotated[Path | None, typer.Option(help="Dataset folder: is its test split large enough?")] = None,
    discordance: Annotated[
        float | None, typer.Option(min=0.001, max=1, help="Share of reviews on which the two will fare differently.")
    ] = None,
    check_discordance: Annotated[
        float | None, typer.Option(min=0.001, max=1, help="The same on any single check, by default a fifth of it.")
    ] = None,
    like: Annotated[
        Path | None, typer.Option(help="Folder of an earlier verdict, whose two systems differed as much.")
    ] = None,
    gate: Annotated[Path, typer.Option(help="The rule.")] = Path("configs/eval/gate.yaml"),
    power: Annotated[
        float | None, typer.Option(min=0.5, max=0.999, help="Wanted probability of a PASS, by default the rule's.")
    ] = None,
    challengers: Annotated[int, typer.Option(min=1, help="How many challengers one comparison will judge.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of the table.")] = False,
) -> None:
    """Say how many reviews a decision needs, by part of the rule and together, before anyone drafts one."""
    from eval import planned_items
    from plume.command import say
    from plume.paths import in_clone

    given = {"discordance": discordance, "check_discordance": check_discordance, "like": like, "power": power}
    given |= {"challengers": challengers}
    planned = planned_items.plan(in_clone(gate), gain, data=data, **given)
    if as_json:
        say(planned_items.to_json(planned))
    else:
        planned_items.tell(planned)


@app.command()
def trend(
    out: Annotated[Path, typer.Option(help="Folder for trend.html and trend.json.")],
    force: Force = False,
) -> None:
    """Show the champion's versions over time: every promotion, with what its verdict measured."""
    from plume import tracking

    tracking.connect(create=False)
    from eval.trend import trend as write_trend

    write_trend(out, force=force)
