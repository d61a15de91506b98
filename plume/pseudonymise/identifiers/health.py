"""Facts of health: diseases, treatments, operations, handicaps. A floor, no more."""

from pathlib import Path

from plume.french.rules import table
from plume.french.vocabulary import any_of, terms
from plume.pseudonymise.identifiers.rule import Identifier

_LISTS = Path(__file__).parents[1] / "lists"
_DISEASES = terms("diseases", _LISTS)
_DISEASE = (
    any_of(_DISEASES).replace(r"\*", r"\w+").removesuffix(")")
    + r"|cancers?(?: (?:du|de la|de l'|des) \w+)?"
    + r"|tumeurs?(?: (?:au|du|de la|de l'|a la|a l') \w+| cerebrales?| malignes?)?)"
)
_DEGREE = (
    r"(?: (?:severe|aigue?|chronique|nerveuse|grave|profonde?|majeure|invasi\w+|metastas\w+|precoce|juvenile"
    r"|generalise\w*|post[ -]partum|de type [12i]+|(?:de |au )?stade \d|en phase terminale|a vie))?"
)
_PART = any_of(terms("body_parts", _LISTS))


def _health(name: str, pattern: str, hint: tuple[str, ...], *examples: str) -> Identifier:
    return Identifier(f"health.{name}", pattern, hint, kind="SANTE", group=None, examples=examples)


HEALTH = table(
    _health(
        "disease",
        r"\b(?:(?:atteinte?s?|souffr\w+|malade|traitee?|soignee?|opere\w*|suivie?|hospitalise\w*) (?:d'une? "
        r"|d'|de la |de l'|du |de |pour (?:une? )?)?)?(?:(?:maladie d'|maladie de |troubles? |etat )?"
        rf"{_DISEASE})\b(?! ?(?:info|service)){_DEGREE}",
        (*sorted({disease.split("*")[0].split(" ")[0] for disease in _DISEASES}), "cancer", "tumeur"),
        "il est ‹atteint de la maladie d'alzheimer›", "un ‹cancer du sein stade 3›", "Sida info service",
    ),
    _health(
        "pregnant",
        r"\benceinte(?: de (?:\d+|[a-z]{2,8}(?:[ -][a-z]{2,6})?) (?:mois|semaines))?\b"
        r"(?! de (?:la|l'|notre|nos|votre|vos))",
        ("enceinte",),
        "je suis ‹enceinte de 7 mois›", "l'enceinte de la mairie",
    ),
    _health(
        "handicap-rate", r"\b(?:travailleu\w+ )?handicape\w*(?: a| de)? \d{2,3} ?%", ("handicape",),
        "‹handicapé à 80 %›", "une place handicapé",
    ),
    _health(
        "disability-rate", r"\b(?:taux d')?(?:invalidite|incapacite) (?:de |a )?\d{2,3} ?%",
        ("invalidite", "incapacite"),
        "un ‹taux d'incapacité de 80 %›", "une pension d'invalidité",
    ),
    _health(
        "under-treatment",
        r"\b(?:en |sous )(?:dialyse|chimio\w*|radiotherapie|fauteuil roulant|morphine|oxygene|hemodialyse)\b",
        ("dialyse", "chimio", "radiotherapie", "fauteuil", "morphine", "oxygene"),
        "je suis ‹sous chimiothérapie›", "un fauteuil",
    ),
    _health(
        "treatment",
        r"\b(?:chimiotherapie|radiotherapie|dialyse|mastectomie|amputation|amputee?"
        r"|greffe (?:de |du |d'une? |de la )(?:rein|foie|coeur|poumon|moelle|cornee|peau|pancreas|organe"
        r"|os)\w*|prothese de \w+)\b",
        ("chimiotherapie", "radiotherapie", "dialyse", "mastectomie", "amput", "greffe", "prothese"),
        "ma ‹greffe de rein›", "le greffe du tribunal",
    ),
    _health(
        "amputated", r"\bamput\w+ (?:d'une? |du |de la |des (?:deux )?)\w+", ("amput",),
        "‹amputé de la jambe›", "un budget amputé",
    ),
    _health(
        "operated", r"\bopere\w* (?:du|de la|de l'|des|d'un\w*) (\w+)", ("opere",),
        "opéré du ‹genou›", "la mairie opère",
    ),
    _health(
        "injury",
        r"\b(?:operation|intervention|chirurgie|fracture|rupture|entorse|douleurs?|prothese)s? (?:chirurgicale )?"
        rf"(?:au |aux |a la |a l'|du |des |de la |de l'|d'un\w* )({_PART})\b",
        ("operation", "intervention", "chirurgie", "fracture", "rupture", "entorse", "douleur", "prothese"),
        "une fracture du ‹fémur›", "une opération du service",
    ),
    _health(
        "surgery", r"\b(?:operation|intervention|chirurgie) (?:cardiaque|cardio\w+|chirurgicale|bariatrique)\b",
        ("operation", "intervention", "chirurgie"),
        "une ‹opération cardiaque›", "une opération de contrôle",
    ),
    _health(
        "disorder",
        r"\btroubles? (?:psych\w+|mentaux|mental|anxieu\w+|cognitifs?|du comportement|autistiques?|dys\w*"
        r"|bipolaires?|alimentaires?|musculo\w*|depressifs?)\b",
        ("trouble",),
        "des ‹troubles cognitifs›", "un trouble du voisinage",
    ),
    _health(
        "event", r"\bj'ai (?:eu |fait )(?:un |une )(?:accident vasculaire|crise cardiaque|depression)\w*",
        ("accident vasculaire", "crise cardiaque", "depression"),
        "‹j'ai fait une crise cardiaque›", "une crise",
    ),
    _health(
        "illness", r"\b(?:maladie|affection) (?:orpheline|rare|auto-?immune|chronique|degenerative)\b",
        ("maladie", "affection"),
        "une ‹maladie rare›", "l'assurance maladie",
    ),
)  # fmt: skip
