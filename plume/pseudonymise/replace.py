"""Placeholders: what is written where an identifier stood, numbered inside one pair."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from plume import marks
from plume.french.closings import CLOSING
from plume.french.phrases import CIVILITY, KIN, SERVICE
from plume.french.text import fold
from plume.pseudonymise.catalogue import PLACEHOLDERS
from plume.pseudonymise.names import words_of
from plume.pseudonymise.spans import Span

PLACEHOLDER = re.compile(marks.pattern(PLACEHOLDERS))
_TYPED_BY_HAND = re.compile(marks.pattern(PLACEHOLDERS), re.IGNORECASE)


def escape(text: str) -> str:
    """Bracketed text that someone typed and that looks like a placeholder: "[AGENT_1]" -> "(AGENT 1)"; same length."""
    return _TYPED_BY_HAND.sub(lambda match: f"({marks.label(match[0]).replace('_', ' ')})", text)


def replace(texts: Sequence[str], spans: Sequence[Sequence[Span]], roles: Sequence["Role"]) -> "Replaced":
    """Write the placeholders. `roles` gives who each PERSONNE span is, in the order of the texts and their spans."""
    people = People()
    entities = iter([people.entity(role) for role in roles])
    people.number()
    result = Replaced()
    for text, found in zip(texts, spans, strict=True):
        pieces, resolved, position = [], [], 0
        for span in found:
            label = kind = span.type
            if span.type == "PERSONNE":
                entity = next(entities)
                label, kind = entity.label, entity.kind
            pieces += [text[position : span.start], marks.mark(label)]
            resolved.append(span._replace(type=kind))
            result.counts[kind] += 1
            position = span.end
        result.texts.append("".join([*pieces, text[position:]]))
        result.spans.append(resolved)
    return result


@dataclass
class Replaced:
    """Masked texts; the spans of the input with their final types; how many placeholders of each type."""

    texts: list[str] = field(default_factory=list)
    spans: list[list[Span]] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)


@dataclass(frozen=True)
class Role:
    """One mention of a person: the name as written, who it seems to be, and how sure that is (0 to 4)."""

    name: str
    kind: str
    weight: int


@dataclass
class Entity:
    """One person of the pair."""

    words: set[str]
    last: str
    kind: str
    weight: int
    label: str = ""


class People:
    """The persons of one pair; a number tells two agents apart, and starts again in the next pair."""

    def __init__(self) -> None:
        self.entities: list[Entity] = []

    def entity(self, role: Role) -> Entity:
        words = words_of([role.name]) or {fold(role.name)}
        last = fold(role.name).split()[-1] if role.name.split() else ""
        for entity in self.entities:
            # "Mme Lebrun" is "Claire Lebrun", "Claire" is too; "Claire Morin" is somebody else.
            if entity.words & words and (entity.last == last or entity.words <= words or words <= entity.words):
                entity.words |= words
                break
        else:
            entity = Entity(words, last, role.kind, 0)
            self.entities.append(entity)
        if role.weight > entity.weight:
            entity.kind, entity.weight = role.kind, role.weight
        return entity

    def number(self) -> None:
        counts: Counter = Counter()
        for entity in self.entities:
            counts[entity.kind] += 1
            entity.label = entity.kind if entity.kind == "USAGER" else f"{entity.kind}_{counts[entity.kind]}"


_KIN_BEFORE = re.compile(
    rf"\b(?:mon|ma|mes|notre|nos|sa|son|ses|votre|vos|feu|feue|leur|la|le|l'|un|une|d'un)[ ]?"
    rf"{KIN}\b[^.!?\n]{{0,25}}$"
)
_SELF_BEFORE = re.compile(
    r"(?:\bje m'appell?e|\bmon (?:nom|prenom)\b[^.\n]{0,12}|\bje suis|\bsoussignee?,?|\bmoi-meme,?|\bje,|\bbjr c"
    rf"|\bbonjour c|\b(?:je me nomme))[ :]*{CIVILITY}? ?$"
)
_SIGNED_BEFORE = re.compile(rf"\b{CLOSING}[^.!?]{{0,30}}$")
_GREETED_BEFORE = re.compile(rf"(?:^|\n)\W{{0,70}}(?:bonjour|bonsoir|chere?)[ ,]*{CIVILITY}? ?$")
_GREETED_AFTER = re.compile(r" ?(?:[,.!:\n-]|$)")
_SERVICE_NEAR = re.compile(
    rf"\b(?:{SERVICE}|agente?|gestionnaire|responsable|directeur|directrice|accueil\w+|conseill\w+|interlocut\w+"
    r"|inspect\w+|remerci\w+|merci|felicit\w+|bravo|equipe|recue? par|par|rendez-vous|telephone|appel\w*)\b"
)
_CIVIL_BEFORE = re.compile(rf"\b(?:m|{CIVILITY}) $")


def role_of(text: str, span: Span, *, reply: bool) -> Role:
    """Who a named person seems to be, from the words around the name and from who speaks."""
    folded = fold(text)
    name = text[span.start : span.end]
    before, after = folded[max(0, span.start - 70) : span.start], folded[span.end : span.end + 50]
    if span.source == "pseudonym":
        return Role(name, "USAGER", 4)
    if _GREETED_BEFORE.search(before) and _GREETED_AFTER.match(after):
        return Role(name, "USAGER" if reply else "AGENT", 3)
    if _SIGNED_BEFORE.search(before) or (span.start > 0 and not after.strip(" .!\n") and "\n" in before[-2:]):
        return Role(name, "AGENT" if reply else "USAGER", 3)
    if _SELF_BEFORE.search(before) or "(moi-meme" in after:
        return Role(name, "AGENT" if reply else "USAGER", 3)
    if _KIN_BEFORE.search(before):
        return Role(name, "TIERS", 3)
    if _SERVICE_NEAR.search(before) or _SERVICE_NEAR.search(after):
        return Role(name, "AGENT", 2)
    return Role(name, "AGENT" if reply or _CIVIL_BEFORE.search(before) else "TIERS", 1)
