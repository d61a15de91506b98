"""`plume data …`: from the platform's export to a dataset folder."""

from pathlib import Path
from typing import Annotated

import typer

from plume.command import progress, say
from plume.corpus import cli_sources
from plume.errors import InputError
from plume.paths import in_clone

_BATCH = 256  # texts that the recogniser reads together

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="From the platform's export to pseudonymised, cleaned, split pairs.",
)


@app.command()
def build(
    export: Annotated[Path, typer.Argument(help="The platform's export: JSON, JSON lines or CSV, also gzipped.")],
    overrides: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Config overrides.")] = None,
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

    export = in_clone(export)
    manifest = build_dataset(export, out, DataConfig.load(config, overrides or ()), force=force, workers=workers)
    counts = manifest["counts"]
    say(
        f"{out}: {counts['experiences']} experiences, {counts['rows']} rows = {counts['pairs']} pairs + "
        f"{counts['quarantined']} quarantined"
    )
    say("splits: " + ", ".join(f"{name} {s['pairs']}" for name, s in manifest["splits"].items()))
    if manifest.get("sources"):
        told = ", ".join(f"{name} {s['with_sources']} of {s['pairs']}" for name, s in manifest["splits"].items())
        say(f"pairs with a passage of {manifest['sources']['name']}: {told}")
    say("quarantined: " + (", ".join(f"{reason} {n}" for reason, n in counts["quarantine"].items()) or "none"))
    if counts["unknown_columns"]:
        say("columns that plume does not know: " + ", ".join(counts["unknown_columns"]))
    if counts["not_understood"]:
        told = ", ".join(f"{column} {n}" for column, n in counts["not_understood"].items())
        say(f"values that are there and were not understood, by column: {told}")
    if counts["bytes_not_utf8"]:
        say(f"{counts['bytes_not_utf8']} bytes were not UTF-8 and were read as Windows-1252")


@app.command()
def anonymise(
    texts: Annotated[Path, typer.Argument(metavar="IN.jsonl", help='Lines {"id", "text"}.')],
    out: Annotated[Path, typer.Option(help='Lines {"id", "text", "spans": [{"start", "end", "type"}]}.')] = ...,  # type: ignore[assignment]
    ner: Annotated[bool, typer.Option("--ner/--no-ner", help="French NER beside the rules.")] = True,
    explain: Annotated[bool, typer.Option("--explain", help="Say which rule masked what, span by span.")] = False,
) -> None:
    """Pseudonymise texts on their own; spans index the input text.

    With --explain, a line a span says its id, place, type and rule: never a word of the text.

    Placeholders already in a text stay, so that masking twice changes nothing; `plume data build` escapes those that a
    citizen typed. One line out for each line in, in the same order; OUT.jsonl is there only once it is whole. A file
    that this command did not write is not overwritten.
    """
    from plume import files, output
    from plume.pseudonymise import Pseudonymiser
    from plume.pseudonymise.recogniser.ner import load_ner

    output.check_file(out, [("id", "text", "spans")], reads=[texts])
    rows = files.read_jsonl(texts, needs=("id", "text"))
    for number, row in enumerate(rows, 1):
        if not isinstance(row["text"], str):
            found = "null" if row["text"] is None else f"a {type(row['text']).__name__}"
            raise InputError(f"{texts}: object {number}: its text is {found}, not a string; mend or remove that line")
    pseudonymiser = Pseudonymiser(load_ner() if ner else None)
    masked, explained = 0, []
    with files.telling(out, "name another file with --out"):
        files.make_folder(out.parent)
        with progress() as bar, files.replacing(out) as file:
            task = bar.add_task("anonymising", total=len(rows))
            for start in range(0, len(rows), _BATCH):
                batch = rows[start : start + _BATCH]
                for row, (text, spans) in zip(batch, pseudonymiser.mask_many([r["text"] for r in batch]), strict=True):
                    places = [{"start": s.start, "end": s.end, "type": s.type} for s in spans]
                    file.write(files.json_line({"id": row["id"], "text": text, "spans": places}))
                    if explain:
                        explained += (f"{row['id']} {s.start}-{s.end} {s.type} {s.rule or s.source}" for s in spans)
                    masked += len(spans)
                bar.advance(task, len(batch))
    for line in explained:
        say(line)
    say(f"{out}: {len(rows)} texts, {masked} spans masked")


@app.command()
def rules(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An export, a JSON-lines file or a dataset folder.")],
) -> None:
    """Count how often each named rule of the checks and of the pseudonymiser fires, the rarest last.

    A hit is what a rule finds by itself, before overlaps are settled and before what must stay is kept. A dataset
    folder is masked already: count over the export to see the rules for identifiers.
    """
    from plume.corpus.rule_counts import all_rules, count, texts_of

    counted, total = count(texts_of(file), all_rules())
    for name, (hits, texts) in sorted(counted.items(), key=lambda item: (-item[1][0], item[0])):
        say(f"{hits:>8} hits in {texts:>7} texts  {name}")
    dead = sum(not hits for hits, _ in counted.values())
    say(f"{file}: {len(counted)} rules over {total} texts; {dead} never fired")


@app.command()
def audit(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Dataset folder.")],
    n: Annotated[int | None, typer.Option("--n", min=1, help="Pairs to read, drawn at random; 300 by default.")] = None,
    seed: Annotated[int | None, typer.Option(help="Which random sample; 1 by default.")] = None,
) -> None:
    """Read a random sample of masked pairs, the doubtful first, and bound the share of pairs with a leak.

    Answers are kept at once in DIR/audit.jsonl; the same command goes on. Without a terminal, lines of the standard
    input are the keys: o (nothing leaks), m and the letter of a type (missed), s (over-masked), b (back), q (quit).
    """
    from plume.corpus import audit_terminal, privacy
    from plume.corpus.audit import Audit
    from plume.corpus.dataset import read_manifest

    manifest = read_manifest(folder)
    known = Audit.open(folder, manifest, n, seed)
    try:
        bound = audit_terminal.run(folder, known)
    finally:
        privacy.write_report(folder, manifest)
    say(audit_terminal.say_bound(bound))
    say(f"{folder / privacy.FILE}: rewritten")


@app.command()
def forget(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Experiences to forget (id_experience).")],
    folders: Annotated[
        list[Path] | None, typer.Option("--in", help="Where to look; by default here and in PLUME_HOME.")
    ] = None,
) -> None:
    """Remove experiences from every dataset folder, and name the runs and versions trained on them.

    Links to folders are followed. Asked again for the same experience, it answers again. Exit code 2: they are removed
    where they were found, but the folders named could not be searched or written. Exit code 3: there is no MLflow
    store, or it could not be asked which runs and versions were trained on them.
    """
    from plume.corpus import forget as forgetting
    from plume.corpus import forget_search, forget_versions
    from plume.errors import EnvironmentMissing
    from plume.output import SOURCES, STUDY
    from plume.paths import home

    for root in folders or ():
        if not root.is_dir():
            raise InputError(f"--in {root}: no such folder")
    roots = folders or [Path.cwd(), home()]
    unread: dict[Path, str] = {}
    found, faults = forgetting.find(ids, forget_search.dataset_folders(roots, unread), unread)
    versions, missing = [], None
    try:
        versions = forgetting.name_versions(found)
    except InputError as error:
        missing = str(error)
    for line in versions:  # first: should the rest be cut off, this could not be asked again
        say(line)
    if forget_search.remove_cached_copies():
        say(f"{home()}: cached copies of splits and of what was found in them removed; they are made again")
    unwritten: dict[Path, str] = {}
    for here in found:
        if here.before:
            say(f"{here.folder}: {len(here.before)} of the {len(set(ids))} experiences were forgotten there before")
        if not here.rows:
            continue
        try:
            erased = forgetting.forget(here)
        except InputError as error:  # what can be erased elsewhere is
            unwritten[here.folder] = str(error)
            continue
        say(f"{here.folder}: {len(here.rows)} of the {len(set(ids))} experiences, {erased} rows forgotten")
    for folder, fault in faults.items():
        say(f"{folder}: not searched ({fault})")
    stored = [folder for folder in [forget_versions.local_artifacts()] if folder]
    for path in forget_search.mentions(
        ids, [*roots, *stored], [here.folder for here in found if here.folder not in unwritten]
    ):
        mend = f"erase it, and what agents wrote of it: plume eval study forget {path.parent} {' '.join(ids)}"
        if SOURCES.is_in(path.parent):
            mend = f"import the dataset folder into it again, as plume data sources status {path.parent} names it"
        elif not STUDY.is_in(path.parent):
            mend = "erase it, or make it again"
        say(f"{path}: names a forgotten experience; {mend}")
    for path in forget_search.arrow_copies(ids):
        say(f"{path}: may hold a forgotten experience; remove it, datasets.load_dataset makes it again")
    if unwritten:
        raise InputError(f"not forgotten everywhere: {'; '.join(unwritten.values())}; mend that, then run this again")
    if missing:
        digests = ", ".join(sorted({digest for here in found for digest in here.train_digests}))
        missing += f"; then look for runs and versions whose tag train_split_sha256 is one of: {digests}"
    if faults:
        raise InputError(
            f"forgotten where found, but {len(faults)} folders could not be searched: {', '.join(map(str, faults))}; "
            "mend or remove them, then run this again" + (f"; and {missing}" if missing else "")
        )
    if missing:
        raise EnvironmentMissing(f"forgotten, but {missing}")


app.add_typer(cli_sources.app, name="sources")

contacts = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The directory of public contacts.")
app.add_typer(contacts, name="contacts")


@contacts.callback()
def _contacts() -> None: ...


@contacts.command("import")
def import_contacts(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The public-service directory's open data.")],
    out: Annotated[Path | None, typer.Option(help="contacts.json to add to; by default the project's own.")] = None,
) -> None:
    """Add the State's directory of public services to the contacts; what an earlier import added is replaced.

    Give the national and the local file together. What could be a person's own is rejected, with a reason, to
    OUT.rejected.jsonl.
    """
    from plume.contacts import DEFAULT, Directory
    from plume.corpus import contacts_import

    out = out or DEFAULT
    curated = Directory.load(out if out.is_file() else DEFAULT)
    imports = [contacts_import.read_directory(path) for path in files]
    merged = contacts_import.merge(curated, imports)
    rejected = contacts_import.write(out, merged, imports)
    for path, imported in zip(files, imports, strict=True):
        reasons = ", ".join(f"{reason} {n}" for reason, n in imported.reasons.items()) or "none"
        say(f"{path}: {imported.services} services, {len(imported.contacts)} contacts; rejected: {reasons}")
    say(f"{out}: {len(merged)} contacts, {len(curated.contacts)} before; {rejected}: what was rejected and why")
