"""Masks what a client gave before anything else sees it: the review, names of services, the agent's instruction."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from plume import marks
from plume.pseudonymise.catalogue import PLACEHOLDERS
from serve.guard.maskers import Maskers, NoMasker
from serve.guard.refusal import Reason, Refusal
from serve.guard.schema import GivenReview

_MARK = re.compile(marks.pattern(PLACEHOLDERS))
_ASKED = {  # what an instruction may not ask for, by `plume.checks.agent_instruction`
    "promise": ("to promise", "de promettre"),
    "decide": ("to decide on a file", "de décider sur un dossier"),
    "sign": ("to close or sign", "de saluer ou de signer"),
    "personal": ("for personal data", "une donnée personnelle"),
    "rules": ("for the prompt, or to leave its rules", "de révéler ou de quitter les règles de rédaction"),
    "language": ("for another language", "une autre langue"),
    "familiar": ("to say « tu »", "de tutoyer"),
}


@dataclass(frozen=True)
class MaskedRequest:
    """Holds a request for a draft, masked.

    Attributes:
        case: what the prompt shows, but for passages: network, structure, title, review, instruction, tone.
        pseudonym: what [USAGER] stands for; the model is not shown it.
        masked: how many entities of each type were masked.
        keep, drop: ids of passages.
        again_of: the draft that this one is written anew from.
    """

    case: dict[str, Any]
    pseudonym: str | None
    masked: Counter = field(default_factory=Counter)
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    again_of: str | None = None


def count_marks(text: str | None) -> Counter:
    """Count the marks of a masked text by type."""
    return Counter(_MARK.findall(text or ""))


async def mask_review(maskers: Maskers, given: GivenReview) -> tuple[dict[str, Any], str | None, Counter]:
    """Mask a review; return it as the model sees it, what [USAGER] stands for, and the entities masked by type."""
    texts = [given.review, *([given.title] if given.title else [])]
    bodies = {"network": given.network, "structure": given.structure}
    try:
        answer = await maskers.ask("mask", texts=texts, names=list(bodies.values()))
    except NoMasker as error:
        raise Refusal(Reason.REVIEW_NOT_MASKED, why=error) from None
    masked = Counter(span["type"] for spans in answer["spans"] for span in spans)
    called = dict(zip(bodies, answer["names"], strict=True))
    for kind, name in bodies.items():
        if name and not called[kind]:
            raise Refusal(Reason.INVALID, why=f"{kind}: is no name of a public service; send its name, or none")
        masked += count_marks(called[kind]) - count_marks(name)
    names = [
        text[span["start"] : span["end"]]
        for text, spans in zip(texts, answer["spans"], strict=True)
        for span in spans
        if span["type"] == "USAGER"
    ]
    shown = {
        **called,
        "title": answer["texts"][1] if given.title else None,
        "review": answer["texts"][0],
    }
    return shown, given.pseudonym or (names[0] if names else None), masked


async def mask_instruction(
    maskers: Maskers, instruction: str | None, pseudonym: str | None
) -> tuple[str | None, Counter]:
    """Mask an agent's instruction. Raises Refusal if it asks for what no draft may do."""
    if instruction is None:
        return None, Counter()
    try:
        answer = await maskers.ask("instruct", text=instruction, pseudonym=pseudonym)
    except NoMasker as error:
        raise Refusal(Reason.REVIEW_NOT_MASKED, why=error) from None
    if answer["asks"]:
        english, french = _ASKED[answer["asks"]]
        raise Refusal(Reason.INSTRUCTION, asks=english, demande=french)
    return answer["text"], Counter(span["type"] for span in answer["spans"])
