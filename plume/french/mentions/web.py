"""Finds e-mail addresses, web addresses and handles, however they are written. Pure."""

import re

from plume.french.rules import Place, Rule, Text, table
from plume.french.vocabulary import any_of, terms
from plume.french.words import FIRST_NAMES

_TLDS = terms("top_level_domains")
_TLD = any_of(_TLDS)
_PROVIDER = any_of({*terms("free_mail")} - {"me", "voila"})  # "look at me"
# What stands for the at sign, within any signs but those of a sentence: "(at)", "/at/", "* arobase *", "«at»".
_AROUND = r"[^\w\s.,;:!?']"
_BRACKET = r"[^\w\s.,;:!?'+%-]"  # the same without what an address itself may hold
_SIGN_AT = rf"(?: ?@ ?| ?{_AROUND} ?@ ?{_AROUND} ?)"
_WORD_AT = (
    rf"(?: ?{_AROUND} ?(?:at|arr?obase?) ?{_AROUND} ?|_(?:at|arr?obase?)_"
    rf"| (?:arr?obase?|a commercial|chez|at) (?=[\w-]+(?: ?[.(\[{{]| point | dot )|{_PROVIDER}\b))"
)
_LETTER_AT = r" ?[(\[{<] ?a ?[)\]}>] ?"
_AT_WORDS = frozenset(("at", "arobas", "arobase", "arrobas", "arrobase", "commercial", "chez"))
# A blank after a dot is a slip of typing only before the commonest domains: "a@b.fr. Me voici" ends a sentence.
_HIDDEN_DOT = r"(?: ?[^\w\s.,;:!?'@-] ?(?:point|dot|\.) ?[^\w\s.,;:!?'@-] ?| (?:point|dot) )"
_DOT = rf"(?: ?\.| ?\. (?=(?:fr|com|net|org)\b)|{_HIDDEN_DOT})"
_SPELLED_SIGN = r"point|dot|\.|tiret(?: du bas| bas)?|underscore|-|_"
_CHEZ_HOST = re.compile(r"([\w.+%-]+) chez ")
_MAIL = re.compile(r"\b(?:e?-?mail|mel|courriel|adresse|ecri\w+|contact\w*|joign\w*|joindre)\b[^.!?\n]{0,25}$")
_ANY_AT = re.compile(f"{_SIGN_AT}|{_WORD_AT}|{_LETTER_AT}")
_ANY_DOT, _DOT_THAT_HIDES = re.compile(rf"{_DOT}|,"), re.compile(_HIDDEN_DOT)
_TRAIL = "/.,;:!?'*_)]"
_GLUED = re.compile(r"\.[A-Z][a-z]+$")


def _is_no_mailbox(match: re.Match[str], text: Text) -> bool:
    """Refuse "acheté chez leboncoin.fr": what stands before "chez" looks like an address, or is said to be one."""
    chez = _CHEZ_HOST.match(match[0])
    if chez is None:
        return "://" in text.folded[max(0, match.start() - 8) : match.start()] and "@" not in match[0]
    odd = re.search(r"[._\d-]", chez[1]) or chez[1] in FIRST_NAMES
    return not (odd or _MAIL.search(text.folded, max(0, match.start() - 40), match.start()))


def _without_closing_signs(match: re.Match[str], _: Text) -> Place | None:
    url = match[0].rstrip(_TRAIL)
    return (match.start(), match.start() + len(url)) if url else None


def _is_end_of_sentence(match: re.Match[str], text: Text) -> bool:
    """Say whether a dot has only lost the blank after it, "dossier.De": an address is written in one case."""
    return _GLUED.search(text.written[slice(*match.span())]) is not None


def _email(name: str, at: str, more: str, *examples: str, **asked: object) -> Rule:
    return Rule(
        name,
        # The comma for a dot is a typing slip that is met; so are blanks around the at sign.
        rf"(?<![\w.+%-])(?:[\w+%-]+(?: (?:{_SPELLED_SIGN}) | ?{_BRACKET} ?(?:{_SPELLED_SIGN}) ?{_BRACKET} ?)){{0,4}}"
        rf"[\w.+%-]*[\w+%]"
        rf"{at}(?:[\w-]+(?:{_DOT}[\w-]+)*(?:{_DOT}|,){_TLD}|{_PROVIDER})(?![a-z0-9_-])" + more,
        kind="email",
        reads="with_breaks",
        unless=_is_no_mailbox,
        examples=examples,
        **asked,
    )


EMAILS = table(
    _email(
        "contact.email", _SIGN_AT, r"|[\w.+%-]{1,64}@[\w.-]*\w", "à ‹lea.martin@example.org›.", "à 3 h", hint=("@",)
    ),
    _email(
        "contact.email-in-words",
        _WORD_AT,
        r"|[\w.+%-]{1,64} ?[(\[{<] ?(?:at|arr?obase) ?[)\]}>] ?(?=[\w-]+\.)[\w.-]*\w",
        *("à ‹contact (at) exemple.fr›", "à ‹lea point martin (at) example point org›", "‹lea arobase gmail›"),
        *("acheté chez leboncoin.fr", "rendez-vous at home"),
        words=_AT_WORDS,
    ),
    _email(
        "contact.email-in-a-letter",
        _LETTER_AT,
        "",
        *("à ‹contact(a)exemple.fr›", "le cas (a) du texte"),
        hint=tuple(f"{sign}{blank}a" for sign in "([{<" for blank in ("", " ")),
    ),
)
URLS = table(
    Rule(
        "contact.web-address",
        r"(?:https?|ftp)://[^\s<>\"«»]+|(?<![\w@.-])www\.[^\s<>\"«»]+",
        hint=("://", "www."),
        kind="url",
        reads="with_breaks",
        shape=_without_closing_signs,
        examples=("voir ‹https://exemple.org/lea?id=3›.", "(‹www.exemple.fr›)", "le http"),
    ),
    Rule(
        "contact.site",
        rf"(?<![@\w.-])(?:[\w-]++\.)+{_TLD}(?![a-z0-9_@]|-[a-z0-9])(?!\.?\w*@)(?:[/?#][^\s<>\"«»]*)?",
        hint=tuple(f".{domain}" for domain in _TLDS),
        kind="url",
        reads="with_breaks",
        unless=_is_end_of_sentence,
        shape=_without_closing_signs,
        examples=("sur ‹lea-martin.fr›, merci", "sur ‹ameli.fr/compte›", "à 10.30", "le dossier.De plus"),
    ),
    Rule(
        "contact.site-in-words",
        rf"(?<![@\w.-])[\w-]+(?:{_HIDDEN_DOT}[\w-]+){{0,4}}{_HIDDEN_DOT}(?:fr|com|org|net|eu|gouv)\b",
        hint=("point", "dot", "(.", "[.", "{.", "<.", "( .", "[ ."),
        kind="url",
        examples=("sur ‹ameli point fr›", "un point final"),
    ),
)
HANDLES = table(
    Rule(
        "contact.handle",
        r"(?<![\w@./])@[a-z][\w.]{1,29}\w(?!\S*@)",
        hint=("@",),
        kind="handle",
        examples=("suivez ‹@caf_exemple›", "a@exemple"),
    ),
)


def address(url: str) -> str:
    """Give a web address without what does not tell pages apart: scheme, www, case, closing punctuation."""
    url = _DOT_THAT_HIDES.sub(".", url.lower())
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", url).rstrip(_TRAIL)


def mailbox(email: str) -> str:
    """Give an e-mail address as a directory writes it, whatever hid it."""
    return _ANY_DOT.sub(".", _ANY_AT.sub("@", email.lower())).strip(".-")
