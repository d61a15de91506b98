"""Finds amounts and rates with their values: "deux cents euros" is (200, "€"), "5 à 10 %" two rates. Pure."""

import re
from collections.abc import Iterator

from plume.french.mentions import Mention
from plume.french.numbers import NUMBER, ROUGH, WORDS, value
from plume.french.rules import Rule, Text, in_turn, table
from plume.french.vocabulary import any_of, word_set

_SCALED = r"k|m(?=€)|milliers? d'|millions? d'|milliards? d'"
_CURRENCY = (
    r"€|euros?\b|eur\b|%|‰|pour cent\b|pour (?:100|1000|mille)\b|p\. ?100\b|centimes?\b|cts?\b|f cfp\b"
    r"|livres sterling\b|francs\b(?: (?:cfp|pacifique)\b)?"
    r"|franc (?:cfp|suisse|symbolique)\b|xpf\b|dollars?\b"
)
# "les 150 premiers euros", "80 malheureux euros".
_BETWEEN = r"(?:(?:premiers?|derniers?|malheureux|petits?|pauvres|seuls|bons|gros|beaux|et quelques) )?"
_HINTS = ("€", "%", "‰", "pour cent", "pour 100", "pour mille", "p. 100", "p.100")
_UNITS = word_set("euro euros eur centime centimes franc francs xpf dollar dollars ct cts sterling cfp")
_ROUGHLY = Rule(
    "amount.rough",
    rf"\b({any_of(ROUGH)}) (d'euros|de francs)\b",
    hint=("d'euros", "de francs"),
    reads="folded",
    examples=("une ‹centaine d'euros›", "des centaines d'euros"),
)
# A number, perhaps the other end of a range, a currency or "%", perhaps centimes after it: "3 euros 30", "5 à 10 %".
# The "2" of "45 m² à 3 %", which folding makes a digit, is no number.
_AMOUNT = Rule(
    "amount.number",
    rf"(?<!\bm)(?<!\b[ckd]m)({NUMBER})(?: ?(?:a|ou|et|-|/) ?({NUMBER}))? ?({_SCALED})? ?{_BETWEEN}({_CURRENCY})"
    rf"(?:(?: et)? ?(\d\d(?!\d| ?(?:€|%|h\b|jours|mois|ans|euros))|(?:{WORDS})(?= centimes))(?: ?centimes?\b)?)?",
    hint=_HINTS,
    words=_UNITS,
    reads="folded",
    examples=("‹deux cents euros› de plus", "de ‹5 à 10 %›", "‹3 euros 30›", "45 m² à ‹3 %›", "100 pages"),
)
_SIGN_FIRST = Rule(
    "amount.sign-first",
    r"(?<!\w)(?:€|eur) ?(\d[\d ]*(?:[.,]\d+)?)",
    hint=("€",),
    words=frozenset(("eur",)),
    digit=True,
    reads="folded",
    examples=("soit ‹€ 30›", "30 €"),
)
_MONEY = (
    r"(?:montant|somme|prix|couts?|frais|aide|facture|loyer|salaire|cotisations?|tarif|taxe|depenses?|indemnites?|dette"
    r"|allocations?|reste|ressources|revenus?|amende|pension|remboursement|solde|droits|achat|honoraires)"
)
_SHARE = Rule(
    "amount.share",
    r"\b(?:(?:abattement|reduction|remise|decote|majoration|hausse|baisse|retenue|exoneration) d(?:e |'une? )"
    r"(moitie|deux tiers|tiers|trois quarts|quart)\b|(moitie|double(?! de la facture)|triple|deux tiers|tiers"
    r"|trois quarts|quart|1/2|1/3|2/3|1/4|3/4) d(?:e (?:la |l'|cette |ce |cet |votre "
    r"|vos |son |leur )?"
    rf"|u |es ){_MONEY}\b)",
    hint=("moitie", "tiers", "quart", "1/", "2/3", "3/4", "double", "triple"),
    reads="folded",
    examples=("la ‹moitié du montant›", "la moitié des usagers"),
)
# A sum whose currency goes without saying, at the end of a clause.
_OF_A_PRICE = Rule(
    "amount.price",
    r"\b(?:s'eleve(?:nt)? a|coutent?|(?:tarif|prix|forfait|caution|montant|amende|taxe|penalite)s?(?: est"
    r"| sont)?(?: fixee?s?)?(?: de| a)) "
    rf"(\d[\d ]{{0,8}}(?:[.,]\d\d?)?|{WORDS})(?=[.;!?)]|,(?!\d)| ?$)",
    hint=("eleve", "cout", "tarif", "prix", "forfait", "caution", "montant", "amende", "taxe", "penalite"),
    reads="folded",
    examples=("la caution ‹s'élève à 300›.", "le prix de 3 repas"),
)
_AMOUNTS = table(_AMOUNT, _SIGN_FIRST)
table(_ROUGHLY, _SHARE, _OF_A_PRICE)
_SCALE = {"k": 1e3, "m": 1e6, "millier": 1e3, "million": 1e6, "milliard": 1e9}

# "pas un euro de plus", "sans débourser un centime": nothing, and no sum.
_A_CENT = re.compile(r"\b(?:pas|plus|sans|aucun|ni)(?: \w{1,12}){0,2} un$")


def amounts(text: Text) -> Iterator[Mention]:
    """Yield every amount and rate; its value is the number and "€", "%", "franc" or "dolla"."""
    for start, end, rule, m in in_turn(text, [_ROUGHLY]):
        yield Mention("amount", start, end, (ROUGH[m[1]], "€" if "euro" in m[2] else "franc"), rule.name)
    for start, end, rule, m in in_turn(text, [_SHARE]):
        yield Mention("amount", start, end, (_SHARES[m[1] or m[2]], "%"), rule.name)
    for start, end, rule, m in in_turn(text, [_OF_A_PRICE]):
        yield Mention("amount", start, end, (value(m[1].strip()), "€"), rule.name)
    for start, end, rule, m in in_turn(text, _AMOUNTS):
        if rule is _SIGN_FIRST:
            yield Mention("amount", start, end, (value(m[1].strip()), "€"), rule.name)
        elif not _A_CENT.search(text.folded, max(0, start - 24), m.end(1)):
            for known in _values(m):
                yield Mention("amount", start, end, known, rule.name)


def _values(m: re.Match[str]) -> Iterator[tuple[float, str]]:
    """Yield the one or two values of an amount in numbers."""
    scale = _SCALE.get((m[3] or "").split(" ")[0].rstrip("s"), 1)
    sign = m[4]
    unit = "%" if sign.startswith(("%", "‰", "p")) else sign[:5] if sign[0] in "fdl" else "€"
    scale *= 0.01 if sign.startswith(("centime", "ct")) else 1
    cents = value(m[5]) / 100 if m[5] and unit == "€" else 0
    for number in filter(None, (m[1], m[2])):
        yield round(value(number) * scale + cents, 2), unit


# "la moitié" is 50 %, and a citizen's "276e" an amount.
_SHARES = {"moitie": 50, "tiers": 33, "deux tiers": 66, "quart": 25, "trois quarts": 75, "double": 200, "triple": 300}
_SHARES |= {"1/2": 50, "1/3": 33, "2/3": 66, "1/4": 25, "3/4": 75}
_TERSE = re.compile(r"(?<![\w,.])(\d+(?:[.,]\d+)?) ?e\b")
# "majoration à 375 !", "je suis à 12,3 normalement": a number that counts nothing else may be a sum or a rate.
_BARE = re.compile(
    r"(?<![\w,./-])(?<!n° )(\d{2,}(?:[.,]\d+)?|\d+[.,]\d+)(?![\w/-]|[.,]\d| ?(?:h|heures?|min|minutes?|j|jours?"
    r"|semaines?|mois|ans?|annees?|fois|personnes?|km|m|kg|e|euros?|pour cent|rue|avenue|bis)\b| ?[€%])"
)
_DIVIDED = re.compile(r"\bdivis\w+ par (deux|trois|quatre|cinq|dix|[2-9]|10)\b")


def loose_amounts(text: Text) -> set[tuple[float, str]]:
    """List what may be amounts in a text by a citizen: shares in words, "276e", numbers that count nothing else."""
    said = {(100 // value(m[1]), "%") for m in _DIVIDED.finditer(text.folded)}
    said |= {(share, "%") for word, share in _SHARES.items() if re.search(rf"\b{word}s?\b", text.folded)}
    if text.has_digit:
        said |= {(value(m[1]), "€") for m in _TERSE.finditer(text.folded)}
        said |= {(value(m[1]), unit) for m in _BARE.finditer(text.folded) for unit in "€%"}
    return said
