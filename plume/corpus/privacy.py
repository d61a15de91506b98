"""privacy.html: the French page of a dataset folder that a data-protection officer reads and signs.

It says what the manifest, the audit and the first shots on unseen sets say: same folder and version, same bytes.
"""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from plume.corpus import policy
from plume.corpus.audit import Audit, Bound, read_pairs
from plume.corpus.gold import share
from plume.corpus.review import percent
from plume.corpus.split import SPLITS
from plume.errors import InputError
from plume.paths import ROOT

FILE = "privacy.html"
_LABELS = {kind: masked.label for kind, masked in policy.MASKED.items()}
_SPLITS = dict(zip(SPLITS, ("Apprentissage", "Validation", "Test"), strict=True))
_FIRST_SHOTS = ROOT / "datasets" / "gold" / "first-shots.json"
_QUASI = {
    "department,structure,month": "Département, structure, mois",
    "department,structure,month,age": "Département, structure, mois, tranche d'âge",
}


def write_report(folder: str | Path, manifest: dict[str, Any]) -> None:
    """Write `privacy.html` of a dataset folder, from its manifest and its audit.jsonl, if there is one.

    `manifest` need not be on disk yet. Keys that older folders lack are said to be missing: counts.layers, k.
    """
    folder = Path(folder)
    (folder / FILE).write_text(render(manifest, *_audit(folder, manifest)), encoding="utf-8")


def render(manifest: dict[str, Any], audit: Bound | None = None, audit_fault: str | None = None) -> str:
    """The page. `audit_fault` says why an audit that is there cannot be counted."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"number": _number, "percent": percent}
    counts = manifest["counts"]
    return environment.get_template("privacy.html.j2").render(
        manifest=manifest,
        counts=counts,
        versions=_versions(manifest.get("versions", {})),
        splits=[(_SPLITS[name], manifest["splits"][name]) for name in SPLITS],
        quarantine=_named(counts.get("quarantine", {}), policy.QUARANTINE),
        forgotten=counts.get("forgotten", 0),
        masked=_named(counts.get("masked", {}), _LABELS),
        layers=_named(counts.get("layers", {}), policy.LAYERS),
        first_shots=first_shots(),
        audit=audit,
        audit_fault=audit_fault,
        audit_types=_named(audit.types if audit else {}, _LABELS | {"AUTRE": "Autre donnée"}),
        anonymity=[(_QUASI.get(key, key), k) for key, k in manifest.get("k", {}).items()],
        policy=policy,
    )


def _audit(folder: Path, manifest: dict[str, Any]) -> tuple[Bound | None, str | None]:
    try:
        audit = Audit.load(folder, manifest)
    except InputError:
        return None, "porte sur une autre version de ce corpus, ou est abîmé : il n'est pas compté"
    return (audit.bound(read_pairs(folder)), None) if audit and audit.answers else (None, None)


def _versions(versions: dict[str, Any]) -> list[tuple[str, str]]:
    names = {"plume": "plume", "pseudonymiser": "Règles de pseudonymisation", "ner": "Reconnaissance des noms"}
    return [(names.get(key, key), str(value) if value else "sans (règles seules)") for key, value in versions.items()]


def _named(counts: dict[str, int], names: dict[str, str]) -> list[tuple[str, int]]:
    """Most frequent first; a key without a French name is shown as it is."""
    return sorted(((names.get(key, key), n) for key, n in counts.items()), key=lambda row: (-row[1], row[0]))


def first_shots() -> list[dict[str, Any]]:
    """What the pseudonymiser found in each unseen set, the first time that it was tried there, the newest first.

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


def _number(n: int) -> str:
    """12345 -> "12 345", with a narrow no-break space."""
    return f"{n:,}".replace(",", "\u202f")
