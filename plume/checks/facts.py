"""Facts that a reply may not invent: amounts, articles of law, placeholders. Dates and deadlines are in `times`.

Each is compared by value with what review and prompt hold, so "deux cents euros" is known where it says "200 €".
"""

import re
from collections.abc import Iterator

from plume.checks.case import Case, Result, none_of
from plume.checks.coordinates import blank
from plume.french.numbers import NUMBER, ROUGH, WORDS, value
from plume.french.text import squeeze

_SCALED = r"k|m(?=€)|milliers? d'|millions? d'|milliards? d'"
_CURRENCY = (
    r"€|euros?\b|eur\b|%|pour cent\b|pour 100\b|p\. ?100\b|centimes?\b|francs\b(?: (?:cfp|pacifique)\b)?"
    r"|franc (?:cfp|suisse|symbolique)\b|xpf\b|dollars?\b"
)
# A number, perhaps the other end of a range, a currency or "%", perhaps centimes after it: "3 euros 30", "5 à 10 %".
_AMOUNT = re.compile(
    rf"({NUMBER})(?: ?(?:à|ou|et|-|/) ?({NUMBER}))? ?({_SCALED})? ?({_CURRENCY})"
    rf"(?:(?: et)? ?(\d\d(?!\d| ?(?:€|%|h\b|jours|mois|ans|euros))|(?:{WORDS})(?= centimes))(?: ?centimes?\b)?)?"
    r"|(?<!\w)()(?:€|eur) ?(\d[\d ]*(?:[.,]\d+)?)",
    re.IGNORECASE,
)
_ROUGHLY = re.compile(rf"\b({'|'.join(ROUGH)}) (d'euros|de francs)\b", re.IGNORECASE)
_SCALE = {"k": 1e3, "m": 1e6, "millier": 1e3, "million": 1e6, "milliard": 1e9}


def _amounts(text: str) -> Iterator[tuple[str, tuple[float, str]]]:
    for m in _ROUGHLY.finditer(text):
        yield m.group(), (ROUGH[m[1].lower()], "€" if "euro" in m[2].lower() else "franc")
    for m in _AMOUNT.finditer(text):
        if m[7]:
            yield m.group(), (value(m[7].strip()), "€")
            continue
        scale = _SCALE.get((m[3] or "").lower().split(" ")[0].rstrip("s"), 1)
        sign = m[4].lower()
        unit = "%" if sign.startswith(("%", "p")) else sign[:5] if sign[0] in "fd" else "€"
        scale *= 0.01 if sign.startswith("centime") else 1
        cents = value(m[5]) / 100 if m[5] and unit == "€" else 0
        for number in filter(None, (m[1], m[2])):
            yield m.group(), (round(value(number) * scale + cents, 2), unit)


# "la moitié" is 50 %, and a citizen's "276e" an amount.
_SHARES = {"moitié": 50, "tiers": 33, "deux tiers": 66, "quart": 25, "trois quarts": 75, "double": 200}
_TERSE = re.compile(r"(?<![\w,.])(\d+(?:[.,]\d+)?) ?e\b", re.IGNORECASE)
# "majoration à 375 !", "je suis à 12,3 normalement": a number that counts nothing else may be a sum or a rate.
_BARE = re.compile(
    r"(?<![\w,./-])(?<!n° )(\d{2,}(?:[.,]\d+)?|\d+[.,]\d+)(?![\w/-]|[.,]\d| ?(?:h|heures?|min|minutes?|j|jours?"
    r"|semaines?|mois|ans?|années?|fois|personnes?|km|m|kg|e|euros?|pour cent|rue|avenue|bis)\b| ?[€%])",
    re.IGNORECASE,
)


def _shares(given: str) -> set[tuple[float, str]]:
    said = {(share, "%") for word, share in _SHARES.items() if re.search(rf"\b{word}s?\b", given, re.IGNORECASE)}
    said |= {(value(m[1]), "€") for m in _TERSE.finditer(given)}
    return said | {(value(m[1]), unit) for m in _BARE.finditer(given) for unit in "€%"}


def invented_amounts(case: Case) -> Result:
    """Sums and rates. "100 %" says "entirely" and is no rate."""
    said = list(_amounts(blank(case.draft)))
    known = {key for _, key in _amounts(blank(case.given))} | {(100, "%")} | _shares(case.given) if said else set()
    return none_of((text for text, key in said if key not in known), "montants absents de l'avis et de la consigne")


_NUMBERED = r"(?:n° ?|no ?|numéro )"
_LAW = (
    r"(?:loi|décret(?:-loi)?|arrêté|ordonnance|circulaire|directive|règlement|instruction)"
    r"(?: (?:organique|ministériel(?:le)?|interministériel(?:le)?|préfectoral|européenn?e?|constitutionnelle"
    r"|\(?UE\)?|\(?CE\)?))*"
)
_ARTICLE = re.compile(
    r"\b(?:articles?|art\.?) ?(?:(?:L\.? ?O|[LRDA])\b\.? ?\*?\.? ?)?(?:\d+(?:er)?(?:[-.]\d+)*|premier)\b"
    r"|\b(?:L\.O|LO|[LRD])\. ?\*? ?\d{1,4}(?:-\d+)*\b|\b(?:LO|[LRD])\*? ?\d{2,4}(?:-\d+)+\b"
    rf"|\b{_LAW} {_NUMBERED}?\d{{2,4}}[-/]\d+(?:/[A-Z]+)?\b|\b{_LAW} {_NUMBERED}\d+\b"
    rf"|\b{_LAW} (?:du (?:\d{{1,2}}|1er) \w+ (?:19|20)\d\d|de (?:19|20)\d\d)\b",
    re.IGNORECASE,
)
# The further articles of "les articles 12, 13 et L. 14-2".
_MORE_ARTICLES = re.compile(r"(?:, | et | à | ou )((?:[LRDA]\.? ?)?\d+(?:-\d+)*)\b(?! ?(?:€|%|euros|jours|mois|ans))")


def _article(text: str) -> str:
    text = re.sub(r"^(?:articles?|art)", "", squeeze(text))
    return re.sub(
        r"^(?:loi|decretloi|decret|arrete|ordonnance|circulaire|directive|reglement|instruction)(?:no|numero|n)?",
        "",
        text,
    )


def _articles(text: str) -> Iterator[str]:
    for m in _ARTICLE.finditer(text):
        yield m.group()
        if m.group().lower().startswith("articles"):
            position = m.end()
            while more := _MORE_ARTICLES.match(text, position):
                yield more[1]
                position = more.end()


def invented_articles(case: Case) -> Result:
    """Articles, laws and decrees by number or date; the name of a code alone ("le code civil") cites nothing."""
    said = list(_articles(blank(case.draft)))
    known = {_article(text) for text in _articles(blank(case.given))} if said else set()
    return none_of(
        (text for text in said if _article(text) not in known), "textes de loi absents de l'avis et de la consigne"
    )


# What the pseudonymiser writes ([USAGER], [AGENT_1]) and what models leave to fill in. "[page](adresse)" is a link;
# "[sic]" and "[…]" are typography.
_TO_FILL = (
    r"nom|prénom|date|lien|url|montant|signature|nom et prénom|prénom et nom|date du jour|votre nom|votre signature"
    r"|(?:nom|numéro|adresse|lien|date|intitulé|coordonnées|prénom|téléphone|horaires?) (?:de |du |de la |de l'|d'"
    r"|des |vers )"
    r"(?:la |le |l')?(?:service|structure|caisse|organisme|agente?|usag[eè]re?|conseill[eè]re?|agence|site|contact"
    r"|équipe|signataire)"
)
PLACEHOLDER = re.compile(
    # An aside in brackets opens with a preposition ("[sauf le lundi]", "[une par document]"), a slot does not.
    r"\[(?!(?:sic|…|\.\.\.|ndlr)[ !]*\]|/?INST\]|[Ff]in (?:de|du) "
    r"|(?:sauf|hors|soit|dont|voir|y compris|et|ou|ainsi|puis|en|une? par|deux par) )"
    r"[^\[\]\n]{1,80}\](?!\()"
    r"|\{\{?[^{}\n]{1,60}\}\}?|\$\{?[A-Z]\w+\}?|%[A-Za-z_]{3,}%|(?<!\w)#[A-Z_]{3,}#"
    r"|\b[Xx]{3,}\b|\bXX\b|\b0?[1-9]?X(?: ?XX)+\b|_{3,}|\.{5,}|…{2,}"
    r"|<(?!\|)(?!/?(?:br|p|b|i|u|s|div|span|ul|li|em|strong|html|body|think|a|hr|h\d|reponse|réponse|avis|assistant"
    r"|user|system)\b)[a-zà-ÿ][\w' à-ÿ-]{1,30}>|(?<=[a-zà-ÿ«] )(?:NOM|PR[ÉE]NOM|INS[ÉE]RER)(?: (?:DE |DU |DE LA "
    r"|DE L')?[A-ZÉÈ']+)*\b"
    r"|\b[A-ZÉÈ]{3,}_[A-ZÉÈ_]{2,}(?:_\d+)?\b"
    r"|\b(?:JJ|jj) ?[/.-] ?(?:MM|mm)(?: ?[/.-] ?(?:AAAA|aaaa|AA|aa))?\b|\bHH[h:]MM\b|__?/__?/__+"
    rf"|(?<!\])\((?i:(?:à|a) (?:compléter|préciser|remplir|renseigner|adapter|personnaliser|insérer|indiquer|définir"
    rf"|ajouter)[^()\n]{{0,40}}"
    rf"|(?:insérez?|insérer|indiquez|indiquer|précisez|préciser|complétez|compléter|ajoutez|ajouter|mettre|mettez"
    rf"|renseigner) [^()\n]{{2,60}}"
    rf"|{_TO_FILL}"
    r"|(?:adresse|nom|numéro|lien|date|téléphone|coordonnées|horaires|montant|référence)\b[^()\n]{0,40} à"
    r" (?:compléter|préciser|remplir|renseigner|insérer|indiquer|ajouter)(?: ici)?)\)"
    r"|(?i:\bà compléter par\b)|\b(?:TODO|TBD|lorem ipsum)\b"
)
# A bracket that a cut or a slip left open.
_HALF = re.compile(r"\[[A-ZÉÈ][A-ZÉÈ_0-9 ]{2,}(?![\w\]_ ])|(?<![\w\[_ /])[A-ZÉÈ][A-ZÉÈ_0-9]{2,}\](?!\()")


# "rubrique [Mon véhicule]": a name of something to click on.
_MENU = re.compile(
    r"\b(?:rubrique|onglet|menu|bouton|page|lien|case|section|cliqu\w+ sur)(?: intitulée?)? ?[«\"]? ?$", re.IGNORECASE
)


_SLOT = re.compile(
    r"\[(?:intitulé|nom|titre|lien|adresse|numéro|date|à |insér|précis|complét|indiqu|préno)", re.IGNORECASE
)


def _is_menu(draft: str, text: str) -> bool:
    named = text.startswith("[") and not text.isupper() and not _SLOT.match(text)
    return named and bool(_MENU.search(draft[: draft.index(text)]))


def invented_placeholders(case: Case) -> Result:
    said = [m.group() for pattern in (PLACEHOLDER, _HALF) for m in pattern.finditer(case.draft)]
    said = [text for text in said if text not in case.given and not _is_menu(case.draft, text)]
    return none_of(said, "repères absents de la consigne")
