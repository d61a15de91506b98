"""Names that are words of everyday French: "Mme Dupont Claire", "M. PETIT Franck", "signé : dupont claire".

The word lists clear such a word wherever it stands; here is said where it is a name all the same: beside a name that
was found, after a civility or the label of a form, and, once somebody is known to bear it, with a capital in
mid-sentence. Days and months are too often only that: in lower case they are never taken for a name.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from plume.french.phrases import CIVILITY, PERSON, SERVICE
from plume.french.text import fold
from plume.french.vocabulary import column, rows
from plume.french.words import FIRST_NAMES_THAT_ARE_WORDS, Word
from plume.pseudonymise.spans import Span

_ALWAYS = frozenset(column("surnames_that_are_words", "word", believed="always"))
# Days, months and France: with a capital in mid-sentence they are oftener that.
_OFTENER_ELSE = frozenset(row["word"] for row in rows("surnames_that_are_words") if row["oftener"])
_NEVER_ACTING = frozenset(column("first_names_that_are_words", "word", never="acting"))
ACTING = FIRST_NAMES_THAT_ARE_WORDS - _NEVER_ACTING
NEVER_INSIDE = frozenset(column("first_names_that_are_words", "word", never="inside"))
NEVER_THANKED = frozenset(column("first_names_that_are_words", "word", never="thanked"))
NEVER_BY = frozenset(column("first_names_that_are_words", "word", never="by")) | NEVER_THANKED
NEVER_READ = frozenset(column("first_names_that_are_words", "word", never="read"))
# Before a word in lower case that is a name: what calls somebody, or the start of a sentence or of an item.
_CALLED = re.compile(
    r"(?:^|[.!?;:,(\n/&+•*-] ?|\b(?:par|avec|chez|merci|a|bravo|remerci\w+|felicit\w+|bonjour|bonsoir|bjr|salut|slt"
    r"|coucou"
    r"|m|c'est|cest|c|et|ou|puis|r?appel\w+|nomme\w*|prenom\w*|conseill\w+|agente?|collegue"
    rf"|{PERSON}|{CIVILITY}|dame|de|vu|revu|eu|que|car|mais|pour|contact\w+|nom) )$"
)
# After a name in lower case or capitals, a word is one more of its words only where the sentence goes on so.
_GOES_ON = re.compile(
    r"-?(?: ?(?:$|[.,;:!?)(\n/])| (?:(?:m|n|s|l)')| (?:a|as|ai|ma|ne|n|est|et|qui|ou|de|du|des|pour|au|aux|se|ce|me"
    r"|avait|etait|sera|va|vous|nous|dans|avec|par|en|jai|je|sans|dont|puis|le|la|les"
    r"|prenoms?|noms?)\b)"
)
_ENDS = re.compile(r" ?(?:$|[,.!\n])")
_NO_NAME_AFTER = re.compile(
    r" (?:merci|bravo|courage|accueil|travail|service|rappel|souci|probleme|mot|jour|bonheur|sourire|soulagement)"
)
_BEFORE = re.compile(r"(?<![\w@./'’-])([^\W\d_]+)([ -])$")
_AFTER = re.compile(r"[ -]([^\W\d_]+)(?![\w@'’])")
# A word in lower case is a thing, not a name, after an article or where a trade is told.
_ARTICLE = re.compile(
    r"(?<!\w)(?:(?:le|la|les|un|une|des|du|au|aux|ce|cet|cette|ces|mon|ma|mes|son|sa|ses|notre|nos|votre|vos|leurs?"
    r"|chaque|quelques?|en|comme|devenir|artisan|apprentie?|ouvriere?"
    r"|(?:metier|profession|poste|cap|diplome|activite) de) "
    r"|[ld]')$"
)
_IS = re.compile(
    r"\b(?:est|etait|ete|sera|fut|furent|soit|suis|es|sont|etaient|serait|sembl\w+|reste|restait|parait|devient|tres|si|plus"
    r"|moins|assez|peu|trop|aussi|fort|bien) $"
)
_QUALITY = re.compile(r"(?:able|ible|eux|euse|ive|if)s?,? (?:et )?$")  # "aimable, constant"
_OF = re.compile(r"\b(?:avec|par|sans|en) $")
_NOT_OF = re.compile(r"\bde $")
_COMPOUND = re.compile(r"-[a-z]")
_GLUED_ARTICLE = re.compile(r"(?:le|du)[a-z]{3}")  # "leroy", "dupont": the article is the name's own
_MID_SENTENCE = re.compile(r"[^\W\d_,] $|, $")
# What tells that somebody acts: "Prudence m'a aidée", "Constance du service courrier".
_ACTS = re.compile(
    r"(?: (?:m'|nous |vous |l'|lui |leur |t')(?:a|ont|avait)\b|(?:ne |n'|me |m'|nous |se )[a-z]"
    r"| a (?:ete|su|pris|eu|fait|dit|tout|tres|bien|vraiment|toujours|repondu|raccroche|rappele|traite|promis|refuse"
    r"|resolu|gere|decroche|rappele|envoye|oublie|perdu|accueilli)\b"
    r"| etait (?:la(?= ?[,.!]|$)|au|de (?:permanence|garde|service)|a l'accueil|tres"
    r"|super|absente?|adorable|parfaite?|desagreable)\b"
    r"| est (?:tres|super|vraiment|geniale?|adorable|parfaite?|nulle?|top|au top|absente?|partie?|une perle|desagreable"
    r"|competente?|gentille?|patiente?|agreable|formidable|odieu\w+)\b"
    r"| (?:repond|decroche|traite|gere|merite|connait|sait|refuse|suit)\b"
    rf"|,? (?:du|de l'|de la|au) (?:\w+ )?(?!service public)(?:{SERVICE}|telephone|standard|(?:guichet|bureau"
    rf"|poste)(?: n°)? \d)\b"
    r"| porte (?:bien|mal|si bien|tres bien) son (?:pre)?nom\b"
    r"|,? ?\(?(?:au )?(?:guichet|bureau|poste)(?: n°)? \d"
    r"|,? ?\((?:accueil|standard|secretariat|guichet)\b"
    r"| ?: (?:oui|non|ok|top|super|parfaite?|souriante?|aimable|absente?|adorable|agreable|efficace|nulle?|pro"
    r"|gentille?"
    r"|competente?|desagreable|aucun accueil|accueil)\b)"
)
# A participle, in letters as they are written: "Juste a quitté", "Boucher a signé".
HAS_DONE = (
    r" (?:a|avait|aura) (?:déjà |bien |enfin |tout |tous |très |mal |encore |ensuite |aussi )*"
    r"(?!été|depuis|jamais|mais|ici)[a-zà-ÿ]{2,}(?:é|[^aeo\s]i|u|is|it|ert)(?!\w)"
)
_HAS_DONE = re.compile(HAS_DONE)
_JOINED = r"(?:,? (?:et|ou|puis)(?: aussi| surtout| encore)? (?:(?:à|a|A|À|avec|pour) )?|, (?:à |a )?| ?& ?| ?/ ?)"
_LISTED_AFTER = re.compile(
    rf"(?i:{_JOINED})([^\W\d_]{{3,}})"
    r"(?=(?i: ?(?:$|[,.!;:)\n]| (?:et|ou|pour|qui|ont|sont|nous|vous|m'ont|mes|mon|ma|nos|ses|leurs?)\b)))"
)
_LISTED_BEFORE = re.compile(rf"(?<![\w@./'’-])([^\W\d_]{{3,}})(?i:{_JOINED})$")


def is_homonym(word: str, folded: str, end: int, *, shouting: bool = False, sure: bool = True) -> bool:
    """Whether a word that ends at `end`, where a name is awaited, is one; `folded` is the folded text.

    In lower case, and in a text that is all capitals, what follows decides: "docteur petit m'a vu", "madame petit mot".
    So it does with a capital where a sentence may begin just as well (not `sure`): "Bonjour, Petit souci".
    """
    known = Word.of(word)
    if not known.also_surname:
        return False
    if word.islower() or shouting:
        return known.folded in _ALWAYS and bool(_GOES_ON.match(folded, end) or _known_after(folded, end))
    if not sure:
        return bool(_ENDS.match(folded, end) or _known_after(folded, end))
    return not _NO_NAME_AFTER.match(folded, end)


def _known_after(folded: str, end: int) -> bool:
    word = _AFTER.match(folded, end)
    return bool(word) and (
        Word.of(word[1]).any_first_name or (word[1] in _ALWAYS and bool(_GOES_ON.match(folded, word.end())))
    )


def widen(text: str, folded: str, span: Span, *, shouting: bool) -> Span:
    """The span of a person with the homonyms that stand beside it: "DUPONT" of "MME DUPONT CLAIRE"."""
    start, end = span.start, span.end
    while match := _AFTER.match(text, end):
        if not (_alike(text[span.start : span.end], match[1]) and _is_part(match[1], folded, match.end(), shouting)):
            break
        end = match.end()
    while match := _BEFORE.search(text, max(0, start - 30), start):
        word = match[1]
        sure = word.isupper() and not shouting and len(word) > 1
        inside = (
            word.istitle() and match[2] == " " and _MID_SENTENCE.search(text[max(0, match.start() - 2) : match.start()])
        )
        known = Word.of(word)
        if not known.also_surname or not (sure or (inside and known.folded not in _OFTENER_ELSE)):
            break
        start = match.start()
    return span if (start, end) == span[:2] else span._replace(start=start, end=end)


def _is_part(word: str, folded: str, end: int, shouting: bool) -> bool:
    return is_homonym(word, folded, end, shouting=shouting) and (
        not (word.islower() or shouting) or bool(_GOES_ON.match(folded, end))
    )


def _alike(name: str, word: str) -> bool:
    """Whether a word is written as the name before it is; a first name may follow a surname in capitals."""
    last = re.split(r"[ -]", name)[-1]
    if word.islower():
        return last.islower()
    return last[:1].isupper()


def borne(names: Iterable[str]) -> set[str]:
    """The folded everyday words that somebody's name consists of: "Petit" of "M. Petit"."""
    return {
        plain
        for name in names
        for plain in map(fold, re.findall(r"[^\W\d_]+", name))
        if Word.of(plain).also_surname and Word.of(plain).listed
    }


def find_borne(text: str, words_borne: Iterable[str]) -> Iterator[Span]:
    """Where such a word stands with a capital in mid-sentence: "j'ai revu Petit au guichet"."""
    wanted = sorted(set(words_borne) - _OFTENER_ELSE)
    folded = fold(text)
    for match in re.finditer(rf"(?<=[\w,] )(?:{'|'.join(wanted)})(?![\w'-])", folded) if wanted else ():
        if text[slice(*match.span())].istitle() and not _NO_NAME_AFTER.match(folded, match.end()):
            yield Span(*match.span(), "PERSONNE", "propagated")


def is_thing(text: str, span: Span, is_usual: Callable[[str], bool]) -> bool:
    """Whether what was taken for a name is a word in lower case after an article: "la rose", "un boulanger".

    `is_usual` says whether French uses the word so; a first name that is no word stays a name ("la sandrine").
    """
    written = text[span.start : span.end]
    if not written.islower():
        return False
    known = Word.of(written)
    if known.folded in NEVER_BY and _OF.search(fold(text[max(0, span.start - 6) : span.start])):
        return True  # "avec prudence"
    if known.folded in FIRST_NAMES_THAT_ARE_WORDS and _QUALITY.search(fold(text[max(0, span.start - 9) : span.start])):
        return True
    if known.folded in FIRST_NAMES_THAT_ARE_WORDS and not _is_called(text, span):
        return span.source != "ner" or not _is_read(text, span, known.folded)
    given = known.any_first_name or known.folded in FIRST_NAMES_THAT_ARE_WORDS
    if not all(word.isalpha() and is_usual(word) for word in written.split()):
        return False
    if known.first_name or (_GLUED_ARTICLE.match(known.folded) and known.listed):
        return False
    before = fold(text[max(0, span.start - 16) : span.start])
    of_network = span.source == "ner" and span.type == "PERSONNE" and " " not in written
    if of_network and not (given or _is_called(text, span, _NOT_OF)):
        return True  # "un caractère de cochon", "aucun lien"
    adjective = known.also_first_name and _IS.search(before)
    return bool(adjective or _ARTICLE.search(before) or _COMPOUND.match(text, span.end))


def _is_read(text: str, span: Span, word: str) -> bool:
    """Whether the network may be believed that it read a name: no word that French says oftener, and no noun."""
    before = fold(text[max(0, span.start - 16) : span.start])
    a_noun = _ARTICLE.search(before) or _IS.search(before)
    return not (word in NEVER_READ or a_noun or _COMPOUND.match(text, span.end))


def _is_called(text: str, span: Span, but: re.Pattern[str] | None = None) -> bool:
    before = fold(text[max(0, span.start - 24) : span.start])
    return bool(_CALLED.search(before) and not (but and but.search(before))) or bool(
        _ACTS.match(fold(text[span.end : span.end + 60]))
    )


def is_usual(word: str) -> bool:
    """Say whether French uses a name as a word too, as far as the lists know."""
    return Word.of(word).is_word_and_name


def acts(text: str, folded: str, name: re.Match[str]) -> bool:
    """Whether a name opens its sentence as somebody who acts; folding makes "à" an "a", which is no verb."""
    acts = fold(name[0]) not in _NEVER_ACTING and _ACTS.match(folded, name.end())
    has_done = fold(name[0]) not in NEVER_INSIDE and _HAS_DONE.match(text, name.end())
    return bool(acts or has_done) and text[name.end() + 1 : name.end() + 2] not in ("à", "À")


def end_of_surname_that_acts(folded: str, end: int) -> int | None:
    """Give the end of a listed surname in lower case after a first name, if whoever is so called acts."""
    surname = _AFTER.match(folded, end)
    if surname and Word.of(surname[1]).listed and _ACTS.match(folded, surname.end()):
        return surname.end()
    return None


def find_beside(text: str, people: Iterable[Span]) -> Iterator[Span]:
    """First names that are words too, in one list with somebody found: "Franck, Aude, Maxime"."""
    ahead = list(people)
    seen = {span[:2] for span in ahead}
    while ahead:
        span = ahead.pop()
        before = None
        if text[span.start - 1 : span.start] in tuple(" &/"):
            before = _LISTED_BEFORE.search(text, max(0, span.start - 40), span.start)
        for match in filter(None, (_LISTED_AFTER.match(text, span.end), before)):
            if match.span(1) not in seen and _written_alike(text[span.start : span.end], match[1]):
                seen.add(match.span(1))
                ahead.append(Span(*match.span(1), "PERSONNE", "first-name"))
                yield ahead[-1]


def _written_alike(name: str, word: str) -> bool:
    """Whether a first name that is a word stands in the letters of the name beside it, lower case or capitals."""
    plain = fold(word)
    if plain not in ACTING:
        return False
    if word.islower() or word.isupper():
        return plain not in NEVER_THANKED and (name.islower() if word.islower() else name.isupper())
    return word.istitle()
