"""Finds sentences that turn over what a cited passage says: a negation dropped or added, an exception made the rule.

A sentence of the passage is compared only if it tells of the same things: words that both share, beside the one that is
turned over. Whatever may say a negation in other words ("exclu", "sauf", "plus") keeps a sentence from being one.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from plume.checks.case import VOCABULARY, Case
from plume.checks.excepted import holds_for_the_excepted
from plume.checks.hollow import Claim, claims
from plume.checks.meaning import Token, likeness, sentence_spans, tokens
from plume.checks.stems import stem
from plume.french.text import fold
from plume.french.vocabulary import rows
from plume.passages import Shown

_SAME_THING = 5.0  # nats that two sentences share beside what is turned over
_SAME_SUBJECT = 3.0  # the same, where the word itself is what both tell of
_SOMETHING = 2.5  # the same, where nothing else can be meant
_NOT = (
    r"(?:ne|n'|pas|jamais|aucune?s?|ni|sans|sauf|hors|hormis|except\w+|exclu\w*|impossib\w*|interdi\w+|refus\w*|rejet\w*"
    r"|perd\w*|supprim\w*|inutiles?|faute|defaut|non|seule?s?|seulement|uniquement|exclusivement|reserv\w+|limit\w+"
    r"|toutefois|cependant|revanche|mais|dispens\w*|exoner\w*|exempt\w*|echapp\w*|empech\w*|priv\w*|suspen\w*"
    r"|interromp\w*|cess\w*|contraire|sinon|a moins d\w*|autrement|renonc\w*|evit\w*|choisir|plutot|au lieu"
    r"|moins que|annul\w*|ferm\w*|clos\w*|a part|met fin)"
)
_ANY_NOT = re.compile(rf"(?<![\w])(?:{_NOT})(?!\w)|\bn'")
_TURNED = re.compile(
    r"(?:\bpas|\bjamais|\bplus|\bnon|\baucune?|\bsans|\bni|\bnullement|\brien)(?: (?:etre|effet|toujours|a|de|d'|encore"
    r"|l'|la|le|obligatoirement|tenue?s?|du tout|besoin|en|par|vraiment|forcement|necessairement))* ?$"
)
_NE_PAS = re.compile(
    r"(?:\bne |\bn')((?:[\w'-]{1,25} ){1,4}?)(pas|plus|jamais|nullement|aucunement|ni)\b(?! que)([^,;:.()]{0,160})"
)
_NOT_HELD_TO = re.compile(r" ?(?:\w+ )?(?:tenue?s?|oblige\w*|force\w*|contrain\w+|besoin|passer) (?:de |d'|a )")
_SINCE = re.compile(r"\b(?:passee?s?|au-?dela|apres|une fois|ensuite|depuis|des lors|terme|fin)\b")
_NO_NOUN = re.compile(r"\b(?:aucune?|nulle?)\b ([^,;:.()]{0,80}?)(?:\bne |\bn')([^,;:.()]{0,160})")
_WITHOUT = re.compile(
    r"\b(?:sans|non|ni)\b(?! que\b)[ -](?:(?:aucune?|autre|etre|la|le|les|un|une|de|d'|l') ?){0,2}(\w+)"
)
_ABOUT = 0.8
_SHORT = 3  # letters of a stem that many words have
_SOON = 10  # characters
_BUT_NOT = re.compile(r"\b(?:mais|et) (?:pas|non)(?: pas)? (?:(?:aux?|les?|la|l'|pour|des?|du|d'|en|par) ?){0,3}(\w+)")
_CASE_BEFORE = re.compile(r"\b(?:qui|si|s'ils?|s'elles?|lorsqu\w*|quand|tant qu\w*|que|qu')[^,;:.()]{0,60}$")
_NEXT = 20  # characters after "pas" in which the word that it negates stands
_ONLY = re.compile(
    r"\b(?:uniquement|seulement|exclusivement|seule?s?\b|reserve\w*|a condition|sous reserve|que si|que lorsqu)"
)
_OR = re.compile(r"\b(?:ou|comme|ainsi que|et aussi|mais aussi|aussi bien)\b ([^,;:.()]*)")
_PIECE = re.compile(r",(?!\d)|[;:()]")


class Said(NamedTuple):
    """A sentence: its folded text, its words, those that it negates with their subjects, and what else it is about."""

    text: str
    words: tuple[Token, ...]
    negated: tuple[tuple[str, tuple[str, ...]], ...]
    about: tuple[str, ...]


def reversed_claims(case: Case) -> Iterator[Claim]:
    """Yield the claims that say the opposite of what a cited passage says."""
    for claim in claims(case):
        given = [said for one in claim.cited for said in of_passage(one)]
        for start, end in sentence_spans(case.text.folded[claim.start : claim.end]):
            mine = _said(case.text.folded[claim.start + start : claim.start + end], ())
            if any(_is_said_by(mine, one) for one in given):
                continue
            if holds_for_the_excepted(mine.text, [one.text for one in given]) or _turns_over(mine, given):
                yield Claim(claim.start + start, claim.start + end, claim.cited)


@lru_cache(maxsize=1 << 10)
def of_passage(one: Shown) -> tuple[Said, ...]:
    """Read the sentences of a passage. One that begins with a pronoun is about what the one before is about."""
    text, found, about = fold(one.text), [], tuple(token.stem for token in tokens(fold(one.title)))
    for start, end in sentence_spans(text):
        sentence = text[start:end]
        found.append(_said(sentence, about if not found or _PRONOUN.match(sentence) else ()))
        about = (*about, *(word.stem for word in found[-1].words))[-24:]
    return tuple(found)


_PRONOUN = re.compile(r"(?:il|elle|ils|elles|ce|cet|cette|celui|celle|ceux|celles|sans|au-dela|en|a defaut|l[ae]) ?")


def _said(text: str, about: tuple[str, ...]) -> Said:
    words = tuple(tokens(text))
    return Said(text, words, tuple(_negated(text)), about)


def _negated(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the stem of what a sentence says not to be, the verb or what follows an empty one, and its subject's."""
    for match in _NE_PAS.finditer(text):
        if _CASE_BEFORE.search(text[: match.start()]):
            continue  # "qui ne la remet pas": a case, which may well be told the other way round
        if match[2] == "plus" and _SINCE.search(text):
            continue  # "passé un an, il ne vaut plus rien"
        subject = tuple(token.stem for token in tokens(text, 0, match.start())[-6:])
        if _NOT_HELD_TO.match(match[3]):
            continue  # what one need not do is not denied, and what one cannot do without is needed
        if found := tokens(match[1]) or tokens(match[3][:_NEXT]):
            yield found[0].stem, subject
    for match in _NO_NOUN.finditer(text):
        subject = tuple(token.stem for token in tokens(match[1]))
        yield from ((token.stem, subject) for token in tokens(match[2][:_NEXT])[:1])
    for match in (*_WITHOUT.finditer(text), *_BUT_NOT.finditer(text)):
        yield from ((token.stem, ()) for token in tokens(match[1]))


def _is_said_by(mine: Said, other: Said) -> bool:
    """Say whether a sentence has all its words, small ones too, from one of a passage, and negates as that one does."""
    return {root for root, _ in mine.negated} == {root for root, _ in other.negated} and {
        *_ANY_WORD.findall(other.text)
    }.issuperset(_ANY_WORD.findall(mine.text))


_ANY_WORD = re.compile(r"[a-z]+")


def _turns_over(mine: Said, given: list[Said]) -> bool:
    near = [(one, _common(mine, one)) for one in given]
    best = max((common for _, common in near), default=0.0)
    close = [one for one, common in near if common >= max(_SOMETHING, 0.6 * best)]
    if any(_opens_more(mine, one) for one in close) or _says_after_of_before(mine, close, given):
        return True
    close = [one for one, common in near if common >= max(_SAME_THING, 0.6 * best)]
    subject = [one for one, common in near if common >= max(_SAME_SUBJECT, 0.6 * best)]
    return _says_opposites(mine, close, given) or (
        any(_contradicts(mine, one, given) for one in subject) or _speaks_of_the_exception(mine, given)
    )


def _common(mine: Said, other: Said, *but: str) -> float:
    """Sum what two sentences both tell of, without some stems; what a sentence is about counts less."""
    own, about = [token.stem for token in other.words], other.about
    found = 0.0
    for token in {token.stem: token for token in mine.words}.values():
        if any(likeness(token.stem, stem) for stem in but):
            continue
        found += token.weight * max(
            max((likeness(token.stem, stem) for stem in own), default=0.0),
            _ABOUT * max((likeness(token.stem, stem) for stem in about), default=0.0),
        )
    return found


def _contradicts(mine: Said, other: Said, given: list[Said]) -> bool:
    """Say whether what one sentence negates the other asserts."""
    everywhere = {root for one in given for root, _ in one.negated}
    return (
        (not _IS_NOT.search(mine.text))
        and any(
            _asserts(mine, token)
            and _is_of(mine, subject)
            and _common(_piece(mine, token), other, root) >= _SAME_SUBJECT
            for root, subject in other.negated
            for token in mine.words
            if _is_one(token, root) or (root in _TURNING and likeness(token.stem, root))
        )
    ) or any(
        _asserts(other, token) and _common(mine, _piece(other, token), root) >= _SAME_SUBJECT
        for root in _denied(mine.text)
        if not any(likeness(root, name) for name in everywhere)
        and all(_asserts(each, its) for each in given for its in each.words if _is_one(its, root))
        for token in other.words
        if _is_one(token, root)
    )


_IS_NOT = re.compile(r"\bne |\bn'")


def _denied(text: str) -> set[str]:
    """Give the stems of what a sentence says not to be; "sans renouvellement" is a case."""
    return {root for root, _ in _negated(_WITHOUT.sub(" ", text))}


def _is_one(token: Token, root: str) -> bool:
    """Say whether a word has a stem; so short a stem, many words have."""
    return len(root) > _SHORT and likeness(token.stem, root) == 1


def _is_of(mine: Said, subject: tuple[str, ...]) -> bool:
    return not subject or any(likeness(token.stem, stem) == 1 for token in mine.words for stem in subject)


def _piece(said: Said, token: Token) -> Said:
    """Give the piece of a sentence around a word, from comma to comma."""
    start = max((m.end() for m in _PIECE.finditer(said.text, 0, token.start)), default=0)
    after = _PIECE.search(said.text, token.end)
    end = after.start() if after else len(said.text)
    return said._replace(words=tuple(word for word in said.words if start <= word.start < end))


_TURNING = frozenset(("dispen", "dispe"))


def _asserts(said: Said, token: Token) -> bool:
    """Say whether the piece of a sentence around a word holds nothing that negates, beside the word itself."""
    start = max((m.end() for m in _PIECE.finditer(said.text, 0, token.start)), default=0)
    after = _PIECE.search(said.text, token.end)
    end = after.start() if after else len(said.text)
    return not any(
        match.end() <= token.start  # "refuser une plainte sans preuve" refuses all the same
        or token.end <= match.start() <= token.end + _SOON
        or (token.end <= match.start() and match[0] in ("n'", "ne", "pas"))
        for match in _ANY_NOT.finditer(said.text, start, end)
    )


def _says_opposites(mine: Said, close: list[Said], given: list[Said]) -> bool:
    """Say whether a sentence says of a concept the opposite of what all that are near say.

    A concept that is of one thing alone (silence) is looked for in the whole passage.
    """
    for yes, no, where in _concepts():
        near = close
        if where:
            near = [one for one in given if where.search(one.text)] if where.search(mine.text) else []
        said = [*_signs(mine, yes, no)] if near and not _NOT_BEING.search(mine.text) else []
        if len({sign for sign, _ in said}) != 1:
            continue
        told = {
            sign
            for one in near
            if _is_of_this_case(mine, one)
            for sign, place in _signs(one, yes, no)
            for sign in ((True, False) if _ONLY.search(one.text) or _BUT.search(one.text) else (sign,))
            if where or any(_are_of_one(mine, at, one, place) for _, at in said)
        }
        if told == {not said[0][0]}:
            return True
    return False


def _are_of_one(mine: Said, at: tuple[int, int], other: Said, place: tuple[int, int]) -> bool:
    """Say whether what two sentences say something of is one: some of the words around it, where there are any."""
    one, two = _around(mine, at), _around(other, place)
    shared = sum(a.weight * max((likeness(a.stem, b.stem) for b in two), default=0.0) for a in one)
    return shared >= _SHARED * min(sum(each.weight for each in part) for part in (one, two))


_SHARED, _NEAR = 0.4, 4  # of what they say; words on either side


def _around(said: Said, place: tuple[int, int]) -> list[Token]:
    before = [word for word in said.words if word.end <= place[0]][-_NEAR:]
    return before + [word for word in said.words if word.start >= place[1]][:_NEAR]


_GROUP = re.compile(r"\b(?:moins|plus|partir|age|agee?s?) (?:de |d')?\w+ ans\b|\b(?:mineur|majeur)e?s?\b")
_NOT_BEING = re.compile(r"(?:\bne |\bn')\w+ant pas\b")


def _is_of_this_case(mine: Said, other: Said) -> bool:
    """Say whether a sentence holds in every case, or in one that the draft names."""
    if (group := _GROUP.search(other.text)) and group[0] not in mine.text:
        return False
    if any(likeness(token.stem, word.stem) == 1 for token in _excepted(other.text) for word in mine.words):
        return False  # of what is excepted, the opposite holds
    found = _IF.search(other.text)
    case = tokens(_PIECE.split(other.text[found.end() :])[0]) if found else []
    return not case or any(likeness(token.stem, word.stem) == 1 for token in case for word in mine.words)


def _excepted(text: str) -> list[Token]:
    return [token for match in _EXCEPT.finditer(text) for token in tokens(match[1])]


_EXCEPT = re.compile(
    r"\b(?:sauf|hormis|hors|excepte\w*|a l'exception d\w*|a l'exclusion d\w*|a moins d\w*|a moins qu\w*)\b([^;.()]*)"
)


def _says_after_of_before(mine: Said, close: list[Said], given: list[Said]) -> bool:
    """Say whether "avant la naissance" is told of "après la naissance"."""
    if len({m[1] for one in given for m in _WHEN_ANY.finditer(one.text)}) != 1:
        return False
    said, told = (
        {(m[1], stem(m[2])) for m in _WHEN.finditer(text)} for text in (mine.text, " ".join(o.text for o in close))
    )
    return any((_OTHER[when], noun) in told and (when, noun) not in told for when, noun in said)


_WHEN = re.compile(
    r"\b(avant|apres) (?:(?:la|le|les|l'|son|sa|votre|leur|date|prevue|presumee|fin|un|une|d'|de) ?){0,6}(\w{4,})"
)
_WHEN_ANY = re.compile(r"\b(avant|apres)\b")
_OTHER = {"avant": "apres", "apres": "avant"}


@cache
def _concepts() -> tuple[tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str] | None], ...]:
    """Read the table of opposites."""
    compiled = [
        [re.compile(rf"(?<![\w])(?:{row[key]})(?!\w)") if row[key] != "-" else None for key in ("yes", "no", "where")]
        for row in rows("opposites", VOCABULARY)
    ]
    return tuple(tuple(each) for each in compiled)


def _signs(said: Said, yes: re.Pattern[str], no: re.Pattern[str]) -> Iterator[tuple[bool, tuple[int, int]]]:
    """Yield which sides of a concept a sentence says, a negation beside it counted, and where."""
    for sign, pattern in ((True, yes), (False, no)):
        for match in pattern.finditer(said.text):
            yield sign is not _is_turned(said.text, match), match.span()


def _is_turned(text: str, match: re.Match[str]) -> bool:
    """Say whether a negation stands right before some words, or one of their clause spans them."""
    start = max((m.end() for m in _PIECE.finditer(text, 0, match.start())), default=0)
    before = text[start : match.start()]
    if _TURNED.search(before) or _BARE.search(before):
        return True
    spans = _NE.search(before) and not _BUT.search(before) and _NO.search(text, start, match.end() + _SOON)
    return bool(spans) and not _NO.search(match[0])  # "ne coûte rien" is one side as it is


_BARE = re.compile(r"\b(?:ne (?:peu(?:t|vent|x)|pouv\w+|pourr\w+|saur\w+)|n'ose\w*)\b[^,;:.()]{0,40}$")  # without "pas"
_NE = re.compile(r"(?<!\bqui )(?:\bne |\bn')[^,;:.()]{0,40}$")
_NO = re.compile(r"\b(?:pas|plus|jamais|aucune?s?|nulle?|rien|ni|nullement|guere)\b")
_BUT = re.compile(r"(?:\bne |\bn')[^,;:.()]{1,40} qu(?:e\b|')")


def _opens_more(mine: Said, other: Said) -> bool:
    """Say whether a sentence names a way beside the only one: "en ligne ou au guichet" of "uniquement en ligne"."""
    only = _ONLY.search(other.text)
    after = tokens(other.text[only.end() :])[:1] if only else []
    if not after or _ANY_NOT.search(mine.text) or not any(likeness(one.stem, after[0].stem) == 1 for one in mine.words):
        return False
    whole = [token.stem for token in other.words]
    more = (token for match in _OR.finditer(mine.text) for token in tokens(match[1]))
    return any(not any(likeness(token.stem, stem) for stem in whole) for token in more)


def _speaks_of_the_exception(mine: Said, given: list[Said]) -> bool:
    """Say whether a sentence tells the rule of what only a negated sentence of the passage is about."""
    if _ANY_NOT.search(mine.text):
        return False
    for at, one in enumerate(given):
        match = _NOT_FOR.search(one.text)
        if not match or _IF.search(one.text, 0, match.start()):
            continue
        others = [each for i, each in enumerate(given) if i != at]
        elsewhere = {token.stem for each in others for token in each.words}
        own = {token.stem for token in tokens(match[1]) if token.weight >= _RARE} & {word.stem for word in mine.words}
        apart = [root for root in own if not any(likeness(root, stem) for stem in elsewhere)]
        rest = [each for each in others if not each.negated]
        if any(_common(mine, each, root) >= 2 * _SAME_THING for root in apart for each in rest):
            return True
    return False


_RARE = 4.0  # nats of a word that tells a case apart
_NOT_FOR = re.compile(r"(?:\bne |\bn')[^,;:.]{1,30}? (?:pas|plus)\b[^,;:.]{0,30}? (?:pour|aux?|avec|sur) ([^,;:.()]*)")
_IF = re.compile(r"\b(?:si|s'il|s'ils|lorsqu\w*|quand|qui|dont)\b")
