"""Says how fresh a sources folder is: what is in it, how old, and what the last import changed."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path, PurePath
from statistics import median
from typing import Any, NamedTuple

from plume.passages import Passage
from plume.sources import folder

OLD = 365  # days after which a sheet is told as old
_NAMED = 10  # sheets named for each kind of change


class Freshness(NamedTuple):
    """How old the sheets of one kind and audience are; ages in days, of those that say when they were updated."""

    kind: str
    audience: str | None
    sheets: int
    passages: int
    undated: int
    median_days: float | None
    oldest_days: int | None
    old: int

    @property
    def old_share(self) -> float | None:
        """Share of the dated sheets that are older than twelve months."""
        dated = self.sheets - self.undated
        return self.old / dated if dated else None


def freshness(passages: list[Passage], today: date) -> list[Freshness]:
    """Count sheets and their ages by kind and audience."""
    dates: dict[tuple[str, str], dict[str, str | None]] = defaultdict(dict)
    counts: Counter[tuple[str, str]] = Counter()
    for passage in passages:
        group = passage["kind"], passage["audience"] or ""
        dates[group][passage["sheet"]] = passage["updated_on"]
        counts[group] += 1
    found = []
    for (kind, audience), sheets in sorted(dates.items()):
        ages = [(today - date.fromisoformat(each)).days for each in sheets.values() if each]
        found.append(
            Freshness(
                kind,
                audience or None,
                len(sheets),
                counts[kind, audience],
                len(sheets) - len(ages),
                median(ages) if ages else None,
                max(ages, default=None),
                sum(age > OLD for age in ages),
            )
        )
    return found


def lines(at: Path, today: date) -> Iterator[str]:
    """Write what `plume data sources status` says of a folder. Raises InputError."""
    manifest, passages = folder.read_manifest(at), folder.read(at)
    sheets = len({passage["sheet"] for passage in passages})
    yield f"{at}: {len(passages)} passages of {sheets} sheets, digest {manifest['passages_sha256'][:12]}"
    for source in manifest["sources"]:
        yield f"{PurePath(source['name']).name}: {_source(source, today)}"
    for each in freshness(passages, today):
        yield f"{each.kind}, {each.audience or 'no audience'}: {_ages(each, today)}"
    yield from changes(manifest.get("last_import"))


def _source(source: Mapping[str, Any], today: date) -> str:
    if not source.get("imported_on"):
        return "not imported from a file"
    days = (today - date.fromisoformat(source["imported_on"])).days
    return f"imported on {source['imported_on']} ({days} days ago), {counted(source['counts'])}" + _more(source)


def counted(counts: Mapping[str, Any]) -> str:
    """Say what became of the files of a source; the numbers add up."""
    reasons = ", ".join(f"{reason} {n}" for reason, n in counts["quarantine"].items())
    return (
        f"{counts['members']} files = {counts['imported']} imported ({counts['passages']} passages) + "
        f"{counts['quarantined']} quarantined" + (f" ({reasons})" if reasons else "")
    )


def _more(source: Mapping[str, Any]) -> str:
    licence = f"; {source['licence']}" if source.get("licence") else ""
    return licence + "".join(f"; {line}" for line in remarks(source))


def remarks(source: Mapping[str, Any]) -> Iterator[str]:
    """Say what was met that is not known, and what was masked."""
    if unknown := source.get("unknown"):
        told = ", ".join(f"{name} {n}" for name, n in unknown.items())
        yield f"elements that plume does not know, their text kept: {told}"
    if masked := source.get("masked"):
        yield "masked as personal data: " + ", ".join(f"{kind} {n}" for kind, n in masked.items())


def _ages(each: Freshness, today: date) -> str:
    said = f"{each.sheets} sheets, {each.passages} passages"
    if each.median_days is None:
        return f"{said}; none says when it was updated"
    oldest = today - timedelta(days=each.oldest_days)
    undated = f", {each.undated} without a date" if each.undated else ""
    return (
        f"{said}; updated {each.median_days:.0f} days ago (median), the oldest on {oldest} ({each.oldest_days} days); "
        f"{each.old_share:.0%} older than 12 months{undated}"
    )


def changes(last: Mapping[str, Any] | None) -> Iterator[str]:
    """Say what the last import changed, and name some of the sheets."""
    if not last:
        return
    yield f"last import {last['on'][:10]}: " + ", ".join(f"{n} {what}" for what, n in last["counts"].items())
    for what in ("changed", "removed") if last["counts"]["new"] > _NAMED else ("new", "changed", "removed"):
        if named := last[what]:
            more = last["counts"][what] - _NAMED
            yield f"{what}: {', '.join(named[:_NAMED])}" + (f" and {more} more" if more > 0 else "")
