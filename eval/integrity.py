"""Whether two files of drafts may be compared at all: same conditions, and nothing learnt of what is asked."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.contamination import near_duplicates
from eval.drafts import Drafts
from eval.rule import ARMS, GateRule
from plume.checks.registry import CHECKS
from plume.corpus.dataset import read_manifest, read_split
from plume.files import file_sha256, make_folder, read_object, sha256, to_jsonl, write
from plume.lineage import EARLIER, UNKNOWN
from plume.page.numbers import day, number
from plume.paths import CODE, home

# What tells who wrote, not what was read. Anything else that differs in a system's description counts as read: a kind
# of system that this code does not know is never taken for one that reads the same prompt.
_WRITER = {"name", "base", "adapter_sha256", "adapter_version", "trained_on"}
_READ = {"prompt", "prompt_sha256", "examples", "sources"}
SYSTEMS = "configs/eval/gate-systems.yaml"  # the rule for systems that differ by more than their adapter
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LEARNT_FROM = ("train", "validation")
CACHE = "contamination"  # folder of <home>; names experiences by their ids, so that an erasure removes it
_CODE = tuple(CODE / path for path in ("eval/contamination.py", "plume/french/similar.py", "plume/french/text.py"))

# adapter digest -> digests of the train splits that it and its ancestors were trained on; none where nobody knows
LookUp = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Soundness:
    """`faults`, in French; `contaminated`: test items near what a system may have learnt from -> what they are near."""

    faults: tuple[str, ...] = ()
    contaminated: Mapping[str, str] = field(default_factory=dict)


def examine(
    rule: GateRule,
    champion: Drafts,
    challenger: Drafts,
    data: str | Path,
    pairs: Sequence[Mapping[str, Any]],
    *,
    trained_on: Iterable[str | Path] = (),
    look_up: LookUp | None = None,
) -> Soundness:
    """See that both arms answered under the same conditions, and that neither learnt from what is near `pairs`.

    Args:
        data: the dataset folder that is compared on; its own training texts are always looked through.
        pairs: its test split.
        trained_on: other dataset folders that adapters were trained on, to be looked through as well.
        look_up: finds the train splits of an adapter whose drafts do not tell.

    Raises InputError if a folder of `trained_on` is none.
    """
    arms = {"champion": champion, "challenger": challenger}
    folders = [Path(data), *(Path(folder) for folder in trained_on)]
    manifests = [read_manifest(folder) for folder in folders]
    known = {m["splits"][split]["sha256"] for m in manifests for split in _LEARNT_FROM}
    # What an erasure took out of the train split: the build had parted it from test, if by as strict a measure.
    if _parted_by(manifests[0]) <= rule.integrity.near_duplicate:
        known |= set(manifests[0].get("history", []))
    faults = [*_conditions(rule, champion, challenger)]
    for arm, drafts in arms.items():
        faults += _imported(arm, drafts)
        if not drafts.tied:
            faults.append(
                f"rien ne lie les brouillons du système {ARMS[arm]} à leur description (d’une version "
                "antérieure de plume, ou retouchés) ; relancer la même commande plume eval generate, qui garde ce qui "
                "est écrit."
            )
        faults += _unknown_training(arm, drafts.meta["system"], known, look_up)
    return Soundness(tuple(faults), near_learnt(pairs, folders, manifests, rule.integrity.near_duplicate))


def near_learnt(
    pairs: Sequence[Mapping[str, Any]], folders: Sequence[Path], manifests: Sequence[dict[str, Any]], threshold: float
) -> dict[str, str]:
    """`near_duplicates` of the folders' training texts, kept under <home>/contamination by the digests of all it needs.

    Ten thousand training pairs take seconds, and a challenger is compared on the same splits again and again.
    """
    digests = [manifest["splits"][split]["sha256"] for manifest in manifests for split in _LEARNT_FROM]
    code = [file_sha256(path) for path in _CODE]
    key = sha256(json.dumps([sha256(to_jsonl(map(dict, pairs))), digests, threshold, code]).encode())
    kept = home() / CACHE / f"{key}.json"
    found = read_object(kept)
    if found is not None and all(isinstance(other, str) for other in found.values()):
        return found
    learnt = (pair for folder in folders for split in _LEARNT_FROM for pair in read_split(folder, split))
    found = near_duplicates(pairs, learnt, threshold)
    with suppress(OSError):  # a home that cannot be written costs seconds, not the comparison
        make_folder(kept.parent)
        write(kept, json.dumps(found))
    return found


def _parted_by(manifest: Mapping[str, Any]) -> float:
    try:
        return float(manifest["config"]["select"]["near_duplicate"])
    except (KeyError, TypeError, ValueError):
        return 1.0


def _conditions(rule: GateRule, champion: Drafts, challenger: Drafts) -> Iterator[str]:
    if champion.meta["data"]["split"] != "test":
        yield "les brouillons ne répondent pas au jeu de test ; refaire les deux avec --split test."
    if any(drafts.meta["system"].get("imported") for drafts in (champion, challenger)):
        return  # what was read, and how, is unknown of one: `_imported` says so
    differing = _differences(champion.meta["decoding"], challenger.meta["decoding"])
    if differing:
        yield (
            f"les brouillons n’ont pas été générés avec les mêmes réglages ({' ; '.join(differing.values())}) ; "
            "refaire ceux d’un des systèmes."
        )
        return
    same_ids = champion.meta["fingerprint"] == challenger.meta["fingerprint"]
    systems = [{k: v for k, v in d.meta["system"].items() if k not in _WRITER} for d in (champion, challenger)]
    differing = _differences(*systems)
    if rule.integrity.prompts_may_differ or (same_ids and not differing):
        return
    told = " ; ".join(differing.values()) or "textes montrés"
    if not differing or any(key.partition(".")[0] in _READ for key in differing):
        fault = f"les deux systèmes n’ont pas lu la même consigne ({told})"
    else:
        fault = f"les deux systèmes ne diffèrent pas seulement par ce que la règle compare ({told})"
    yield f"{fault}, ce que la règle n’admet pas ; pour comparer deux tels systèmes : --gate {SYSTEMS}."


def _imported(arm: str, drafts: Drafts) -> Iterator[str]:
    """Say of drafts that were written elsewhere what a verdict on them may and may not conclude."""
    if drafts.meta["system"].get("imported"):
        yield (
            f"les brouillons du système {ARMS[arm]} (« {drafts.name} ») ont été importés : on ne sait ni ce qu’il a "
            "lu, ni avec quels réglages, ni s’il a appris les réponses de test. Les écarts décrivent ces seuls "
            "brouillons ; ils ne permettent ni de remplacer ni de refuser, quel que soit le nombre d’avis."
        )


def _differences(champion: Mapping[str, Any], challenger: Mapping[str, Any]) -> dict[str, str]:
    """Dotted keys of two descriptions whose values differ -> the key and both values, as a reason tells them."""
    found = {}
    for key in dict.fromkeys((*champion, *challenger)):
        before, after = champion.get(key), challenger.get(key)
        if before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found |= {f"{key}.{name}": f"{key}.{told}" for name, told in _differences(before, after).items()}
        else:
            found[key] = f"{key} : {_short(before)} et {_short(after)}"
    return found


def _short(value: Any) -> str:
    """A value of a description in a few characters."""
    if value is None:
        return "rien"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = f"{text[:12]}…" if _DIGEST.fullmatch(text) else f"{text[:60]}…" if len(text) > 60 else text
    return f"« {text} »"


def _unknown_training(arm: str, system: Mapping[str, Any], known: set[str], look_up: LookUp | None) -> Iterator[str]:
    """Faults of what a system learnt from, or was shown, that is not among the `known` training texts."""
    if adapter := system.get("adapter_sha256"):
        digests = _learnt_from(system) or (look_up(adapter) if look_up else ())
        if not digests or UNKNOWN in digests:
            of = ", ou l’un de ceux dont il part," if digests else ""
            yield (
                f"on ne sait pas sur quelles données l’adaptateur du système {ARMS[arm]}{of} a été entraîné ; "
                + ("entraîner sans base.adapter." if digests else "refaire ses brouillons avec plume eval generate.")
            )
        for digest in (d for d in digests if d not in known and d != UNKNOWN):
            of = "" if digest == digests[0] else ", par un adaptateur dont il part,"
            yield (
                f"le système {ARMS[arm]} a été entraîné{of} sur un autre jeu de données ({digest[:12]}…) ; le "
                "donner avec --trained-on DOSSIER pour montrer qu’il ne contient aucun avis de test."
            )
    examples = system.get("examples")
    if examples and not known & set(_digests(examples)):
        yield (
            f"les exemples montrés au système {ARMS[arm]} ne viennent pas des textes d’apprentissage de ce jeu "
            "de données ; donner leur jeu avec --trained-on DOSSIER, ou refaire les brouillons."
        )


def _learnt_from(system: Mapping[str, Any]) -> list[str]:
    """The train split that a system tells of, then those of the adapters that its own was trained from."""
    told = system.get("trained_on")
    if isinstance(told, Mapping):
        return [told["train"], *told.get(EARLIER, [])] if told.get("train") else []
    return [told] if told else []


def _digests(value: Any) -> Iterator[str]:
    """Every SHA-256 that a description holds, however it is nested."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _digests(part)
    elif isinstance(value, str) and _DIGEST.fullmatch(value):
        yield value


def rule_remark(applied: str, challenger: Drafts) -> str:
    """In French, whether the rule that was applied (its digest) is the one noted before the challenger's drafts.

    The champion's drafts may be older than the rule: what must not be known when it is written is the comparison.
    """
    noted = challenger.meta.get("gate_sha256")
    if not noted:
        return "Règle : rien ne prouve qu’elle a été fixée avant les brouillons du candidat."
    if noted != applied:
        return (
            "Règle : autre que celle notée avant les brouillons du candidat ; choisie après coup, elle ne promeut rien."
        )
    return "Règle : celle qui avait été notée avant les brouillons du candidat."


def sources_remarks(arms: Mapping[str, Drafts]) -> Iterator[str]:
    """Say, in French, if the two systems were shown other passages of sources, or one of them none."""
    told = [drafts.meta["system"].get("sources") for drafts in arms.values()]
    if any(told) and told[0] != told[1]:
        of = " ; ".join(f"système {ARMS[arm]} : {_of_sources(drafts)}" for arm, drafts in arms.items())
        yield f"Sources : les deux systèmes n’ont pas lu les mêmes passages ({of}) ; l’écart en dépend aussi."


def _of_sources(drafts: Drafts) -> str:
    found = drafts.meta["system"].get("sources")
    if not found:
        return "aucun"
    shown = sum(bool(row.get("sources")) for row in drafts.rows.values())
    dated = f", à jour au {day(found['updated_on'])}" if found.get("updated_on") else ""
    return f"{found['sha256'][:12]}…{dated}, avec {number(shown, 0)} avis sur {number(len(drafts.rows), 0)}"


def checks_off_remark(names: Iterable[str]) -> str:
    """Name the checks that a rule switches off, in a sentence for evaluators."""
    told = (f"« {CHECKS[name].label} »" + (" (tolérance zéro)" * CHECKS[name].zero_tolerance) for name in names)
    return f"Contrôles désactivés par la règle, qui n’ont donc rien décidé : {', '.join(told)}."
