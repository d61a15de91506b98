"""`plume data sources …`: official sheets and other texts as sources of drafts."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from plume.command import progress, say
from plume.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Official sheets and other texts, kept as passages that drafts may cite.",
)


@app.command("import")
def import_sources(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Sheets of service-public.fr (zip, folder, XML), Markdown or text (.md, .txt), a dataset folder.",
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="Sources folder; by default PLUME_HOME/sources.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the source; one of the same name is brought up to date. [its path]")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Of texts that do not say it: title.")] = None,
    url: Annotated[str | None, typer.Option(help="Of texts that do not say it: address of the page.")] = None,
    updated: Annotated[str | None, typer.Option(help="Of texts that do not say it: date, 2026-11-30.")] = None,
    audience: Annotated[
        str | None, typer.Option(help="Of texts that do not say it: particuliers or professionnels.")
    ] = None,
    network: Annotated[str | None, typer.Option(help="Of texts that do not say it: network, such as CAF.")] = None,
    licence: Annotated[str | None, typer.Option(help="Of what does not say it: licence.")] = None,
    ner: Annotated[bool, typer.Option("--ner/--no-ner", help="French NER beside the rules, in texts.")] = True,
) -> None:
    """Import files into a sources folder: each sheet becomes passages, or is quarantined with its reason.

    What is unchanged since the last import keeps its passages; a sheet that is no longer in its file is removed. A
    text's front matter (title, url, updated, audience, network, theme, licence) goes before the options. In texts,
    what designates a person is masked. Of a dataset folder, the replies of its train split are imported.
    """
    from plume.corpus import published_replies
    from plume.sources import folder, importing, status
    from plume.sources.texts import Given, faults

    given = Given(title, url, updated, audience, network, None, licence)
    for fault in faults(given):
        raise InputError(f"--{fault}")
    if name and len(files) > 1:
        raise InputError("--name: names one source, but several files are given; import them one by one")
    out = out or folder.default()
    with progress() as bar:

        def begin(file: str, count: int) -> Callable[[], object]:
            task = bar.add_task(file, total=count, unit="files")
            return lambda: bar.advance(task)

        job = importing.Job(
            given,
            datetime.now(UTC),
            find=lambda: _finder(ner),
            begin=begin,
            opened=published_replies.opened,
            readers={published_replies.ENDING: published_replies.read},
        )
        manifest = importing.import_files(files, out, job, name)
    names = manifest["last_import"]["sources"]
    for source in manifest["sources"]:
        if source["name"] in names:
            say(f"{source['name']}: {status.counted(source['counts'])}")
            for remark in status.remarks(source):
                say(remark)
    for line in status.changes(manifest["last_import"]):
        say(line)
    counts = manifest["counts"]
    say(f"{out}: {counts['passages']} passages of {counts['imported']} sheets, digest {folder.digest(out)[:12]}")


@app.command("remove")
def remove_source(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a source, as `status` names it.")],
    out: Annotated[Path | None, typer.Option(help="Sources folder; by default PLUME_HOME/sources.")] = None,
) -> None:
    """Remove a source, with its passages: a page that was withdrawn, say."""
    from plume.sources import folder, importing, status

    out = out or folder.default()
    folder.read_manifest(out)
    manifest = importing.remove(out, name, datetime.now(UTC))
    for line in status.changes(manifest["last_import"]):
        say(line)
    say(f"{out}: {manifest['counts'].get('passages', 0)} passages, digest {folder.digest(out)[:12]}")


@app.command("status")
def show_status(
    at: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Sources folder; by default PLUME_HOME/sources.")
    ] = None,
) -> None:
    """Say how old the sheets are, by kind and audience, and what the last import changed."""
    from plume.sources import folder, status

    for line in status.lines(at or folder.default(), datetime.now(UTC).date()):
        say(line)


def _finder(ner: bool) -> Callable:
    """Load what finds people in texts, once a process."""
    from plume.corpus.mask import pseudonymiser

    return pseudonymiser(ner).find_many
