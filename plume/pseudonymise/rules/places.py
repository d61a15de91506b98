"""Places that lead to a person: postal address, postcode and city, hospital, school. A service's own address stays."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from plume.french.text import fold
from plume.french.vocabulary import word_set
from plume.french.words import ACRONYMS, EVERYDAY, TERRITORIES
from plume.pseudonymise.insee import communes
from plume.pseudonymise.rules.bodies import BODY
from plume.pseudonymise.rules.numbers import has_digit
from plume.pseudonymise.spans import Span

_UP = "A-ZÀ-ÖØ-ÞŒŠŽ"
_LETTER = r"[^\W\d_]"
# No dot ends a proper name, since one may end the sentence; what is cut short or an initial stands before the name.
_PROPER = rf"[{_UP}](?:{_LETTER}|['’\-])*"
_PARTICLE = (
    r"(?:(?:de|du|des|la|le|les|en|sur|sous|aux?|à|et|lès|lez|saint|sainte|st|ste)[ -]|[dl]['’] ?"
    r"|(?:ste?|dr|pr|prof|g[ae]l|g[ée]n|mal|mar|cdt|cne|cap|col|lt|pdt|mgr|abb|n\.-d|[a-z])\.[ -]?)"
)
_STREET = (
    r"(?:rue|r\.|r(?= d[ue]s? | (?-i:[A-ZÀ-Þ]))|ruelle"
    r"|avenue|av\.?|ave|boulevard|boul\.?|blvd|bld|bd\.?|impasse|imp\.?|all[ée]es?|all\.|chemin|chem\.?"
    r"|ch\.|che|route|rte\.?|sq\.?|crs|pass\.|fg|r[ée]s\.|quartier|qu\."
    r"|place|pl\.?|square|quai|cours|passage|sentier|sente|faubourg|fbg|villa|cit[ée]|r[ée]sidence|lotissement|lot\.?"
    r"|hameau|lieu[ -]dit|mont[ée]e|esplanade|promenade|venelle|traverse|rond[ -]point|voie|cour|parvis|clos)"
)
_LATER = rf"(?: (?:{_PARTICLE}){{0,3}}(?:{_PROPER}|\d{{1,4}}(?:er|e)?(?!\d))){{0,4}}"
# With a house number, the name of the street may be in lower case: at most three words, cut at the first plain one.
_NAME = (
    rf"(?P<name>(?i:{_PARTICLE}){{0,3}}(?:{_PROPER}|\d{{1,4}}(?:er)?)(?: (?i:{_PARTICLE}){{0,3}}(?:{_PROPER}|\d{{4}}"
    rf"(?!\d))){{0,4}}"
    rf"|(?:{_PARTICLE}){{0,3}}{_LETTER}[\w'’-]+(?: (?:{_PARTICLE}){{0,2}}{_LETTER}[\w'’-]+){{0,3}})"
)
_BIS = r"(?:,? ?(?i:bis|ter|quater|[a-d]))?,? {1,2}"
_NUMBERED = re.compile(
    rf"(?<![\w/.-])(?i:num[ée]ro |n° ?)?\d{{1,4}}(?: ?[-/] ?\d{{1,4}})?{_BIS}"
    rf"(?i:de la |de l['’]|du |des )?(?!cours (?:par|de(?! la)|du) [a-zà-ÿ])(?i:{_STREET})"
    rf"(?![^\W\d_]) ?{_NAME}"
)
# A house number in words: "vingt-deux bis rue du Port".
_SPELLED = (
    r"(?:un(?=,)|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|vingts?|trente"
    r"|quarante|cinquante|soixante|cent)"
)
_WORDED = re.compile(
    rf"(?<![\w-])(?i:{_SPELLED}(?:[ -](?:et[ -])?(?:{_SPELLED}|une?)){{0,4}}){_BIS}"
    r"(?i:rue|ruelle|avenue|av\.?|boulevard|bd\.?|impasse|all[ée]e|chemin|route|place(?! de (?:parking|stat))|quai"
    r"|square|venelle|sentier|sente"
    r"|passage|hameau|lotissement|r[ée]sidence|cit[ée])"
    rf"(?![^\W\d_]) {_NAME}"
)
_UNNUMBERED = re.compile(
    r"(?<!\w)(?i:rue|avenue|boulevard|bd|impasse|all[ée]e|chemin|chem\.|route|rte\.?|hameau|lieu[ -]dit"
    r"|r[ée]sidence|lotissement|cit[ée]|quartier|square|quai)"
    rf" (?:{_PARTICLE}){{0,3}}{_PROPER}(?: (?:{_PARTICLE}){{0,2}}{_PROPER}){{0,3}}"
)
_WAYS = (
    *("rue", "ruelle", "av.", "av ", "avenue", "boulevard", "bd", "impasse", "allee", "chem", "route", "rte", "place"),
    *("hameau", "lieu", "residence", "lotissement", "cite", "quartier", "square", "quai", "venelle", "sent", "passage"),
)
_LIVING = re.compile(
    r"\b(?:j?h?abit\w+|demeur\w+|resid\w+|domicili\w+|log\w+|vis|vit|vivons) (?:au |a la |a l'|a |dans la |dans l'|la "
    r"|le )?"
    r"((?:rue|avenue|boulevard|impasse|allee|chemin|place|quai|cours|square|residence|hameau|lotissement"
    r"|cite) [\w' -]{3,40})"
)
_DECLARED = re.compile(
    r"\b(?:adresse(?: postale)?|domicile|domiciliee?|demeurant|residant)\b(?: est)?[ :]{1,3}(?:au |a "
    r"|chez )?([^\n.;!?]{3,70}?),? ?(?=\b\d{5}\b)"
)
_EXTRA = re.compile(
    r"(?:[ ,–-]{1,3}(?:(?:bat(?:iment)?|bt|app?t|appart(?:ement)?|etage|escalier|esc|porte|pte|boite|bp|cs|entree|tour"
    r"|residence|lieu[ -]dit)\b\.? ?(?:n° ?)?[\w'-]{1,15}|lot\.? ?(?:n° ?)?[a-z]?\d{1,4}[a-z]?\b"
    r"|\d{1,2}(?:er|e|eme) (?:etage|et\.)"
    r"(?:,? (?:gauche|droite|face|centre|porte \w+))?))+"
)
# The same in front of it: "bat B3 esc 4", "Lot 14", "villa Les Mouettes, ".
_PART = (
    r"(?:bat(?:iment)?|bt|app?t|appart(?:ement)?|escalier|esc|porte|pte|lot|villa|chambre|entree|hall|tour|bp|etage)"
)
_IN_FRONT = re.compile(
    rf"(?<!\w)(?:(?:{_PART}\.? ?(?:n° ?)?(?:[a-z]?\d[\w-]{{0,5}}|[a-z])|\d{{1,2}}(?:er|e|eme) etage)[ ,–-]{{1,3}})"
    r"{1,4}(?:porte |pte |esc )?$"
    r"|(?<!\w)(?:lot|appt?|apt) $"
    r"|(?<!\w)(?:residence|villa|immeuble|domaine|lotissement|hameau|lieu[ -]dit|cite|quartier) [a-z][a-z' -]{1,30}, ?$"
)
_TO_POSTCODE = re.compile(r",? [^\d\n.;!?:]{3,40}(?=,? \d{5}\b)")  # a locality, before the postcode
_CHEZ = re.compile(
    r"\bchez (?:m\.?|mr|mme|mlle|monsieur|madame)? ?[^\W\d_][\w'-]+(?: [^\W\d_][\w'-]+)?, [^\n.;!?\d]{2,40}?,? "
    r"(?=\d{5}\b)"
)
_BOX = re.compile(r"\b(?:bp|b\. ?p\.|boite postale|cs|tsa) ?(?:n° ?)?\d{1,6}\b")
# Where houses bear no number: the kilometre of a Polynesian road.
_KILOMETRE = re.compile(r"\bpk ?\d{1,3}(?:[.,]\d{1,3})?(?:,? cote (?:mer|montagne))?")
# A plot of the land registry: "parcelle AB 241", "section ZH n° 87".
_PLOT = r"(?:\d{3} ?)?[a-z]{1,2} ?(?:n° ?|no |numero )?\d{1,4}(?!\w)"
_CADASTRE = re.compile(
    rf"\b(?:parcelles?|(?:references? )?cadastr\w+)(?: (?:cadastr\w+|section|n°|numeros?|est|la|le)){{0,4}} ?:? ?"
    rf"({_PLOT}(?:(?:,| et) {_PLOT}){{0,9}})"
    rf"|\bsection(?: cadastrale)? ([a-z]{{1,2}} (?:n° ?|no |numero )\d{{1,4}}(?!\w))"
)

_POSTCODE = re.compile(
    rf"(?<![\d.,-])(?:F-)?\d{{2}} ?\d{{3}}(?!\d),? ?[-–(]? ?(?P<city>(?:Ste?\. ?)?{_PROPER}(?:[ -]"
    rf"(?:{_PARTICLE}){{0,3}}{_PROPER}){{0,4}}(?: (?i:cedex)(?: \d{{1,2}})?| (?:0[1-9]|1\d|20)(?!\d))?)"
)
_LOWER_CITY = re.compile(
    r"[ ,\-–(]{1,3}(\d{5})(?:,? (?:a |au )?(?:(?:las?|les?|saint|sainte|ste?)[ -])?(?:[^\W\d_]|['-]){2,}"
    r"(?:[ -](?:sur|sous|en|les|la|le|de)[ -](?:[^\W\d_]|['-])+)?)?"
)
_LIVES_IN = re.compile(
    r"\b(?:j?h?abit\w+|vi[st]|vivons|vivant|domicili\w+|resid\w+|demeur\w+|originaire|natifs?|natives?|nees?|nes"
    r"|ne(?= (?:a|au|aux|en)\b)|installee?s?"
    r"|demenag\w+|emmenag\w+|ville|commune|village|hameau|mairie|caf|cpam|msa|carsat|urssaf|(?:sous-)?prefecture|tribunal"
    r"|impots(?: des (?:particuliers|entreprises|professionnels))?|finances publiques|sip|sie|france services|crous"
    r"|services?|agence|antenne|tresorerie|gendarmerie|commissariat|la poste|mdph|ccas|travail"
    r"|aller|vais|venir|rendre|deplacer|retourner|partir|renvoyee?|envoyee?|commune nouvelle)\b"
    r"(?: (?:bien|ici|actuellement|desormais|depuis peu))?"
    r"(?: (?:a|au|aux|de|d'|sur|en|dans|vers|pres de|a cote de|non loin de|le|la|les)\b)* ?(?=[a-z])"
    r"|\b\d{5},? (?=[a-z])"
)
_LETTERS = re.compile(r"[a-z]+")
_TOWARDS = re.compile(r",? (?:a |sur )?(?=[a-z])")
_BARE_POSTCODE = re.compile(r"\bcode postal[^\d\n]{0,12}(\d{5})(?!\d)")

# An address right after these words is where the service receives the public.
_SERVICE_BEFORE = re.compile(
    r"(?:\b(?:notre|nos|votre|l'|les?|la) ?(?:accueil|bureaux?|locaux|agence|antenne|service|siege|guichet|permanence"
    r"|mairie|prefecture|sous-prefecture|caf|cpam|carsat|msa|caisse|maison|tresorerie|centre|point|delegation|direction|structure|equipe|adresse|etablissement"
    r"|tribunal)\b[^.\n]{0,60}|\b(?:adresse[rz]|envoye[rz]|ecrire|ecrivez|retourne[rz]|transmett(?:re|ez)) (?:vot?re"
    r"|vos|nous|un|une|le|la|les)\b[^.\n]{0,40} ?[:,]? ?(?:a|au|a la|a l')? ?:? ?[^.\n]{0,50}|\b(?:caf|cpam|carsat"
    r"|msa|cgss|urssaf|prefecture|mdph|tribunal|tresorerie|centre)\b[^.\n\d]{0,60}"
    rf"|\b{BODY}\b[^.\n\d]{{0,40}}[,:(] ?(?:situee?s? |sis\w* |installee?s? )?(?:au |a )?)$"
)
# So is one where something is handed in, or that is said to be a body's.
_HANDED_IN = re.compile(
    r"\b(?:depose[rz]|remettre|retirer|presenter|presentez-vous|convoquee?s?|rendez-vous)"
    r" (?:au|a la|a l'|a)\b[^.\n]{0,50}$"
    r"|\bnous vous (?:recevons|accueillons|attendons|recevrons|accueillerons)\b[^.\n]{0,40}$"
)
_BODY_AFTER = re.compile(
    r",? (?:\d{5} [a-z][a-z -]{1,30})?,? ?\(?(?:siege|locaux|bureaux|accueil|antenne|agence|guichet"
    r"|aux (?:heures d'ouverture|horaires))\b"
)
_OWN = re.compile(
    r"\b(?:j?h?abit\w+|mon|ma|mes|je|j'|domicile|chez moi|demeur\w+|vivons|vis|reexpedi\w+"
    r"|fai(?:re|s|tes) suivre|votre (?:nouvelle |ancienne )?adresse|(?<!notre )(?:mauvaise|ancienne|nouvelle) adresse"
    r"|residez|logez"
    r"|(?:a|ont|est|sont|ete|avons) (?:\w+ )?(?:envoye|expedie|arrive|livre|distribue|parvenu|enregistre)e?s?"
    r"|mentionn\w+|logement)\b[^.\n]{0,60}$"
)
_CEDEX = re.compile(r"[^.\n]{0,60}?\bcedex\b")

_CARE = (
    r"(?:chu|chru|chr|ch|chs|cmp|cmpp|ehpad|hopital(?: de jour)?|hopitaux|centre medico[ -]psycho\w+"
    r"|centre de (?:reeducation|soins|dialyse|sante)|maison de sante|cabinet (?:medical|dentaire)"
    r"|clinique|polyclinique|centre hospitalier(?: "
    r"(?:universitaire|regional|specialise|intercommunal))*|maternite|maison de retraite"
    r"|foyer de vie|foyer d'accueil|ime|esat|itep|ssr|hospice)"
)
_HOSPITAL = re.compile(
    rf"\b{_CARE}(?: (?:(?:prive|public)e? )?(?:(?:de|du|des|d'|la|le|les|saint|sainte|st"
    rf"|ste)[ '-]{{0,1}}){{0,3}}[^\W\d_][\w'-]+(?:[ -](?:de |du |la )?[^\W\d_][\w'-]+)?)"
)
_SCHOOL = re.compile(
    r"\b(?:lycee|college|ecole(?: (?:maternelle|primaire|elementaire))?|universite|iut|creche|faculte|institut)(?: "
    r"(?:agricole|professionnel|technique|prive|public|general))*"
    r" (?:(?:de la|de|du|des|d'|la|le|les|saint|sainte)[ '-]?){0,3}[^\W\d_][\w'.-]+(?:[ -](?:de |du "
    r"|la )?[^\W\d_][\w'.-]+){0,2}"
)

_LINKS = word_set(
    "de du des la le les centre hospitalier universitaire regional retraite agricole professionnel technique prive"
    " public general maternelle primaire elementaire jour soins"
)


def find_places(text: str) -> Iterator[Span]:
    folded = fold(text)
    found = _addresses(text)
    addresses = [span for span in found if not _is_service(folded, span)]
    yield from addresses
    postcodes = [span for span in _postcodes(text) if not _is_service(folded, span, found)]
    yield from postcodes
    for address in addresses:
        if match := _LOWER_CITY.match(folded, address.end):
            yield Span(match.start(1), match.end(), "CP_VILLE", "rule")
        elif match := _TOWARDS.match(folded, address.end):
            yield from _commune_at(folded, match.end())
    yield from (s for s in _communes(folded) if s.type == "VILLE" or not _is_service(folded, s, found))
    for match in _BOX.finditer(folded) if has_digit(text) else ():
        own = _OWN.search(folded[max(0, match.start() - 110) : match.start()])
        beside = match[0].startswith("b") and any(0 < s.start - match.end() < 4 for s in (*addresses, *postcodes))
        if own or beside:
            yield Span(*match.span(), "ADRESSE", "rule")
    for match in _KILOMETRE.finditer(folded) if "pk" in folded else ():
        yield Span(*match.span(), "ADRESSE", "rule")
    if any(word in folded for word in ("parcelle", "cadastr", "section")):
        for match in _CADASTRE.finditer(folded):
            yield Span(*match.span(match.lastindex), "ADRESSE", "rule")
    for match in _BARE_POSTCODE.finditer(folded) if "code postal" in folded else ():
        yield Span(*match.span(1), "CP_VILLE", "rule")
    yield from _establishments(text, folded)


def find_service_addresses(text: str) -> Iterator[Span]:
    """Addresses and postcodes with their city where a service receives the public or gets its mail: they stay."""
    folded = fold(text)
    addresses = _addresses(text)
    yield from (s for s in (*addresses, *_postcodes(text)) if _is_service(folded, s, addresses))


def _communes(folded: str) -> Iterator[Span]:
    """A commune, in whatever case, after what announces where somebody lives, or after its postcode."""
    for match in _LIVES_IN.finditer(folded):
        for span in _commune_at(folded, match.end()):
            if match[0][0].isdigit():
                span = Span(match.start(), span.end, "CP_VILLE", span.source)
            yield span


_NO_TOWN = {"quartier", "bourg", "secteur", "centre"}  # communes bear these names, but nobody means them


def _commune_at(folded: str, start: int) -> Iterator[Span]:
    """The longest name of a commune that starts here, if one does."""
    words = list(_LETTERS.finditer(folded, start, start + 60))[:6]
    for count in range(len(words), 0, -1):
        end = words[count - 1].end()
        name = re.sub(r"[-']", " ", folded[start:end])
        if (
            words[0].start() == start
            and name in communes()
            and name not in TERRITORIES
            and name not in _NO_TOWN
            and (count > 1 or (len(name) > 3 and name not in EVERYDAY))
        ):
            yield Span(start, end, "VILLE", "insee")
            return


def _postcodes(text: str) -> Iterator[Span]:
    for match in _POSTCODE.finditer(text) if has_digit(text) else ():
        if fold(match["city"]) not in EVERYDAY and not re.match(
            r"(?i:euros?|eur|personnes|habitants)\b", match["city"]
        ):
            end = _cut(text, match.start("city"), match.end(), city=True)
            yield Span(match.start(), end, "CP_VILLE", "rule")


def _is_service(folded: str, span: Span, addresses: Sequence[Span] = ()) -> bool:
    """Said so beside it ("nos bureaux sont au …", "…, siège de la CPAM"), or a Cedex, which only organisations have."""
    before = folded[max(0, span.start - 110) : span.start]
    if _OWN.search(before):
        return False
    if street := next((a for a in addresses if 0 < span.start - a.end < 4), None):
        return _is_service(folded, street)  # a postcode goes with its street
    said = _SERVICE_BEFORE.search(before) or _HANDED_IN.search(before) or _BODY_AFTER.match(folded, span.end)
    return bool(said or _CEDEX.match(folded, span.start))


@lru_cache(maxsize=64)  # what a person gives and what a service gives are both asked of the same text
def _addresses(text: str) -> list[Span]:
    return list(_find_addresses(text, fold(text)))


def _find_addresses(text: str, folded: str) -> Iterator[Span]:
    inside: set[int] = set()
    ways = any(way in folded for way in _WAYS)  # far cheaper than the patterns
    for match in (*_NUMBERED.finditer(text), *(_WORDED.finditer(text) if ways else ())):
        front = _IN_FRONT.search(folded, max(0, match.start() - 70), match.start())
        start = front.start() if front else match.start()
        address = _extended(folded, start, _cut(text, match.start("name"), match.end()))
        inside.update(range(address.start, address.end))
        yield address
    for match in _UNNUMBERED.finditer(text) if ways else ():
        if match.start() not in inside:
            front = _IN_FRONT.search(folded, max(0, match.start() - 70), match.start())
            start = front.start() if front else match.start()
            yield _extended(folded, start, _cut(text, match.start(), match.end(), first=1))
    for match in _LIVING.finditer(folded):
        yield _extended(folded, match.start(1), _cut(text, match.start(1), match.end(1), first=1))
    for match in _DECLARED.finditer(folded):
        yield Span(*match.span(1), "ADRESSE", "rule")
    for match in _CHEZ.finditer(folded):
        yield Span(match.start(), match.start() + len(match[0].rstrip(", ")), "ADRESSE", "rule")


# Words that begin a sentence and no street's name, whatever their case.
_OPENERS = word_set(
    "je j nous vous il elle on ils elles mon ma mes notre nos votre vos cela ca ce cet cette ces depuis merci bonjour"
    " bonsoir cordialement personne toujours aucun aucune pourquoi quand que qui comment impossible malgre pourtant"
    " mais donc alors or car pas rien a"
)
# Plain words that go on a street's name: "rue du pont neuf".
_IN_STREETS = word_set(
    "neuf neuve vieux vieille grand grande grands petit petite petits beau belle bas haut haute poste mairie ecole"
    " droits homme hommes justice cour port printemps soleil general commandant capitaine docteur president prefet"
)
_STREET_PARTICLES = word_set("de du des la le les d l et sur sous en au aux saint sainte st ste")


def _cut(text: str, start: int, end: int, first: int = 0, *, city: bool = False) -> int:
    """Where a street's or a city's name ends: before the first plain word after its own that cannot be part of it.

    The plain word is in lower case or all is in capitals; an acronym or a word that opens a sentence counts whatever
    its case, and so does an article after a street's name where all is in capitals ("RUE FOCH LE DOSSIER").
    """
    inside = {"apt", "appt", "appart", "bat", "etage", "esc", "porte"}  # a part of the building, not the street's name
    named = text[start:end]
    shouting = named.isupper()
    last, before = 0, ""
    for i, word in enumerate(re.finditer(r"[^\W_]+(?:[-'’][^\W_]+)*", named)):
        plain = fold(word[0])
        if i > first and plain in inside:
            break
        if plain in _STREET_PARTICLES:
            if shouting and not city and last and plain in ("le", "la", "les") and before not in ("de", "sur", "sous"):
                break
            before = plain
            continue
        own = plain in _IN_STREETS or before[:1].isdigit()  # "11 Novembre"
        ends = (plain in EVERYDAY and not own and (word[0].islower() or shouting)) or (
            plain in ACRONYMS and word[0].isupper()
        )
        if i > first and last and (ends or re.split("['’-]", plain)[0] in _OPENERS):
            break
        last, before = word.end(), plain
    return start + last if last else end


def _extended(folded: str, start: int, end: int) -> Span:
    """The address with the building, stair or flat that follows it."""
    if match := _EXTRA.match(folded, end):
        end = match.end()
    if match := _TO_POSTCODE.match(folded, end):
        end = match.end()
    return Span(start, end, "ADRESSE", "rule")


def _establishments(text: str, folded: str) -> Iterator[Span]:
    for kind, pattern in (("HOPITAL", _HOSPITAL), ("ECOLE", _SCHOOL)):
        for match in pattern.finditer(folded):
            lower_ok = text[match.start() : match.end()].islower() and (kind == "HOPITAL" or _is_commune(match[0]))
            if end := _end_of_proper_name(text, match.start(), match.end(), lower_ok=lower_ok):
                yield Span(match.start(), end, kind, "rule")


def _is_commune(name: str) -> bool:
    """Whether a name ends in a commune: "universite de perpignan"."""
    words = re.sub(r"[-']", " ", name).split()
    return any(" ".join(words[i:]) in communes() for i in range(1, len(words)))


def _end_of_proper_name(text: str, start: int, end: int, *, lower_ok: bool) -> int | None:
    """End of the proper name after "hôpital", "lycée" …; None when none follows ("le lycée de mon fils")."""
    last = None
    words = list(re.finditer(r"[^\W\d_]+(?:[-'’.][^\W\d_]+)*", text[start:end]))
    for word in words[1:]:
        bare = re.split(r"['’]", word[0])[-1]
        plain = fold(bare)
        if plain in _LINKS:
            continue
        if plain in EVERYDAY:
            break
        if bare[0].isupper() or lower_ok:
            last = start + word.end()
        elif last:
            break
    return last
