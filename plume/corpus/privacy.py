"""privacy.html: the French page of a dataset folder that a data-protection officer reads and signs.

It says what the manifest, the audit and the first shots on unseen sets say: same folder and version, same bytes.
"""

import json
from pathlib import Path
from typing import Any

from plume.corpus.audit import SIZE, Audit, Bound, read_pairs
from plume.corpus.dataset import PAIR_KEYS
from plume.corpus.gold import share
from plume.corpus.split import SPLITS
from plume.errors import InputError
from plume.files import read_object, write
from plume.french.vocabulary import rows
from plume.page import Table
from plume.page import render as render_page
from plume.page.numbers import number
from plume.paths import ROOT
from plume.pseudonymise.catalogue import CATALOGUE, PLACEHOLDERS

FILE = "privacy.html"
MEMORY = "memory.json"  # what plume eval memory found of a model trained on this folder, if it was asked
_TEMPLATE = Path(__file__).with_name("privacy.html.j2")
_REASONS, _LAYERS = (
    {row[name]: row["label"] for row in rows(table, Path(__file__).parent)}
    for table, name in (("quarantine", "reason"), ("layers", "layer"))
)
_KEPT = list(dict.fromkeys((row["data"], row["what becomes of it"], row["why"]) for row in PAIR_KEYS if row["data"]))
_TYPES = [row for row in CATALOGUE if row["type"] in PLACEHOLDERS]
_LABELS = {row["type"]: row["label"] for row in _TYPES}
_PLACES = {"review": "dans l'avis", "reply": "dans la réponse"}
_SPLITS = dict(zip(SPLITS, ("Apprentissage", "Validation", "Test"), strict=True))
_FIRST_SHOTS = ROOT / "datasets" / "gold" / "first-shots.json"
_SIZES = {"1": "1 couple", "2-4": "2 à 4", "5-9": "5 à 9", "10+": "10 ou plus"}
_QUASI = {
    "department,structure,month": "Département, structure, mois",
    "department,structure,month,age": "Département, structure, mois, tranche d'âge",
}


def write_report(folder: str | Path, manifest: dict[str, Any]) -> None:
    """Write `privacy.html` of a dataset folder, from its manifest and its audit.jsonl, if there is one.

    `manifest` need not be on disk yet. Keys that older folders lack are said to be missing: counts.layers, k.
    """
    folder = Path(folder)
    write(folder / FILE, render(manifest, *_audit(folder, manifest), _memory(folder)))


def residual_suspicion(manifest: dict[str, Any]) -> str | None:
    """Give what a build did with what still looked like a part of an identifier; None if it did not look for it."""
    return manifest.get("config", {}).get("select", {}).get("residual_suspicion")


def render(
    manifest: dict[str, Any],
    audit: Bound | None = None,
    audit_fault: str | None = None,
    memory: dict[str, Any] | None = None,
) -> str:
    """Render the page. `audit_fault` says why an audit that is there cannot be counted; `memory` is memory.json's."""
    counts = manifest["counts"]
    splits = [(_SPLITS[name], manifest["splits"][name]) for name in SPLITS]
    anonymity = [(_QUASI.get(key, key), k) for key, k in manifest.get("k", {}).items()]
    audit_labels = _LABELS | {"AUTRE": "Autre donnée"}
    return render_page(
        _TEMPLATE,
        manifest=manifest,
        counts=counts,
        versions=_versions(manifest.get("versions", {})),
        splits=splits,
        quarantine=_tally("Lignes écartées, par motif", ["Motif", "Lignes"], counts.get("quarantine"), _REASONS),
        forgotten=counts.get("forgotten", 0),
        masked=_tally("Marques écrites, par type", ["Type", "Occurrences"], counts.get("masked"), _LABELS),
        layers=_tally("Repérages, par couche", ["Couche", "Occurrences"], counts.get("layers"), _LAYERS),
        doubtful=residual_suspicion(manifest),
        first_shots=first_shots(),
        audit=audit,
        audit_size=SIZE,
        memory=memory,
        memory_rows=_memory_rows(memory) if memory else [],
        audit_fault=audit_fault,
        audit_types=_tally("Données restées, par type", ["Type", "Couples"], audit and audit.types, audit_labels),
        anonymity=anonymity,
        sizes=_SIZES,
        incomplete=anonymity[0][1].get("incomplete", 0) if anonymity else 0,
        types=_TYPES,
        kept=_KEPT,
    )


def _audit(folder: Path, manifest: dict[str, Any]) -> tuple[Bound | None, str | None]:
    try:
        audit = Audit.load(folder, manifest)
    except InputError:
        return None, "porte sur une autre version de ce corpus, ou est abîmé : il n'est pas compté"
    return (audit.bound(read_pairs(folder)), None) if audit and audit.answers else (None, None)


def _memory(folder: Path) -> dict[str, Any] | None:
    """Read the last memory test; one that is damaged is none."""
    told = read_object(folder / MEMORY)
    try:
        return told if told and _memory_rows(told) else None
    except (KeyError, TypeError, AttributeError):
        return None


def _memory_rows(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Give place, repetitions and the estimates of a memory test, a row for each place and number of repetitions."""
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for line in told["estimates"]:
        row = rows.setdefault((line["place"], line["repetitions"]), {})
        row[f"{line['quantity']}_{line['system']}"] = line
    return [
        {"place": _PLACES[place], "repetitions": times}
        | {name: row[name] for name in ("exposure_adapter", "exposure_base", "extracted_adapter")}
        for (place, times), row in rows.items()
    ]


def _versions(versions: dict[str, Any]) -> list[tuple[str, str]]:
    names = {"plume": "plume", "pseudonymiser": "Règles de pseudonymisation", "ner": "Reconnaissance des noms"}
    return [(names.get(key, key), str(value) if value else "sans (règles seules)") for key, value in versions.items()]


def _tally(caption: str, heads: list[str], counts: dict[str, int] | None, names: dict[str, str]) -> Table | None:
    """Tabulate counts, the most frequent first, or None; a key without a French name is shown as it is."""
    named = sorted(((names.get(key, key), n) for key, n in (counts or {}).items()), key=lambda row: (-row[1], row[0]))
    return Table(caption, heads, [[name, number(n, 0)] for name, n in named]) if named else None


def first_shots() -> list[dict[str, Any]]:
    """Read what the pseudonymiser found in each unseen set, the first time that it was tried there, the newest first.

    Each is {"set", "scored_on", "sentences", "author_saw_code"} with, for "direct", "names", "keep" and "clean", a
    share {"share", "lower", "upper"} and "hits" and "n" where they are known, or None. Limits: Clopper and Pearson.
    """
    told = []
    for row in json.loads(_FIRST_SHOTS.read_text(encoding="utf-8")):
        found: dict[str, Any] = dict.fromkeys(("direct", "names", "keep", "clean"))
        for key, (point, lower, upper) in row.get("shares", {}).items():
            found[key] = {"share": point, "lower": lower, "upper": upper}
        for key, (hits, n) in row.get("counts", {}).items():
            found[key] = share(hits, n) | {"share": hits / n}
        told.append({key: row[key] for key in ("set", "scored_on", "sentences", "author_saw_code")} | found)
    return sorted(told, key=lambda row: row["scored_on"], reverse=True)
