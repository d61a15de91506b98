"""Postal addresses, boxes, plots of land. A service's own address stays: `is_of_a_service` says which are."""

import re
from collections.abc import Sequence

from plume.french.numbers import number_words
from plume.french.phrases import CIVILITY, NETWORK, SERVICE
from plume.french.rules import Found, Place, Text, find, table
from plume.french.vocabulary import any_of, word_set
from plume.pseudonymise.identifiers.address_parts import LETTER, PARTICLE, PROPER, bare_chains, end_of_name, extended
from plume.pseudonymise.identifiers.rule import Identifier, spans
from plume.pseudonymise.spans import Span

_STREET = (
    r"(?:rue|ru(?= d)|avenu|alé(?:e)?|al[ée]e|chemain|inpass?e|impase|bou?l[ea]?v\w{2,4}|plass?e|r\.|r(?= d[ue]s? "
    r"| (?-i:[A-ZÀ-Þ]))|ruelle"
    r"|avenue|av\.?|ave|boulevard|boul\.?|blvd|bld|bd\.?|impasse|imp\.?|all[ée]es?|all\.|chemin|chem\.?"
    r"|ch\.|che|route|rte\.?|sq\.?|crs|pass\.|fg|r[ée]s\.|quartier|qu\."
    r"|place|pl\.?|square|quai|cours|passage|sentier|sente|faubourg|fbg|villa|cit[ée]|r[ée]sidence|lotissement|lot\.?"
    r"|hameau|ham\.|lieu[ -]?dit|moulin|ferme|mont[ée]e|mail(?= (?:d\w{1,2} )?(?:la )?(?-i:[A-ZÀ-Þ]))|corniche"
    r"|z\.?a\.?c?\.?(?= )|domaine"
    r"|mas|esplanade|promenade|venelle|traverse|rond[ -]point|voie|cour|parvis|clos)"
)
# With a house number, the name of the street may be in lower case: at most three words, cut at the first plain one.
_NAME = (
    rf"(?P<name>(?i:{PARTICLE}){{0,3}}(?:{PROPER}"
    rf"|\d{{1,4}}(?:er)?(?:-{PROPER})?)(?: (?i:{PARTICLE}){{0,3}}(?:{PROPER}|\d{{4}}"
    rf"(?!\d))){{0,4}}"
    rf"|(?:{PARTICLE}){{0,3}}{LETTER}[\w'’-]+(?: (?:{PARTICLE}){{0,2}}{LETTER}[\w'’-]+){{0,3}})"
)
_BIS = r"(?:,? ?(?i:bis|ter|quater|[a-d]))?,? {1,2}"
# A house number in words: "vingt-deux bis rue du Port".
_IN_WORDS = rf"(?:un(?=,)|{any_of(number_words(2, 100))})"
_TO_POSTCODE = re.compile(r",? [^\d\n.;!?:]{3,40}(?=,? \d{5}\b)")  # a locality, before the postcode


def _extended(text: Text, start: int, end: int) -> Place:
    """Take in the parts before and after (a floor, a building), and the locality before its postcode."""
    start, end = extended(text, start, end)
    if match := _TO_POSTCODE.match(text.folded, end):
        end = match.end()
    return start, end


def _to_the_end_of_its_name(match: re.Match[str], text: Text) -> Place:
    return _extended(text, match.start(), end_of_name(text.written, match.start("name"), match.end()))


_AT_THE_END_OF = re.compile(r"\bau (?:bout|fond|debut|coin) (?:du |de la |de l'|de )$")


def _whole_street(match: re.Match[str], text: Text) -> Place:
    end = end_of_name(text.written, *match.span(), first=1)
    start, end = _extended(text, match.start(), end + (text.written[end : end + 1] in tuple('"»”')))
    led = _AT_THE_END_OF.search(text.folded, max(0, start - 20), start)
    return (led.start() if led else start), end


def _street_lived_in(match: re.Match[str], text: Text) -> Place:
    return _extended(text, match.start(1), end_of_name(text.written, *match.span(1), first=1))


def _without_comma(match: re.Match[str], _: Text) -> Place:
    return match.start(), match.start() + len(match[0].rstrip(", "))


# Far cheaper than the patterns.
_OPENING = word_set(
    "rue avenue av boulevard bd impasse imp allee allees chemin chem route rte hameau ham lieu lieudit ld residence res"
    " lotissement lot cite quartier qu q square sq quai sente traverse venelle ruelle corniche villa mas za zac z"
    " domaine immeuble imm clos"
)
# From these on, a street that another begins inside is the same one.
STREETS = table(
    Identifier(
        "address.numbered",
        rf"\d(?<![\w/.-]\d)\d{{0,3}}(?: ?[-/] ?\d{{1,4}})?{_BIS}"
        rf"(?i:de la |de l['’]|du |des )?(?!cours (?:par|de(?! la)|du) [a-zà-ÿ]|allées et venues)(?i:{_STREET})"
        rf"(?![^\W\d_]) ?{_NAME}",
        kind="ADRESSE",
        digit=True,
        at_digits=True,
        reads="written",
        shape=_to_the_end_of_its_name,
        examples=(
            "au ‹n° 12, rue des Lilas›",
            "au ‹12 bis rue des Lilas, bat B3›",
            "3 rendez-vous",
            "‹4, allée du Port› je ne sais",
        ),
    ),
    Identifier(
        "address.high-street",
        r"\d(?<![\w/.-]\d)\d{0,3}(?: ?(?:bis|ter))?,? (?:grande?|basse|haute|vieille|petite)['’ -]?rue\b",
        kind="ADRESSE",
        digit=True,
        at_digits=True,
        shape=lambda match, text: _extended(text, *match.span()),
        examples=("au ‹16 Grand-Rue›", "3 grandes rues"),
    ),
    Identifier(
        "address.number-in-words",
        rf"(?i:{_IN_WORDS})(?<!-)(?i:[ -](?:et[ -])?(?:{_IN_WORDS}|une?)){{0,4}}{_BIS}"
        rf"(?i:de la |de l['’]|du |des )?(?!(?i:places? de (?:parking|stat)|cours (?:par|de|du)))(?i:{_STREET})"
        rf"(?![^\W\d_]) ?{_NAME}",
        kind="ADRESSE",
        words=word_set(" ".join(("un", *number_words(2, 100)))),
        at_words=True,
        reads="written",
        shape=_to_the_end_of_its_name,
        examples=("au ‹vingt-deux rue du Port›", "deux places de parking"),
    ),
)
_SURNAME, _NAME_BEFORE = re.compile("Mas|Villa|Clos|Quai|Cité|Lot"), re.compile(r"\b[A-ZÀ-Þ][\w'’-]{1,30} $")


def _is_surname(match: re.Match[str], text: Text) -> bool:
    """Say whether a street's word is somebody's surname: "Éliane Mas"."""
    before = max(0, match.start() - 30)
    return bool(_SURNAME.match(match[0]) and _NAME_BEFORE.search(text.written, before, match.start()))


UNNUMBERED = table(
    Identifier(
        "address.street",
        r"(?<!\w)(?i:rue|avenue|av\.|boulevard|bd|impasse|imp\.|all[ée]es?|chemin|chem\.|route|rte\.?|hameau"
        r"|ham\.|lieu[ -]?dit|ld"
        r"|r[ée]sidence|r[ée]s\.|lotissement|lot\.|cit[ée]|quartier|qu?\.|square|sq\.|quai|sente|traverse|venelle"
        r"|ruelle|corniche"
        r"|villa|mas|z\.?a\.?c?\.?|domaine|immeuble|imm\.|clos)"
        r" (?:(?i:rural|vicinal|communal|forestier|priv[ée]|pi[ée]ton|neuve?|haute?|basse?)e? )?"
        rf"(?:[\"«“] ?)?(?:{PARTICLE}){{0,3}}(?:\d{{1,2}}(?:er)?[ -])?{PROPER}"
        rf"(?: (?:{PARTICLE}){{0,2}}{PROPER}){{0,3}}",
        kind="ADRESSE",
        words=_OPENING,
        at_words=True,
        reads="written",
        shape=_whole_street,
        examples=(
            "près de l'‹avenue Jean Jaurès›",
            "au ‹Lot. Les Flamboyants, n° 7›",
            "‹Rés. Les Pins Bât. C›",
            "au ‹chemin rural de la Combe aux Loups›",
            "‹ham. du Thouron›",
            "en cours de route",
            "donnée par Éliane Mas à Hugues Roux",
        ),
        unless=_is_surname,
    ),
)
TOLD = table(
    Identifier(
        "address.by-a-town",  # "la Croix-Blanche, par Mauriac"
        rf"(?<![\w'’])(?:[Ll](?:a|e|es) "
        rf"|[Ll]['’])(?:{PARTICLE}){{0,2}}{PROPER}(?: (?:{PARTICLE}){{0,2}}{PROPER}){{0,3}}, par"
        rf" {PROPER}(?: (?:{PARTICLE})?{PROPER})?(?= ?(?:[.,;)\n]|$))",
        kind="ADRESSE",
        hint=(", par ",),
        reads="written",
        examples=("seule, ‹la Croix-Blanche, par Mauriac›.", "la demande, par Mauriac."),
    ),
    Identifier(
        "address.lived-in",
        r"\b(?:j?h?abit\w+|demeur\w+|resid\w+|domicili\w+|log\w+|vis|vit|vivons) (?:au |a la |a l'|a |dans la |dans l'"
        r"|la |le )?"
        r"((?:rue|avenue|boulevard|impasse|allee|chemin|place|quai|cours|square|residence|hameau|lotissement"
        r"|cite) [\w' -]{3,40})",
        kind="ADRESSE",
        hint=(
            *("rue ", "avenue ", "boulevard ", "impasse ", "allee ", "chemin ", "place ", "quai ", "cours ", "square "),
            *("residence ", "hameau ", "lotissement ", "cite "),
        ),
        shape=_street_lived_in,
        examples=("j'habite ‹rue des lilas›", "la rue des lilas"),
    ),
    Identifier(
        "address.declared",
        r"\b(?:adresse(?: postale| exacte| complete| actuelle)?(?: connue)?|domicile|domiciliee?|demeurant|residant)\b"
        r"(?: est)?[ :,]{1,3}(?:au |a |chez )?([^\n.;!?]{3,70}?),? ?(?=\b\d{5}\b)",
        kind="ADRESSE",
        hint=("adresse", "domicil", "demeurant", "residant"),
        digit=True,
        group=1,
        examples=("mon adresse : ‹le bourg› 35000 Rennes", "mon adresse postale"),
    ),
    Identifier(
        "address.staying-with",
        rf"\bchez (?:m|{CIVILITY})? ?[^\W\d_][\w'-]+(?: [^\W\d_][\w'-]+)?, [^\n.;!?\d]{{2,40}}?,? (?=\d{{5}}\b)",
        kind="ADRESSE",
        hint=("chez",),
        digit=True,
        shape=_without_comma,
        examples=("‹chez M Durand, le bourg› 35000 Rennes", "chez vous"),
    ),
)
# Roads that have a number alone: an address only where somebody lives, or behind a house number.
_TO_A_TOWN = re.compile(r",? (?:bp|cs|\d{5}) ?")
ROADS = table(
    Identifier(
        "address.numbered-road",
        r"\b(?:\d{1,4}(?: bis| ter)?,? )?(?:(?:(?:ancienne )?(?:route|rte|chemin)\.? )?(?:nationale|departementale"
        r"|communale"
        r"|vicinale?|rural)|rn|rd|cd|vc)"
        r" ?(?:n° ?|numero )?\d{1,4}\b(?:,? (?:dit )?(?:de |du |de la |des )[\w' -]{3,30}(?= ?[,.;–—]|$))?",
        kind="ADRESSE",
        hint=("nationale", "departementale", "communale", "vicinal", "rural", "rn", "rd", "cd", "vc"),
        digit=True,
        unless=lambda match, text: (
            not (
                match[0][0].isdigit()
                or OWN.search(text.folded[max(0, match.start() - 70) : match.start()])
                or "rural" in match[0]
                or _TO_A_TOWN.match(text.folded, match.end())
            )
        ),
        examples=("je demeure ‹route nationale 7›", "au ‹12 RN 20›", "la route nationale 7 est fermée"),
    ),
)
# In the folded text: what is an address whatever stands beside it.
PLOTS = table(
    Identifier(
        "address.kilometre",  # where houses bear no number: the kilometre of a Polynesian road
        r"\bpk ?\d{1,3}(?:[.,]\d{1,3})?(?:,? cote (?:mer|montagne))?",
        kind="ADRESSE",
        hint=("pk",),
        digit=True,
        examples=("au ‹PK 12,5 côté mer›", "le pk"),
    ),
    Identifier(
        "address.plot",  # of the land registry: "parcelle AB 241", "section ZH n° 87"
        r"\b(?:parcell?es?|(?:references? )?cadastr\w+|lot cadastre)(?: (?:cadastr\w+|n°|numeros?|est|la"
        r"|le)){0,4} ?:? ?"
        r"((?:section )?PLOT(?:(?:,| et) PLOT){0,9})"
        r"|(\bsection(?: cadastrale)? ?:? ?(?!de|du|la|le|en|au|et|a )(?:[a-z]{2} \d{1,4}(?!\w)|[a-z]{1,2}(?: ?, ?"
        r"| )(?:n° ?|no |numero )\d{1,4}(?!\w)))".replace(
            "PLOT", r"(?:\d{3} ?)?[a-z]{1,2}[ -]?(?:n° ?|no |numero )?\d{1,4}(?!\w)"
        ),
        kind="ADRESSE",
        hint=("parcel", "cadastr", "section"),
        digit=True,
        group=None,
        examples=("la parcelle ‹AB 241 et AC 12›", "‹section ZH n° 87›", "la section 3"),
    ),
)
BOXES = table(
    Identifier(
        "address.box",
        r"\b(?:bp|b\. ?p\.|boite postale|cs|tsa) ?(?:n° ?)?\d{1,6}\b(?: \d{3}(?!\d))?",
        kind="ADRESSE",
        hint=("bp", "b.", "boite postale", "cs", "tsa"),
        digit=True,
        examples=("ma ‹BP 12›", "le bp"),
    ),
)

# An address right after these words is where the service receives the public.
_SERVICE_BEFORE = re.compile(
    rf"(?:\b(?:notre|nos|votre|l'|les?|la) ?(?:{SERVICE}|siege|maison|point|structure|equipe|adresse|etablissement"
    r")\b[^.\n]{0,60}|\b(?:adresse[rz]|envoye[rz]|ecrire|ecrivez|retourne[rz]|transmett(?:re|ez)) (?:vot?re"
    r"|vos|nous|un|une|le|la|les)\b[^.\n]{0,40} ?[:,]? ?(?:a|au|a la|a l')? ?:? ?[^.\n]{0,50}"
    rf"|\b(?:{SERVICE}|bureaux?|guichets?|antenne|agence)(?: de poste)? (?:de la |du |de l'|des |de |au |a la |a l')"
    rf"|\b(?:{NETWORK}|mdph|tresorerie|centre)\b[^.\n\d]{{0,60}}"
    rf"|\b{SERVICE}\b[^.\n\d]{{0,40}}[,:(] ?(?:situee?s? |sis\w* |installee?s? )?(?:au |a )?)$"
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
OWN = re.compile(
    r"\b(?:j?h?abit\w+|mon|ma|mes|je|j'|domicile|chez moi|demeur\w+|vivons|vis|reexpedi\w+"
    r"|fai(?:re|s|tes) suivre|votre (?:nouvelle |ancienne )?adresse|(?<!notre )(?:mauvaise|ancienne|nouvelle) adresse"
    r"|residez|logez|notre (?:maison|appartement|logement|immeuble|domicile|residence)(?! (?:france|d))"
    r"|l'adresse (?:du (?:bien|logement|sinistre|compteur|chantier)|c'? ?est"
    r"|de (?:mon|ma|mes|son|sa|ses|leurs?|l'enfant)|d(?:u|es) (?:deux )?(?:parents?|enfants?|peres?|meres?|demandeurs?"
    r"|locataires?|proprietaires?|bailleurs?))"
    r"|(?:a|ont|est|sont|ete|avons) (?:\w+ )?(?:envoye|expedie|arrive|livre|distribue|parvenu|enregistre)e?s?"
    r"|mentionn\w+|logement)\b[^.\n]{0,60}$"
)
# The citizen tells the service where to write: "adresser vos lettres au …, et non plus à mon domicile".
OWN_AFTER = re.compile(r"[^.!?\n]{0,60}\b(?:mon domicile|chez moi|mon adresse|ou je (?:vis|loge|reside)|ou j'habite)\b")
# A street is everybody's where works, traffic or what stands in it is told, and nobody's home.
_IN_THE_STREET = re.compile(
    r"\b(?:barre\w*|deviation|deviee?s?|trottoirs?|chaussee|bitume|travaux|chantier|stationn\w+|gare[rs]?|parking"
    r"|circul\w+"
    r"|vitesse|km/h|bus|tram\w*|metro|navette|arrets?|carrefour|croisement|intersection|angle|feux?|passages? pietons?"
    r"|pietons?|cyclistes?|piste cyclable|velos?|nids?[ -]de[ -]poule|trous?|lampadaires?|eclairage|reverberes?|bancs?"
    r"|poubelles|conteneurs?|dechets|encombrants|depot sauvage|marche|kermesse|brocante|commerces?|panneaux?|egouts?"
    r"|fontaine|travers\w+|sens (?:unique|interdit)|embouteill\w+|bouchons?|voirie|balay\w+|neige|verglas|arbres?"
    r"|platanes?|haies?|ralentisseurs?|dos d'ane|rond-point|pave\w*|bornes?|horodateurs?|manifestation|defile)\b"
)
_HOME = re.compile(
    r"\b(?:j?h?abit\w+|demeur\w+|resid\w+|domicil\w+|log(?:e|ement|er)\b|chez (?:moi|nous|elle|lui|eux|m|mme|ma|mon)\b"
    r"|(?:mon|notre|son) (?:immeuble|appart\w*|batiment|adresse|portail|garage|jardin|commerce|magasin|cabinet|voisin)"
    r"|(?:ma|notre|sa) (?:maison|residence|rue|porte|boutique|fenetre|cour|facade|propriete)|mes (?:voisins|fenetres"
    r"|volets)|adresse|colis|courrier|lettre|recommande|facteur|livr\w+|a?emenag\w*|demenag\w*|bail|locataire"
    r"|proprietaire)\b"
)
# "la pharmacie de la rue Pasteur", "rue Pasteur, à la trésorerie"
_PLACE = (
    rf"(?:{SERVICE}|poste|pharmacie|boulangerie|supermarche|magasin|ecole|creche|college|lycee|gymnase|piscine|gare"
    rf"|station"
    r"|bibliotheque|mediatheque|eglise|dechetterie|parc|hopital|clinique|commissariat|gendarmerie|tribunal|mairie"
    r"|tresorerie|perception|cinema|theatre|stade|salle|borne|distributeur|maison de [a-z' ]{3,20})"
)
_PLACE_BEFORE = re.compile(rf"\b{_PLACE}(?: [a-z'-]+){{0,2}}(?:,| de| du| sur| dans| situee?)?(?: la| l'| le)? ?$")
_PLACE_AFTER = re.compile(rf",? (?:a|au|a la|a l'|devant|dans) ?(?:la |le |l')?{_PLACE}\b")
_OF_A_HOME = re.compile(
    r"(?:residence|res\.|lotissement|lot\.|villa|immeuble|imm\.|hameau|lieu|ld|mas|domaine|quartier|qu?\.|clos)[ -]"
)
_SENTENCE_END = re.compile(r"(?<![ '][a-z])(?<! av)(?<! bd)(?<! st)[.](?= |$)|[!?;\n]")
_CEDEX = re.compile(r"[^.\n]{0,60}?\bcedex\b")


def all_addresses(text: Text) -> list[Span]:
    """Find every address, a service's own included."""
    numbered = [*find(text, STREETS)]
    inside = {at for found in numbered for at in range(found.start, found.end)}
    others = [found for found in find(text, UNNUMBERED) if found.match.start() not in inside]
    streets = [*map(_span, numbered), *map(_span, others), *spans(text, TOLD)]
    taken = {at for span in streets for at in range(span.start, span.end)}
    told = any(not is_of_a_service(text, span) for span in streets)
    chains = (Span(*place, "ADRESSE", "rule", "address.chain") for place in bare_chains(text, taken, told=told))
    return [*streets, *chains]


def _span(found: Found) -> Span:
    return Span(found.start, found.end, found.rule.kind, "rule", found.rule.name)


def is_of_a_service(text: Text, span: Span, addresses: Sequence[Span] = ()) -> bool:
    """Say whether an address is a service's, said so beside it ("nos bureaux sont au …"), a Cedex or a public way."""
    if span.rule == "address.street" and _is_public(text, span):
        return True
    before = text.folded[max(0, span.start - 110) : span.start]
    if OWN.search(before) or OWN_AFTER.match(text.folded, span.end):
        return False
    if street := next((a for a in addresses if 0 < span.start - a.end < 4), None):
        return is_of_a_service(text, street)  # a postcode goes with its street
    said = _SERVICE_BEFORE.search(before) or _HANDED_IN.search(before) or _BODY_AFTER.match(text.folded, span.end)
    return bool(said or _CEDEX.match(text.folded, span.start))


def _is_public(text: Text, span: Span) -> bool:
    """Say whether a street without a number is told of as a place of the town, not as where somebody lives."""
    if _OF_A_HOME.match(text.folded, span.start):
        return False
    start, end = sentence_around(text.folded, span.start, span.end)
    sentence = text.folded[start : span.start] + " § " + text.folded[span.end : end]
    if _HOME.search(sentence):
        return False
    beside = _PLACE_BEFORE.search(text.folded[start : span.start]) or _PLACE_AFTER.match(text.folded, span.end)
    return bool(beside or _IN_THE_STREET.search(sentence))


def sentence_around(folded: str, start: int, end: int) -> Place:
    """Give where the sentence around a place begins and ends, 150 characters to each side at most."""
    before = [match.end() for match in _SENTENCE_END.finditer(folded, max(0, start - 150), start)]
    after = _SENTENCE_END.search(folded, end, end + 150)
    return before[-1] if before else max(0, start - 150), after.start() if after else min(len(folded), end + 150)
