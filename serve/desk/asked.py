"""Makes what the guard is sent: of what an agent typed, of the sources that they keep or drop, of a decision."""

import re
from typing import Any

from plume import marks
from plume.page.typed import one_line
from plume.pseudonymise.catalogue import PLACEHOLDERS
from serve.desk.refused import TONES, Refused
from serve.desk.store import Draft, Work

_HOLE = re.compile(marks.pattern(PLACEHOLDERS))
SOURCE = "source "  # how the field of a passage begins; its id follows
KEEP, DROP = "keep", "drop"
_MOST_ALTERNATIVES = 3
_USUAL = {"instruction": None, "tone": next(iter(TONES)), "alternatives": 1}


def for_draft(work: Work) -> dict[str, Any]:
    """Make a first request. What is not typed is left out: an older guard knows no wishes. Raises Refused."""
    if not work.typed.get("review"):
        raise Refused("empty")
    known = {name: one_line(work.typed.get(name, "")) for name in ("network", "structure", "title", "pseudonym")}
    wishes = {name: value for name, value in _wishes(work.typed).items() if value != _USUAL[name]}
    told = {name: value for name, value in known.items() if value}
    return {"review": work.typed["review"], **told, **wishes, "conversation": work.id}


def for_again(work: Work, draft: Draft) -> dict[str, Any]:
    """Make a request for the same review anew. What is left out would stay as it was: all wishes are sent."""
    marks = {passage["id"]: draft.typed.get(SOURCE + passage["id"], before) for passage, before in sources(work, draft)}
    told = {
        **_wishes(draft.typed),
        "keep_sources": [each for each, mark in marks.items() if mark == KEEP],
        "drop_sources": [each for each, mark in marks.items() if mark == DROP],
    }
    return told | _pseudonym(work, draft)


def sources(work: Work, draft: Draft) -> list[tuple[dict[str, Any], str]]:
    """List the passages that a draft was shown, then those that its agent had dropped; with what was said of each."""
    known = {p["id"]: p for each in work.drafts for p in each.answer.get("passages") or []}
    here = draft.answer.get("passages") or []
    dropped = [known[each] for each in draft.asked.get("drop_sources", ()) if each in known]
    return [(passage, KEEP if passage.get("kept") else "") for passage in here] + [(each, DROP) for each in dropped]


def _wishes(typed: dict[str, str]) -> dict[str, Any]:
    """Read instruction, tone and number of drafts, each as usual where nothing is typed."""
    tone, number = typed.get("tone", ""), typed.get("alternatives", "")
    wanted = int(number) if number.isdecimal() and int(number) in range(1, _MOST_ALTERNATIVES + 1) else 1
    instruction = one_line(typed.get("instruction", "")) or None
    return {"instruction": instruction, "tone": tone if tone in TONES else _USUAL["tone"], "alternatives": wanted}


def decision(work: Work, draft: Draft, value: str, text: str) -> dict[str, Any]:
    """Say what an agent made of a draft: rejected, accepted where nothing changed, else edited. Raises Refused."""
    if value == "rejected":
        return {"outcome": "rejected", "seconds": work.seconds}
    if not text:
        raise Refused("empty_reply")
    if hole := _HOLE.search(text):
        raise Refused("placeholder", f"Votre texte contient encore {hole[0]}.")
    if text == draft.answer["draft"].strip():
        return {"outcome": "accepted", "seconds": work.seconds}
    return {"outcome": "edited", "final": text, "seconds": work.seconds} | _pseudonym(work, draft)


def _pseudonym(work: Work, draft: Draft) -> dict[str, str]:
    """Give the citizen's name as it was typed, else as the guard read it in the review's signature."""
    name = one_line(work.typed.get("pseudonym", "")) or draft.answer.get("pseudonym")
    return {"pseudonym": name} if name else {}
