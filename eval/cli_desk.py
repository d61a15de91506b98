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
