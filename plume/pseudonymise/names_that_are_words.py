"""Names that are words of everyday French: "Mme Dupont Claire", "M. PETIT Franck", "signé : dupont claire".

The word lists clear such a word wherever it stands; here is said where it is a name all the same: beside a name that
was found, after a civility or the label of a form, and, once somebody is known to bear it, with a capital in
mid-sentence. Days and months are too often only that: in lower case they are never taken for a name.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from plume.french.insee import known_names
from plume.french.text import fold
from plume.french.vocabulary import rows, word_set
from plume.french.words import FIRST_NAMES, FIRST_NAMES_THAT_ARE_WORDS
from plume.pseudonymise.spans import Span

_SURNAMES = rows("surnames_that_are_words")
_ALWAYS = frozenset(row["word"] for row in _SURNAMES if row["believed"] == "always")
_TIMES = frozenset(row["word"] for row in _SURNAMES if row["times"])
HOMONYMS = frozenset(row["word"] for row in _SURNAMES)
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
_IS = re.compile(r"\b(?:est|etait|ete|sera|tres|si|plus|moins|assez|peu|trop|aussi) $")
_COMPOUND = re.compile(r"-[a-z]")
_GLUED_ARTICLE = re.compile(r"(?:le|du)[a-z]{3}")  # "leroy", "dupont": the article is the name's own
_MID_SENTENCE = re.compile(r"[^\W\d_,] $|, $")
# Everyday words that are first names where they act: "Prudence m'a aidée", "Constance du service courrier".
_ALSO_FIRST_NAMES = word_set(
    "grace esperance constant candide aude lorraine marin melodie harmonie alma celeste oceane"
)
WORD_NAMES = FIRST_NAMES_THAT_ARE_WORDS | _ALSO_FIRST_NAMES
_ACTS = re.compile(
    r" (?:(?:m'|nous |vous |l'|lui |leur |t')(?:a|ont|avait)\b|(?:ne |n'|me |m'|nous |se )[a-z]"
    r"|a (?:ete|su|pris|eu|fait|dit|tout|tres|bien|vraiment|toujours|repondu|raccroche|rappele|traite|promis|refuse"
    r"|resolu|gere)\b|etait (?:la(?= ?[,.!]|$)|au|a l'accueil|tres|super|absente?|adorable|parfaite?|desagreable)\b"
    r"|est (?:tres|super|vraiment|geniale?|adorable|parfaite?|nulle?|top|au top|absente?|partie?|une perle|desagreable"
    r"|competente?|gentille?|patiente?|agreable|formidable|odieu\w+)\b"
    r"|(?:repond|traite|gere|merite|connait|sait|refuse|suit)\b"
    r"|(?:du|de l'|de la|au) (?:\w+ )?(?:service(?! public)|guichet|accueil|bureau|standard|telephone|caf|cpam|mairie"
    r"|prefecture)\b)"
)
_NO_SUBJECT = word_set("france noel juste parfait franc")
NO_THANKS_TO = word_set("france noel juste parfait franc desire desiree soleil marin constant lorraine")
_LISTED_AFTER = re.compile(
    r"(?: et (?:à |a )?|, (?:à |a )?| ?& ?| ?/ ?)([^\W\d_]{3,})"
    r"(?= ?(?:$|[,.!;:)\n]| (?:et|pour|qui|ont|sont|nous|m'ont)\b))"
)
_LISTED_BEFORE = re.compile(r"(?<![\w@./'’-])([^\W\d_]{3,})(?:,? et (?:à |a )?|, (?:à |a )?| ?& ?| ?/ ?)$")


def is_homonym(word: str, folded: str, end: int, *, shouting: bool = False, sure: bool = True) -> bool:
    """Whether a word that ends at `end`, where a name is awaited, is one; `folded` is the folded text.

    In lower case, and in a text that is all capitals, what follows decides: "docteur petit m'a vu", "madame petit mot".
    So it does with a capital where a sentence may begin just as well (not `sure`): "Bonjour, Petit souci".
    """
    plain = fold(word)
    if plain not in HOMONYMS:
        return False
    if word.islower() or shouting:
        return plain in _ALWAYS and bool(_GOES_ON.match(folded, end) or _known_after(folded, end))
    if not sure:
        return bool(_ENDS.match(folded, end) or _known_after(folded, end))
    return not _NO_NAME_AFTER.match(folded, end)


def _known_after(folded: str, end: int) -> bool:
    word = _AFTER.match(folded, end)
    return bool(word) and (
        word[1] in FIRST_NAMES
        or word[1] in FIRST_NAMES_THAT_ARE_WORDS
        or (word[1] in _ALWAYS and bool(_GOES_ON.match(folded, word.end())))
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
        if fold(word) not in HOMONYMS or not (sure or (inside and fold(word) not in _TIMES | {"france"})):
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
        if plain in HOMONYMS and plain in known_names()
    }


def find_borne(text: str, words_borne: Iterable[str]) -> Iterator[Span]:
    """Where such a word stands with a capital in mid-sentence: "j'ai revu Petit au guichet"."""
    wanted = sorted(set(words_borne) - _TIMES - {"france"})
    folded = fold(text)
    for match in re.finditer(rf"(?<=[\w,] )(?:{'|'.join(wanted)})(?![\w'-])", folded) if wanted else ():
        if text[slice(*match.span())].istitle() and not _NO_NAME_AFTER.match(folded, match.end()):
            yield Span(*match.span(), "PERSONNE", "propagated")


def is_thing(text: str, span: Span, is_usual: Callable[[str], bool]) -> bool:
    """Whether what was taken for a name is a word in lower case after an article: "la rose", "un boulanger".

    `is_usual` says whether French uses the word so; a first name that is no word stays a name ("la sandrine").
    """
    written = text[span.start : span.end]
    if not written.islower() or not all(word.isalpha() and is_usual(word) for word in written.split()):
        return False
    plain = fold(written)
    if plain in FIRST_NAMES or (_GLUED_ARTICLE.match(plain) and plain in known_names()):
        return False
    before = fold(text[max(0, span.start - 16) : span.start])
    adjective = plain in FIRST_NAMES_THAT_ARE_WORDS and _IS.search(before)
    return bool(adjective or _ARTICLE.search(before) or _COMPOUND.match(text, span.end))


def is_ambiguous(word: str) -> bool:
    """Whether a name is an everyday word too, as far as the lists know."""
    return fold(word) in FIRST_NAMES_THAT_ARE_WORDS or fold(word) in HOMONYMS


def acts(text: str, folded: str, name: re.Match[str]) -> bool:
    """Whether a name opens its sentence as somebody who acts; folding makes "à" an "a", which is no verb."""
    acts = fold(name[0]) not in _NO_SUBJECT and _ACTS.match(folded, name.end())
    return bool(acts) and text[name.end() + 1 : name.end() + 2] not in ("à", "À")


def find_beside(text: str, people: Iterable[Span]) -> Iterator[Span]:
    """First names that are words too, in one list with somebody found: "Franck, Aude, Maxime"."""
    for span in people:
        lower = text[span.start : span.end].islower()
        before = None
        if text.endswith((", ", " et ", " à ", " a ", "& ", "&", "/ ", "/"), 0, span.start):
            before = _LISTED_BEFORE.search(text, max(0, span.start - 30), span.start)
        for match in filter(None, (_LISTED_AFTER.match(text, span.end), before)):
            alike = match[1].istitle() or (lower and match[1].islower() and fold(match[1]) not in NO_THANKS_TO)
            if alike and fold(match[1]) in WORD_NAMES and fold(match[1]) not in _NO_SUBJECT:
                yield Span(*match.span(1), "PERSONNE", "first-name")
