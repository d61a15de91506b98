"""From rows of the export to review/reply pairs, or to the quarantine with a reason."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from plume.config import Config
from plume.corpus.clean import clean, clean_reply
from plume.corpus.export import Row, parse_date, structures
from plume.corpus.placeholders import is_placeholder


class Selection(Config):
    """Which pairs are good to learn from."""

    min_reply_words: int = Field(15, ge=1, description="shorter replies are left out")
    max_reply_words: int = Field(400, ge=1, description="longer replies are left out")
    min_review_words: int = Field(5, ge=1, description="shorter reviews are left out")
    ai_similarity_below: int = Field(
        50, ge=0, le=101, description="replies this close to an AI draft (0-100) are left out; 101 keeps all"
    )


@dataclass
class Pair:
    """One review with one structure's reply, still carrying the pseudonym that only the pseudonymiser needs."""

    values: dict[str, Any]
    pseudonym: str | None
    closing: str = ""


@dataclass
class Quarantined:
    """A row left out. Its text stays in the export: the dataset folder never holds text that was not pseudonymised."""

    id: str
    reason: str
    detail: str
    network: str | None = None
    structure: str | None = None


@dataclass
class Explosion:
    """What came of an export: `experiences` read, `rows` (experience × structure), pairs and quarantined rows."""

    experiences: int = 0
    rows: int = 0
    pairs: list[Pair] = field(default_factory=list)
    quarantine: list[Quarantined] = field(default_factory=list)


def explode(rows: Iterable[Row], selection: Selection) -> Explosion:
    """Every row of the export becomes a pair or a quarantined row: `rows == len(pairs) + len(quarantine)`."""
    result = Explosion()
    seen: set[str] = set()
    for row in rows:
        result.experiences += 1
        for outcome in _outcomes(row, result.experiences, selection, seen):
            result.rows += 1
            (result.pairs if isinstance(outcome, Pair) else result.quarantine).append(outcome)
    return result


def _outcomes(row: Row, number: int, selection: Selection, seen: set[str]) -> Iterator[Pair | Quarantined]:
    experience = (row.get("id_experience") or "").strip()
    if not experience:
        yield Quarantined(f"line-{number}", "no_id", f"record {number} has no id_experience")
        return
    if experience in seen:
        yield Quarantined(experience, "duplicate_experience", f"record {number} repeats an id_experience")
        return
    seen.add(experience)
    sent_to = structures(row)
    if not sent_to:
        yield Quarantined(experience, "no_structure", "sent to no structure")
    for structure in sent_to:
        yield _outcome(row, f"{experience}-{structure['number']}", structure, selection)


def _outcome(row: Row, pair_id: str, structure: dict[str, str | None], selection: Selection) -> Pair | Quarantined:
    def out(reason: str, detail: str) -> Quarantined:
        return Quarantined(pair_id, reason, detail, structure["network"], structure["structure"])

    review = clean(row.get("description"))
    reply, closing = clean_reply(structure["reply"])
    written_on = parse_date(row.get("ecrit_le"))
    similarity = _percent(structure["ai_similarity"])
    if not reply:
        return out("no_reply", f"status: {structure['status'] or 'none'}")
    if is_placeholder(structure["reply"]):
        return out("placeholder_reply", "the platform's placeholder, not a reply")
    if (structure["status"] or "").startswith("Réponse dépubliée"):
        return out("unpublished_reply", "the reply was withdrawn")
    if written_on is None:
        return out("bad_date", "ecrit_le is absent or is not a date")
    words = len(reply.split())
    if words < selection.min_reply_words:
        return out("reply_too_short", f"{words} words, at least {selection.min_reply_words} wanted")
    if words > selection.max_reply_words:
        return out("reply_too_long", f"{words} words, at most {selection.max_reply_words} wanted")
    if (words := len(review.split())) < selection.min_review_words:
        return out("review_too_short", f"{words} words, at least {selection.min_review_words} wanted")
    if similarity is not None and similarity >= selection.ai_similarity_below:
        return out(
            "written_by_ai", f"{similarity} % similar to an AI draft, less than {selection.ai_similarity_below} wanted"
        )
    return Pair(
        {
            "id": pair_id,
            "network": structure["network"],
            "structure": structure["structure"],
            "department": row.get("code_insee_departement_usager"),
            "sentiment": row.get("ressenti_usager"),
            "title": clean(row.get("titre")),
            "review": review,
            "reply": reply,
            "written_on": written_on.isoformat(),
            "published_on": _iso(row.get("date_de_publication")),
            "replied_on": _iso(row.get("date_de_premiere_reponse")),
            "ai_offered": {"O": True, "N": False}.get((structure["ai_offered"] or "").strip().upper()),
            "ai_similarity": similarity,
            "author_vote": (structure["author_vote"] or "").strip().lower() or None,
        },
        row.get("pseudonyme_usager"),
        closing,
    )


def _iso(text: str | None) -> str | None:
    date = parse_date(text)
    return date.isoformat() if date else None


def _percent(text: str | None) -> int | None:
    try:
        return round(float(text)) if text else None
    except (ValueError, OverflowError):
        return None
