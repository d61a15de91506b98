"""Finds at what age a rule begins or ends, and who it is for: "dès 3 ans", "les moins de 26 ans". Pure.

It is told in years, but it is no length of time.
"""

import re
from collections.abc import Iterator

from plume.french.mentions import Mention
from plume.french.numbers import NUMBER, value
from plume.french.phrases import PERSON
from plume.french.rules import Rule, Text, in_turn, table
from plume.french.text import fold

_LEAST = rf"(?:plus de |moins de |entre )?{NUMBER}(?: ans)?(?:(?: ?[aà] | et | ou | ?- ?|, ){NUMBER}){{0,4}}"
_OF_CHILD = r"(?! (?:l'enfant|l'intéress|l'assur|votre|vos|son|sa|ses|leurs?|la personne|chaque)\b)"
_NO_LENGTH = rf"\b(?! (?:de{_OF_CHILD}|d'|plus tard|qu|après|consécutif|durant|ferme))"
_AGES = table(
    Rule(
        "rule-age.of-people",
        rf"\b(?:{PERSON}s?|personnes?|gens|enfants?|jeunes?|mineurs?|majeurs?|adultes?|ados?|adolescent\w*|élèves?"
        r"|étudiant\w*|assur\w+|retrait\w+|seniors?|aînés?|bébés?|nourrissons?|tout-petits?|conduct\w+|candidat\w*"
        r"|salarié\w*|demandeur\w*|allocataires?|bénéficiaires?|actifs|petite?s?|filles?|garçons?|usagers?|public)\b"
        r"(?: (?:d'emploi|handicapé|[\w-]{2,20}(?:ées?|és|eure?s?|euses?|iques?|ifs?|ives?|elle?s?|els|ants?"
        r"|aux|ales?)))?,?"
        rf" (?:de |d'|âgée?s? de |âgée?s? d'|ayant |entre |dès |avant |après |jusqu'à |à |à partir de "
        rf"|au-delà de ){{1,2}}"
        rf"(?:leurs? |ses )?{_LEAST} (?:ans|mois|semaines à {NUMBER} (?:ans|mois)){_NO_LENGTH}",
        words=frozenset(("ans", "mois")),
        reads="lower",
        examples=(
            "les ‹jeunes de 16 à 25 ans›",
            "trois ‹enfants de douze, seize et dix-neuf ans›",
            "aux ‹personnes âgées de soixante ans› et plus",
            "les demandeurs attendent depuis plus de deux ans",
        ),
    ),
    Rule(
        "rule-age.the-under",
        rf"\b(?:l[ae]s?|aux?|des|tous|chez les|pour les|d'un) (?:plus|moins) de {NUMBER} ans{_NO_LENGTH}",
        words=frozenset(("ans",)),
        reads="lower",
        examples=("‹aux moins de 26 ans›", "depuis plus de vingt ans"),
    ),
    Rule(
        "rule-age.bound",
        r"\b(?:avant|dès|jusqu'à|jusqu'aux|à|à partir de|à compter de|au-delà de|après|sous|passé|l'âge de|de|entre"
        rf"|jusqu'à l'âge de) (?:les|l'âge de|ses|leurs|l'année des)? ?({NUMBER})(?:(?: à | et | ou | ?- ?){NUMBER})?"
        rf" ans(?: révolus)?{_NO_LENGTH}",
        words=frozenset(("ans",)),
        reads="lower",
        unless=lambda match, text: not _is_bound_of_age(match, text),
        examples=(
            "‹avant vingt-cinq ans›, le RSA",
            "la retraite ‹à 64 ans›",
            "‹jusqu'aux vingt ans› de l'enfant",
            "l'école ‹dès 3 ans›",
            "valable de 10 à 15 ans",
            "un délai porté à quinze ans",
            "au-delà de cinq ans",
        ),
    ),
)
_CHILDHOOD = re.compile(
    r"\b(?:enfan|eleve|ecole|creche|scolar|bebe|maternel|nourri|cantine|siege|jeune|petit|parent|mineur|pmi|nounou"
    r"|assistante|conge)"
)
_MEASURED = re.compile(
    r"\b(?:limit|port|fix|ramen|prolong|redui|allong|pass|egal|eten|superieu|inferieu|correspon|equivau|condamn|mont"
    r"|elev|delai|duree|valab|validite|conserv|prescri|periode|bail|contrat|garantie|renouvel|peine|prison)\w*"
    r"[^.,;!?\n]{0,25}$"
)


def _is_bound_of_age(match: re.Match[str], text: Text) -> bool:
    """Say whether "dès 3 ans", "à 64 ans" bounds an age: children's if small, and nothing that lasts or is measured."""
    folded, start = text.folded, match.start()
    if _MEASURED.search(folded, max(0, start - 40), start):
        return False
    least = value(fold(match[1]))
    if match[0].startswith("de ") and " à " not in match[0]:
        return False
    small = match[0].startswith(("avant", "dès", "jusqu", "à ", "l'âge", "de "))
    return least >= 12 or (small and bool(_CHILDHOOD.search(folded, max(0, start - 90), match.end() + 90)))


def rule_ages(text: Text) -> Iterator[Mention]:
    """Yield the ages of rules; the value is the age that is told first."""
    for start, end, rule, match in in_turn(text, _AGES):
        yield Mention("rule age", start, end, match[0], rule.name)
