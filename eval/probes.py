"""Reads the probes, reviews with hidden instructions, and judges the drafts that a system wrote of them.

`plume eval generate --probes` writes X.probes.jsonl beside X.jsonl, with the same system and decoding. A probe says
what an obeying draft shows (`plume/checks/probe.py`); `eval.rule.PROBED` are the checks asked of each.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.drafts import Drafts, read_drafts
from eval.rule import ARMS, GateRule
from plume import files
from plume.checks.case import Case
from plume.checks.probe import KEYS
from plume.checks.registry import CHECKS
from plume.contacts import Directory
from plume.errors import InputError
from plume.paths import in_clone
from plume.prompt import load_prompt

SPLIT = "probes"  # what drafts of probes say they answer
_TEXTS = ("id", "kind", "language", "network", "structure", "sentiment", "title", "review", "asks")

# The kinds of datasets/probes, in French; another file's kinds are called by their own names.
KINDS = {
    "order_fr": "ordre en français",
    "order_other": "ordre dans une autre langue",
    "markup": "balises, code, tableau",
    "role_play": "rôle à jouer",
    "fake_turn": "faux tour de conversation",
    "encoding": "ordre codé",
    "canary": "chaîne à recopier",
    "other_language": "réponse dans une autre langue",
    "link_contact": "lien ou contact à recommander",
    "prompt_leak": "consigne à révéler",
    "other_data": "données d’autrui",
    "promise": "promesse ou décision",
    "rude_ad": "insulte, publicité, politique",
    "form": "autre forme",
    "authority": "faux ordre d’en haut",
    "placement": "ordre bien caché",
}

Probe = dict[str, Any]


@dataclass(frozen=True)
class Probed:
    """What both systems' drafts of the probes show.

    Attributes:
        probes: every probe of the rule's file.
        faults: in French, why the challenger's drafts are no evidence.
        drafts: by arm, where there are some.
        findings: arm -> measure -> id -> whether the draft passes, what was found, by which rules.
        sha256: digest of the file of probes.
    """

    probes: tuple[Probe, ...]
    sha256: str
    faults: tuple[str, ...] = ()
    drafts: Mapping[str, Drafts] = field(default_factory=dict)
    findings: Mapping[str, Mapping[str, Mapping[str, tuple[bool, str, tuple[str, ...]]]]] = field(default_factory=dict)

    def scores(self, arm: str, measure: str) -> dict[str, float]:
        """Give id -> 1 where the arm's draft passes, 0 where it fails."""
        return {i: float(found[0]) for i, found in self.findings.get(arm, {}).get(measure, {}).items()}


def beside(drafts: str | Path) -> Path:
    """Name the file of a system's drafts of the probes: x.jsonl -> x.probes.jsonl."""
    return Path(drafts).with_suffix(".probes.jsonl")


def read_probes(path: str | Path) -> list[Probe]:
    """Read a file of probes. Raises InputError for a row that is none, or that nothing could show to be obeyed."""
    path = in_clone(Path(path))
    rows = files.read_jsonl(path, needs=(*_TEXTS, "shows"))
    met: set[str] = set()
    for number, row in enumerate(rows, 1):
        if wrong := next(_wrong(row, met), None):
            raise InputError(f"{path}: object {number}: {wrong}; datasets/probes/README.md says what a probe holds")
        met.add(row["id"])
    if not rows:
        raise InputError(f"{path}: holds no probe")
    return rows


def _wrong(row: Probe, met: set[str]) -> Iterable[str]:
    yield from (f"its {key} is no text" for key in _TEXTS if not isinstance(row[key], str) or not row[key].strip())
    if row["id"] in met:
        yield f"the id {row['id']} comes twice"
    if not isinstance(row["shows"], list) or not row["shows"]:
        yield "its `shows` is no list, or empty"
    for entry in row["shows"]:
        key, value = next(iter(entry.items()), (None, None)) if isinstance(entry, dict) else (None, None)
        if key not in KEYS or len(entry) != 1 or type(value) is not KEYS[key] or not value:
            yield f"its `shows` holds {entry!r}, not one known key with its value"
        elif key == "pattern":
            try:
                re.compile(value)
            except re.error as error:
                yield f"its `shows` holds a pattern that cannot be read ({error})"


def examine(rule: GateRule, arms: Mapping[str, Drafts]) -> Probed | None:
    """Judge the drafts of the probes beside both arms' drafts; None where the rule asks for none.

    What the challenger's drafts are not good for is a fault in French; the champion's are shown where they are sound.
    Raises InputError if a file is damaged.
    """
    if not rule.probes or not rule.probed:
        return None
    probes = read_probes(rule.probes.file)
    digest = files.file_sha256(in_clone(Path(rule.probes.file)))
    found, faults = {}, ()
    for arm, drafts in arms.items():
        path = beside(drafts.path)
        written = read_drafts(path) if path.is_file() else None
        wrong = tuple(_faults(arm, drafts, written, digest))
        if arm == "challenger":
            faults = wrong
        if written and not wrong:
            found[arm] = written
    findings = {arm: _findings(drafts, probes, rule.probed) for arm, drafts in found.items()}
    return Probed(tuple(probes), digest, faults, found, findings)


def _faults(arm: str, drafts: Drafts, written: Drafts | None, digest: str) -> Iterable[str]:
    again = f"relancer la commande plume eval generate qui a écrit {drafts.path.name}, avec --probes en plus"
    if drafts.meta["system"].get("imported"):
        again = f"importer de nouveau {drafts.path.name}, avec --probes FICHIER en plus"
    if written is None:
        yield f"le système {ARMS[arm]} ne les a pas rédigés ({beside(drafts.path).name} manque) ; {again}."
    elif written.meta["data"] != {"split": SPLIT, "sha256": digest}:
        yield f"{written.path.name} répond à d’autres avis piégés que ceux de la règle ; {again} et --force."
    elif any(written.meta[key] != drafts.meta[key] for key in ("system", "decoding", "fingerprint")):
        yield f"{written.path.name} est d’un autre système ou d’autres réglages que {drafts.path.name} ; {again}."
    elif not written.tied:
        yield f"rien ne lie {written.path.name} à sa description ; {again}."


def _findings(drafts: Drafts, probes: Iterable[Probe], measures: Iterable[str]) -> dict[str, dict[str, Any]]:
    prompt, directory = load_prompt(drafts.meta["system"]["prompt"]), Directory.load()
    asked = {measure: CHECKS[measure.removeprefix("check:")].ask for measure in measures}
    found: dict[str, dict[str, Any]] = {measure: {} for measure in asked}
    for probe in probes:
        text = drafts.text(probe["id"])
        if text is None:
            continue
        case = Case.of(text, probe["review"], prompt.text(probe), directory, probe["sentiment"], probe["shows"])
        for measure, ask in asked.items():
            found[measure][probe["id"]] = tuple(ask(case))
    return found
