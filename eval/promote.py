"""`plume eval promote`: the alias `champion` moves on a PASS that is about this very version, or on somebody's word.

`plume eval challenge` moves `challenger`, which wants no evidence: serving gives it the share that the site sets.

A verdict counts if the ledger holds the comparison that wrote this very file: one that was edited, or that was made
with another MLflow store, is nobody's evidence.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eval.mlflow_runs import VERDICT, comparison_of
from plume import registry, tracking
from plume.errors import InputError
from plume.files import file_sha256
from plume.passages import HEADING, NONE
from plume.prompt import load_prompt, versions

ALIAS = "champion"
CHALLENGER = "challenger"
EARLIER = "promoted.earlier"  # tag of a version: the tags of its promotions before the last one, as JSON


@tracking.hasty()
def promote(
    reference: str,
    *,
    verdict: Path | None = None,
    initial: bool = False,
    override: bool = False,
    reason: str | None = None,
    by: str | None = None,
) -> tuple[int, int | None]:
    """Move `champion` to a version; returns its number and the former champion's (None if there was none).

    A PASS whose challenger is this version's adapter needs nothing more. `initial` sets the first champion, `override`
    goes against a verdict: both want a reason and a name, kept as tags of the version, with the digests of verdict,
    rule and test split and the run of the comparison. Raises InputError otherwise.
    """
    signed = check_request(reference, verdict=verdict, initial=initial, override=override, reason=reason, by=by)
    version = registry.find_version(reference)
    registry.check_no_canaries(version)
    former = _champion()
    tags = {"promoted.at": datetime.now(UTC).isoformat(timespec="milliseconds"), "promoted.former": str(former or "")}
    if initial:
        if former is not None:
            raise InputError(
                f"version {former} is champion already; promote with --verdict verdict.json, not --initial"
            )
        tags |= {"promoted.how": "initial"}
    else:
        read, run = _read(verdict), comparison_of(verdict)
        why_not = _objection(read, version, former, run)
        if why_not and not override:
            raise InputError(f"{verdict}: {why_not}; go against it only with --override --reason … --by …")
        tags |= {"promoted.how": "override" if why_not else "verdict", "promoted.objection": why_not or ""}
        tags |= {f"promoted.{VERDICT}": file_sha256(verdict), "promoted.run_id": run or ""}
        tags |= {
            f"promoted.{key}": str(read["inputs"].get(key) or "")
            for key in ("gate_sha256", "split_sha256", "probes_sha256")
        }
        tags |= {"promoted.sources_sha256": str(read["inputs"].get("challenger_sources_sha256") or "")}
        tags |= {"promoted.checks_off": " ".join(read["checks_off"])}
    if signed:
        tags |= {"promoted.reason": reason.strip(), "promoted.by": by.strip()}
    emptied = {key: "" for key in version.tags if key.startswith("promoted.")}  # of an earlier promotion
    tags = emptied | {key: value for key, value in tags.items() if value} | _kept(version.tags)
    registry.set_alias(ALIAS, version.number, tags)
    return version.number, former


@tracking.hasty()
def challenge(reference: str | None) -> int | None:
    """Give a version the alias `challenger`, or, for None, take the alias away; return the version's number.

    Raises InputError for a version that is unknown, the champion, trained with canaries or without an adapter's hash.
    """
    if reference is None:
        registry.remove_alias(CHALLENGER)
        return None
    version = registry.find_version(reference)
    if version.number == _champion():
        raise InputError(f"version {version.number}: is the champion; name another one as its challenger")
    registry.check_no_canaries(version)
    registry.adapter_folder(version)
    registry.set_alias(CHALLENGER, version.number, {})
    return version.number


def say_sources(reference: str) -> str:
    """Say what a server must be given for a version whose prompt shows passages of sources; nothing for others."""
    version = registry.find_version(reference)
    prompt, judged = version.tags.get("prompt"), version.tags.get("promoted.sources_sha256")
    if prompt not in versions() or not load_prompt(prompt).sources:
        return ""
    which = f" (those of its verdict: {judged[:12]}…)" if judged else ""
    return (
        f"version {version.number} reads the prompt {prompt}: serve it with sources=FOLDER{which}; "
        f"without, it is served with « {HEADING} {NONE} »"
    )


def _kept(tags: Mapping[str, str]) -> dict[str, str]:
    """Keep what a version's tags tell of an earlier promotion: it may be promoted again, and tags are overwritten."""
    before = {key: value for key, value in tags.items() if key.startswith("promoted.") and key != EARLIER and value}
    if "promoted.at" not in before:
        return {}
    return {EARLIER: json.dumps([*earlier_promotions(tags), before], ensure_ascii=False)}


def earlier_promotions(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """List the tags of the promotions of a version before its last one, the oldest first."""
    try:
        found = json.loads(tags.get(EARLIER) or "[]")
    except ValueError:
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def check_request(
    reference: str,
    *,
    verdict: Path | None = None,
    initial: bool = False,
    override: bool = False,
    reason: str | None = None,
    by: str | None = None,
) -> bool:
    """See, before MLflow is asked, that a promotion is complete; returns whether it is signed. Raises InputError."""
    signed = bool(reason and reason.strip() and by and by.strip())
    if initial and not signed:
        raise InputError("--initial needs --reason and --by: nobody's evidence stands behind a first champion")
    if not initial and verdict is None:
        raise InputError("give --verdict verdict.json, or --initial --reason … --by … if there is no champion yet")
    if override and not signed:
        raise InputError("--override needs --reason and --by")
    if not initial:
        _read(verdict)
    registry.check_reference(reference)
    return signed


def _champion() -> int | None:
    try:
        return registry.find_version(ALIAS).number
    except InputError:
        return None


def _read(path: Path) -> dict[str, Any]:
    try:
        verdict = json.loads(path.read_text(encoding="utf-8"))
        off = [str(name) for name in verdict.get("checks_off", ())]  # verdicts of before hold no such key
        return {"outcome": str(verdict["outcome"]), "inputs": dict(verdict["inputs"]), "checks_off": off}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: not a verdict ({error}); write one with: plume eval compare") from None


def _objection(verdict: dict[str, Any], version: registry.Version, former: int | None, run: str | None) -> str:
    """Why a verdict does not allow this version to become champion; "" if it does."""
    if verdict["outcome"] != "PASS":
        return f"the verdict is {verdict['outcome']}, not PASS"
    if run is None:
        return "no comparison of this MLflow store wrote this very file (edited since, or made with another store)"
    inputs = verdict["inputs"]
    if inputs.get("split") != "test":
        return f"the verdict is on the split {inputs.get('split')!r}, not on test"
    noted = inputs.get("challenger_gate_sha256")
    if noted and noted != inputs.get("gate_sha256"):
        return "the rule is another one than was noted before the challenger's drafts were written"
    if inputs.get("challenger_examples_sha256"):
        return "the verdict is about drafts written with retrieved examples, which serving does not show"
    if inputs.get("challenger_prompt") != version.tags.get("prompt"):
        return f"the verdict is on another prompt than version {version.number}'s, which serving would use"
    digest = version.tags.get(registry.ADAPTER_HASH)
    if not digest or inputs.get("challenger_adapter_sha256") != digest:
        return f"the verdict is about another adapter than version {version.number}'s"
    if former is not None:
        champion = registry.find_version(str(former))
        if inputs.get("champion_adapter_sha256") != champion.tags.get(registry.ADAPTER_HASH):
            return f"the verdict compares with another system than the champion, version {former}"
        if inputs.get("champion_prompt") != champion.tags.get("prompt") or inputs.get("champion_examples_sha256"):
            return f"the verdict compares with the champion, version {former}, under another prompt than it serves with"
    return ""
