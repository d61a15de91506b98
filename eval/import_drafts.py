"""Run `plume eval import`: drafts written elsewhere (a vendor, a person) become drafts.jsonl with its description.

Nothing is known of what such a system read or learnt, so that `eval.integrity` lets it be compared and never pass.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from eval.drafts import Draft, tie
from eval.inputs import to_generate, to_probe
from eval.probes import SPLIT, beside
from eval.sheet import Line, read_sheet
from plume.checks.case import Case
from plume.checks.registry import CHECKS
from plume.command import progress, say
from plume.contacts import Directory
from plume.corpus.dataset import Pair, read_manifest
from plume.corpus.split import experience_of
from plume.errors import InputError
from plume.export.values import whole
from plume.files import file_sha256, json_sha256, make_folder, sha256, telling, to_jsonl, write
from plume.output import DRAFTS, check_file
from plume.prompt import load_prompt

LEFT_OUT = [("line", "reason")]  # what a row of the file of lines that became no draft holds
_OURS = re.compile(r"(?:plume-reply|base|adapter|endpoint)\b[@:]?", re.IGNORECASE)  # how plume calls its own systems
_UNKNOWN = ("prompt_tokens", "draft_tokens", "seconds")
_TOLD = 5  # ids that a line names


@dataclass
class Matched:
    """What a sheet's lines came to: id -> text, id -> why there is none, lines left out with the reason; `doubled`."""

    texts: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)


def import_drafts(
    file: Path,
    system: str,
    data: Path,
    out: Path,
    *,
    split: str = "test",
    prompt: str = "v1",
    id_column: str | None = None,
    draft_column: str | None = None,
    probes: Path | None = None,
    force: bool = False,
) -> Matched:
    """Write drafts.jsonl and drafts.meta.json of a file of drafts; say what became of every line.

    Every pair of the split has one row: its draft, or `error` where the file holds none, an empty one, or two that
    differ. Lines of other ids, or that cannot be read, are listed in OUT's name with .left-out.jsonl. With `probes`,
    another such file answers the probes, and goes beside. Raises InputError if nothing answers the split.
    """
    name = _checked(system)
    pairs = to_generate(data, split, out, None)
    sources = [(file, pairs, out, {"split": split, "sha256": read_manifest(data)["splits"][split]["sha256"]})]
    if probes:
        asked, digest = to_probe(out, None, 0)
        sources.append((probes, asked, beside(out), {"split": SPLIT, "sha256": digest}))
    for each, _, target, _ in sources:
        _check_targets(each, target, data, force=force)
    shown = load_prompt(prompt)
    found = []
    for each, asked, target, answered in sources:
        sheet = read_sheet(each, [p["id"] for p in asked], {"id": id_column, "draft": draft_column})
        matched = match_lines(sheet.lines, [pair["id"] for pair in asked])
        if not matched.texts:
            if cut := next((why for why in matched.errors.values() if why.startswith("cut")), ""):
                raise InputError(f"{each}: every draft is {cut}")
            first = next((line.id for line in sheet.lines if line.id), "none")
            raise InputError(
                f"{each}: holds no draft for {answered['split']} of {data}: {len(sheet.lines)} lines, their first id "
                f"{first[:40]!r}, expected ones such as {asked[0]['id']!r}; name the right file, --data or --id-column"
            )
        meta = _description(name, shown, answered, each, sheet.columns)
        found.append((each, target, asked, matched, meta))
    for each, target, asked, matched, meta in found:
        _write(target, asked, matched, meta)
        _tell(each, target, asked, matched, meta)
    _tell_of_people(found[0][3].texts, pairs, prompt)
    return found[0][3]


def _checked(system: str) -> str:
    name = system.strip()
    if not name or len(name) > 60 or not name.isprintable():
        raise InputError(f"--system {system!r}: give a name of 1 to 60 characters in one line")
    if _OURS.match(name):
        raise InputError(f"--system {name}: is how plume calls a system of its own; name who wrote these drafts")
    return name


def _check_targets(file: Path, out: Path, data: Path, *, force: bool) -> None:
    left = out.with_suffix(".left-out.jsonl")
    check_file(out, DRAFTS, reads=[data, file])
    check_file(left, LEFT_OUT, reads=[data, file])
    if out.exists() and not force:
        raise InputError(f"{out} exists; name another file with --out, or overwrite it with --force")


def match_lines(lines: Iterable[Line], ids: Sequence[str]) -> Matched:
    """Match lines with the ids that are asked; none is dropped without a reason."""
    found, of_experience = Matched(), {}
    for identity in ids:
        of_experience.setdefault(experience_of(identity), []).append(identity)
    texts: dict[str, list[Line]] = {}
    lines = [*lines]
    cut = {a.line: b.line for a, b in pairwise(lines) if not a.problem and b.problem.startswith("has 1 cells")}
    for line in lines:
        own, problem = ("", line.problem) if line.problem else _match(line.id, set(ids), of_experience)
        if problem:
            found.left_out.append({"line": line.line, "id": line.id or None, "reason": problem})
        else:
            texts.setdefault(own, []).append(line)
    for identity in ids:
        given = texts.get(identity, [])
        different = {line.text for line in given if line.text}
        if len(given) > 1:
            found.doubled.append(identity)
        if at := next((cut[line.line] for line in given if line.line in cut), 0):
            found.errors[identity] = f"cut where line {at} begins: put texts of several lines in quotation marks"
        elif len(different) == 1:
            found.texts[identity] = different.pop()
        elif different:
            found.errors[identity] = f"two drafts that differ (lines {', '.join(str(line.line) for line in given)})"
        else:
            found.errors[identity] = "empty draft" if given else "no draft in the file"
    return found


def _match(given: str, ids: set[str], of_experience: dict[str, list[str]]) -> tuple[str, str]:
    """Find the pair that an id as written means, or say why there is none."""
    plain = re.sub(r"\s*[-_/\u2010-\u2015\u2212]\s*", "-", whole(given))
    for each in (given, plain):
        if each in ids:
            return each, ""
    meant = of_experience.get(plain, [])
    if len(meant) == 1:
        return meant[0], ""
    return "", f"means {len(meant)} pairs: {', '.join(meant)}" if meant else "unknown id"


def _description(
    name: str, prompt: Any, answered: dict[str, str], file: Path, columns: dict[str, str]
) -> dict[str, Any]:
    """Describe what is known: who is said to have written, and the file. Drafts are checked against `prompt`."""
    return {
        "system": {
            "name": name,
            "base": {"model": name},
            "adapter_sha256": None,
            "adapter_version": None,
            "trained_on": None,
            "prompt": prompt.version,
            "prompt_sha256": prompt.sha256,
            "imported": True,
        },
        "decoding": {"strategy": "unknown"},
        "fingerprint": json_sha256({"imported": name}),
        "data": answered,
        "gate_sha256": None,
        "imported_from": {"file": file.name, "sha256": file_sha256(file), "columns": columns},
    }


def _write(out: Path, asked: Sequence[Pair], found: Matched, meta: dict[str, Any]) -> None:
    rows: list[Draft] = []
    for pair in asked:
        identity, text = pair["id"], found.texts.get(pair["id"])
        row: Draft = {"id": identity, "error": found.errors.get(identity, "")}
        if text is not None:
            row = {"id": identity, "draft": text, **dict.fromkeys(_UNKNOWN), "key": sha256(text.encode())}
        rows.append({**row, "system": meta["system"]["name"]})
    tied, described = tie(rows, meta)
    left = out.with_suffix(".left-out.jsonl")
    with telling(out, "make room or mend that, or name another file with --out"):
        make_folder(out.parent)
        write(out, to_jsonl(tied))
        write(out.with_suffix(".meta.json"), json.dumps(described, ensure_ascii=False, indent=1) + "\n")
        if found.left_out:
            write(left, to_jsonl(found.left_out))
        else:
            left.unlink(missing_ok=True)


def _tell(file: Path, out: Path, asked: Sequence[Pair], found: Matched, meta: dict[str, Any]) -> None:
    columns = meta["imported_from"]["columns"]
    say(
        f"{out}: {meta['system']['name']}, {len(found.texts)} drafts for the {len(asked)} of {meta['data']['split']}; "
        f"id read from {columns['id']!r}, draft from {columns['draft']!r}"
    )
    reasons: dict[str, list[str]] = {}
    for identity, why in found.errors.items():
        reasons.setdefault(why.partition(" (")[0], []).append(identity)
    for why, ids in reasons.items():
        say(f"- no draft, {why}: {_listed(ids)}")
    if same := [identity for identity in found.doubled if identity in found.texts]:
        say(f"- twice with the same text, taken once: {_listed(same)}")
    left = Counter(row["reason"].partition(":")[0] for row in found.left_out)
    if left:
        told = ", ".join(f"{why} ({n})" for why, n in left.most_common(4))
        say(f"- {len(found.left_out)} lines of {file.name} left out: {told}; see {out.stem}.left-out.jsonl")
    if found.errors:
        say(f"- {len(found.errors)} are rows with an error; complete {file.name}, then import it again with --force")


def _tell_of_people(texts: dict[str, str], pairs: Sequence[Pair], version: str) -> None:
    """Name the drafts that look like they hold personal data. They are kept as written: that check fails them."""
    check, prompt, directory = CHECKS["personal_data"], load_prompt(version), Directory.load()
    found = []
    with progress() as bar:
        asked = [pair for pair in pairs if pair["id"] in texts]
        for pair in bar.track(asked, description="personal data"):
            text = texts[pair["id"]]
            case = Case.of(text, pair["review"], prompt.text(pair), directory, pair.get("sentiment"))
            if not check.ask(case).passed:
                found.append(pair["id"])
    if found:
        say(f"- look like they hold personal data, kept as written, and compare tolerates none: {_listed(found)}")


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _TOLD} more" if len(ids) > _TOLD else ""
    return f"{len(ids)} ({', '.join(ids[:_TOLD])}{more})"
