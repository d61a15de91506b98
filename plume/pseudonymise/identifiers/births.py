"""Birth dates, in digits and in words, and birthplaces."""

import re
from collections.abc import Iterator

from plume.french.mentions.age_words import TENS
from plume.french.mentions.dates import FULL_DATE, MONTHS
from plume.french.numbers import number_words
from plume.french.phrases import MONTH, NUMBER_WORD, PERSON
from plume.french.rules import Text, before, find, table
from plume.french.vocabulary import any_of, column, folded, word_set
from plume.french.words import EVERYDAY, Word
from plume.pseudonymise.identifiers.rule import Identifier
from plume.pseudonymise.spans import Span

_BORN = (
    r"\b(?:(?:nee?s?(?:\(e?s?\)s?|[.·]e[.·]?s?)?|naitre|venue?s? au monde|vu le jour|souffle mes bougies)"
    r"(?: (?:a|au|aux|en) [\w' -]{2,30}?)??"
    r"|(?:date|jour|annee)(?: et lieu)? de naissance|date naiss\w*\.?|dob|date of birth|born(?: on)?"
    r"|(?<!acte de )(?<!extrait de )(?<!actes de )(?<!conge de )naissance(?: de (?:mon|ma|mes|notre|nos|son|sa|l'"
    r"|votre)"
    r" ?[a-z]+(?: [a-z]+)?)?(?= ?(?::|le |au |en |du |\d))|ddn"
)
_NUMBER_IN_WORDS = rf"{NUMBER_WORD}(?:[ -](?:et[ -])?{NUMBER_WORD}){{0,3}}"
_TENS_IN_WORDS = rf"(?={any_of(number_words(20, 100))}|quatre[ -]vingt){_NUMBER_IN_WORDS}"
_YEAR_IN_WORDS = (  # "mil neuf sant soissante quatre"
    r"(?:(?:mil(?:le)?|dix)[ -](?:neuf[ -])?(?:cents?|sants?|sents?|cens?)|deux[ -]mille)"
    rf"(?:[ -](?:et[ -])?(?:{_NUMBER_IN_WORDS}|{TENS}))?"
)
_MONTH_NUMBER = rf"(?:{any_of(number_words(1, 12))}|\d{{1,2}})"
_DAY_IN_WORDS = rf"(?:(?:[a-z]+ieme jour (?:de|du mois de)|premier|1er|{_NUMBER_IN_WORDS}|\d{{1,2}}) {MONTH}(?!\w))"
_WEEKDAY = any_of(folded("weekdays"))
_BRINGS = (
    rf"(?:(?:l|le|an|soit|hier,?|un|en|vers|du|au|fin|debut|courant|de|mois de"
    rf"|(?:{_WEEKDAY}|soir|matin|nuit|jour|hiver) de"
    rf"|{_WEEKDAY}) |mi-)*"
)
_MONTHS = word_set(" ".join(MONTHS))
_OPENS_BIRTH = word_set(
    "dob born ne nee nes nees naitre venu venue venus venues vu souffle date jour annee naissance ddn d"
)
_PEOPLE = word_set(" ".join(column("kin", "word")).replace("-", " ")) | word_set(
    "petit petite compagnon compagne aine ainee cadet cadette"
)
_OLD = 2005
_OF_A_LAW = before(
    r"\b(?:loi|decret|ordonnance|arrete|circulaire|directive|depuis|jusqu'au|convention)\b[^.\n]{0,25}", reach=40
)

_BODY_BORN = (
    r"\b(?:association|societe|entreprise|sarl|eurl|sas|commune|agence|structure|reforme|service|loi|litige|idee|projet"
    r"|dispositif|probleme|application|site|collectif|guichet|maison),? (?:est |qui est |a |qui a )?"
)
_OF_A_BODY, _HERE = before(_BODY_BORN), re.compile("")
# "quarante-huit" after "en": a year, unless something is counted.
_COUNTED = (
    r"(?! ?(?:heures?|h\b|jours?|minutes?|mn|secondes?|semaines?|mois|ans?|fois|etapes?|pages?|clics?"
    r"|exemplaires?|euros?"
    r"|lieu|villes?|%|€|[./]\d))"
)
_COUNTED_AFTER = re.compile(_COUNTED)
_TWO_DIGITS = r"(?:[2-9]\d|0[1-9])(?!\d)"
_YEAR_OF_BIRTH = rf"(?:(?:19|20)\d{{2}}|{_TWO_DIGITS}|{_YEAR_IN_WORDS}|{_TENS_IN_WORDS})(?!\w)"
_DAY_AND_NUMBER = rf"(?:premier|1er|{_NUMBER_IN_WORDS}|\d{{1,2}}) du {_MONTH_NUMBER} (?:de l'an )?{_YEAR_OF_BIRTH}"
_DATE_OR_YEAR = rf"(?:{FULL_DATE}|(?:19[1-9]\d|20[01]\d))"
_NAMED_BEFORE = re.compile(r"\b([A-ZÀ-Þ]\w{1,20})[ -]([A-ZÀ-Þ]\w{1,20})$")
# In lower case with its accents: folded, "né" is the "ne" of "ne … pas".
_OF_BIRTH_NEAR = re.compile(
    r"\b(?:n(?:é|ée|és|ées|ee|ees)|naiss\w+|na[iî]tre|vieilli\w*|rajeuni\w*|livret de famille|natifs?|natives?"
    r"|(?:suis|est|sont|etais|étais|etait|était"
    r"|jsui|sui) nes?"
    r"(?! (?:pas|plus))|(?:suis|est|venue?s? au monde) de 19\d\d)\b"
)
_HAPPENED = re.compile(
    r"\b(?:depuis|demand\w*|depos\w*|dossier|travail\w*|carriere|cotis\w*|arriv\w*|venue?s?|loi|avis|periode"
    r"|trimestres?"
    r"|retraite|embauch\w*|mari\w+|courrier|recue?|refus\w*|achet\w*|divorc\w*|deced\w*|mort\w*|jusqu'en|entre"
    r"|perdu)\b[^.;!?\n]{0,25}$"
)


def _near(match: re.Match[str], text: Text) -> bool:
    """Say whether a birth is spoken of around."""
    return _OF_BIRTH_NEAR.search(text.lower, max(0, match.start() - 80), match.end() + 80) is not None


def _is_year_of_something(match: re.Match[str], text: Text) -> bool:
    """Say whether no birth is spoken of in a year's sentence, or what happened in that year is said before it."""
    start = max(text.folded.rfind(sign, max(0, match.start() - 80), match.start()) for sign in ".!?;\n") + 1
    before = max(start, match.start() - 80)
    if _HAPPENED.search(text.folded[before : match.start()]):
        return True
    after = re.split(r"[.!?;\n]", text.lower[match.end() : match.end() + 45])[0]
    births = [*_OF_BIRTH_NEAR.finditer(text.lower, before, match.start())]
    births = [birth for birth in births if not _OF_A_BODY(_HERE.match(text.folded, birth.start()), text)]
    return not (births or _OF_BIRTH_NEAR.search(after))


def _is_of_no_birth(match: re.Match[str], text: Text) -> bool:
    """Say whether no birth is spoken of right before."""
    return not _OF_BIRTH_NEAR.search(text.lower, max(0, match.start() - 80), match.start())


def _named_before(text: Text, at: int) -> bool:
    """Say whether a first name and another capitalised word end before a place."""
    named = _NAMED_BEFORE.search(text.written, max(0, at - 40), at)
    return bool(named) and any(Word.of(word).any_first_name or Word.of(word).likely_name for word in named.groups())


def _is_recent(match: re.Match[str], _: Text) -> bool:
    return int(match[1]) > _OLD


# After the word for a birth, with a place after it perhaps.
BORN = table(
    Identifier(
        "birth.date",
        rf"(?=\D{{0,70}}\d){_BORN}|d\.(?:d\.)?n\.?)(?: (?:est|etait|c'est|c'etait))?[ :,(]{{0,3}}{_BRINGS}(?:: ?)?"
        rf"({FULL_DATE}|\d{{1,2}}(?:er)? [a-z]{{3,9}}\.? (?:19|20)?\d{{2}}(?![\d:]| ?h\b)|\d{{4}}-\d\d-\d\d"
        rf"|{MONTH} (?:19|20)?\d{{2}}(?![\d:]| ?h\b)|\d{{1,2}}/(?:19|20)\d{{2}}|(?:19|20)\d{{2}}|\d{{8}})",
        kind="DATE_NAISSANCE",
        words=_OPENS_BIRTH,
        at_words=True,
        digit=True,
        group=1,
        unless=_OF_A_BODY,
        examples=(
            "née à Nantes le ‹12/03/1961›",
            "date de naissance : ‹12 mars 1961›",
            "Né(e) le : ‹03/09/62›",
            "née en ‹août 76›",
            "né l ‹3 janvié 75›",
            "naissance de mon fils le ‹17 octobre 2023›",
            "ma demande du 12/03/2021",
            "association née le 3 mai 1998",
            "venue au monde un soir de ‹février 1951›, dans",
        ),
    ),
    Identifier(
        "birth.date-in-words",  # "le quinze août mille neuf cent cinquante", "en mil neuf cent quarante"
        rf"{_BORN})(?: (?:est|etait|c'est|c'etait))?[ :,(]{{0,3}}(?:le |la |un |en |vers |du |au |mois de )*"
        rf"({_DAY_AND_NUMBER}|{_DAY_IN_WORDS}(?: (?:de l'an(?:nee)? )?(?:{_YEAR_IN_WORDS}|(?:19|20)?\d{{2}}"
        rf"|{_TENS_IN_WORDS}))?"
        rf"|{_YEAR_IN_WORDS})(?!\w)",
        kind="DATE_NAISSANCE",
        words=_OPENS_BIRTH,
        at_words=True,
        group=1,
        unless=_OF_A_BODY,
        examples=(
            "né le ‹quinze août mille neuf cent cinquante›",
            "née un ‹quinze août soixante-deux›",
            "né en ‹mil neuf sant soissante quatre› jai",
            "né le ‹dix huit du neuf soixante et un›",
            "né le ‹12 du 5 1960›",
            "né le soir",
        ),
    ),
    Identifier(
        "birth.year-alone",  # "né en trente-quatre", "nés en 73 et 75"
        rf"{_BORN})(?: (?:est|etait))?[ :,(]{{0,3}}(?:en|vers|l'an|l'annee) (?:l'an )?"
        rf"((?:{_TWO_DIGITS}|{_TENS_IN_WORDS})(?!\w)(?: et (?:en )?{_YEAR_OF_BIRTH})?){_COUNTED}",
        kind="DATE_NAISSANCE",
        words=_OPENS_BIRTH,
        at_words=True,
        group=1,
        unless=_OF_A_BODY,
        examples=("né en ‹trente-quatre›, j'ai", "née en ‹48›", "un litige né en quarante-huit heures"),
    ),
    Identifier(
        "birth.year-first",  # an answer: "en soixante-huit, le onze mai"
        rf"(?<!\w)(?:en )?({_YEAR_OF_BIRTH},? (?:le |un )?{_DAY_IN_WORDS}(?! (?:prochain|dernier|a \d)))",
        kind="DATE_NAISSANCE",
        words=_MONTHS,
        group=1,
        unless=_is_of_no_birth,
        examples=("Né quand ? Je dis en ‹soixante-huit, le onze mai›.", "en 2023, le onze mai"),
    ),
    Identifier(
        "birth.all-numbers",  # "le deux du trois quarante-quatre, je suis né"
        rf"\b(?:le|un) ({_DAY_AND_NUMBER})",
        kind="DATE_NAISSANCE",
        words=frozenset(("le", "un")),
        at_words=True,
        group=1,
        unless=lambda match, text: not _near(match, text) or _COUNTED_AFTER.match(text.folded, match.end()) is None,
        examples=("le ‹deux du trois quarante-quatre›, je suis né", "le deux du mois, ma date de naissance"),
    ),
    Identifier(
        "birth.birthday",
        rf"\b(?:mon|son|notre) anniversaire,? (?:est |c'est |tombe |etait "
        rf"|a lieu )?(?:le )?(\d{{1,2}}(?:er)? {MONTH}(?: (?:19|20)\d{{2}})?)(?!\w)",
        kind="DATE_NAISSANCE",
        words=frozenset(("anniversaire",)),
        group=1,
        examples=("je fête mon anniversaire le ‹23 octobre›", "l'anniversaire du service le 23 octobre"),
    ),
    Identifier(
        "birth.class",  # of conscripts, of wine: both are years of birth
        rf"\b(?:(?<=de la )|(?<=de ma )|(?<=suis )|(?<![^\n.!?] )(?<![^\n ]))(classe (?:19[2-9]\d|[2-9]\d"
        rf"|{_TENS_IN_WORDS})(?!\w))(?! ?(?:%"
        rf"|€|du \w))"
        rf"|\b((?:millesime|cuvee) (?:19[2-9]\d|[2-7]\d|{_TENS_IN_WORDS})(?!\w))",
        kind="DATE_NAISSANCE",
        words=frozenset(("classe", "millesime", "cuvee")),
        group=None,
        examples=(
            "je suis de la ‹classe 52›",
            "‹Classe 44›, monsieur !",
            "‹millésime 47›, toujours debout",
            "mon fils est en classe 6",
        ),
    ),
    Identifier(
        "birth.is-of",  # "je suis de 1946", "ma mère est de 38"
        rf"\b(?=[^.;\n\d]{{4,40}}\d)(?:(?:{PERSON}|je|il|elle|on|nous)(?: suis| est| etait"
        rf"| sommes)?(?<!je)(?<!il)(?<!elle)(?<!on)"
        rf"(?<!nous)(?:,? (?:une? (?:enfant|bebe|gars|fille|homme|femme) )?(?:de|du millesime|du(?= \d{{4}})"
        rf"|un(?= \d{{4}}))"
        rf" ((?:{MONTH} )?19[1-9]\d|(?<!, de )[2-8]\d(?! (?:et \d+ )?ans))"
        rf"|, (19[1-9]\d(?: et 19[1-9]\d)?)(?= ?[,;)])))(?!\w)"
        r"(?= ?(?:[.,;:)!\n]|$)| (?:et|donc|comme|mais|tous|toutes)\b)",
        kind="DATE_NAISSANCE",
        digit=2,
        words=_PEOPLE | {"je", "il", "elle", "on", "nous"},
        at_words=True,
        group=None,
        examples=(
            "je suis de ‹1946›, voyez",
            "ma mère est de ‹38›",
            "ma mère, de ‹1934›, attend",
            "mes parents, ‹1939 et 1941›, attendent",
            "on est de ‹58› tous les deux",
            "Elle est de ‹juin 1961›.",
            "je suis du 62, en Artois",
            "mon attestation est de 2019.",
        ),
    ),
    Identifier(
        "birth.is-of-in-words",
        rf"(?:(?<=suis de )|(?<=est de )|(?<=sommes de ))(?:{_TENS_IN_WORDS})(?= ?(?:[.,;:)!\n]|$)| (?:et|donc"
        rf"|comme|mais|tous)\b)",
        kind="DATE_NAISSANCE",
        words=word_set(" ".join(number_words(20, 100))),
        at_words=True,
        examples=("moi je suis de ‹quarante-neuf›, et", "elle est de quarante euros"),
    ),
    Identifier(
        "birth.ones-year",
        r"\b(?:mon annee|ma generation|la generation),? (?:(?:est|c'est|:) )?((?:19|20)\d\d)(?!\d)",
        kind="DATE_NAISSANCE",
        words=frozenset(("annee", "generation")),
        digit=4,
        group=1,
        examples=("mon année, c'est ‹1957›", "de la génération ‹1961›", "l'année 2019"),
    ),
    Identifier(
        "birth.remembered",  # by what happened then: "née l'année du débarquement"
        r"\b(?:nee?s?|venue?s? au monde|vu le jour) (?:le )?((?:l'annee|jour) (?:du |de la |de l'|des |de |d'"
        r"|ou )[a-z' -]{3,40}?"
        r"(?:,? (?:en )?(?:19|20)\d\d)?)(?= ?(?:[.,;:!?)\n]|$)| (?:et|mais|donc|si|disait|je|j'|il|elle|on|vous"
        r"|votre)\b)",
        kind="DATE_NAISSANCE",
        words=frozenset(("annee", "jour")),
        group=1,
        examples=("né le ‹jour de Noël 1973› si", "je suis née ‹l'année du débarquement›", "l'année du bac"),
    ),
    Identifier(
        "birth.put-right",  # "inscrit 1985 au lieu de 1958 comme année de naissance", "né en 1937, c'est 1973"
        rf"(?<!\w)({_DATE_OR_YEAR})((?: [a-z'.]+){{0,4}},? (?:au lieu d[eu]|a la place d[eu]|et non|et pas|pas"
        rf"|alors que|contre|or|c'est|quand)"
        rf" (?:[a-z'.]+ ){{0,5}})({_DATE_OR_YEAR})(?!\w)",
        kind="DATE_NAISSANCE",
        digit=4,
        hint=("au lieu", "a la place", "et non", "pas ", "alors que", "contre", "or ", "c'est", "quand"),
        group=3,
        unless=lambda match, text: not _near(match, text),
        examples=(
            "mon année de naissance : 1985 au lieu de ‹1958›",
            "né en 1937, c'est ‹1973›",
            "reçu en 2019, c'est 2020",
        ),
    ),
    Identifier(
        "birth.put-wrong",
        rf"(?<!\w)({_DATE_OR_YEAR})(?=(?: [a-z'.]+){{0,4}},? (?:au lieu d[eu]|a la place d[eu]|et non|et pas|pas"
        rf"|alors que|contre|or|quand)"
        rf" (?:[a-z'.]+ ){{0,5}}{_DATE_OR_YEAR}(?!\w))",
        kind="DATE_NAISSANCE",
        digit=4,
        hint=("au lieu", "a la place", "et non", "pas ", "alors que", "contre", "or ", "quand"),
        group=1,
        unless=lambda match, text: not _near(match, text),
        examples=("‹1985› au lieu de 1958 comme année de naissance", "reçu en 2019 et pas en 2020"),
    ),
    Identifier(
        "birth.year-near",  # "mon fils est né en 2010, sa sœur en 2012"
        r"(?<![\w/.-])(?:19[0-9]\d|20[0-2]\d)(?![\w/-]|[.,]\d| ?[€%])",
        kind="DATE_NAISSANCE",
        digit=4,
        at_digits=True,
        unless=_is_year_of_something,
        examples=(
            "l'un est né en ‹2010›, sa sœur en ‹2012›",
            "il ne vient plus depuis 2010",
            "née à Lyon, j'ai travaillé en 1998",
        ),
    ),
    Identifier(
        "birth.ones-date",  # "ma vraie date 28/02/2008", "redonner mon 11/06/91"
        rf"\b(?:(?:ma|sa|la|leur) (?:vraie |bonne |veritable |seule )date(?: de naissance)?,?(?: (?:est|c'est"
        rf"|:))?(?: le)?"
        rf"|(?:mon|son)(?= \d\d?[/.-])) ?({FULL_DATE})",
        kind="DATE_NAISSANCE",
        digit=4,
        words=frozenset(("date", "mon", "son")),
        group=1,
        examples=("ma vraie date ‹28/02/2008› est refusée", "donner mon ‹11/06/91›", "mon rendez-vous du 11/06/2021"),
    ),
    Identifier(
        "birth.first-to-last",  # "le 3 mai 2011, date de ma naissance", "17 mars 1950 (date de naissance)"
        rf"(?<![\w/])({FULL_DATE}),? ?\(?(?:est |c'est |comme )?(?:la |ma |sa |ton |mon )?(?:date|jour) de (?:ma "
        rf"|sa |leur )?naissance",
        kind="DATE_NAISSANCE",
        digit=4,
        words=frozenset(("naissance",)),
        group=1,
        examples=("le ‹3 mai 2011›, date de ma naissance", "le 3 mai 2011, date de dépôt"),
    ),
    Identifier(
        "birth.set-apart",  # "Berthon Guy, 1947, Le Mans", "Aline (1962)"
        r"(?<=[a-zà-ÿA-ZÀ-Þ])(?:, |\. | \()(19[2-9]\d|\d{1,2}([./-])\d{1,2}\2(?:\d{4}|\d\d))(?=[.,;)]|$)",
        kind="DATE_NAISSANCE",
        digit=4,
        reads="written",
        group=1,
        unless=lambda match, text: not _named_before(text, match.start()),
        examples=(
            "Aline Roux (‹1962›), en attente",
            "Aline Roux. ‹7.5.49›. Loyer",
            "la loi Informatique (1978)",
            "en mai, 1987, dit-on",
        ),
    ),
    Identifier(
        "birth.listed",  # in a form: "Enfant 1 : 12.01.2013"
        rf"(?m:^)[ \t*-]{{0,4}}(?:{PERSON}|petite? derniere?|aine\w?|cadet\w*"
        rf"|benjamine?)(?: ?(?:n° ?)?\d)?(?: ?\([^()\n]{{1,20}}\))? ?[:=-] ?(?:\w{{2,15}},? (?:le )?)?({FULL_DATE})",
        kind="DATE_NAISSANCE",
        digit=4,
        words=_PEOPLE,
        group=1,
        unless=lambda match, _: match[0].lstrip(" \t*-").startswith("personne"),
        examples=("Enfant 1 : ‹12.01.2013›", "Demande 1 : 12.01.2023"),
    ),
)
# Whoever writes on the platform was born before it opened: a full date this old is a birth date, or as telling.
OLD_DATES = table(
    Identifier(
        "birth.worded-date",
        rf"\b{_DAY_IN_WORDS} (?:mil(?:le)?|dix)[ -](?:neuf[ -])?cents?(?:[ -]{_NUMBER_IN_WORDS})?(?!\w)",
        kind="DATE_NAISSANCE",
        hint=(" cent", "-cent"),
        unless=_OF_A_LAW,
        examples=("le ‹trois mai mille neuf cent soixante›", "la loi du trois mai mille neuf cent un"),
    ),
    Identifier(
        "birth.old-short-date",
        r"(?<![\d/])(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|1[0-2])/[3-9]\d(?![\d/])",
        kind="DATE_NAISSANCE",
        digit=4,
        at_digits=True,
        unless=_OF_A_LAW,
        examples=("‹7/7/77›, facile à retenir", "le 7/7/21", "le 12/15/77", "la loi du 17/07/78"),
    ),
    Identifier(
        "birth.old-date",
        r"(?<!\d)\d{1,2}(?:er)?[ ./\-](?:\d{1,2}|[a-z]{3,9}\.?)[ ./\-](?:de l'an(?:nee)? )?((?:19|20)\d{2})(?!\d)",
        kind="DATE_NAISSANCE",
        digit=4,
        at_digits=True,
        unless=(_is_recent, _OF_A_LAW),
        examples=("le ‹12/03/1961›", "le 12/03/2021", "la loi du 17/07/1978"),
    ),
)
_BORN_AT = re.compile(r",? ?(?:a|au) ((?:(?:la|le|el|saint|sainte)[ -])?[a-z][a-z'-]{2,}(?:-[a-z]+)*)")


def births(text: Text) -> Iterator[Span]:
    """Find birth dates and the places named right after them."""
    for start, end, rule, _ in find(text, BORN):
        yield Span(start, end, rule.kind, rule.source, rule.name)
        if (place := _BORN_AT.match(text.folded, end)) and place[1] not in EVERYDAY:
            yield Span(*place.span(1), "VILLE", "rule", "birth.place")
    for start, end, rule, _ in find(text, OLD_DATES):
        yield Span(start, end, rule.kind, rule.source, rule.name)
