"""Facts of a life that single a person out: birth date, age, health."""

import re
from collections.abc import Iterator

from plume.french.text import fold
from plume.french.words import EVERYDAY
from plume.pseudonymise.rules.numbers import DATE, has_digit
from plume.pseudonymise.spans import Span

_BORN = re.compile(
    r"\b(?:nee?s?(?: (?:a|au|aux|en) [\w' -]{2,30}?)??|date de naissance|naissance(?= ?(?::|le ))|ddn|d\.d\.n\.?)"
    r"(?: (?:est|etait))?[ :,(]{0,3}(?:le |en |vers |du |au |mois de )*"
    rf"({DATE.pattern}|(?:19|20)\d{{2}}|\d{{8}})"
)
# Dates in words: "le quinze août mille neuf cent cinquante", "en mil neuf cent quarante".
_MONTH = r"(?:janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre)"
_NUMBER = (
    r"(?:un|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|vingts?|trente"
    r"|quarante|cinquante|soixante)"
)
_NUMBER_IN_WORDS = rf"{_NUMBER}(?:[ -](?:et[ -])?{_NUMBER}){{0,3}}"
_YEAR_IN_WORDS = rf"(?:(?:mil(?:le)?|dix)[ -](?:neuf[ -])?cents?|deux[ -]mille)(?:[ -](?:et[ -])?{_NUMBER_IN_WORDS})?"
_DAY_IN_WORDS = rf"(?:(?:premier|1er|{_NUMBER_IN_WORDS}|\d{{1,2}}) {_MONTH}(?!\w))"
_BORN_IN_WORDS = re.compile(
    r"\b(?:nee?s?(?: (?:a|au|aux|en) [\w' -]{2,30}?)??|date de naissance|naissance(?= ?(?::|le ))|ddn)"
    r"(?: (?:est|etait))?[ :,(]{0,3}(?:le |la |un |en |vers |du |au |mois de )*"
    rf"({_DAY_IN_WORDS}(?: (?:de l'an )?{_YEAR_IN_WORDS}| (?:19|20)?\d{{2}})?|{_YEAR_IN_WORDS})(?!\w)"
)
_WORDED_DATE = re.compile(
    rf"\b{_DAY_IN_WORDS} (?:mil(?:le)?|dix)[ -](?:neuf[ -])?cents?(?:[ -]{_NUMBER_IN_WORDS})?(?!\w)"
)
_BORN_AT = re.compile(r",? ?(?:a|au) ((?:(?:la|le|el|saint|sainte)[ -])?[a-z][a-z'-]{2,}(?:-[a-z]+)*)")
# Whoever writes on the platform was born before it opened: a full date this old is a birth date, or as telling as one.
_FULL_DATE = re.compile(r"(?<!\d)\d{1,2}(?:er)?[ ./\-](?:\d{1,2}|[a-z]{3,9})[ ./\-]((?:19|20)\d{2})(?!\d)")
_OLD = 2005
_LEGAL = re.compile(
    r"(?:\b(?:loi|decret|ordonnance|arrete|circulaire|directive|depuis|jusqu'au|convention)\b[^.\n]{0,25})$"
)

_TENS = (
    r"(?:vingt|trente|quarante|cinquante|soixante(?:[ -](?:et[ -])?(?:dix|onze|douze|treize|quatorze|quinze|seize))?"
    r"|quatre[ -]vingts?(?:[ -]dix)?)(?:[ -](?:et[ -])?\w{2,7})?"
)
_UNDER_TWENTY = (
    r"(?:deux|trois|quatre|cinq|six|sept|huit|neuf|dix(?:[ -](?:sept|huit|neuf))?|onze|douze|treize|quatorze|quinze"
    r"|seize)"
)
_YEARS_OLD = rf"(?:\d{{1,3}}|{_TENS}) ?ans"
_YEARS_OF_SOMEBODY = rf"(?:\d{{1,3}}|{_TENS}|{_UNDER_TWENTY}) ?ans"
_KIN = (
    r"(?:pere|mere|papa|maman|fils|filles?|enfants?|bebe|frere|soeur|mari|femme|epoux|epouse|conjointe?|compagn\w+"
    r"|veuve?|homme|dame|monsieur|personnes?(?: agees?)?|gar[cç]on|oncle|tante|grand[ -]?(?:pere|mere)|retraitee?"
    r"|etudiante?|jeune|ado|tutrice|tuteur|neveu|niece|petite?[ -]fil\w+|handicape\w*)"
)
_HAS = (
    r"(?:avons|avez|j'ai|j ai|jai|a|ai|ont|avait|aura|aurai|feter?|bientot|presque|deja|avoir|mes|ses|nos)"
    r"(?: (?:bientot|presque|plus de|deja|maintenant|moins de|environ))?"
)
# "j'ai 42 ans de carrière", "il a 20 ans qu'on attend": a duration, not an age.
_NO_AGE_AFTER = (
    r"(?! ?(?:de|d'|que|qu'|apres|plus tard|revolus|au|a|en|dans|pour|j'|je|sans|et demi d|pass|ferme|avec|avant)\b)"
)
_AT_AGE = re.compile(rf"\ba ((?:7|8|9|10)\d ans|{_TENS} ans)\b(?! (?:d'|de |revolus))")
_AGES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\bagee?s? (?:de |d')?({_YEARS_OF_SOMEBODY}(?: (?:et demi|passes))?)",
        rf"\b{_KIN}(?: [a-z]+)? (?:de |d')({_YEARS_OLD}|\d{{1,2}} mois)\b(?! (?:de|d'|que|passes? a))",
        rf"\b{_HAS} ({_YEARS_OF_SOMEBODY})\b{_NO_AGE_AFTER}",
        rf"\b(?:mon|ma|mes|notre|nos|son|sa|ses) {_KIN}(?: [a-z]+)? de ({_UNDER_TWENTY} ans)\b(?! (?:de|d'|que)\b)",
        (
            rf"\b(?:aurai|aura|auront|fetera?i?|(?:vais|va|viens d'|vient d')(?: ?fete\w* | ?avoir )) ?({_YEARS_OLD})\b"
            rf"(?! (?:d'|de |que |qu'))"
        ),
        rf"(?:,|\() ?({_YEARS_OLD})(?= ?(?:,|\)|\.|$|et\b|\n))(?! ?[,.]? (?:apres|plus tard|que|d'attente))",
        rf"\b(?:age|majeur|majeure) ?:? ({_YEARS_OLD})|^({_YEARS_OLD}),",
    )
)
_DURATION = re.compile(
    r"(?:depuis|pendant|il y a|durant|dans|tous les|apres|attendu|dure|dira|duree|plus tard|bout de|y a)"
    r"(?: [a-z]+){0,2} ?[,(]? ?$"
)

# What a person says of a body, in words that are no service's name. Kept short on purpose: the list is a floor.
_DISEASE = (
    r"alzheimer|parkinson|cancers?(?: (?:du|de la|de l'|des) \w+)?"
    r"|tumeurs?(?: (?:au|du|de la|de l'|a la|a l') \w+| cerebrales?| malignes?)?|leucemie|tdah?|diabet\w+"
    r"|epilep\w+|autis\w+"
    r"|schizophren\w+|bipolaires?|depressi\w+|burn[ -]?out|sclerose en plaques|myopathie|seroposit\w+|vih|sida"
    r"|hepatite [abc]|cirrhose|insuffisance (?:renale|cardiaque|respiratoire)|infarctus|avc|trisomi\w+|dysphasi\w+"
    r"|dyslexi\w+|fibromyalgie|endometriose|asthm\w+|bpco|mucoviscidose|crohn|lymphome|paraplegi\w+|tetraplegi\w+"
    r"|hemiplegi\w+|surdite|cecite|malentendante?s?|malvoyante?s?|aveugle|sourde?|anorexi\w+|boulimi\w+|alcooli\w+"
    r"|toxicoman\w+|polyarthrite|spondylarthrite|lupus|covid long|tentative de suicide|suicidaires?|prematuree?s?"
    r"|fausse[ -]couche|ivg|avortement|demence|hernie discale|sciatique|arthrose|lombalgies?|embolie pulmonaire"
    r"|phlebite|tuberculose|meningite|glaucome|cataracte|dmla|stomie|pontage(?: coronarien)?|pacemaker"
)
_DEGREE = (
    r"(?: (?:severe|aigue?|chronique|nerveuse|grave|profonde?|majeure|invasi\w+|metastas\w+|precoce|juvenile"
    r"|generalise\w*|post[ -]partum|de type [12i]+|(?:de |au )?stade \d|en phase terminale|a vie))?"
)
_BODY = (
    r"(?:genoux?|hanches?|coeur|dos|oeil|yeux|pieds?|mains?|epaules?|cheville|poignets?|reins?|foie|prostate|seins?|colon"
    r"|estomac|cerveau|thyroide|vesicule|ligaments?|menisque|canal carpien|vertebres?|colonne|jambes?|bras|machoire"
    r"|doigts?|orteils?|femur|tibia|bassin|poumons?|uterus|ovaires?)"
)
_HEALTH = tuple(
    re.compile(pattern)
    for pattern in (
        (
            rf"\b(?:(?:atteinte?s?|souffr\w+|malade|traitee?|soignee?|opere\w*|suivie?|hospitalise\w*) (?:d'une? "
            rf"|d'|de la |de l'|du |de |pour (?:une? )?)?)?(?:(?:maladie d'|maladie de |troubles? |etat )?"
            rf"(?:{_DISEASE}))\b(?! ?(?:info|service)){_DEGREE}"
        ),
        (
            r"\benceinte(?: de (?:\d+|[a-z]{2,8}(?:[ -][a-z]{2,6})?) (?:mois|semaines))?\b"
            r"(?! de (?:la|l'|notre|nos|votre|vos))"
        ),
        r"\b(?:travailleu\w+ )?handicape\w*(?: a| de)? \d{2,3} ?%",
        r"\b(?:taux d')?(?:invalidite|incapacite) (?:de |a )?\d{2,3} ?%",
        r"\b(?:en |sous )(?:dialyse|chimio\w*|radiotherapie|fauteuil roulant|morphine|oxygene|hemodialyse)\b",
        (
            r"\b(?:chimiotherapie|radiotherapie|dialyse|mastectomie|amputation|amputee?"
            r"|greffe (?:de |du |d'une? |de la )(?:rein|foie|coeur|poumon|moelle|cornee|peau|pancreas|organe"
            r"|os)\w*|prothese de \w+)\b"
        ),
        r"\bamput\w+ (?:d'une? |du |de la |des (?:deux )?)\w+",
        r"\bopere\w* (?:du|de la|de l'|des|d'un\w*) (\w+)",
        (
            rf"\b(?:operation|intervention|chirurgie|fracture|rupture|entorse|douleurs?|prothese)s? (?:chirurgicale )?"
            rf"(?:au |aux |a la |a l'|du |des |de la |de l'|d'un\w* )({_BODY})\b"
        ),
        r"\b(?:operation|intervention|chirurgie) (?:cardiaque|cardio\w+|chirurgicale|bariatrique)\b",
        (
            r"\btroubles? (?:psych\w+|mentaux|mental|anxieu\w+|cognitifs?|du comportement|autistiques?|dys\w*"
            r"|bipolaires?|alimentaires?|musculo\w*|depressifs?)\b"
        ),
        r"\bj'ai (?:eu |fait )(?:un |une )(?:accident vasculaire|crise cardiaque|depression)\w*",
        r"\b(?:maladie|affection) (?:orpheline|rare|auto-?immune|chronique|degenerative)\b",
    )
)


# A text without any of these stems holds no health fact: the patterns need not run.
_STEMS = re.compile(
    "alzh|tda|parkin|cancer|tumeur|leuc|diabet|epilep|autis|schizo|bipol|depress|burn|sclerose|myopath|sero|vih|sida|hepat"
    "|cirrh|insuff|infarct|avc|trisom|dysph|dysl|fibro|endom|asthm|bpco|mucov|crohn|lymph|plegi|surdit|cecit|malent|malvoy"
    "|aveugle|sourd|anorex|boulim|alcool|toxico|arthrit|lupus|covid|suicid|premat|couche|ivg|avort|demenc|enceint"
    "|handicap|invalid|incapac|dialys|chimio|radio|fauteuil|morphin|oxygen|mastect|amput|greff|prothes|oper|troubl"
    "|accident|crise|maladie|affection|chirurg|interven|fractur|ruptur|entors|douleur|hernie|sciat|arthros|lombalg|embol"
    "|phleb|tubercul|mening|glauc|catarac|dmla|stomie|pontage|pacemaker"
)


_BIRTHS = ("nee ", "nees ", "ne le ", "nes le ", "ne en ", "ne un ", "ne a ", "ne au ", "ne vers ", "naissance", "ddn")
_I = re.compile(r"\b(?:je|jai|moi)\b|\bj'")
_OTHERS = re.compile(rf"\b(?:{_KIN}|il|elle|son|sa|ses|lui|amie?s?|voisine?s?|cousine?|parents?|beau-\w+|belle-\w+)\b")
_UNITS = (
    *("zero", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix"),
    *("onze", "douze", "treize", "quatorze", "quinze", "seize"),
)
_SPELLED = {word: value for value, word in enumerate(_UNITS)} | {
    "vingt": 20, "vingts": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60,
}  # fmt: skip


def find_life(text: str) -> Iterator[Span]:
    folded = fold(text)
    digits = has_digit(text)
    for match in _BORN.finditer(folded) if digits else ():
        yield Span(*match.span(1), "DATE_NAISSANCE", "rule")
        yield from _birthplace(folded, match.end(1))
    for match in _BORN_IN_WORDS.finditer(folded) if any(word in folded for word in _BIRTHS) else ():
        yield Span(*match.span(1), "DATE_NAISSANCE", "rule")
        yield from _birthplace(folded, match.end(1))
    for match in _WORDED_DATE.finditer(folded) if " cent" in folded else ():
        if not _LEGAL.search(folded[max(0, match.start() - 40) : match.start()]):
            yield Span(*match.span(), "DATE_NAISSANCE", "rule")
    for match in _FULL_DATE.finditer(folded) if digits else ():
        if int(match[1]) <= _OLD and not _LEGAL.search(folded[max(0, match.start() - 40) : match.start()]):
            yield Span(*match.span(), "DATE_NAISSANCE", "rule")
    for pattern in (*_AGES, _AT_AGE) if " ans" in folded or " mois" in folded or (digits and "ans" in folded) else ():
        for match in pattern.finditer(folded):
            # Folding makes "à" an "a": "partir à 62 ans" is a rule of pensions, "elle a 62 ans" a person.
            if text[match.start()] in "àÀ" and pattern is not _AT_AGE:
                continue
            start, end = match.span(match.lastindex)
            if not _DURATION.search(folded[max(0, start - 40) : start]):
                yield Span(start, end, "AGE", "rule")
    for pattern in _HEALTH if _STEMS.search(folded) else ():
        for match in pattern.finditer(folded):
            yield Span(*match.span(match.lastindex or 0), "SANTE", "rule")


def _birthplace(folded: str, end: int) -> Iterator[Span]:
    if (place := _BORN_AT.match(folded, end)) and place[1] not in EVERYDAY:
        yield Span(*place.span(1), "VILLE", "rule")


def own_age(text: str) -> int | None:
    """The age in years that the writer of a text gives as the writer's own, None if there is none; to count with."""
    folded = fold(text)
    for span in find_life(text) if "ans" in folded else ():
        if span.type != "AGE":
            continue
        least = max(0, span.start - 300)  # of a sentence without an end, what is near
        start = max(folded.rfind(sign, least, span.start) for sign in ".!?;\n") + 1 or least
        sentence = re.split(r"[.!?;\n]", folded[start : span.end + 300])[0]
        if _I.search(sentence) and not _OTHERS.search(folded[start : span.start]):
            age = _years(folded[span.start : span.end])
            if age is not None and 12 <= age <= 110:
                return age
    return None


def _years(folded: str) -> int | None:
    if digits := re.search(r"\d{1,3}", folded):
        return int(digits[0])
    total = 0
    for word in re.split(r"[ -]+", folded):
        # "quatre-vingts" is four times twenty, "soixante-douze" sixty and twelve.
        total = total * 20 if word in ("vingt", "vingts") and total == 4 else total + _SPELLED.get(word, 0)
    return total or None
