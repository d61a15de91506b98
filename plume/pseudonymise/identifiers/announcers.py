"""What announces a name: civilities, relations, roles, labels of forms and closing formulas."""

import re
from dataclasses import dataclass

from plume.french.closings import CLOSING, HINTS
from plume.french.phrases import CIVILITY, KIN, ROLE
from plume.french.rules import Rule, Text, table
from plume.french.text import fold
from plume.french.vocabulary import any_of, column, folded, rows

_KIN_WORDS = tuple(sorted({fold(row["word"]).split("-")[-1] for row in rows("kin") if row["kind"] != "person"}))
_ROLES = tuple(sorted(folded("roles")))
# What a file is, though somebody gave it a capital.
_STATE = (
    r"(?:in)?complete?s?|urgente?s?|recente?s?|existante?s?|suivante?s?|manquante?s?|perdue?s?|transmise?s?"
    r"|(?:refus|clotur|valid|rejet|accept|depos|termin|bloqu|trait|envoy|ferm|finalis|annul|enregistr|class|archiv)ee?s?"
    r"|\w+(?:iques?|aires?|[ai]bles?|iel(?:le)?s?|ives?|ifs?|tion|ment)"
)
_TITLES = tuple(fold(form) for form in column("civilities", "form", kind="title") if form not in ("Me", "Pr"))
_SHORT = tuple(fold(row["form"]) for row in rows("civilities") if row["kind"] != "title")
_GLUED = {fold(form).strip(".") for form in column("civilities", "form", kind="short")}
_ANY_CIVILITY = any_of({*_TITLES}).removesuffix(")") + rf"|{CIVILITY})"


@dataclass(frozen=True, eq=False)
class Announcer(Rule):
    """A rule for what stands before a name, its blanks included.

    Attributes:
        lower: a name in lower case is believed after it.
        civility: so is any word with a capital ("Mme Petit").
        opening: a sentence may begin after it as well as a name.
        kin: a relative; the name may follow "de": "la mère de Théo".
        relation: kin or a role, after which "de" leads elsewhere: "le maire de Plougastel".
        closing: what closes a letter; a name in lower case is believed after a sign, or if it is listed.
    """

    lower: bool = False
    civility: bool = False
    opening: bool = False
    kin: bool = False
    relation: bool = False
    closing: bool = False


ANNOUNCERS = table(
    Announcer(
        "announces.civility",
        rf"(?<![\w.'-]){_ANY_CIVILITY}(?: et (?:mme|madame))? (?=\S)(?!(?:in)?(?:joign|dispon|trouv)[ai]bles?\b)"
        rf"|(?<![\w.'-])(?:{any_of(_GLUED)}|dr)\.(?=[^\W\d_]{{3}})",
        words=frozenset(form.strip(".") for form in (*_TITLES, *_SHORT, "m")),
        lower=True,
        civility=True,
        examples=("‹Mme ›Durand", "‹M. et Mme ›Durand", "‹M.›Durand", "le programme"),
    ),
    Announcer(
        "announces.own-name",
        r"\b(?:je m'|m'|s'|s)app?el\w+ |\bmon (?:nom|prenom)(?: de famille)?(?: est|:| :) ?"
        r"|\bje me (?:nomme|prenomme) ",
        hint=("appel", "apel", "nom"),
        lower=True,
        examples=("‹je m'appelle ›lise", "‹mon nom est ›durand", "on m'a appelé"),
    ),
    Announcer(
        "announces.presenting",
        r"\b(?:ici|moi c'est(?! (?:pareil|pareille|idem|kif|non|oui|fini|mort)\b)|c'est moi|bjr c|bonjour c) "
        rf"|\b(?:je )?soussignee?,? (?:{CIVILITY} )?",
        hint=("ici ", "moi", "bjr c ", "bonjour c ", "soussigne"),
        lower=True,
        examples=("‹je soussignée Mme ›Durand", "‹ici ›Lise", "je signe"),
    ),
    Announcer(
        "announces.closing",
        rf"(?:^|[\n.!?,]) ?{CLOSING}[ ,.:;!\n-]{{1,4}}",
        hint=HINTS,
        lower=True,
        closing=True,
        examples=("Merci‹. Cordialement, ›lise durand", "un accueil cordial"),
    ),
    Announcer(
        "announces.greeted",
        r"^(?:bonjour|bonsoir) (?=[^\W\d_][\w'-]* ?,)",
        hint=("bonjour", "bonsoir"),
        lower=True,
        opening=True,
        examples=("‹Bonjour ›lise,", "Bonjour à tous"),
    ),
    Announcer(
        "announces.m",
        r"(?<![\w.'-])(?:m|me)(?: et (?:mme|madame))? (?=\S)",
        hint=("m ", "me "),
        civility=True,
        examples=("‹M ›Durand", "‹Me ›Durand", "la M."),
    ),
    Announcer(
        "announces.label",
        r"\b(?:nom d'usage|nom de (?:jeune fille|naissance|famille)|nom marital|prenoms?|nom|nommee?|prenommee?"
        r"|denommee?)(?: est)? ?:? ",
        hint=("nom",),
        relation=True,
        examples=("‹nom : ›Durand", "le nombre"),
    ),
    Announcer(
        "announces.family",
        r"\b(?:famille|consorts|succession|indivision) (?=[^\W\d_]+(?: ?[,.;:)\n]|$| (?:n'"
        r"|(?:ne|a|est|et|attend|vit|qui)\b)))",
        hint=("famille", "consorts", "succession", "indivision"),
        examples=("la ‹famille ›Durand attend", "ma famille"),
    ),
    Announcer(
        "announces.file",
        rf"\b(?:dossiers?|affaire) (?:: ?)?(?!(?:{_STATE})\b)(?=[^\W\d_'-]+(?: ?[/,.;:)!?\n]|$"
        r"| (?:n'|(?:ne|a|est|et|reste|attend|traine|toujours|encore|depuis|pour|qui)\b)))",
        hint=("dossier", "affaire"),
        examples=("le ‹dossier ›Durand attend", "un dossier complet."),
    ),
    Announcer(
        "announces.born",
        r"\b(?:nee|epouse|veuve) ",
        hint=("nee ", "epouse ", "veuve "),
        examples=("Mme Durand ‹née ›Petit", "il est né"),
    ),
    Announcer(
        "announces.oneself",
        r"\b(?:je suis|moi-meme|je|nous sommes),? ",
        hint=("je", "moi-meme", "nous sommes"),
        examples=("‹je suis ›Lise", "on est"),
    ),
    Announcer(
        "announces.somebody",
        r"\bun(?:e)? certaine? |\bun monsieur |\bune dame |\bau nom de |\bpour le compte de ",
        hint=("certain", "un monsieur ", "une dame ", "au nom de ", "pour le compte de "),
        examples=("‹une certaine ›Lise", "c'est certain"),
    ),
    Announcer(
        "announces.kin",
        rf"\b(?:mon|ma|mes|notre|nos|sa|son|ses|leur|votre|vos|feu|feue|l'|le|la|les|d'un|un|une) ?{KIN}"
        r"(?: (?:jumelle|jumeau|ainee?|cadette?|unique|defunte?|decedee?))?(?: ?[,:(] ?| )",
        hint=_KIN_WORDS,
        kin=True,
        relation=True,
        examples=("‹ma fille aînée ›Lise", "la filière"),
    ),
    Announcer(
        "announces.role",
        rf"\b{ROLE}(?: (?:nommee?|prenommee?|appelee?))?(?: ?[,:(] ?| )",
        hint=_ROLES,
        at_hints=True,
        relation=True,
        examples=("ma ‹conseillère, ›Lise", "un conseil"),
    ),
    Announcer(
        "announces.greeting",
        rf"^(?:bonjour|bonsoir|bjr|cher|chere)[ ,]{{1,2}}(?:{CIVILITY},? )?",
        hint=("bonjour", "bonsoir", "bjr", "cher"),
        opening=True,
        examples=("‹Bonjour Madame ›Durand", "le bonjour"),
    ),
)


def is_pronoun(said: str, read: Text, start: int) -> bool:
    """Say whether "me" is no "Me Martin" ("on me réclame", "IL ME COUPE"), or "JE" no announcer ("JE VIS")."""
    apart = re.search(r"(?:^|[.,;:!?(\n] ?|DE |PAR )$", read.written[max(0, start - 4) : start])
    me = said.startswith("me ") and (read.written[start] != "M" or (read.shouting and not apart))
    return me or (read.shouting and said == "je ")
