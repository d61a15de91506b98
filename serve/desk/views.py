"""Works out what each page of the desk is given: texts marked, findings, sources, and words."""

import time
from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from plume.checks.quoted import locate, quotations
from plume.checks.registry import CHECKS
from plume.page.marked_text import Passage, mark
from plume.page.numbers import count
from plume.page.render import typography
from plume.page.word_differences import differing_words
from serve.desk.asked import DROP, KEEP, SOURCE, sources
from serve.desk.given_reviews import GivenReviews
from serve.desk.refused import KINDS, OUTCOMES, SAY, TONES, Refused
from serve.desk.store import Decision, Draft, Store, Work
from serve.guard.schema import NOTICE

SHOWN = 20  # reviews a page of the list
SIDES = 3  # drafts side by side
_MARKS = {"": "Laisser le modèle choisir", KEEP: "Garder", DROP: "Écarter"}


def home(store: Store, given: GivenReviews, searched: str, sheet: int) -> dict[str, Any]:
    found, decided = given.find(searched), store.decided()
    works = store.works()
    opened = {work.reference: work.id for work in works}
    sheets = max(1, -(-len(found) // SHOWN))
    at = min(sheet, sheets)
    return {
        "title": "Répondre aux avis",
        "works": [_line(work) for work in works],
        "waiting": [_waiting(decision) for decision in store.waiting()],
        "given": given,
        "found": found,
        "shown": [(g, opened.get(g.id), g.id in decided) for g in found[(at - 1) * SHOWN : at * SHOWN]],
        "searched": searched,
        "at": at,
        "sheets": sheets,
    }


def _line(work: Work) -> dict[str, Any]:
    stage = "avis à compléter" if not work.drafts else "réponse en cours" if work.current else "brouillon à choisir"
    return {"id": work.id, "name": name(work), "stage": stage, "when": _when(work.changed)}


def _waiting(decision: Decision) -> dict[str, Any]:
    trouble = Refused(decision.trouble) if decision.trouble else None
    return {
        "draft": decision.draft,
        "outcome": OUTCOMES[decision.body["outcome"]],
        "text": decision.body.get("final"),
        "when": _when(decision.made),
        "trouble": trouble and trouble.title,
        "is_final": bool(trouble and trouble.is_final),
    }


def _when(seconds: float) -> str:
    return time.strftime("%d/%m/%Y à %H:%M", time.localtime(seconds))


def name(work: Work) -> str:
    """Name a review as lists do: by its title, else its first words."""
    words = work.typed.get("title") or work.typed.get("review") or "Avis vide"
    return words if len(words) <= 90 else f"{words[:89].rstrip()}…"


def review(work: Work, given: GivenReviews, idle_seconds: float) -> dict[str, Any]:
    """Give what the page of a review needs, at whichever stage it is."""
    last = work.drafts[-SIDES:]
    common = {
        "work": work,
        "name": name(work),
        "here": f"/avis/{work.id}",
        "notice": NOTICE,
        "idle_seconds": idle_seconds if work.drafts else 0,
        "say": {key: typography(said) for key, said in SAY.items()},
        "tones": TONES,
        "networks": given.networks,
        "structures": given.structures(network=work.typed.get("network", "")),
        "marks": _MARKS,
        "kinds": KINDS,
        "SOURCE": SOURCE,
    }
    if not work.drafts:
        return {**common, "title": "Demander un brouillon"}
    if work.current is None:
        return {**common, "title": f"Choisir parmi {count(len(last), 'brouillon')}", "sides": [*_sides(last)]}
    draft = work.current
    return {
        **common,
        "title": f"Réponse à relire, brouillon {draft.number}",
        "draft": draft,
        "findings": findings(draft),
        "marked": marked(draft),
        "sources": sources(work, draft),
        "others": [each for each in work.drafts if each.id != draft.id],
        "wishes": wishes(draft),
    }


def _sides(drafts: tuple[Draft, ...]) -> Iterator[dict[str, Any]]:
    """Lay drafts side by side; words of the others that the first one lacks are marked."""
    first = drafts[0]
    for draft in drafts:
        differing = None if draft is first else differing_words(first.answer["draft"], draft.answer["draft"])
        text = marked(draft, differing[1] if differing else ())
        yield {"draft": draft, "marked": text, "findings": findings(draft), "wishes": wishes(draft)}


def wishes(draft: Draft) -> str:
    """Say in words with what a draft was asked, beside the review."""
    tone, instruction = draft.asked.get("tone"), draft.asked.get("instruction")
    told = [f"consigne « {instruction} »" if instruction else "", f"ton {tone}" if tone in [*TONES][1:] else ""]
    return ", ".join(filter(None, told))


def findings(draft: Draft) -> list[dict[str, Any]]:
    """List what the checks found: those that make a draft fail first."""
    found = [
        {**finding, "question": CHECKS[finding["check"]].question if finding["check"] in CHECKS else finding["check"]}
        for finding in draft.answer["findings"]
    ]
    return sorted(found, key=lambda finding: not finding["gating"])


def marked(draft: Draft, words: Any = ()) -> Markup:
    """Mark in a draft what the checks found, with the rules' names."""
    return mark(draft.answer["draft"], _passages(draft), words)


def _passages(draft: Draft) -> Iterator[Passage]:
    for finding in draft.answer["findings"]:
        names = tuple(finding["rules"]) or (finding["check"],)
        if finding.get("start") is not None:
            yield Passage(finding["start"], finding["end"], names)
            continue
        for quoted in quotations(finding["detail"]):
            yield from locate(draft.answer["draft"], quoted, names)


def decided(value: str, text: str, trouble: str | None) -> dict[str, Any]:
    """Say what became of a decision, with the text to publish."""
    told = "La décision est enregistrée. L’avis et les brouillons sont effacés d’ici."
    if trouble:
        refused = Refused(trouble)
        what, then = "ne l’a pas encore", "Elle sera envoyée d’elle-même ; la page d’accueil dit où elle en est."
        if refused.is_final:
            what, then = "la refuse", "Elle ne partira pas d’elle-même : la page d’accueil la montre, avec son texte."
        told = f"La décision est gardée ici, mais le serveur {what} : {refused.title.lower()}. {then}"
        told += " L’avis et les brouillons sont effacés."
    return {"decided": typography(told), "text": "" if value == "rejected" else text}
