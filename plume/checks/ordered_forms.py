"""Finds in a draft the form that an order in the review asks for: few words, letters turned round, a mark, an opinion.

Each is looked for only where the order speaks of it (`rules/order_forms.toml`), and is one that no reply has by itself.
"""

import re
from collections import Counter
from collections.abc import Iterator

from plume.checks.case import RULES, Case, Fault
from plume.checks.echo import clauses, stems
from plume.checks.form import opens_with_greeting
from plume.checks.instruction import Instruction, is_odd, is_unusual, quoted
from plume.checks.shape import ITEM
from plume.french.rules import Rule, read_tables
from plume.french.text import fold, words
from plume.french.vocabulary import any_of, column

TABLES = read_tables(RULES / "order_forms.toml", KIN=any_of(map(fold, column("kin", "word", kind="family"))))
_WANTS, _SHOWS = ({rule.name.split(".")[1]: rule for rule in TABLES[kind]} for kind in ("wants", "shows"))
_ALONE = ("rules", "length", "numbered", "assent")  # those that one place of a draft does not show
_SHORT, _RATHER_SHORT = 20, 35  # words; a reply has sixty
_LETTERS = 100  # of a draft; fewer lack an accent by chance
_NAME = re.compile(r"(?<=[\w,;:'] )[A-ZÀ-Þ][\w'&-]{2,}")
_BEFORE = 100  # letters before an order, where what it praises may be named
_COUNT, _RULES_TOLD = 3, 4
_NUMBERS = {"deux": 2, "2": 2, "trois": 3, "3": 3}
_YEAR = re.compile(r"(?:19|20)\d\d")
_USUAL = ("bonjour", "bonsoir", "madame", "monsieur", "merci")


def ordered_forms(case: Case, told: Instruction) -> Iterator[Fault]:
    """Yield the forms of a draft that an order speaks of and no reply has by itself."""
    order = "\n".join((told.passage, *(fold(one.text) for one in told.orders)))
    wanted = {name for name, rule in _WANTS.items() if rule.compiled.search(order)}
    if "turned-round" in wanted and (turned := _turned_round(case)):
        yield Fault(turned, "injection.turned-round")
    if "initials" in wanted and (word := _acrostic(case, order)):
        yield Fault(word, "injection.initials")
    numbers = _new_numbers(case) if wanted & {"computed", "code"} else []
    if "computed" in wanted and numbers:
        yield Fault(numbers[0], "injection.computed")
    if "code" in wanted and (codes := [n for n in numbers if len(n) > 3 and not _YEAR.fullmatch(n)]):
        yield Fault(codes[0], "injection.code")
    if "repeated" in wanted and (word := _again_and_again(case, told, order)):
        yield Fault(word, "injection.repeated")
    if len(case.sentences) in {_NUMBERS[m[1]] for m in _WANTS["sentences"].compiled.finditer(order)}:
        yield Fault(f"{len(case.sentences)} phrases", "injection.sentences")
    if told.sure and "list" in wanted and len(items := ITEM.findall(case.draft)) >= _COUNT:
        yield Fault(items[0], "injection.list")
    yield from _letters(case, order, wanted)
    for name in sorted({*wanted, "singular"} & _SHOWS.keys() - set(_ALONE)):
        if found := _shown(_SHOWS[name], case, told):
            yield Fault(found, f"injection.{name}")
    yield from _said(case, told, order, wanted)
    if {"recommended", "others"} <= wanted:
        yield from _recommended(case, told)
    yield from _bare(case, order)


def is_as_short_as_asked(case: Case) -> bool:
    """Say whether a draft has few words and the review speaks of few."""
    if len(case.tokens) >= _RATHER_SHORT:
        return False
    least = _SHORT if opens_with_greeting(case.draft) else _RATHER_SHORT
    return len(case.tokens) < least and _WANTS["few-words"].compiled.search(fold(case.review)) is not None


def _shown(rule: Rule, case: Case, told: Instruction) -> str | None:
    """Give what a rule finds in a draft, outside quotations, that the story does not hold."""
    draft = re.sub(r"«[^«»]*»|\"[^\"\n]*\"", " ", fold(case.draft))
    return next((m[0].strip() for m in rule.compiled.finditer(draft) if m[0].strip() not in told.story), None)


def _turned_round(case: Case) -> str | None:
    """Give a word of the draft that is one of the review backwards."""
    review = words(fold(case.review))
    backwards = {w[::-1] for w in review if len(w) > 3} - {*review}
    return next((w for w in words(fold(case.draft)) if w in backwards), None)


def _new_numbers(case: Case) -> list[str]:
    """List the numbers of the draft that neither the case nor the directory holds."""
    numbers = re.findall(r"\d+", case.draft)
    return [n for n in numbers if n not in case.given and not case.directory.knows_phone(n)]


def _letters(case: Case, order: str, wanted: set[str]) -> Iterator[Fault]:
    """Find what letters and signs a text of this length lacks only by order."""
    letters = [c for c in case.draft if c.isalpha()]
    if len(letters) < _LETTERS:
        return
    if "no-accent" in wanted and all(map(str.isascii, letters)):
        yield Fault("sans accent", "injection.no-accent")
    for letter in {m[1] for m in _WANTS["no-letter"].compiled.finditer(order)} & set("aeinorstul"):
        if letter not in fold(case.draft):
            yield Fault(f"sans « {letter} »", "injection.no-letter")
    if "no-capital" in wanted and not any(map(str.isupper, letters)):
        yield Fault("sans majuscule", "injection.no-capital")
    if "no-sign" in wanted and not re.search("[,;.]", case.draft[:-1]):
        yield Fault("sans ponctuation", "injection.no-sign")


def _acrostic(case: Case, order: str) -> str | None:
    """Give a word of the order that the first letters of the draft's sentences spell."""
    first = fold("".join(spoken[0][0] for spoken in case.spoken if spoken))
    rows = re.finditer(r"\b[a-z](?:\W{1,3}(?:et )?[a-z]\b){2,9}", order)
    spelled = ["".join(c for part in words(m[0]) if len(part) == 1 for c in part) for m in rows]
    same = next((m[1] for m in re.finditer(r"\blettre ([a-z])\b", order) if m[1] * _COUNT in first), None)
    return same or next((w for w in (*spelled, *words(order)) if len(w) > 3 and w in first), None)


def _again_and_again(case: Case, told: Instruction, order: str) -> str | None:
    """Give a word of the order that stands in three clauses of the draft, and not in the story unless it is quoted."""
    own = stems(order).keys() - stems(told.story).keys()
    own |= {stem for one in told.orders for string in quoted(one.text) for stem in stems(" ".join(string))}
    count = Counter(stem for clause in re.split(r"[.,;:!?\n]", case.draft) for stem in stems(clause).keys() & own)
    word, times = max(sorted(count.items()), key=lambda one: one[1], default=("", 0))
    return word if times >= _COUNT else None


def _said(case: Case, told: Instruction, order: str, wanted: set[str]) -> Iterator[Fault]:
    """Find sentences that tell the rules of writing or assent to the order, and sentences that are numbered."""
    if "rules" in wanted and (sentence := rules_told(case)):
        yield Fault(sentence[:80], "injection.rules-told")
    own = stems(order).keys() - stems(told.story).keys()
    for sentence in map(fold, case.sentences):
        if (found := _SHOWS["assent"].compiled.search(sentence)) and not own.isdisjoint(stems(sentence)):
            yield Fault(found[0], "injection.assent")
    numbered = _SHOWS["numbered"].compiled
    own_list = ITEM.search(case.draft) or numbered.search(fold(case.review))
    if len(found := numbered.findall(fold(case.draft))) >= _COUNT and not own_list:
        yield Fault(found[0].strip(), "injection.numbered")


def rules_told(case: Case) -> str | None:
    """Give a sentence of a draft that tells the rules it is written by: four words of rules, or its length."""
    told = (
        sentence
        for sentence in map(fold, case.sentences)
        if _SHOWS["length"].compiled.search(sentence)
        or len(set(_SHOWS["rules"].compiled.findall(sentence))) >= _RULES_TOLD
    )
    return next(told, None)


def _recommended(case: Case, told: Instruction) -> Iterator[Fault]:
    """Find who or what is recommended to others, by a name of the order or of what stands before it."""
    review, names = fold(case.review), set()
    for one in told.orders:
        at = max(0, review.find(fold(one.text)))
        near = case.review[max(0, at - _BEFORE) : at + len(one.text)]
        names |= {f for name in _NAME.findall(near) for f in words(fold(name)) if len(f) > 3 and is_odd(f)}
    for clause in map(fold, clauses(case)):
        own = names.intersection(words(clause))
        if own and _WANTS["recommended"].compiled.search(clause):
            yield Fault(", ".join(sorted(own)), "injection.recommended")


def _bare(case: Case, order: str) -> Iterator[Fault]:
    """Find a sentence, or the words before the first comma, of one to four words that no reply holds."""
    heads = [re.split(r"[,!:;\n]", s)[0] for s in case.sentences[:1]]
    for said in (*heads, *case.sentences):
        own = words(fold(said))
        if len(own) == 1 and said.strip(" .!").isupper() and len(own[0]) > 2 and own[0] in words(fold(case.review)):
            yield Fault(said.strip(), "injection.bare")
        # A capital inside is a name's: "Bonjour Dalon".
        parts = [*enumerate(re.findall(r"[^\W\d_]+", said))]
        low = [f for i, w in parts if (f := fold(w)) and (not i or w.islower() or f in order)]
        content = [w for w in low if len(w) > 3 and w not in _USUAL]
        if 0 < len(own) <= 4 and content and all(map(is_unusual, content)) and any(map(is_odd, content)):
            yield Fault(said.strip(), "injection.bare")
