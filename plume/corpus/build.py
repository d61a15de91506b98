"""`plume data build`: an export becomes a dataset folder. Same input and config, same bytes; memory does not grow."""

import hashlib
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import Field

from plume import __version__
from plume.command import progress, status
from plume.config import Config
from plume.contacts import Directory
from plume.corpus import dataset
from plume.corpus.documents import write_documents
from plume.corpus.gold import figures
from plume.corpus.mask import mask, pseudonymiser
from plume.corpus.pair_sources import PairSources
from plume.corpus.pairs import Quarantined, Selection, UnmaskedPair, outcomes
from plume.corpus.processes import in_order
from plume.corpus.split import SPLITS, Splitting
from plume.corpus.spool import Spool
from plume.errors import InputError
from plume.export.columns import Columns
from plume.export.reader import read_experiences
from plume.export.source import Progress
from plume.files import file_sha256, replacing
from plume.output import DATASET, TOKENS, building, check_folder
from plume.pseudonymise.version import version

_CHUNK = 128  # pairs masked together


class DataConfig(Config):
    """`configs/data/*.yaml`."""

    command = "data"

    ner: bool = Field(True, description="French NER (fr_core_news_md, trained on invented sentences) beside the rules")
    select: Selection = Field(Selection(), description="which pairs are kept; the others go to the quarantine")
    split: Splitting = Field(Splitting(), description="which experiences go to which split")
    sources: Path | None = Field(
        None,
        exclude=True,  # the manifest tells of the folder, whatever its path is
        description="folder of plume data sources import: each pair gets the passages that prompt v3 shows",
    )


class UntrainableError(InputError):
    """The export was read, but nothing is left to train on."""


def build(
    export: str | Path, out: str | Path, config: DataConfig, *, force: bool = False, workers: int | None = None
) -> dict[str, Any]:
    """Write the dataset folder and return its manifest.

    Everything is made in a hidden temporary folder on `out`'s own disk (inside `out` if it is there: it may be a mount
    point) and moved at the end: an interrupted build leaves nothing that could be taken for a dataset, and what
    `force` overwrites stays until the new files are whole. `workers` processes mask the texts of a large export (by
    default one a core).

    Raises InputError if the export cannot be read, if `out` cannot be written, or if no pair is left to train on; then
    an `out` that was empty holds the quarantine alone, which tells why.
    """
    export, out = Path(export), Path(out)
    check_folder(out, DATASET, force=force, reads=[export, *filter(None, [config.sources])])
    try:
        with building(out, DATASET) as made:
            try:
                manifest = _make(export, made, config, workers or os.cpu_count() or 1)
            except UntrainableError as error:
                told = dataset.install_quarantine(made, out)
                raise InputError(f"{error}; {told} tells why" if told else str(error)) from None
            except sqlite3.Error as error:
                raise InputError(f"{out}: no room to work in ({error}); free some, or name another --out") from None
    except OSError as error:
        where = error.filename or out
        raise InputError(f"{where}: cannot be used ({error.strerror}); mend that, or name another --out") from None
    shutil.rmtree(out / TOKENS, ignore_errors=True)  # of the splits that stood there before
    return manifest


def _make(export: Path, made: Path, config: DataConfig, workers: int) -> dict[str, Any]:
    columns, reading = Columns(), Progress()
    select = config.select
    sources = PairSources(config.sources, workers) if config.sources else None  # a wrong folder is told at once
    with Spool(made.parent) as spool:
        experiences = _read_all(export, spool, columns, reading, config, workers)
        with status("corpus: near-duplicates and splits"):
            near = spool.cap_near_duplicates(
                select.near_duplicate, select.near_duplicates_per_structure, select.near_duplicates_in_all
            )
            spool.assign_splits(config.split)
            spool.part_near_duplicates(select.near_duplicate)
            spool.settle()
        described = {split: spool.describe(split) for split in SPLITS}
        pairs = sum(d["pairs"] for d in described.values())
        if not described["train"]["pairs"]:
            _write(made / "quarantine.jsonl", spool.quarantine())
            reasons = ", ".join(f"{reason}: {n}" for reason, n in spool.reasons().items())
            rest = ", ".join(f"{name} {d['pairs']}" for name, d in described.items() if name != "train")
            what = f"no pair is left to train on in {spool.rows} rows, {rest}" if pairs else "no usable pair"
            where = "" if pairs else f" in {spool.rows} rows"
            loosen = "select.* or split.* in the config" if pairs else "select.* in the config"
            raise UntrainableError(
                f"{export}: {what}{where} ({reasons or 'none left out'}); give a larger export or loosen {loosen}"
            )
        facts = _write_splits(made, spool, described, sources)
        _write(made / "quarantine.jsonl", spool.quarantine())
        manifest = {
            "source": {"name": export.name, "sha256": file_sha256(export)},
            "config": config.model_dump(mode="json"),
            "versions": _versions(config),
            "counts": {
                "experiences": experiences,
                "rows": spool.rows,
                "pairs": pairs,
                "quarantined": spool.rows - pairs,
                "quarantine": spool.reasons(),
                "closings_removed": facts["other"]["closings"],
                "unlisted_contacts": facts["other"]["unlisted"],
                "near_duplicate_replies": near,
                "masked": dict(sorted(facts["masked"].items())),
                "layers": dict(sorted(facts["layers"].items())),
                "unknown_columns": dict(sorted(columns.unknown.items())),
                "not_understood": dict(sorted(columns.misread.items())),
                "bytes_not_utf8": reading.not_utf8,
            },
            "splits": described,
            "k": {
                "department,structure,month": spool.k_anonymity(age=False),
                "department,structure,month,age": spool.k_anonymity(age=True),
            },
            "gold": gold_figures(config.ner),
        } | ({"sources": sources.describe()} if sources else {})
    write_documents(made, manifest)
    return manifest


def _read_all(export: Path, spool: Spool, columns: Columns, reading: Progress, config: DataConfig, workers: int) -> int:
    """Read every record into the spool, pairs masked; returns the number of experiences (records) read."""
    directory = Directory.load()
    experiences = 0

    def rows() -> Iterator[tuple[int, UnmaskedPair | Quarantined]]:
        nonlocal experiences
        for experiences, record in enumerate(read_experiences(export, columns, reading), 1):
            for outcome in outcomes(record, experiences, config.select, directory, spool.is_repeated):
                yield spool.next_seq(), outcome

    def to_mask() -> Iterator[tuple[int, UnmaskedPair]]:
        for seq, outcome in rows():
            if isinstance(outcome, Quarantined):
                spool.add_quarantined(seq, outcome)
            else:
                yield seq, outcome

    work = partial(mask, ner=config.ner, select=config.select)
    with progress("pairs") as bar, closing(to_mask()) as source:
        task = bar.add_task("corpus: % of the export read", total=100, pairs="")
        chunks = iter(lambda: list(islice(source, _CHUNK)), [])
        with closing(in_order(work, chunks, workers)) as done:
            for chunk in done:
                for seq, outcome in chunk:
                    spool.add(seq, outcome)
                bar.update(task, completed=int(100 * reading.share), pairs=f"{spool.rows} rows")
    return experiences


def _write_splits(
    made: Path, spool: Spool, described: dict[str, dict[str, Any]], sources: PairSources | None
) -> dict[str, Counter]:
    """Write every split, and say so in `described`; returns what its pairs add up to."""
    facts: dict[str, Counter] = {"masked": Counter(), "layers": Counter(), "other": Counter()}
    for split in SPLITS:
        lines = _counted(spool.lines(split), facts)
        if sources:
            lines = _told(sources.add(lines, described[split], spool.held_out()), split, described[split])
        with closing(lines):
            described[split]["sha256"] = _write(made / f"{split}.jsonl", lines)
    return facts


def _told(lines: Iterator[str], split: str, described: dict[str, Any]) -> Iterator[str]:
    """Show progress while a split's pairs get their passages."""
    with progress() as bar, closing(lines):
        task = bar.add_task(f"corpus: sources of {split}", total=described["pairs"])
        for line in lines:
            yield line
            bar.advance(task)


def _counted(lines: Iterator[tuple[str, dict[str, Any]]], facts: dict[str, Counter]) -> Iterator[str]:
    for line, found in lines:
        for name, counts in found.items():
            facts[name].update(counts)
        yield line


def _write(path: Path, lines: Iterator[str]) -> str:
    """Write lines; returns the file's SHA-256."""
    digest = hashlib.sha256()
    with replacing(path) as file:
        for line in lines:
            data = f"{line}\n".encode()
            digest.update(data)
            file.write(data)
    return digest.hexdigest()


def gold_figures(ner: bool) -> dict[str, Any]:
    """Measure what the pseudonymiser finds in the gold set, measured once for each version of it."""
    from plume.pseudonymise.recogniser.ner import describe

    with status("corpus: measuring the pseudonymiser on the gold set"):
        return figures(pseudonymiser(ner), describe() if ner else None)


def _versions(config: DataConfig) -> dict[str, Any]:
    from plume.pseudonymise.recogniser.ner import describe

    return {"plume": __version__, "pseudonymiser": version(), "ner": describe() if config.ner else None}
