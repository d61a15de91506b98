"""Facts of a life that single a person out: birth date, age, health."""

import re
from collections.abc import Iterator

from plume.corpus.pseudonymise.lexicon import fold
from plume.corpus.pseudonymise.rules.numbers import DATE
from plume.corpus.pseudonymise.spans import Span

_BORN = re.compile(
    r"\b(?:nee?s?(?: (?:a|au|aux|en) [\w' -]{2,30}?)??|naissance|date de naissance|ddn|d\.d\.n\.?)(?: (?:est|etait))?[ :,(]{0,3}(?:le |en |vers |du |au |mois de )*"
    rf"({DATE.pattern}|(?:19|20)\d{{2}}|\d{{8}})"
)
# Whoever writes on the platform was born before it opened: a full date this old is a birth date, or as telling as one.
_FULL_DATE = re.compile(r"(?<!\d)\d{1,2}(?:er)?[ ./\-](?:\d{1,2}|[a-z]{3,9})[ ./\-]((?:19|20)\d{2})(?!\d)")
_OLD = 2005
_LEGAL = re.compile(
    r"(?:\b(?:loi|decret|ordonnance|arrete|circulaire|directive|depuis|jusqu'au|convention)\b[^.\n]{0,25})$"
)

_TENS = r"(?:vingt|trente|quarante|cinquante|soixante(?:[ -](?:et[ -])?(?:dix|onze|douze|treize|quatorze|quinze|seize))?|quatre[ -]vingts?(?:[ -]dix)?)(?:[ -](?:et[ -])?\w{2,7})?"
_YEARS_OLD = rf"(?:\d{{1,3}}|{_TENS}) ?ans"
_KIN = (
    r"(?:pere|mere|papa|maman|fils|filles?|enfants?|bebe|frere|soeur|mari|femme|epoux|epouse|conjointe?|compagn\w+|veuve?|homme|dame|monsieur"
    r"|personnes?(?: agees?)?|gar[cç]on|oncle|tante|grand[ -]?(?:pere|mere)|retraitee?|etudiante?|jeune|ado|tutrice|tuteur|neveu|niece|petite?[ -]fil\w+|handicape\w*)"
)
_AGES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\bagee?s? (?:de |d')?({_YEARS_OLD}(?: (?:et demi|passes))?)",
        rf"\b{_KIN}(?: [a-z]+)? (?:de |d')({_YEARS_OLD}|\d{{1,2}} mois)\b(?! (?:de|d'|que|passes? a))",
        rf"\b(?:j'ai|j ai|jai|a|ai|ont|avait|aura|aurai|feter?|bientot|presque|deja|avoir|mes|ses|nos)(?: (?:bientot|presque|plus de|deja|maintenant|moins de|environ))? "
        rf"({_YEARS_OLD})\b(?! ?(?:de|d'|que|qu'|apres|plus tard|revolus|au|a|en|dans|pour|j'|je|sans|et demi d|pass|ferme|avec|avant)\b)",
        rf"(?:,|\() ?({_YEARS_OLD})(?= ?(?:,|\)|\.|$|et\b|\n))(?! ?[,.]? (?:apres|plus tard|que|d'attente))",
        r"\ba ((?:7|8|9|10)\d ans)\b(?! (?:d'|de ))",
        rf"\b(?:age|majeur|majeure) ?:? ({_YEARS_OLD})",
        rf"^({_YEARS_OLD}),",
    )
)
_DURATION = re.compile(
    r"(?:depuis|pendant|il y a|durant|dans|tous les|apres|attendu|dure|dira|duree|plus tard|bout de|y a)(?: [a-z]+){0,2} ?[,(]? ?$"
)

# What a person says of a body, in words that are no service's name. Kept short on purpose: the list is a floor.
_DISEASE = (
    r"alzheimer|parkinson|cancers?|tumeurs?|leucemie|diabet\w+|epilep\w+|autis\w+|schizophren\w+|bipolaires?|depressi\w+|burn[ -]?out|sclerose en plaques|myopathie"
    r"|seroposit\w+|vih|sida|hepatite [abc]|cirrhose|insuffisance (?:renale|cardiaque|respiratoire)|infarctus|avc|trisomi\w+|dysphasi\w+|dyslexi\w+|fibromyalgie|endometriose"
    r"|asthm\w+|bpco|mucoviscidose|crohn|lymphome|paraplegi\w+|tetraplegi\w+|hemiplegi\w+|surdite|cecite|malentendante?s?|malvoyante?s?|aveugle|sourde?|anorexi\w+|boulimi\w+"
    r"|alcooli\w+|toxicoman\w+|polyarthrite|spondylarthrite|lupus|covid long|tentative de suicide|suicidaires?|prematuree?s?|fausse[ -]couche|ivg|avortement|demence"
)
_HEALTH = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:(?:atteinte?s?|souffr\w+|malade|traitee?|soignee?|opere\w*|suivie?|hospitalise\w*) (?:d'une? |d'|de la |de l'|du |de |pour (?:une? )?)?)?(?:(?:maladie d'|maladie de |troubles? |etat )?(?:{_DISEASE}))\b(?! ?(?:info|service))",
        r"\benceinte(?: de \d+ (?:mois|semaines))?\b(?! de (?:la|l'|notre|nos|votre|vos))",
        r"\b(?:travailleu\w+ )?handicape\w*(?: a| de)? \d{2,3} ?%",
        r"\b(?:taux d')?(?:invalidite|incapacite) (?:de |a )?\d{2,3} ?%",
        r"\b(?:en |sous )(?:dialyse|chimio\w*|radiotherapie|fauteuil roulant|morphine|oxygene|hemodialyse)\b",
        r"\b(?:chimiotherapie|radiotherapie|dialyse|mastectomie|amputation|amputee?|greffe (?:de|du|d')\w+|prothese de \w+)\b",
        r"\bopere\w* (?:du|de la|de l'|des|d'un\w*) (\w+)",
        r"\btroubles? (?:psych\w+|mentaux|mental|anxieu\w+|cognitifs?|du comportement|autistiques?|dys\w*|bipolaires?|alimentaires?|musculo\w*|depressifs?)\b",
        r"\bj'ai (?:eu |fait )(?:un |une )(?:accident vasculaire|crise cardiaque|depression)\w*",
        r"\b(?:maladie|affection) (?:de longue duree|orpheline|rare|auto-?immune|chronique|degenerative|professionnelle)\b",
    )
)


def find_life(text: str) -> Iterator[Span]:
    folded = fold(text)
    for match in _BORN.finditer(folded):
        yield Span(*match.span(1), "DATE_NAISSANCE", "rule")
    for match in _FULL_DATE.finditer(folded):
        if int(match[1]) <= _OLD and not _LEGAL.search(folded[max(0, match.start() - 40) : match.start()]):
            yield Span(*match.span(), "DATE_NAISSANCE", "rule")
    for pattern in _AGES:
        for match in pattern.finditer(folded):
            if not _DURATION.search(folded[max(0, match.start(1) - 40) : match.start(1)]):
                yield Span(*match.span(1), "AGE", "rule")
    for pattern in _HEALTH:
        for match in pattern.finditer(folded):
            yield Span(*match.span(match.lastindex or 0), "SANTE", "rule")
