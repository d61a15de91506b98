"""`plume data …`: from the platform's export to a dataset folder."""

from pathlib import Path
from typing import Annotated

import typer

from plume.command import progress, say
from plume.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="From the platform's export to pseudonymised, cleaned, split pairs.",
)


@app.command()
def build(
    export: Annotated[Path, typer.Argument(help="The platform's export: JSON, JSON lines or CSV, also gzipped.")],
    overrides: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Config overrides.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write: splits, quarantine, manifest, card.")] = ...,  # type: ignore[assignment]
    config: Annotated[
        Path | None, typer.Option(help="YAML config; the defaults are configs/data/default.yaml.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a dataset folder.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes, by default one a core.")] = None,
) -> None:
    """Explode, clean, pseudonymise and split an export into a dataset folder."""
    from plume.corpus.build import DataConfig
    from plume.corpus.build import build as build_dataset

    manifest = build_dataset(export, out, DataConfig.load(config, overrides or ()), force=force, workers=workers)
    counts = manifest["counts"]
    say(
        f"{out}: {counts['experiences']} experiences, {counts['rows']} rows = {counts['pairs']} pairs + "
        f"{counts['quarantined']} quarantined"
    )
    say("splits: " + ", ".join(f"{name} {s['pairs']}" for name, s in manifest["splits"].items()))
    say("quarantined: " + (", ".join(f"{reason} {n}" for reason, n in counts["quarantine"].items()) or "none"))


@app.command()
def anonymise(
    texts: Annotated[Path, typer.Argument(metavar="IN.jsonl", help='Lines {"id", "text"}.')],
    out: Annotated[Path, typer.Option(help='Lines {"id", "text", "spans": [{"start", "end", "type"}]}.')] = ...,  # type: ignore[assignment]
    ner: Annotated[bool, typer.Option("--ner/--no-ner", help="French NER beside the rules.")] = True,
) -> None:
    """Pseudonymise texts on their own; spans index the input text."""
    from plume.corpus.dataset import read_jsonl, to_jsonl
    from plume.corpus.pseudonymise import Pseudonymiser
    from plume.corpus.pseudonymise.ner import load_ner

    if out.resolve() == texts.resolve():
        raise InputError(f"--out {out}: is the input itself; name another file")
    rows = read_jsonl(texts, needs=("id", "text"))
    for number, row in enumerate(rows, 1):
        if not isinstance(row["text"], str):
            raise InputError(f"{texts}: object {number}: its text is a {type(row['text']).__name__}, not a string")
    pseudonymiser = Pseudonymiser(load_ner() if ner else None)
    results = []
    with progress() as bar:
        for row in bar.track(rows, description="anonymising"):
            text, spans = pseudonymiser.mask(row["text"])
            results.append(
                {
                    "id": row["id"],
                    "text": text,
                    "spans": [{"start": s.start, "end": s.end, "type": s.type} for s in spans],
                }
            )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(to_jsonl(results))
    say(f"{out}: {len(results)} texts, {sum(len(r['spans']) for r in results)} spans masked")
