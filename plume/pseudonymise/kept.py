"""What must stay, the substance of a reply: public bodies, their lines and addresses, laws, forms, dates, amounts.

What is kept is kept from the weak detectors only (names, cities, schools, references, catch-all); an IBAN is masked
wherever it stands. The rules that find phones, e-mails and URLs ask the directory themselves.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from plume.contacts import Directory
from plume.french.mentions.amounts import amounts
from plume.french.mentions.dates import dates
from plume.french.mentions.laws import laws
from plume.french.rules import Text, find, reading, table
from plume.french.text import fold
from plume.french.vocabulary import any_of, column, folded, rows, terms
from plume.french.words import ACRONYMS, BODIES, LABELS, TERRITORIES, Word
from plume.pseudonymise.identifiers.contacts import public_contacts
from plume.pseudonymise.identifiers.rule import Identifier
from plume.pseudonymise.identifiers.towns import service_addresses
from plume.pseudonymise.spans import Span

_LISTS = Path(__file__).parent / "lists"
_BRANDS = frozenset(fold(row["word"]) for row in rows("capitalised_things", _LISTS) if row["brand"])
_CIVILITY_WORDS = frozenset(fold(form).strip(".") for form in column("civilities", "form"))
_NAME_OF_PLACE = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LAST_WORD = re.compile(r"([^\W\d_]+)[.,;:]? ?$")
_NEXT_NAME = re.compile(r" [A-ZÀ-Þ][^\W\d_]+")  # "Zola Martin" is somebody
_NUMBERED = re.compile(r" ?(?:n°|no\b|:)? ?\d{4}", re.IGNORECASE)
_OPENS_A_CODE = re.compile(r" \d[\d ./-]{4}")
_REFERENCE = re.compile(
    r"\b(?:ref|reference|dossier|n°|numero|no|immat\w*|plaque|contrat|client|demande|rapport"
    r"|licence|permis|carte|mobilite|requete|recours|decision|plainte|agrement|autorisation|certificat)\b[^\w\n]{0,4}$"
)
# What is public and bears somebody's name: "salle Pierre de Roubaix", "station Charles de Gaulle".
_PUBLIC_PLACE = (
    r"(?:gares?|stations?|metro|gymnase|stade|piscine|mediatheque|bibliotheque|theatre|cinema|musee|aeroport"
    r"|amphitheatre|auditorium|chateau|cathedrale|basilique|eglise|caserne|fondation|salle|complexe(?: sportif)?|halle"
    r"|centre (?:culturel|social|commercial|sportif)|maison (?:de quartier|des associations|france services)|campus)"
)
# The same of what may be followed by somebody ("tour à tour Vandepoutte"): with two words at least.
_PUBLIC_WITH_TWO = (
    r"(?:place|square|parc|jardin|esplanade|parvis|quai|pont|tour|hall|espace|site|prix|fort|arret|terminal|plan|loi|rapport"
    r"|batiment|pavillon|statue|promotion|cite administrative)"
)
_FAMOUS = any_of(re.sub(r"[ -]", " ", name) for name in folded("famous_names")).replace(" ", "[ -]")
_NAMED_AFTER = re.compile(
    rf"\b(?:{_PUBLIC_PLACE}|{_PUBLIC_WITH_TWO}|centre|maison|quartier|rond-point|panneau|buste)"
    r"(?: [a-z'-]+)?(?: de| du| d')? ?[\"«]? ?$"
)
# These may be where somebody is treated or taught.
_ESTABLISHMENT = re.compile(
    r"\b(?:lycee|college|ecole|universite|hopital|clinique|creche|maternelle|institut|chr?u|maternite|ehpad)"
    r"(?: [a-z'-]+){0,2} ?$"
)
_APART = re.compile(r"(?:[,;:(] ?|^ ?)$")


def _is_no_label(match: re.Match[str], text: Text) -> bool:
    """Say whether capitals are neither a label nor an acronym: a known one, or one set apart that no name could be.

    Set apart means after a comma or a bracket; no name is what a number follows, or what has no vowel.
    """
    word, written = Word.of(match[0]), text.written
    apart = _APART.search(written, max(0, match.start() - 2), match.start())
    if (apart or _OPENS_A_CODE.match(written, match.end())) and _REFERENCE.search(
        text.folded[max(0, match.start() - 14) : match.start()]
    ):
        return True  # "Réf. : KX 7741", "dossier AME 075-8841-23"
    if word.folded in LABELS or word.folded in ACRONYMS:
        return word.everyday or not (apart or not word.listed)
    if not apart or word.listed:
        return True
    return not (_NUMBERED.match(written, match.end()) or (match.start() > 0 and not set(word.folded) & set("aeiouy")))


def _proper_name_of_place(match: re.Match[str], text: Text) -> tuple[int, int] | None:
    """Give the place with its name, which capitals tell, and is nobody with a civility: "salle Pierre Curie"."""
    end, names = None, 0
    for word in _NAME_OF_PLACE.finditer(text.written, match.start(), match.end()):
        if word.start() == match.start():
            continue
        if fold(word[0]) in _CIVILITY_WORDS:
            return None if end is None else (match.start(), end)
        if word[0][0].isupper() and not Word.of(word[0]).everyday:
            end, names = word.end(), names + 1 + ("-" in word[0])
        elif end and not Word.of(word[0]).particle:
            break
    told = (
        end
        and not text.shouting
        and not re.match("-[0-9]", text.written[end : end + 2])
        and (names > 1 or not match["two"])
    )
    return (match.start(), end) if told else None


def _of_the_street_sign(match: re.Match[str], text: Text) -> tuple[int, int] | None:
    """Give a famous name where it is a place's: joined by a hyphen ("Simone-Veil"), or after what bears it."""
    written = text.written[match.start() : match.end()]
    joined = "-" in written and " " not in written and written[0].isupper()
    named = _NAMED_AFTER.search(text.folded, max(0, match.start() - 45), match.start())
    of_somebody = _ESTABLISHMENT.search(text.folded, max(0, match.start() - 45), match.start())
    return match.span() if (joined or named) and not of_somebody else None


def _make_and_model(match: re.Match[str], text: Text) -> tuple[int, int] | None:
    """Give the make, with the model if it has a capital or a digit."""
    written = text.written[match.start() : match.end()]
    head, _, last = written.rpartition(" ")
    if head and fold(head) in _BRANDS and not (last[0].isupper() or last[0].isdigit()):
        return match.start(), match.start() + len(head)
    return match.span()


def _follows_a_name(match: re.Match[str], text: Text) -> bool:
    """Say whether a civility or a first name stands before: "Mme Renault", "Léa Zola"."""
    before = _LAST_WORD.search(text.written, max(0, match.start() - 20), match.start())
    if before is None or before[0].endswith((",", ";", ":")):
        return False
    plain = fold(before[1]).strip(".")
    named = Word.of(before[1])
    return (
        plain in _CIVILITY_WORDS or named.any_first_name or named.also_surname or plain in ("nom", "appelle", "prenom")
    )


_IS_SOMEBODY = (
    _follows_a_name,
    lambda match, text: bool(
        _NEXT_NAME.match(text.written, match.end()) and not text.written[match.start() : match.end()].count(" ")
    ),
)
KEPT = table(
    Identifier(
        "kept.form",
        r"\bcerfa(?: (?:n°|no|numero))? ?\d{4,5}(?:[*#]\d{1,2})?|\b(?:formulaire|imprime)(?: (?:n°"
        r"|no))? ?\d{4,5}[*#]\d{1,2}|(?<!\w)\d{4,5}[*#]\d{1,2}(?!\d)",
        hint=("cerfa", "*", "#"),
        digit=True,
        source="pattern",
        examples=("le ‹Cerfa n° 12345*03›", "le formulaire 2042"),
    ),
    Identifier(
        "kept.wish",  # "Merci Nathalie Bonne journée": a wish, no surname
        r"\b(?:bonne|belle|bon|excellente?|joyeu(?:x|ses)) (?:journee|soiree|continuation|annee|fin|semaine|reception"
        r"|route|chance|courage|week|noel|fetes?|vacances|retour|travail)\b",
        hint=("bon", "belle ", "excellent", "joyeu"),
        source="body",
        examples=("Merci Nathalie ‹Bonne journée›", "une bonne écoute"),
    ),
    Identifier(
        "kept.mission-abroad",  # its seat is its name: "le consulat de Milan"
        r"\b(?:consul\w+|ambassade|alliance francaise)(?: general\w*)?(?: de france)?"
        r"(?: de la| de| d'| a| au| aux| en) ?[^\W\d_]+(?:-[^\W\d_]+)*",
        hint=("consul", "ambassade", "alliance"),
        source="body",
        examples=("le ‹consulat général de France à Milan›", "le consulat"),
    ),
    Identifier(
        "kept.office",  # whoever holds it is as public as the place: "le préfet de Maine-et-Loire"
        r"\b(?:prefete?|sous-prefete?|recteur|rectrice|procureure?|batonniere?|consule?)"
        r" (?:de la |de l'|de |d'|du |des )[^\W\d_]+(?:-[^\W\d_]+)*",
        hint=("prefet", "recteur", "rectrice", "procureur", "batonnier", "consul"),
        source="body",
        examples=("le ‹préfet de Maine-et-Loire›", "le préfet"),
    ),
    Identifier(
        "kept.code",
        r"\bcode (?:civil|penal|rural|electoral|general des impots|monetaire et financier|de la route|du travail"
        r"|de la securite sociale|de la sante publique|de la consommation|de l'urbanisme|de l'education|du sport"
        r"|des relations entre le public(?: et l'administration)?|de l'action sociale(?: et des familles)?"
        r"|de l'entree et du sejour des etrangers(?: et du droit d'asile)?|de justice administrative"
        r"|de procedure (?:civile|penale)|de la construction(?: et de l'habitation)?|de l'environnement)\b",
        hint=("code ",),
        source="body",
        examples=("le ‹code de l'urbanisme›", "le code postal"),
    ),
    Identifier(
        "kept.label",
        r"[A-Z](?<![\w'’.-][A-Z])(?<!\w:[A-Z])[A-Z\d]{1,6}(?![\w'’-]|/\d)",
        reads="written",
        unless=_is_no_label,
        source="label",
        examples=("ma ‹RQTH› attend", "Mme DURAND"),
    ),
    Identifier(
        "kept.public-place",
        rf"(?<!\w)(?:{_PUBLIC_PLACE}|(?P<two>{_PUBLIC_WITH_TWO})) (?:de |du |d')?(?:(?:general|marechal|president"
        rf"|docteur|saint|sainte|l'abbe|commandant|colonel)"
        r"[ -])?[a-z][a-z'’-]+(?:[ -](?:de |du |la |le |des |d'){0,2}[a-z][a-z'’-]+){0,4}",
        hint=(
            *(
                "gare",
                "station",
                "arret",
                "metro",
                "salle",
                "gymnase",
                "stade",
                "piscine",
                "theque",
                "theatre",
                "cinema",
            ),
            *("musee", "aeroport", "auditorium", "pont", "parc", "jardin", "square", "place", "esplanade", "parvis"),
            *("quai", "hall", "chateau", "cathedrale", "basilique", "eglise", "fort", "caserne", "fondation", "prix"),
            *("terminal", "complexe", "centre ", "espace", "cite ", "maison ", "pavillon", "tour", "batiment", "site"),
            *("campus", "promotion", "loi", "plan", "rapport", "statue"),
        ),
        source="body",
        shape=_proper_name_of_place,
        examples=(
            "la ‹salle Pierre de Roubaix›",
            "la ‹station Charles de Gaulle›",
            "la salle d'attente",
            "la gare Mme Roux",
        ),
    ),
    Identifier(
        "kept.labelled",  # a form's line about the service, or about a thing
        r"\b(?:(?:ville|commune|lieu|site|adresse|nom|agence|antenne)(?: concernee?)? (?:du|de la|de l'|des) ?"
        r"(?:services?|agence|administration|structure|organisme|guichet|demarche|etablissement)|marque|modele|constructeur|fabricant|banque"
        r"|operateur|application|logiciel|appli) ?: ?([^\n,;:.!?]{2,40})",
        hint=(":",),
        group=1,
        source="label",
        examples=("Ville du service : ‹Nogent›", "Marque : ‹Mercedes›, neuve", "Ville : Nogent"),
    ),
    Identifier(
        "kept.famous",
        rf"(?<![\w'-]){_FAMOUS}(?![\w-])",
        words=frozenset(re.split("[ -]", name)[0] for name in folded("famous_names")),
        at_words=True,
        source="body",
        shape=_of_the_street_sign,
        unless=_follows_a_name,
        examples=("en sixième à ‹Georges-Brassens›", "la piscine ‹olivier de serres›", "merci à Simone Veil"),
    ),
    Identifier(
        "kept.case-law",
        r"\b(?:ce|caa|ta|cass\.?|cour de cassation|conseil d'etat|cour administrative d'appel|arret"
        r"|jurisprudence)\b[^.\n]{0,50}?"
        r"n°s? ?[\d][\d .-]{3,}\d",
        hint=("n°",),
        digit=True,
        source="pattern",
        examples=("l'‹arrêt CE, 12 juin 2020, n° 418142›", "mon dossier n° 418142"),
    ),
    Identifier(
        "kept.nobody",
        rf"(?<![\w'-])(?:l[ea] )?{any_of(terms('said_of_nobody', _LISTS))}(?![\w-])",
        words=frozenset(
            word for term in terms("said_of_nobody", _LISTS) for word in re.findall(r"[a-z]{4,}", fold(term))
        ),
        source="body",
        unless=_IS_SOMEBODY,
        examples=("M. Kafka et Léa Zola", "comme ‹le père noël›", "du ‹Kafka›", "mon père"),
    ),
    Identifier(
        "kept.brand",
        rf"(?<![\w'-]){any_of(_BRANDS)}(?: [a-z0-9]{{1,10}}(?= ?[.,;:!?)\n]| [a-z]|$))?(?![\w'-])",
        words=frozenset(word for term in _BRANDS for word in re.findall(r"[a-z]{3,}", term)),
        source="body",
        shape=_make_and_model,
        unless=_IS_SOMEBODY,
        examples=("Mme Renault", "ma ‹Renault Clio›", "un ‹iPhone›", "ma voiture"),
    ),
    Identifier(
        "kept.zodiac",
        r"\bsigne(?: (?:astro\w*|du zodiaque|astral))?(?: (?:est|c'est|:|du|de la|de l'|le|la)){0,4} ?:? ?"
        r"(belier|taureau|gemeaux|cancer|lion|vierge|balance|scorpion|sagittaire|capricorne|verseau|poissons?)\b",
        hint=("signe",),
        group=1,
        source="label",
        examples=("mon signe est ‹cancer›", "je signe"),
    ),
)
_TERMS: dict[str, list[str]] = {}  # bodies and territories by their first word, the longest first
for _term in sorted((*BODIES, *TERRITORIES), key=lambda term: (-len(term), term)):
    _TERMS.setdefault(re.match(r"\w+", _term)[0], []).append(_term)
_WORD = re.compile(r"\w+")
_SEVERAL = re.compile(r"[ '.-]")


def find_kept(text: str, directory: Directory) -> Iterator[Span]:
    """Find the regions that the weak detectors may not touch."""
    read = reading(text)
    folded = read.folded
    for start, end, rule, _ in find(read, KEPT):
        yield Span(start, end, "KEEP", rule.source, rule.name)
    whole = (one for one in dates(read) if one.value[1] and one.value[2])  # month and year at least
    for one in (*amounts(read), *laws(read), *whole):
        yield Span(one.start, one.end, "KEEP", "pattern", one.rule)
    yield from public_contacts(read, directory)
    for span in service_addresses(read):
        yield Span(span.start, span.end, "KEEP", "service-address")
    for span in _terms(folded):
        # One word alone may be a name ("France Delorme"): names weigh it; more words are a body's name.
        if _SEVERAL.search(folded, span.start, span.end):
            yield span


def _terms(folded: str) -> Iterator[Span]:
    """Find the names of bodies and territories, the longest that starts at a word."""
    position = 0
    for word in _WORD.finditer(folded):
        if word[0] not in _TERMS or word.start() < position:
            continue
        for term in _TERMS[word[0]]:
            position = word.start() + len(term)
            if folded.startswith(term, word.start()) and not _WORD.match(folded, position):
                yield Span(word.start(), position, "KEEP", "body")
                break
        else:
            position = word.end()
