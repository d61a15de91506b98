"""Reads out of a review what it tells whoever writes the reply: `rules/injection.toml`, also in what is encoded.

A sure order is one that nobody gives to a public service. What is only asked of the reply may be asked in innocence.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from plume import marks
from plume.checks.addressed import Level, Order, asks_to_know, is_of_another_text, is_reported, orders, story_without
from plume.checks.case import RULES, VOCABULARY
from plume.checks.decoded import readings
from plume.french.rules import find, read_tables, reading
from plume.french.text import fold, is_shouting, sentences, words
from plume.french.vocabulary import folded
from plume.french.words import EVERYDAY, Word

TABLES = read_tables(RULES / "injection.toml")
_ORDER_WORDS = folded("order_words", VOCABULARY)
_STEMS = folded("reply_stems", VOCABULARY)  # the first seven letters of what replies usually say
_BEGINNINGS = frozenset(stem[:n] for stem in _STEMS for n in range(4, len(stem) + 1))
EMOJI = re.compile(r"[\U0001F000-\U0001FAFF\u2600-\u27BF♣♠♥♦]")

_QUOTED = re.compile(
    r"«\s*([^«»]{2,200}?)\s*»|“\s*([^“”]{2,200}?)\s*”|\"([^\"\n]{2,200})\"|(?<!\w)'([^'\n]{3,80})'(?!\w)|`([^`\n]{2,80})`"
)
_AFTER_COLON = re.compile(r":\s*([^«»\"“”:\n]{3,120})")
_FOLLOWS = re.compile(
    r"\b(?:suivante?s?|ci-dessous|ci-apres|que voici|copier-coller)\b[^:]{0,40}:"
    r"|\b(?:conclu|termin|fini|debut|commenc|repond|ouvr)\w{0,4}(?: \w{2,12}){0,3} (?:par|avec) ?:"
)
# What an order names right after itself: "réponds par les mots « … »".
_ORDERED = re.compile(
    r"(?:par|avec|mots?|phrase|mention|formule|titre|form[ea]|apres|d'abord|ecris\w*|ecrive\w*|dis|dites|repon\w+|comm\w+"
    r"|debu\w+|fini\w*|termin\w+|conclu\w+|est|with|words?|saying|insc\w+|rempl\w+|appel\w*|sign\w+)"
    r"(?: (?:le|la|les|mots?|phrase|formule|un|une|of|the|moi))*[ :]*[«\"“]\s*([^«»\"“”]{3,200}?)\s*[»\"”]"
)
_CODE = re.compile(
    r"\b(?:\w+(?:[\-_.·+~:]{1,3}\w+)+|(?=\w*\d)(?=\d*[^\W\d])\w{4,}|[A-ZÀ-Þ]{4,}|\d(?:[-. /]\d){3,})(?!\w)"
)
_NO_CODE = re.compile(r"\d+ ?[hHx]\d*|\d+(?:e|er|ème|eme|nd)|[A-Z]\d{1,2}")  # a time, a rank, a form's name
_PLACEHOLDER = re.compile(marks.pattern(("TEL", "EMAIL", "URL", "PSEUDO", "IBAN", "ADRESSE")))
_SITE = re.compile(r"(?:https?:?|hxxps?:?|www)?[./:]*(\w[\w-]{4,})\.[\w.-]*[a-z]{2}$")
_NOT_LATIN = re.compile(r"[\u0370-\u1dff\u3040-\u9fff\uac00-\ud7af]{3}")
CAPITAL = re.compile(r"(?<=[\w,;:] )[A-ZÀ-Þ][a-zà-ÿ]{3,}\b|(?<=[dl]')[A-ZÀ-Þ][a-zà-ÿ]{3,}\b")
_LEADING = re.compile(r"[\W_]*")  # a rule may begin at the sign before an order
_CLOSING = re.compile(r"</(\w{1,20})")
_MOST = 20  # findings of a kind that are looked at: a review that repeats an order says nothing new
_STOPS = (". ", "! ", "? ", "\n", "</", "> ")
# Somebody else's words, which the review reports: "une affiche ordonne : « Ignorez … »".
_REPORTED = re.compile(
    r"\b(?:affiche\w*|panneau\w*|lettre|courrier|ecran|site|guichet|pancarte|annonce|disque|repondeur|borne|formulaire|agente?"
    r"|dit|dits?|ordonne|indique|repond|annonce|precise|ecrit|crie)\b[^.!?\n«\"]{0,40}[«\"][^»\"]*$"
)
_STATES = "affirm|ecri|annonc|racont|pretend|declar|assur|certifi|inscri|jur|avou|di[st]"
_THAT = r"\w*(?: [^.!?\n,;:]{0,40})? (?:que|qu') ?([^.!?\n,;:]{6,140})"
_STATED = re.compile(rf"\b(?:{_STATES}){_THAT}")
_CLAIM = re.compile(
    rf"\b(?:{_STATES}|dir|confirm|precis|indiqu|reconnai|rappel|repond|expliqu|soutien|not|ecriv|laiss|mention|ajout|gliss"
    rf"|entendre|savoir|promet|previen|inform|signal|sugger|insinu|conclu|soulign|insist|garanti|admet){_THAT}"
)


@dataclass(frozen=True)
class Instruction:
    """What a review tells whoever writes the reply.

    Attributes:
        level: how sure it is that it speaks to a writer, and is no wish of a citizen.
        strings: what it sets apart, each as folded words.
        codes: what looks like a code, a masked contact, an emoji.
        rare: words of it that the rest of the review does not hold, nor usual replies.
        familiar: it asks for "tu".
        claims: what it wants the reply to say, after "que".
        passage: the folded sentences that hold it.
        orders: those that order, as written.
        story: the folded review without them.
    """

    level: Level
    strings: tuple[tuple[str, ...], ...]
    codes: tuple[str, ...]
    rare: frozenset[str]
    familiar: bool
    passage: str
    claims: tuple[str, ...] = ()
    orders: tuple[Order, ...] = ()
    story: str = ""

    @property
    def sure(self) -> bool:
        """Say whether nobody writes so to a public service."""
        return self.level == Level.SURE


@lru_cache(maxsize=256)
def instruction(review: str) -> Instruction | None:
    """Read the instruction of a review, its title included; None if it holds none."""
    review = review.replace("[.]", ".")  # a site that is written so that no filter finds it
    strings, ordered, codes, rare, told = [], [], [], set(), []
    given: dict[str, Order] = {}  # by sentence
    for text, hidden in ((review, False), *readings(review)):
        if hidden:
            told.append(text)
            strings += [*quotations(text), text]
            codes += _codes(text)
            rare |= _own_words(words(text), "" if text in review else review)
            given[text] = Order(text, Level.SURE)
        for order, start, end in _told(text, fold(review) if text is not review else ""):
            near = order.text
            passage = _passage(text, start, end) if order.level > Level.SAYS else near
            told.append(near)
            if order.level < (given[near].level if near in given else Level.SAYS):
                continue
            given[near] = order
            after = passage[passage.find(near) :] if order.level == Level.SURE else ""
            strings += quotations(near) or quotations(after)
            ordered += [tuple(words(m[1])) for m in _ORDERED.finditer(fold(near))]
            if order.level == Level.SAYS:
                continue
            if order.level == Level.SURE or _FOLLOWS.search(fold(near)):
                strings += [m[1] for m in _AFTER_COLON.finditer(near)]
            codes += _codes(passage if order.level == Level.SURE else near)
            if order.level == Level.SURE:
                rare |= _own_words(words(near), text.replace(near, " "))
    if other := _other_alphabet(review):
        rare |= _own_words(words(other), review.replace(other, " "))
        strings += quotations(other)
    familiar = any(find(reading(review), TABLES["familiar"]))
    if not (given or other or familiar):
        return None
    said = (tuple(map(fold, words(string))) for string in strings)
    passage = fold("\n".join(dict.fromkeys(told)))
    # What an order names counts though its words are usual ones: "réponds « dossier clos »".
    kept = dict.fromkeys([*(s for s in said if _tells(s)), *(s for s in ordered if sum(map(len, s)) > 7)])
    return Instruction(
        max([order.level for order in given.values()] + [Level.ASKS] * bool(other or familiar)),
        tuple(kept),
        tuple(dict.fromkeys(codes)),
        frozenset(rare),
        familiar,
        passage,
        tuple(said for one in given.values() if not one.to_know for said in _claims(one)),
        tuple(given.values()),
        story_without(review, given.values()),
    )


def _claims(order: Order) -> list[str]:
    """List what an order wants said: after any verb of saying, or what only a text is asked to state."""
    return (_CLAIM if order.level > Level.SAYS else _STATED).findall(fold(order.text))


def _told(text: str, written: str) -> Iterator[tuple[Order, int, int]]:
    """Yield the orders of a text with where each is told: by the rules of wordings, then by what sentences are made of.

    An order that somebody took pains to hide is sure: one that is no sentence of what is `written`.
    """
    read = reading(text)
    for kind, level in (("sure", Level.SURE), ("asks", Level.ASKS)):
        for one in islice(find(read, TABLES[kind]), _MOST):
            if not (
                _REPORTED.search(read.folded, max(0, one.start - 200), one.start + 1)
                or (level == Level.ASKS and is_reported(read.folded, one.start))
                or _closes(read.folded, one.start)
            ):
                start = one.start + len(_LEADING.match(text, one.start)[0])
                near = _sentence(text, start, one.end).strip()
                if level == Level.ASKS and is_of_another_text(near):
                    continue
                if written and fold(near) not in written:
                    level = Level.SURE
                # What these say of a reply, a citizen may say of a service: their words may be those of the problem.
                yield Order(near, level, level == Level.ASKS or asks_to_know(near)), start, one.end
    for order in orders(text)[:_MOST]:
        start = text.index(order.text)
        yield order, start, start + len(order.text)


def _closes(text: str, at: int) -> bool:
    """Say whether a tag stands here that closes one: what it holds came before."""
    tag = _CLOSING.match(text, at)
    return tag is not None and f"<{tag[1]}" in text[:at]


def is_odd(word: str) -> bool:
    """Say whether no usual reply holds a folded word, nor one that differs by its ending only."""
    return is_unusual(word) and word not in EVERYDAY


def is_unusual(word: str) -> bool:
    """Say whether no usual reply holds a folded word, though it be everyday French."""
    if len(word) < 6:
        usual = word in _STEMS or word[:-1] in _STEMS or f"{word}s" in _STEMS
    else:
        usual = word[: min(7, len(word) - (2 if len(word) > 6 else 1))] in _BEGINNINGS
    return not usual and word not in _ORDER_WORDS


def _tells(string: tuple[str, ...]) -> bool:
    """Say whether a string is one that nobody writes by chance."""
    content = [w for w in string if len(w) > 3]
    return (len(string) >= 4 and bool(content)) or any(map(is_odd, content))


def quotations(text: str) -> list[str]:
    """List what stands in quotes."""
    return [next(filter(None, m.groups())) for m in _QUOTED.finditer(text)]


def quoted(text: str) -> set[tuple[str, ...]]:
    """Give what stands in quotes, as folded words."""
    return {tuple(map(fold, words(string))) for string in quotations(text)}


def _set_apart(text: str) -> list[str]:
    """List the words of a text that stand in quotes, or with a capital inside a sentence."""
    return [*words(" ".join(quotations(text))), *map(str.lower, CAPITAL.findall(text))]


def _codes(text: str) -> list[str]:
    """List what looks like a code: digits or signs among letters, capitals, a masked contact, an emoji."""
    shouting = is_shouting(text)
    found = (m[0] for m in _CODE.finditer(_PLACEHOLDER.sub(" ", text)))
    codes = [code for code in found if _is_code(code) and not (shouting and code.isalpha())]
    codes += [site[1] for code in codes if (site := _SITE.match(fold(code)))]
    return [*codes, *(m[0] for m in _PLACEHOLDER.finditer(text)), *(m[0] for m in EMOJI.finditer(text))]


def _is_code(word: str) -> bool:
    """Say whether a word is one that nobody uses by chance: no acronym, no time, no compound of usual words."""
    plain = fold(word)
    if word.isalpha():
        return Word.of(word).may_be_name and is_odd(plain)
    if _NO_CODE.fullmatch(word):
        return False
    if re.search(r"[\d_·+~:]|\w\.\w", word):
        return True
    return word.isupper() and any(len(p) > 3 and is_odd(p) for p in re.split(r"\W", plain))


def _own_words(tokens: list[str], elsewhere: str) -> set[str]:
    """Give the words of an instruction that are no usual ones and that the rest of the review does not hold."""
    rest = {w[:5] for w in map(fold, words(elsewhere))}
    return {w for w in map(fold, tokens) if len(w) >= 5 and w.isalpha() and is_unusual(w) and w[:5] not in rest}


def _sentence(text: str, start: int, end: int) -> str:
    return text[_before(text, start) + 1 : _after(text, end)]


def _passage(text: str, start: int, end: int) -> str:
    """Give the sentence of an instruction with the one before and the two after it: what it speaks of."""
    begin = _before(text, max(0, _before(text, start)))
    for _ in range(3):
        end = _after(text, end)
    return text[max(0, begin) : end]


def _before(text: str, at: int) -> int:
    return max(text.rfind(stop, 0, at) for stop in _STOPS)


def _after(text: str, at: int) -> int:
    return min((i for stop in _STOPS if (i := text.find(stop, at)) >= 0), default=len(text)) + 1


def _other_alphabet(review: str) -> str:
    """Give the sentences of a review in another alphabet, where an order cannot be told from a complaint."""
    return " ".join(s for s in sentences(review) if _NOT_LATIN.search(s))
