"""Names of people that what stands before them, or a first name, gives away; no recogniser needed."""

import re
from collections.abc import Iterator

from plume.french.phrases import KIN, WRITTEN_CIVILITY
from plume.french.rules import Place, Text, find, reading, table
from plume.french.text import fold
from plume.french.vocabulary import any_of, column, folded
from plume.french.words import FIRST_NAMES, FIRST_NAMES_THAT_ARE_WORDS, SURNAMES_THAT_ARE_WORDS, Word
from plume.pseudonymise.identifiers.announcers import ANNOUNCERS, Announcer, is_pronoun
from plume.pseudonymise.identifiers.rule import Identifier, spans
from plume.pseudonymise.names import LISTS, WORD, is_listed, read_name
from plume.pseudonymise.names_that_are_words import (
    ACTING,
    HAS_DONE,
    NEVER_BY,
    NEVER_INSIDE,
    NEVER_THANKED,
    acts,
    end_of_surname_that_acts,
    is_homonym,
)
from plume.pseudonymise.spans import Span

_LETTER = r"[^\W\d_]"
_INITIAL = re.compile(r"[\W\d_]*[^\W\d_](?![^\W\d_])")
_LEADS_ELSEWHERE = re.compile(r"(?:de|du|des) |d['’]")
_SERVICE_SIGNS = re.compile(r"(?:L[ae]|Les) [a-zà-ÿ]|L['’][a-zà-ÿ]")
_MORE = re.compile(r"(?: ?[,/] ?| et | ou | puis |, puis )(?:(?:de |d'|avec |a )?)")
# Right before a name in lower case: a title that some word makes a common noun.
_CIVILITIES = frozenset(column("civilities", "form", kind="long"))
_TITLES = {fold(form) for form in column("civilities", "form", kind="title") if len(form) > 3} | _CIVILITIES
_CIVILITIES_READ = tuple({fold(form) for form in column("civilities", "form") if form != "M"})
_SOME_TITLE = re.compile(
    r"\b(?:une?|ce|cet|cette|le|la|les|des|quel|quelle|autre|mon|ma|son|sa|notre|votre|chaque|aucune?) "
    rf"({any_of(_TITLES)}) $"
)
_FIRST_NAMES = FIRST_NAMES | FIRST_NAMES_THAT_ARE_WORDS
_BELIEVED_IN_LOWER_CASE = frozenset(column("first_names_that_are_words", "word", lower="yes"))
_DESCRIBES = folded("describing_words", LISTS)
_PRESENTED = re.compile(r", (?:vot?re|pour|conseill|agent|responsable|gestionnaire|du service|de l'equipe)")
# In capitals, after a first name: "KÉVIN JURE QUE", "ROZENN ATTEND DEPUIS".
_VERB_AFTER = re.compile(r" [a-z]+ (?:qu[e']|une?|pas|son|sa|ses|des|depuis)\b")
_MID_SENTENCE = re.compile(rf"(?:{_LETTER}|,) $")


def _glued(match: re.Match[str], text: Text) -> Place | None:
    if text.shouting:
        return None
    end = read_name(text.written, match.end(), lower_ok=False, trusted=True)
    return (match.end(), end) if end else None


def _initial(match: re.Match[str], text: Text) -> Place | None:
    end = read_name(text.written, match.end(), lower_ok=False, trusted=False, homonyms=True)
    return (match.start(), end) if end and match[0].strip() != "M." else None


def _first_name(match: re.Match[str], text: Text) -> Place | None:
    parts = match[0].split("-")
    if text.lower[match.start() : match.end()] in ("marié", "mariée"):
        return None
    if FIRST_NAMES.isdisjoint(parts) or not _FIRST_NAMES.issuperset(parts):
        return None
    end = match.end()
    if text.written[match.start()].isupper() and not (text.shouting and _VERB_AFTER.match(text.folded, end)):
        end = read_name(text.written, match.start(), lower_ok=False, trusted=False) or end
    return match.start(), max(end, match.end())


def _first_name_that_is_a_word(match: re.Match[str], text: Text) -> Place | None:
    """Believe it with a surname after it, a capital in mid-sentence, or a telling neighbour."""
    known = Word.of(match[0])
    if known.folded not in FIRST_NAMES_THAT_ARE_WORDS:
        return None
    if text.shouting:
        end = end_of_surname_that_acts(text.folded, match.end())
        return (match.start(), end) if end else None
    if not match[0].istitle() or not known.also_first_name:
        end = end_of_surname_that_acts(text.folded, match.end())
        return (match.start(), end or match.end()) if end or acts(text.written, text.folded, match) else None
    after = match.end() + 1
    surname = text.written[after : after + 1].isupper() and read_name(
        text.written, after, lower_ok=False, trusted=False
    )
    before = text.written[max(0, match.start() - 2) : match.start()]
    inside = _MID_SENTENCE.search(before) and known.folded not in NEVER_INSIDE
    if surname or inside or _PRESENTED.match(text.folded, match.end()) or acts(text.written, text.folded, match):
        return match.start(), surname or match.end()
    return None


def _is_word_after_thanks(match: re.Match[str], text: Text) -> bool:
    calm = not text.shouting or " a " in match[0]
    return not calm or match[1] not in FIRST_NAMES_THAT_ARE_WORDS or match[1] in NEVER_THANKED


def _is_label(match: re.Match[str], _: Text) -> bool:
    return not Word.of(match[1]).may_be_name


_BY = re.compile(r"\b(?:par|avec|chez|et moi|ni|(?:re)?voir|demander|r?app?eler|contacter|joindre|sans) $")
_BEGINS = re.compile(
    r"(?:^|[.!?;:,(\n] ?|\b(?:(?:re)?voir|vue?|hier|demain|matin|soir|lundi|mardi|mercredi|jeudi|vendredi|samedi|et|ou"
    r"|mais|que|car|puis|quand|si|alors|sinon|pourtant|donc|avec|chez|collegue|agente?|conseill\w+) )$"
)
_IT_IS, _GREETED = re.compile(r"\b(?:c'est|cest|c'etait) $"), re.compile(r"\b(?:bonjour|bonsoir|salut|slt|bjr) $")


def _is_called(match: re.Match[str], text: Text) -> bool:
    """Say whether what stands before a word, and goes on after it, speaks of somebody."""
    before = text.folded[max(0, match.start() - 10) : match.start()]
    if _BY.search(before):
        return True
    if _IT_IS.search(before):
        return bool(match["of"])
    greeted = _GREETED.search(before)
    return bool(greeted and (match["of"] or (match["sign"] or "").strip() == ","))


PEOPLE = table(
    Identifier(
        "name.after-glued-civility",  # "MmeLacroix"
        rf"\b(?:{WRITTEN_CIVILITY}|Dr)(?=[A-ZÀ-Þ]{_LETTER}{{2}})",
        kind="PERSONNE",
        hint=(*_CIVILITIES_READ, "m.", "dr"),
        at_hints=True,
        reads="written",
        shape=_glued,
        source="trigger",
        examples=("merci à Mme‹Lacroix›", "merci à Mme"),
    ),
    Identifier(
        "name.after-initial",
        r"[A-ZÀ-Þ](?<![\w.].)(?:\.[ -]?(?:[A-ZÀ-Þ]\.[ -]?)?"
        r"|(?:(?<=[TPCG])h|(?<=C)hr|(?<=F)[rl]|(?<=C)l|(?<=J)n)\.[ -]?)"
        r"(?=[A-ZÀ-Þ][^\W\d_]{2})",
        kind="PERSONNE",
        hint=(".",),
        reads="written",
        shape=_initial,
        source="initial",
        examples=("avec ‹P. Lacroix›", "porte B. Merci"),  # the letter may end a sentence
    ),
    Identifier(
        "name.one-letter",
        rf"(?<!\w){WRITTEN_CIVILITY} ([A-ZÀ-Þ])(?![\w'’])",
        kind="PERSONNE",
        hint=(*_CIVILITIES_READ, "m."),
        at_hints=True,
        reads="written",
        group=1,
        source="initial",
        examples=("avec Mme ‹L›", "avec Mme L'Hostis"),
    ),
    Identifier(
        "name.signed",  # initials on a last line of their own
        r"\n[^\S\n]*([A-ZÀ-Þ]{2,3}|(?:[A-ZÀ-Þ]\.[ -]?){2,3})\s*\Z",
        kind="PERSONNE",
        hint=("\n",),
        reads="written",
        group=1,
        unless=_is_label,
        source="initial",
        examples=("Merci.\n‹P. L.›", "Merci.\nCAF"),
    ),
    Identifier(
        "name.with-apostrophe",
        rf"(?<![\w'’.])[MN]['’][A-ZÀ-Þ]{_LETTER}{{2,}}(?!\w)",
        kind="PERSONNE",
        hint=("m'", "n'"),
        reads="written",
        unless=lambda match, text: text.shouting or not match[0][2:].istitle() or not Word.of(match[0][2:]).may_be_name,
        source="first-name",
        examples=("avec ‹N'Golo›", "N'importe quoi", "elle N'A rien"),
    ),
    Identifier(
        "name.two-initials",  # of Jean-Pierre: "jp m'a dit", "donné à jb le stagiaire"
        r"(?:(?:^|[\n,.:;!?(]) ?|\b(?:a|avec|par|chez|de|merci|et|que|c'est|salut|demandez|ai vu|voir) )(j[bcgp])"
        r"(?= ?(?:$|[,.!?:;)\n]|(?:le|la|du|de la|de l'|qui|et|au|il|ma|m'|nous|vous|dit|a|est)\b))",
        kind="PERSONNE",
        hint=("jb", "jc", "jg", "jp"),
        group=1,
        source="initial",
        examples=("donné à ‹jb› le stagiaire", "‹JP› m'a dit", "le jc 2"),
    ),
    Identifier(
        "name.with-digits",  # of a forum: "Nath78 a eu pareil", "comme Vaness57"
        r"(?=[A-ZÀ-Þ][a-zà-ÿ]{2,20}+\d)"
        r"(?:(?<=[Cc]omme )|(?<=[Ss]elon )|(?<=[Mm]erci )|(?<=[Bb]onjour )|(?<=[Ss]alut )|(?<=\b[àÀ] ))"
        r"[A-ZÀ-Þ][a-zà-ÿ]{2,}\d{2,4}(?![\w-])"
        r"|(?<![\w@./#-])[A-ZÀ-Þ][a-zà-ÿ]{2,}\d{2,4}(?= (?:a|dit|tu|m'a|nous|vous|confirme|raconte|avait|plus haut)\b)",
        kind="PERSONNE",
        digit=True,
        reads="written",
        unless=lambda match, _: not Word.of(match[0].rstrip("0123456789")).may_be_name,
        source="trigger",
        examples=("‹Nath78› a eu pareil", "comme ‹Vaness57›", "le Covid19 a tout bloqué"),
    ),
    Identifier(
        "name.quoted",  # of a forum: "comme Nounours l'a écrit"
        r"\b[Cc]omme ([A-ZÀ-Þ][a-zà-ÿ]{2,}\d*)(?= (?:l['’]a(?:vait)? |(?:le )?dis?ai?t\b|le dit\b|dit\b|plus haut))",
        kind="PERSONNE",
        hint=("comme ",),
        reads="written",
        group=1,
        unless=lambda match, _: Word.of(match[1]).public or Word.of(match[1]).office,
        source="trigger",
        examples=("comme ‹Nounours› l'a écrit plus haut", "comme l'a dit la mairie"),
    ),
    Identifier(
        "name.first-name",
        rf"(?<![\w@./'-]){_LETTER}+(?:-{_LETTER}+)?(?![\w@/])",
        kind="PERSONNE",
        words=_FIRST_NAMES,
        at_words=True,
        shape=_first_name,
        source="first-name",
        examples=("merci ‹sandrine›", "merci ‹Sandrine Lacroix›", "merci bien"),
    ),
    Identifier(
        "name.first-name-that-is-a-word",
        rf"(?:(?<![\w@./'-])[A-ZÀ-Þ]|(?<![^\n])[a-zà-ÿ]){_LETTER}+(?![\w@/])",
        kind="PERSONNE",
        words=FIRST_NAMES_THAT_ARE_WORDS,
        at_words=True,
        reads="written",
        shape=_first_name_that_is_a_word,
        source="first-name",
        examples=("j'ai vu ‹Rose› hier", "‹Prudence› m'a aidée", "Rose ou grise"),
    ),
    Identifier(
        "name.after-thanks",
        r"\b(?:(?:merci|bravo)(?: (?:a|beaucoup a|beaucoup|bcp a|encore a))?|remerci\w+|felicit\w+) ([a-z]{3,})"
        r"(?= ?(?:$|[,.!;:)\n]| (?:et|pour|du|de la|de l'|qui|elle|il|au|a|dont)\b))",
        kind="PERSONNE",
        hint=("merci", "bravo", "felicit"),
        group=1,
        unless=_is_word_after_thanks,
        source="first-name",
        examples=("merci à ‹rose›, ", "je veux remercier ‹constance› elle a tout repris", "merci beaucoup"),
    ),
    Identifier(
        "name.word-that-is-called",  # no article: "c'est pierre qui", "reçue par rose et", "bonjour aimé du service"
        r"[a-z]{3,}(?=(?P<sign> ?(?:$|[,.!;:?)\n]))"
        r"|(?P<on> (?:et|puis|elle|il|pour|m'|hier|lundi|mardi|mercredi|jeudi|vendredi|je|j'|on|nous|mais|le|la|les"
        r"|que|ce"
        r"|sans|dans|depuis|a)\b)|(?P<of> (?:qui|du|de la|de l'|au|a l'accueil)\b))",
        kind="PERSONNE",
        words=FIRST_NAMES_THAT_ARE_WORDS - NEVER_BY,
        at_words=True,
        unless=lambda match, text: not _is_called(match, text),
        source="first-name",
        examples=(
            "reçue par ‹rose› et par vous",
            "c'est ‹pierre› qui a répondu",
            "bonjour ‹aimé› du service des eaux",
            "avec prudence et constance",
            "c'est juste que",
        ),
    ),
    Identifier(
        "name.word-in-a-form",  # the whole value of a label that asks for somebody
        r"(?:(?<![^\n])|(?<=[/.;,(•*-])|(?<=[/.;,(•*-] ))(?:accueil\w*|standard|guichet(?: \d+)?|telephone|dossier"
        r"|agente?s?|conseill\w+|interlocut\w+|referente?s?|gestionnaires?|contacts?|personnel|personne rencontree"
        r"|(?:recue?|vue?|signe|suivie?|traite|renseignee?) (?:par|avec)|signature|enfants?|prenoms?(?: de l'enfant)?"
        r"|de la part de|demandeur|beneficiaire|titulaire|usagere?) ?: ?([a-z]{3,})(?= ?(?:$|[.,;/\n)(&+]| et\b))",
        kind="PERSONNE",
        words=FIRST_NAMES_THAT_ARE_WORDS - NEVER_THANKED,
        group=1,
        unless=lambda match, _: match[1] not in FIRST_NAMES_THAT_ARE_WORDS - NEVER_THANKED,
        source="first-name",
        examples=("Accueil : ‹rose› / dossier complet", "conseillère : ‹Fleur›. Attente : 2 h", "Dossier : complet"),
    ),
    Identifier(
        "name.word-and-its-pronoun",  # "hier clément il m'a rappelée"
        r"(?<![a-z])[a-z]{3,}+(?= (?:il|elle) (?:[mnltsy]'|(?:ma|na|ta|a|ne|me|nous|vous|lui|se|est|etait|va|sait|dit"
        r"|repond|y|decroche|connait|fait|doit|veut|peut|avait|sera)\b))",
        kind="PERSONNE",
        words=ACTING,
        at_words=True,
        unless=lambda match, text: not _BEGINS.search(text.folded[max(0, match.start() - 14) : match.start()]),
        source="first-name",
        examples=("hier ‹clément› il m'a rappelée", "‹olive› elle est gentille", "une réponse claire elle est venue"),
    ),
    Identifier(
        "name.spelled-with-names",  # "C comme Célestin, A comme Anatole"
        r"\b[a-z] comme [a-z'-]+(?:,? (?:et )?(?:un )?[a-z] comme [a-z'-]+)+",
        kind="PERSONNE",
        hint=(" comme ",),
        source="trigger",
        examples=("c'est ‹C comme Célestin, A comme Anatole›", "rien comme avant"),
    ),
    Identifier(
        "name.surname-that-is-a-word",  # who opens the sentence and acts: "Petit m'a dit"
        rf"(?<![\w@./'’-])[A-ZÀ-Þ]{_LETTER}+(?= (?:[ml]['’]|nous |vous |lui )(?:a|ont|avait)\b|{HAS_DONE})",
        kind="PERSONNE",
        words=SURNAMES_THAT_ARE_WORDS,
        at_words=True,
        reads="written",
        unless=lambda match, text: text.shouting or not Word.of(match[0]).also_surname,
        source="trigger",
        examples=("‹Petit› m'a dit une chose", "‹Boucher› a signé", "Petit mot"),
    ),
    Identifier(
        "name.in-lower-case",
        r"\b(?:avec|merci(?: a)?|par|conseill\w+|agente?|collegue|monsieur|nomme\w*"
        rf"|(?:mon|ma|son|sa|notre|votre|leur) {KIN}) "
        rf"({any_of(_BELIEVED_IN_LOWER_CASE)})\b(?!-)",
        kind="PERSONNE",
        words=_BELIEVED_IN_LOWER_CASE,
        group=1,
        unless=lambda _, text: text.shouting,
        source="first-name",
        examples=("avec ‹pierre›", "une pierre"),
    ),
)


def find_names(text: str) -> Iterator[Span]:
    """Find names that an announcer or a first name gives away."""
    read = reading(text)
    for _, start, rule, match in find(read, ANNOUNCERS):
        if is_pronoun(match[0], read, match.start()):
            continue
        if read.shouting and not rule.lower and not _is_listed(read.folded, start):
            continue  # "JE SUIS CONTENTE", "MA FILLE ATTEND"
        for found in _announced(read, start, rule):
            yield Span(*found, "PERSONNE", "trigger", rule.name)
    yield from spans(read, PEOPLE)


def _is_listed(folded: str, start: int) -> bool:
    """Say whether the name at `start` is in INSEE's lists, or an initial."""
    return is_listed(folded, start) or _INITIAL.match(folded, start) is not None


def _announced(read: Text, start: int, announcer: Announcer) -> Iterator[Place]:
    """Yield the name at `start`, and those that go on after it: "mes enfants Gaspard, Lise et Noé"."""
    text, folded, shouting = read.written, read.folded, read.shouting
    if text[start : start + 1].islower() and not _is_awaited(folded, start, announcer):
        return
    if announcer.closing and _SERVICE_SIGNS.match(text, start) and not is_listed(folded, start, 2):
        return  # "Cordialement,\nLa régie des eaux"
    led = _LEADS_ELSEWHERE.match(text, start) if announcer.relation else None
    if led and not is_listed(folded, start, 2):
        if not (announcer.kin and text[led.end() : led.end() + 1].isupper()):
            return
        start = led.end()  # "la mère de Théo"
    trusted = announcer.civility and not shouting
    sure = not announcer.opening
    if not announcer.lower and sure and (end := _end_of_homonyms(folded, start, text[max(0, start - 2) : start])):
        yield start, end
    while end := read_name(text, start, lower_ok=announcer.lower, trusted=trusted, homonyms=True, sure=sure):
        yield start, end
        more = _MORE.match(folded, end)
        if more is None or not text[more.end() : more.end() + 1].isupper() or shouting:
            return
        start, trusted = more.end(), False


def _is_awaited(folded: str, start: int, announcer: Announcer) -> bool:
    """Say whether a name in lower case may stand at `start`, after a closing formula or a title with an article.

    Right after the formula, without a sign between, it must be listed ("sincèrement bluffé par l'accueil"); so it must
    after "mon docteur", and be no "un monsieur gentil" at all.
    """
    before = folded[max(0, start - 40) : start]
    if before.endswith("ici "):
        return _is_listed(folded, start)  # no "ici décalage de trois heures"
    if announcer.closing:
        line = re.split(r"[\n.,;:!?(]", folded[start : start + 80])[0].split()
        return before.rstrip()[-1:] in tuple(",.:;!-") or (
            len(line) <= 3 and _is_listed(folded, start) and line[0] not in _DESCRIBES
        )
    if title := _SOME_TITLE.search(before):
        word = WORD.match(folded, start)
        return (
            title[1] not in _CIVILITIES and word is not None and word[0] not in _DESCRIBES and _is_listed(folded, start)
        )
    return True


def _end_of_homonyms(folded: str, start: int, before: str) -> int | None:
    """Give the end of everyday words that are a name in any case.

    They are two after a relation ("ma conseillère claire petit"), or one after the label of a form ("nom : petit").
    """
    one = WORD.match(folded, start)
    if one is None:
        return None
    two = WORD.match(folded, one.end() + 1) if folded[one.end() : one.end() + 1] == " " else None
    if two and Word.of(one[0]).is_word_and_name and is_homonym(two[0], folded, two.end()):
        return two.end()
    return one.end() if before == ": " and is_homonym(one[0], folded, one.end()) else None
