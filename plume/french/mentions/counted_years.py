"""Says whether years are counted, a rule's or a thing's, rather than somebody's age. For what ages finds. Pure."""

import re

from plume.french.numbers import NUMBER, value
from plume.french.rules import Text

_DURATION = re.compile(
    r"(?:depuis|pendant|il y a|durant|dans|tous les|(?<!d')apres|attendu"
    r"|dure|dira|duree|plus tard|bout de|y a|voila|ca fait)"
    r"(?: [a-z]+){0,2} ?[,(]? ?$"
)
# What has years and is nobody: "mon contrat a trois ans", "le service a fêté ses dix ans".
_THINGS = (
    r"(?:dossier|contrat|demande|service|site|permis|carte|voiture|vehicule|auto|loi|logement|maison|appartement"
    r"|batiment|immeuble|association|agence|titre|passeport|pret|bail|litige|probleme|procedure|courrier|facture|accord"
    r"|convention|mairie|machine|ordinateur|telephone|chaudiere|compteur|formation|projet|systeme|application|affaire"
    r"|dispositif|attente|situation|garantie|document|reforme|chantier|arret|hotel(?: de ville)?|ecole|structure"
    r"|entreprise"
    r"|societe|commune|chat|chien|cheval|guichet|pont|route|canalisation|tuyau|ascenseur)"
)
_NOUNS_OF_TIME = (
    r"(?:delai|peine|periode|carriere|mandat|credit|combat|galere|lutte|bataille|silence|retard|mariage|vie"
    r"|anciennete|metier"
    r"|service|an|ans|moyenne|fosse|ecart|vieux|sentence|histoire|exil|prison|recul|guerre)s?"
)
_THING = rf"\b{_THINGS}s?(?: qui)? (?:a|ont|avait|avaient|aura|auront)\b[^.,;\n]{{0,14}}$"
_OF_A_THING = re.compile(_THING)


def is_duration(match: re.Match[str], text: Text) -> bool:
    start = match.start(match.lastindex or 0)
    before = text.folded[max(0, start - 60) : start]
    return bool(_DURATION.search(before) or _OF_A_THING.search(before))


# Twenty years and more are somebody's age, unless what stands before counts them, or is no person.
_COUNTS = re.compile(
    r"\b(?:depuis|pendant|y a|durant|dans|tous les|attend\w*|dur\w+|cotis\w+|travail\w*|valable\w*|sur|pour|en|plus de"
    r"|moins de|a partir de|des|jusqu'a|entre|avant|apres|dela|dela de|les|nos|vos|ses|retraite\w*|legale?|limite"
    r"|passe\w*"
    r"|fait|faire|mis|mettre|pris|fallu|faut|bout de|compt\w*|prend\w*|condamn\w*|ou|voila|quelque|vecu|servi|tenu"
    r"|bosse"
    r"|marie\w*|cumul\w*|valid\w*|donn\w*|perdu|loue\w*|pay\w*|date\w*|remont\w*|annees?|premiers|derniers|bonnes|a)"
    r"(?: [a-z']+){0,2} $"
)
_OF_WHAT = re.compile(r"\b([a-z-]{1,30}) (?:de |d')$")
_NO_PERSON = re.compile(
    rf"(?:\w*(?:tion|sion|ments?|[ae]nces?|ite|ages?|ures?|isme|eries?)|{_NOUNS_OF_TIME}|{_THINGS}s?|plus|moins"
    rf"|partir|age|la|ou)$"
)


def is_before_it_counted(match: re.Match[str], text: Text) -> bool:
    """Say whether the words before years count them."""
    return _COUNTS.search(text.folded[max(0, match.start() - 45) : match.start()]) is not None


def is_counted(match: re.Match[str], text: Text) -> bool:
    """Say whether many years are counted or a thing's, or stand alone in their clause."""
    before = re.split(r"[.;!?\n,()]", text.folded[max(0, match.start() - 45) : match.start()])[-1]
    if not before.strip() or _COUNTS.search(before):
        return True
    what = _OF_WHAT.search(before)
    return bool(what and _NO_PERSON.match(what[1])) or bool(not what and before.endswith((" de ", " d'")))


_NUMBER = re.compile(NUMBER)


def is_telling(years: str) -> bool:
    """Say whether nobody's rule is of so many years: from seventy on, and odd tens in words."""
    number = _NUMBER.search(years)
    return bool(number) and value(number[0]) >= 70
