"""References of letters and digits: files, documents, licence plates."""

import re

from plume.french.phrases import SIGN
from plume.french.rules import Place, Text, table
from plume.french.vocabulary import word_set
from plume.french.words import ACRONYMS, EVERYDAY
from plume.pseudonymise.identifiers.rule import Identifier

_HOURS = re.compile(r"\d[hjH]\d{0,2}(?:[-/]|$)")
_NO_PLOT = ACRONYMS | word_set("km kg cm mm mg ml go mo ko tv mn nd rd rn th st or et de du de la le en au ou un")
_NO_PLATE = EVERYDAY | _NO_PLOT
_NO_OLD_PLATE = frozenset(("EUR", "KM", "TTC", "ANS", "LE", "DU", "ET", "AU"))


def _are_hours(match: re.Match[str], _: Text) -> bool:
    return _HOURS.search(match[0]) is not None


def _are_words(match: re.Match[str], _: Text) -> bool:
    return match[1] in _NO_PLATE or match.string[match.start() - 3 : match.start() - 1] in _NO_PLATE


def _is_amount(match: re.Match[str], _: Text) -> bool:
    return match[1].lower() in ACRONYMS or match[1] in _NO_OLD_PLATE


def _from_its_letters(match: re.Match[str], _: Text) -> Place:
    return match.start() - 2, match.end()


UNIT_SAID = re.compile(
    r" ?(?:€|%|euros?|ans?\b|mois|jours?|heures?|h\b|fois|personnes?|pages?|km|minutes?|semaines?|pieces?"
    r"|dossiers?|points\b"
    r"|agents?|guichets?|etages?|rue|avenue|boulevard|lettres?|chiffres?|exemplaires?|places?|annees?|courriers?"
    r"|appels?)"
)
_PLOT_NEAR = re.compile(r"\b(?:parcell?es?|cadastr\w+|lieu-?dit|section|au plan|terrain|jardin|verger|vigne)\b")
_NUMBER_NEAR = re.compile(
    r"\b(?:numeros?|n°|rib|iban|carte|compte|nir|secu|securite|telephone|portable|tel|fixe|plaque|dossier|reference"
    r"|celui"
    r"|celle|assuree?|matricule|identifiant|siret|contrat|chiffres?)\b"
)
_SHORT_END = re.compile(r" ?(?:[.,;:)!?\n»\"]|$)| (?:et|mais|alors|qui|que|pas|ou|donc|a ete|est)\b")


def _is_no_end_of_number(match: re.Match[str], text: Text) -> bool:
    """Say whether no number is spoken of before "finit par 71", or something is counted."""
    near = _NUMBER_NEAR.search(text.folded, max(0, match.start() - 100), match.start())
    digits = sum(map(str.isdigit, match[1]))
    if UNIT_SAID.match(match.string, match.end()) or digits < 2:
        return True
    return not near or (digits < 4 and not _SHORT_END.match(match.string, match.end()))


def _has_few_digits(match: re.Match[str], _: Text) -> bool:
    return sum(map(str.isdigit, match[0])) < (3 if match[0][0].isalpha() else 4)


def _is_no_plot(match: re.Match[str], text: Text) -> bool:
    near = _PLOT_NEAR.search(text.folded, max(0, match.start() - 120), match.start())
    words = _NO_PLATE if text.shouting else _NO_PLOT  # "AH 33" is a plot where not all is in capitals
    return not near or UNIT_SAID.match(match.string, match.end()) is not None or (match[1] or "").lower() in words


def _is_no_code(match: re.Match[str], text: Text) -> bool:
    """Say whether letters and digits name a road, a class, a form, a product, an article or an error."""
    value, before = match[0], text.folded[max(0, match.start() - 24) : match.start()]
    if _HOURS.search(value) or _NAMED_CODE.search(before) or _SPAN_OF_YEARS.search(value):
        return True
    if _FORM.match(value):
        return True
    letters = re.sub(r"[^A-Z]", "", value)
    return letters in _NO_CODE or UNIT_SAID.match(match.string, match.end()) is not None


_NAMED_CODE = re.compile(
    r"\b(?:erreur|articles?|art\.?|code (?:erreur|postal|rome|ape|naf)|version|modele|norme|formulaire|cerfa"
    r"|imprime|decret|loi"
    r"|salle|bus|ligne|train|vol|route|autoroute|sortie|case|cases|classe|niveau|windows|vitamine|type|format|page"
    r"|vu l'|[ld]\.)"
    r"(?: de| d'| du| n°)? ?$"
)
_FORM = re.compile(r"20[3-7]\d-")  # of taxes: "2042-RICI"
_NO_CODE = frozenset(
    ("COVID", "TER", "TGV", "ISO", "UTF", "RN", "RD", "CM", "CE", "CP", "PACK", "HP", "GPS", "USB", "MP", "PS")
)
# What has a number and is everybody's.
_PUBLIC_NUMBERED = (
    r"(?:lois?|decrets?|ordonnance|arretes?|circulaire|directive|reglement|deliberation|articles?|cerfa|formulaires?|imprime"
    r"|bus|lignes?|train|vol|tram\w*|navette|autocar|guichets?|bureau|salle|porte|quai|voie|borne|route|departementale"
    r"|nationale|autoroute|sortie|journal|bulletin|question|etape|notice|fiche|page|annexe|norme|version|programme|mesure"
    r"|modele|case|ecran|poste|erreur|arret|pourvoi|recommandation|convention|instruction|avenant|prix|piece|photo|appeler"
    r"|appelez|composez|telephone|avec|sous|pour|dans|votre|notre|leur|cette|seul|bon|rue|avenue|numero|sans|vers|chez"
    r"|court|unique|automatique|publi\w+|vert|gratuit|special|etage|place|caisse|agence|feuille|ticket|nord|sud|est|ouest)"
)
_MIXED = re.compile(r"(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{4}")
_WORDED = re.compile(r"[a-z]+")


def _is_no_login(match: re.Match[str], _: Text) -> bool:
    """Say whether a blank is left out after a sentence or a short form: "nul.rdv12", "page.12"."""
    parts = _WORDED.findall(match[0])
    dotted = "_" not in match[0]
    return dotted and (len(parts) < 2 or any(part in EVERYDAY or part in ACRONYMS for part in parts))


_SPAN_OF_YEARS = re.compile(r"(?:19|20)\d\d[-/](?:19|20)\d\d")
_CODED = (
    r"(?=[A-Z0-9/-]{0,12}[A-Z])(?=(?:[A-Z/-]{0,12}\d){3})[A-Z0-9]{1,12}(?:[-/][A-Z0-9]{1,12}){1,5}"
    r"|[A-Z]-\d{3,}|(?=[A-Z\d]{5,})(?:[A-Z]{1,3}\d{1,3}[A-Z]{1,3}\d[A-Z\d]{0,12}"
    r"|\d{1,3}[A-Z]{1,3}\d{1,3}[A-Z][A-Z\d]{0,12})"
)

REFERENCES = table(
    Identifier(
        "reference.short-code",  # letters and digits mixed, in parts or by turns
        rf"(?<![\w@./#'’-])(?:{_CODED})(?![\w@/-]|\.\w)",
        kind="DOSSIER",
        digit=3,
        reads="written",
        unless=_is_no_code,
        examples=(
            "contrat ‹EN-7781› signé",
            "le ticket ‹B-042›",
            "code ‹XT9-4K2›",
            "noté ‹PZ-4418-77›",
            "article R421-9",
            "en COVID-19",
            "erreur E-503",
            "la N104, l'A320-200",
        ),
    ),
    Identifier(
        "reference.plot-like",  # a parcel's number has four digits on a plan: "ZB 0147"
        r"(?<![\w'’])(?!CP|BP|CS)[A-Z]{1,2} ?(?:n° ?)?0\d{3}(?![\w*€%]|[ .]\d|/)",
        kind="ADRESSE",
        digit=4,
        reads="written",
        unless=_are_hours,
        examples=("édifiée sur ‹ZB 0147›, sans", "A 04 78", "ma BP 0123"),
    ),
    Identifier(
        "reference.end",
        r"\b(?:finiss\w+|finit|fini|termin\w+|commenc\w+|debut\w+) (?:par|en|avec) (?:les chiffres |le )?"
        r"(\d[\d ]*\d(?: ?[a-z](?!\w))?|[a-z]{1,2} ?\d{2,})(?![\w/:]|[.,]\d)",
        kind="NUMERO",
        digit=2,
        hint=("fini", "termin", "commenc", "debut"),
        reads="with_zeros",
        group=1,
        unless=_is_no_end_of_number,
        examples=(
            "mon RIB finissant par ‹71›.",
            "mon numéro finit par ‹418 90›",
            "la journée finit par 12 appels",
            "le mois commence par 15",
        ),
    ),
    Identifier(
        "reference.start-of-nir",
        r"\b(?:nir|nss|secu|securite sociale|assuree?)\b[^\d\n]{0,40}([12] ?\d{2} ?(?:0[1-9]|1[0-2])(?: ?(?:\d{2}"
        r"|2[ab]))?(?: ?\d{3})?)"
        r"(?![\w/€%]| \d)",
        kind="NIR",
        digit=5,
        hint=("nir", "nss", "secu", "assure"),
        reads="with_zeros",
        group=1,
        examples=("mon NIR : ‹1 66 02 2A›", "ma sécu commence par ‹2 50 12 75›", "la sécu au 3646"),
    ),
    Identifier(
        "reference.named-number",  # whatever is "n° 1187" is one of many, but for what is public
        rf"\b(?!{_PUBLIC_NUMBERED}\b)[a-z]{{4,}} (?:n°|no|numero) ?:? ?"
        r"(\d{3,}(?:[ .-]\d{2,}){0,4}[a-z]?)"
        r"(?![\w/€%*]|[.,]\d)",
        kind="DOSSIER",
        hint=("n°", "no ", "numero"),
        digit=3,
        reads="with_zeros",
        group=1,
        source="context",
        unless=lambda match, _: UNIT_SAID.match(match.string, match.end()) is not None,
        examples=(
            "son taxi, licence n° ‹1187›, stationnait",
            "la tombe n° ‹214› est",
            "la loi n° 2004-575",
            "le bus n° 118",
            "appelez le numéro 3646",
        ),
    ),
    Identifier(
        "reference.login",  # "malo.gtr0912", "lola_974"
        r"(?<![\w@./:\\-])(?!www)[a-z]{3,}[._](?:[a-z]{2,}[._]?)?\d{2,6}(?![\w@/:%€-]|[.,]\d|\.[a-z])",
        kind="NUMERO",
        digit=2,
        hint=(".", "_"),
        unless=_is_no_login,
        examples=("Bjr, ‹malo.gtr0912› sur Pix", "‹lola_974› ne marche plus", "fig.12", "nul.rdv12 pris", "le 3.12"),
    ),
    Identifier(
        "reference.split-ipv6",  # "2a04 cec0 11f2 7e00"
        r"(?<![\w.:])(?=(?:[0-9a-f ]{0,18}[0-9][a-f]|[0-9a-f ]{0,18}[a-f][0-9]){1})(?=[0-9a-f ]{0,18}[a-f])"
        r"[0-9a-f]{4}(?: [0-9a-f]{4}){2,7}(?!\w)",
        kind="NUMERO",
        digit=4,
        unless=lambda match, _: sum(_MIXED.fullmatch(part) is not None for part in match[0].split(" ")) < 2,
        examples=("‹2a04 cec0 11f2 7e00› et la suite", "1234 5678 9012", "face cafe dead", "2024 cafe 1200"),
    ),
    Identifier(
        "reference.hash",
        r"(?<![\w#&])(?:[A-Z]{1,8}[-_]?#|#[A-Z]{0,4}(?=\d))[A-Z0-9]+(?:[-/_][A-Z0-9]+)*(?![\w*])",
        kind="DOSSIER",
        digit=True,
        hint=("#",),
        reads="written",
        unless=_has_few_digits,
        examples=("commande ‹CMD#88-0412-QX›", "dossier ‹#44-09›", "la question #3"),
    ),
    Identifier(
        "plot.in-a-row",  # "sur la parcelle ZB 204, et non sur la ZB 205"
        r"(?<![\w'’])([A-Z]{1,2}) ?(?:n° ?|numéro |no )?\d{1,4}(?: et [A-Z]{1,2} \d{1,4})?(?![\w*]|[.,]\d)"
        r"|(?<=[A-Z] \d\d\d et )()\d{3}(?!\w)",
        kind="ADRESSE",
        hint=("parcel", "cadastr", "lieu", "section", "au plan", "terrain", "jardin", "verger", "vigne"),
        digit=True,
        reads="written",
        unless=_is_no_plot,
        examples=(
            "la parcelle ‹ZB 204›, et non sur la ‹ZB 205›",
            "la B 12",
            "la parcelle A, et les RD 12",
            "le terrain ‹AH 33 et AH 34›, enclavé",
            "ma parcelle, inscrite sous ‹AK n° 302›",
        ),
    ),
    Identifier(
        "plate.like",  # capitals, three digits, capitals
        r"(?<![\w-])([A-Z]{1,2})([ -])\d{3}\2([A-Z]{2,3})(?![\w-])",
        kind="PLAQUE",
        digit=3,
        reads="written",
        unless=lambda match, _: (
            match[1].lower() in _NO_PLATE or match[3].lower() in _NO_PLATE or match[3] in _NO_OLD_PLATE
        ),
        examples=("a tapé ‹CD 000 PLM› trois fois", "AV 200 KG", "RN 118 ET"),
    ),
    Identifier(
        "reference.france-travail",
        r"(?<!\w)\d{7}[a-z](?!\w)",
        kind="FRANCE_TRAVAIL",
        digit=7,
        at_digits=True,
        reads="with_zeros",
        examples=("mon identifiant ‹1234567A›", "12345A"),
    ),
    Identifier(
        "reference.passport",
        r"(?<!\w)\d{2} ?[a-z]{2} ?\d{5}(?!\w)",
        kind="TITRE",
        digit=7,
        at_digits=True,
        reads="with_zeros",
        examples=("le ‹12AB34567›", "12AB3"),
    ),
    Identifier(
        "reference.capitals",  # in one piece or joined by hyphens or slashes
        r"(?<![\w@.])(?=[A-Z0-9])(?=[0-9/\-]{0,40}[A-Z])(?=(?:[A-Z/\-]{0,20}\d){5})(?:[A-Z0-9]+[-/])*[A-Z0-9]+(?![\w@])",
        kind="DOSSIER",
        digit=5,
        reads="written",
        unless=_are_hours,
        examples=("la ‹ANTS-2024-123456›", "le 12-03-2024", "8H30-12H00/14H00"),
    ),
    Identifier(
        "reference.lower-case",
        r"(?<![\w@./:])(?!0x)(?=[a-z0-9])(?=[0-9\-]{0,40}[a-z])(?=(?:[a-z\-]{0,20}\d){6})(?:[a-z0-9]+-)*[a-z0-9]+(?![\w@])",
        kind="DOSSIER",
        digit=6,
        reads="with_zeros",
        unless=_are_hours,
        examples=("la ‹ants-2024-123456›", "ants-2024"),
    ),
    Identifier(
        "plate.capitals",
        rf"(?<!\w)[A-HJ-NP-TV-Z]{{2}}(?: ?{SIGN} ?| )?\d{{3}}(?: ?{SIGN} ?| )?[A-HJ-NP-TV-Z]{{2}}(?!\w)",
        kind="PLAQUE",
        digit=3,
        reads="written",
        examples=("la ‹GB-744-RC›", "la GB-74-RC"),
    ),
    Identifier(
        "plate.lower-case",
        rf"(?<!\w)[a-hj-np-tv-z]{{2}} ?{SIGN} ?\d{{3}} ?{SIGN} ?[a-hj-np-tv-z]{{2}}(?!\w)",
        kind="PLAQUE",
        digit=3,
        reads="with_zeros",
        examples=("la ‹gb-744-rc›", "gb 744"),
    ),
    Identifier(
        "plate.close",  # looked for from its digits on, which are rarer than letters
        r"\d{3}(?<=(?<!\w)[a-hj-np-tv-z]{2}\d{3})[a-hj-np-tv-z]{2}(?!\w)",
        kind="PLAQUE",
        digit=3,
        at_digits=True,
        reads="with_zeros",
        shape=_from_its_letters,
        examples=("la ‹gb744rc›", "gb74rc"),
    ),
    Identifier(
        "plate.spaced",
        r"\d{3}(?<=(?<!\w)[a-hj-np-tv-z]{2} \d{3}) ([a-hj-np-tv-z]{2})(?!\w)",
        kind="PLAQUE",
        digit=3,
        at_digits=True,
        shape=lambda match, _: (match.start() - 3, match.end()),
        reads="with_zeros",
        unless=_are_words,
        examples=("la ‹gb 744 rc›", "je vends 744 de"),
    ),
    Identifier(
        "plate.old",
        r"(?<![\w,.])\d{2,4} ?([A-Z]{2,3}) ?(?:\d{2}|2[AB]|97\d)(?!\w)",
        kind="PLAQUE",
        digit=4,
        at_digits=True,
        reads="written",
        unless=_is_amount,
        examples=("la ‹1234 AB 35›", "1234 EUR 35"),
    ),
    Identifier(
        "plate.after-vehicle",
        r"\b(?:plaque|immat\w*\.?|vehicule|voiture|moto|scooter|carte grise|auto|camion\w*|remorque"
        r"|caravane|camping[- ]car|utilitaire|fourgon\w*|quad|cession)\b[^\d\n.;!?]{0,30}?"
        r"(?<!\w)([a-z]{1,2}[ .-]{0,3}\d{2,3}[ .-]{0,3}[a-z]{1,2}|\d{1,4} ?[a-z]{2,3} ?(?:\d{2}|2[ab]))(?!\w)",
        kind="PLAQUE",
        hint=(
            *("plaque", "immat", "vehicule", "voiture", "moto", "scooter", "carte grise", "auto", "camion", "remorque"),
            *("caravane", "camping", "utilitaire", "fourgon", "quad", "cession"),
        ),
        digit=True,
        reads="with_zeros",
        group=1,
        examples=("ma voiture ‹1234 ab 35›", "ma voiture 1234"),
    ),
)
