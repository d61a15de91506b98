"""Pseudonymisation of French reviews and replies. Pseudonymised and minimised, not anonymous.

Layers: what must stay (`kept`), identifiers by named rules (`identifiers/`), and a recogniser of names (`ner`). Then
everything that was found is looked for again in the whole pair (`propagate`), what stays doubtful beside the masks is
suspected (`residual`), and all is replaced by typed placeholders (`replace`). Pure, but for the recogniser, which is
handed in.
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

from plume.contacts import Directory
from plume.french import rules
from plume.french.text import fold, is_shouting
from plume.pseudonymise.around_masks import find_around_masks
from plume.pseudonymise.catalogue import PLACEHOLDERS, WEAK
from plume.pseudonymise.identifiers import find_by_rules
from plume.pseudonymise.identifiers.ages import own_age
from plume.pseudonymise.identifiers.people import find_names
from plume.pseudonymise.kept import find_kept
from plume.pseudonymise.names import accept, complete
from plume.pseudonymise.names_that_are_words import find_beside, is_thing, is_usual, widen
from plume.pseudonymise.propagate import find_again, find_pseudonym
from plume.pseudonymise.replace import PLACEHOLDER, Replaced, escape, replace, role_of
from plume.pseudonymise.residual import SUSPICION, find_suspicions
from plume.pseudonymise.spans import Recogniser, Span, join_people, merge, overlaps, subtract, trim
from plume.pseudonymise.visible_text import Reading, read

__all__ = ["PLACEHOLDER", "PLACEHOLDERS", "SUSPICION", "Masked", "Pseudonymiser", "Span", "find_identifiers"]

_ROUNDS = 5  # two do for nearly every text


@dataclass(frozen=True)
class Masked:
    """The three texts of a pair with placeholders; how many of each type were written, and which layers found them.

    `age_band` is the decade that the citizen's age falls into ("60-69"), None if the review tells none: it is for
    counting how many people share a row's quasi-identifiers, and is written to no pair.
    """

    title: str
    review: str
    reply: str
    counts: dict[str, int]
    layers: dict[str, int] = field(default_factory=dict)
    age_band: str | None = None


class Pseudonymiser:
    """Finds and masks what identifies a person. Without `ner`, names rest on triggers and first names alone.

    Without `suspicious`, what is doubtful beside the masks stays (see `residual`): for drafts, where precision counts.
    """

    def __init__(
        self, ner: Recogniser | None = None, directory: Directory | None = None, *, suspicious: bool = True
    ) -> None:
        self._suspicious = suspicious
        self._ner = ner
        self._directory = directory or _directory()
        # The recogniser knows how frequent a word is; without it the lists say what is a word and what a name.
        self._is_usual = getattr(ner, "is_usual", is_usual)
        self._may_be_name = getattr(ner, "may_be_name", bool)
        # The rounds of one pair look at the same texts again and again.
        self._kept = lru_cache(maxsize=64)(lambda text: merge(find_kept(text, self._directory)))
        self._found = lru_cache(maxsize=256)(lambda text, masked: find_around_masks(text, masked, self._rules))
        self._suspected = lru_cache(maxsize=256)(
            lambda text, masked: find_around_masks(text, masked, lambda t: find_suspicions(t, self._may_be_name))
        )
        self._rules = lru_cache(maxsize=8)(self._by_rules)  # a draft is looked at before it is weighed

    def find(self, text: str) -> list[Span]:
        """Sorted, non-overlapping spans to mask; people are PERSONNE. Offsets are those of `text`."""
        return self.find_many([text])[0]

    def find_many(self, texts: Sequence[str]) -> list[list[Span]]:
        """`find` for many texts, with the recogniser run in batches."""
        readings = [read(text) for text in texts]
        return [
            [reading.original(span) for span in spans]
            for reading, spans in zip(readings, self._find(readings), strict=True)
        ]

    def _find(self, readings: Sequence[Reading]) -> Iterator[list[Span]]:
        """Find in each text in turn: what was worked out of one is at hand until the next is asked for."""
        texts = [reading.text for reading in readings]
        proposed = self._ner(texts) if self._ner else [[] for _ in texts]
        for reading, spans in zip(readings, proposed, strict=True):
            yield self._settle(reading.text, [*spans, *reading.spelled])

    def mask(self, text: str) -> tuple[str, list[Span]]:
        """One text masked, and the spans of `text` that were replaced, with the types of their placeholders.

        A placeholder already there is left alone, so that masking twice changes nothing.
        """
        return self.mask_many([text])[0]

    def mask_many(self, texts: Sequence[str], *, replies: bool = False) -> list[tuple[str, list[Span]]]:
        """`mask` for many texts, each on its own, with the recogniser run in batches; in `replies` an agent speaks."""
        readings = [read(text) for text in texts]
        found = self._find(readings)
        done = [
            self._replace([text], [reading], [spans], reply_at=0 if replies else None)
            for text, reading, spans in zip(texts, readings, found, strict=True)
        ]
        return [(replaced.texts[0], replaced.spans[0]) for replaced in done]

    def pair(self, *, title: str | None, review: str | None, reply: str | None, pseudonym: str | None) -> Masked:
        """The raw texts of one pair, masked together: one person, one placeholder, in all three.

        `pseudonym` is the citizen's on the platform, masked as [USAGER] wherever the citizen is called by it. What a
        citizen typed in the form of a placeholder is escaped first, so give raw texts, not masked ones.
        """
        raw = {"title": title, "review": review, "reply": reply, "pseudonym": pseudonym}
        return self.pairs([raw])[0]

    def pairs(self, raw: Iterable[dict[str, str | None]]) -> list[Masked]:
        """`pair` for many, each a dict of its arguments, with the recogniser run in batches over all their texts."""
        raw = list(raw)
        texts = [escape(pair[name] or "") for pair in raw for name in ("title", "review", "reply")]
        readings = [read(text) for text in texts]
        spans = self._find(readings)
        return [
            self._pair(texts[i : i + 3], readings[i : i + 3], [next(spans) for _ in range(3)], pair["pseudonym"])
            for i, pair in zip(range(0, len(texts), 3), raw, strict=True)
        ]

    def _pair(
        self, texts: list[str], readings: list[Reading], spans: list[list[Span]], pseudonym: str | None
    ) -> Masked:
        if pseudonym:
            spans = [
                self._arbitrate(reading.text, [*found, *find_pseudonym(reading.text, pseudonym)])
                for reading, found in zip(readings, spans, strict=True)
            ]
        done = self._replace(texts, readings, spans, reply_at=2)
        layers = Counter(span.source for found in done.spans for span in found)
        age = next(filter(None, (own_age(rules.reading(reading.text)) for reading in readings[:2])), None)
        return Masked(
            *done.texts,
            counts=dict(sorted(done.counts.items())),
            layers=dict(sorted(layers.items())),
            age_band=f"{age // 10 * 10}-{age // 10 * 10 + 9}" if age else None,
        )

    def _settle(self, text: str, proposed: list[Span]) -> list[Span]:
        if not text:
            return []
        accepted = [
            left for span in proposed for left in accept(text, span) if not is_thing(text, left, self._is_usual)
        ]
        spans = self._arbitrate(text, [*self._found(text, tuple(_placeholders(text))), *accepted])
        suspected = self._suspect(text, spans)
        return self._arbitrate(text, [*spans, *suspected]) if suspected else spans

    def _suspect(self, text: str, spans: list[Span]) -> list[Span]:
        return self._suspected(text, tuple(merge([*spans, *_placeholders(text)]))) if self._suspicious else []

    def _by_rules(self, text: str) -> list[Span]:
        return [*find_by_rules(text, self._directory), *find_names(text)]

    def _arbitrate(self, text: str, found: list[Span]) -> list[Span]:
        """What is kept wins over the weak detectors; overlaps become one; placeholders are never touched."""
        if not found:
            return []
        kept = self._kept(text)
        sure = {s for s in found if s.source == "pseudonym" or not (s.type in WEAK or s.source == "context")}
        weak = subtract((s for s in found if s not in sure), kept)
        spans = self._widen(text, merge([*sure, *filter(None, (trim(text, s) for s in weak))]), kept)
        spans = subtract(spans, _placeholders(text))
        for _ in range(_ROUNDS):  # one of a list leads to the next
            beside = [
                s for s in find_beside(text, [s for s in spans if s.type == "PERSONNE"]) if not overlaps(s, spans)
            ]
            if not beside:
                break
            spans = merge([*spans, *beside])
        return join_people(text, [s for s in spans if any(c.isalnum() for c in text[s.start : s.end])])

    def _widen(self, text: str, spans: list[Span], kept: list[Span]) -> list[Span]:
        """The spans, those of people with the everyday words beside them that are part of the name."""
        folded, shouting = fold(text), is_shouting(text)

        def whole(span: Span) -> Span:
            if not shouting:
                span = complete(text, span, self._may_be_name)
            return widen(text, folded, span, shouting=shouting)

        wider = [whole(s) if s.type == "PERSONNE" and s.source != "pseudonym" else s for s in spans]
        return (
            spans
            if wider == spans
            else merge(s if w == s or overlaps(w, kept) else w for s, w in zip(spans, wider, strict=True))
        )

    def _replace(
        self, texts: list[str], readings: Sequence[Reading], spans: list[list[Span]], *, reply_at: int | None
    ) -> Replaced:
        """Look for what was found in the other texts, and for what the rules see once it is masked; then write."""
        plains = [reading.text for reading in readings]
        for _ in range(_ROUNDS if any(spans) else 0):
            again = find_again(plains, spans, self._is_usual)
            wider = [
                self._arbitrate(text, [*found, *more, *self._further(text, found), *self._suspect(text, found)])
                for text, found, more in zip(plains, spans, again, strict=True)
            ]
            if _places(wider) == _places(spans):
                break  # at most another layer claims what was found
            spans = wider
        roles = [
            role_of(text, span, reply=i == reply_at)
            for i, (text, found) in enumerate(zip(plains, spans, strict=True))
            for span in found
            if span.type == "PERSONNE"
        ]
        places = [[r.original(span) for span in found] for r, found in zip(readings, spans, strict=True)]
        return replace(texts, places, roles)

    def _further(self, text: str, found: list[Span]) -> list[Span]:
        masked = merge([*found, *_placeholders(text)])
        return self._found(text, tuple(masked)) if found else []


def _places(spans: list[list[Span]]) -> list[list[tuple[int, int, str]]]:
    return [[(span.start, span.end, span.type) for span in found] for found in spans]


def _placeholders(text: str) -> list[Span]:
    return [Span(*match.span(), "KEEP", "placeholder") for match in PLACEHOLDER.finditer(text)]


def find_identifiers(text: str, *, but: Container[str] = ()) -> list[Span]:
    """Find what the rules and triggers find, without a recogniser: for drafts, which are checked in real time.

    Types in `but` are left out. What stays is weighed only where the rules found another type at all.
    """
    wanted = any(span.type not in but for span in _rules_alone()._rules(text))
    return [span for span in _rules_alone().find(text) if span.type not in but] if wanted else []


@cache
def _rules_alone() -> Pseudonymiser:
    return Pseudonymiser(suspicious=False)


@cache
def _directory() -> Directory:
    return Directory.load()
