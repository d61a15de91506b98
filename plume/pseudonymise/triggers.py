"""What announces a name: civilities, relations, roles, labels of forms and closing formulas, as patterns."""

import re
from typing import NamedTuple

KIN = (
    r"mari|femme|epoux|epouse|fils|fille|filles|enfants?|pere|mere|papa|maman|frere|soeur|oncle|tante|cousine?"
    r"|conjointe?|ex-conjointe?|ex-mari|ex-femme|ex|compagnon|compagne|concubine?|beau-pere|belle-mere|beau-frere"
    r"|belle-soeur|beau-fils|belle-fille|grand-pere|grand-mere|petit[ -]?fils|petite[ -]fille|petit[ -]neveu|neveu"
    r"|niece|parrain|marraine|bebe|fiancee?|ami|amie|voisine?|colocataire|gendre|partenaire|filleule?"
)
_ROLE = (
    r"agente?|conseillere?|gestionnaire|interlocuteur|interlocutrice|inspecteur|inspectrice|controleur|controleuse"
    r"|chirurgien(?:ne)?|tuteur|tutrice|curateur|curatrice|responsable|guichetiere?|assistante? sociale?|assistante?"
    r"|conciliateur|conciliatrice|avocate?|notaire|huissier|referente?|directeur|directrice|chef|cheffe|adjointe?"
    r"|technicien(?:ne)?|secretaire|hotesse|collegue|educateur|educatrice|infirmiere?|medecin|mandataire|facteur"
    r"|operateur|operatrice|teleconseillere?|mediateur|mediatrice|employee?|stagiaire|contact|dame|monsieur|maire"
    r"|officier"
)
# What announces a name, in folded text. After these, a name in lower case is believed:
_SURE_TRIGGERS = (
    (
        r"(?<![\w.'-])(?:m\.|mr\.?|mme\.?|mlle\.?|melle|mademoiselle|monsieur|madame|dr\.?|docteure?|pr\.|professeure?"
        r"|maitre|mgr)(?: et (?:mme|madame))? (?=\S)|(?<![\w.'-])(?:m|mr|mme|mlle|dr)\.(?=[^\W\d_]{3})"
    ),
    r"\b(?:je m'|m'|s'|s)app?el\w+ |\bmon (?:nom|prenom)(?: de famille)?(?: est|:| :) ?|\bje me (?:nomme|prenomme) ",
    r"\b(?:ici|moi c'est|c'est moi|bjr c|bonjour c) |\b(?:je )?soussignee?,? (?:(?:mme|mr|m\.|madame|monsieur) )?",
    (
        r"(?:^|[\n.!?,]) ?(?:bien |tres )?(?:cordialement|sincerement|respectueusement|amicalement|salutations?|signe"
        r"|signature|bien a vous|a vous lire)[ ,.:;!\n-]{1,4}"
    ),
    r"^(?:bonjour|bonsoir) (?=[^\W\d_][\w'-]* ?,)",
)
# What a file is, though somebody gave it a capital.
_STATE = (
    r"(?:in)?complete?s?|urgente?s?|recente?s?|existante?s?|suivante?s?|manquante?s?|perdue?s?|transmise?s?"
    r"|(?:refus|clotur|valid|rejet|accept|depos|termin|bloqu|trait|envoy|ferm|finalis|annul|enregistr|class|archiv)ee?s?"
    r"|\w+(?:iques?|aires?|[ai]bles?|iel(?:le)?s?|ives?|ifs?|tion|ment)"
)
# After these, only one with a capital:
_TRIGGERS = (
    r"(?<![\w.'-])(?:m|me)(?: et (?:mme|madame))? (?=\S)",
    (
        r"\b(?:nom d'usage|nom de (?:jeune fille|naissance|famille)|nom marital|prenoms?|nom|nommee?|prenommee?"
        r"|denommee?)(?: est)? ?:? "
    ),
    (
        r"\b(?:famille|consorts|succession|indivision) (?=[^\W\d_]+(?: ?[,.;:)\n]|$| (?:n'"
        r"|(?:ne|a|est|et|attend|vit|qui)\b)))"
    ),
    (
        rf"\b(?:dossiers?|affaire) (?:: ?)?(?!(?:{_STATE})\b)(?=[^\W\d_'-]+(?: ?[/,.;:)!?\n]|$"
        r"| (?:n'|(?:ne|a|est|et|reste|attend|traine|toujours|encore|depuis|pour|qui)\b)))"
    ),
    r"\b(?:nee|epouse|veuve) |\b(?:je suis|moi-meme|je|nous sommes),? ",
    r"\bun(?:e)? certaine? |\bun monsieur |\bune dame |\bau nom de |\bpour le compte de ",
    (
        rf"\b(?:mon|ma|mes|notre|nos|sa|son|ses|leur|votre|vos|feu|feue|l'|le|la|les|d'un|un|une) ?(?:{KIN})"
        r"(?: (?:jumelle|jumeau|ainee?|cadette?|unique|defunte?|decedee?))?(?: ?[,:(] ?| )"
    ),
    rf"\b(?:{_ROLE})(?: (?:nommee?|prenommee?|appelee?))?(?: ?[,:(] ?| )",
    r"^(?:bonjour|bonsoir|bjr|cher|chere)[ ,]{1,2}(?:(?:m\.|mr|mme|monsieur|madame),? )?",
)


class Announcer(NamedTuple):
    """`lower`: a name in lower case is believed after it; `civility`: so is any word with a capital ("Mme Petit")."""

    pattern: re.Pattern[str]
    lower: bool
    civility: bool
    opening: bool  # a sentence may begin after it as well as a name
    kin: bool
    relation: bool  # kin or a role, after which "de" leads elsewhere: "le maire de Plougastel"


ANNOUNCERS = tuple(
    Announcer(
        re.compile(p),
        lower=p in _SURE_TRIGGERS,
        civility=p in (_SURE_TRIGGERS[0], _TRIGGERS[0]),
        opening=p.startswith("^"),
        kin=KIN in p,
        relation=KIN in p or _ROLE in p or "nom d'usage" in p,
    )
    for p in (*_SURE_TRIGGERS, *_TRIGGERS)
)
