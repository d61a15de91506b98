"""Finds how old somebody is said to be: by a citizen, or by a reply to the citizen ("votre mère de 88 ans"). Pure."""

import re

from plume.french.mentions import Mention
from plume.french.mentions.age_words import (
    ANY,
    DECADE,
    FROM_FIFTY,
    HALF,
    HAS,
    NO_AGE_AFTER,
    NO_BIRTHDAY_AFTER,
    ONES,
    PASSED,
    SEVERAL,
    SLANG,
    TENS,
    UNDER_TWENTY,
    UNIT,
    YEARS,
    YEARS_OF_SOMEBODY,
)
from plume.french.mentions.counted_years import is_before_it_counted, is_counted, is_duration, is_telling
from plume.french.mentions.told_ages import TOLD
from plume.french.numbers import NUMBER, value
from plume.french.phrases import PERSON
from plume.french.rules import Rule, Text, before, find, in_turn, table
from plume.french.vocabulary import word_set

_WORDS = frozenset(("an", "ans", "mois", "semaines", "jours", "piges", "balais", "berges", "bougies", "printemps"))
_OF_SOMEBODY = re.compile(
    rf"\b(?:(?:{PERSON}s?|concernant)\b[^.;!?\n\d]{{0,40}}|(?:nous avons|ils ont|elles ont|on a) )$"
)
_RULE = re.compile(r"\b(?:a partir de|des|jusqu'a|entre|moins de|plus de|avant|apres) $")
_TARIFF = re.compile(r"\b(?:pass|tarif|tranche|forfait|abonnement|carte|gratuit\w*)\b[^.;!?\n]{0,25}$")
_SET_APART, _ENDS = re.compile(r"(?:,|\(|: ) ?$"), re.compile(r" ?(?:,|\)|\.|$|\n)")


def _are_of_somebody(match: re.Match[str], text: Text) -> bool:
    """Say whether somebody stands before some ages, or they are set apart: "Lila et Nour, 4 et 6 ans,"."""
    before = text.folded[max(0, match.start() - 60) : match.start()]
    if _TARIFF.search(before) or _RULE.search(before):
        return False
    return bool(_OF_SOMEBODY.search(before) or (_SET_APART.search(before) and _ENDS.match(text.folded, match.end())))


def _somebody_before(match: re.Match[str], text: Text) -> bool:
    return _OF_SOMEBODY.search(text.folded[max(0, match.start() - 60) : match.start()]) is not None


def _at(match: re.Match[str], text: Text) -> bool:
    """Say whether the match begins with "à", which folding makes an "a".

    "partir à 62 ans" is a rule of pensions, "elle a 62 ans" a person.
    """
    return text.written[match.start()] in "àÀ"


# "à treize ans" is of somebody where somebody did or met something then, or where the clause goes on with somebody.
_SOMEBODY = rf"(?:je|j'|jai|moi|m'|me|mon|ma|mes|il|elle|son|sa|lui|notre|{PERSON})"
_HAPPENED = re.compile(
    r"(?:\b(?:je suis|j'ai|suis|il a|elle a|ete|est|ont|a) (?:[a-z]+ ){0,2}?[a-z]+(?:e|ee|es|ees|u|ue|i|is|it|ert"
    r"|in|ort)"
    r"|\b(?:diagnosti\w+|pose|arrivee?|entree?|scolarisee?|place|placee|adoptee?|operee?|orphelin\w*|veu(?:f|ve)"
    r"|mariee?"
    r"|reconnue?|exclue?|depiste\w*|suivie?))(?: [a-z'-]+){0,4} $"
)
_GENERAL = re.compile(
    r"\b(?:majorite|legale?|fixee?|obligatoire|reporte\w*|repouss\w+|releve\w*|abaiss\w+|porte\w*|limite\w*|accessible"
    r"|ouverte?|gratuite?|reservee?|jusqu'|droits?|bareme|regle|loi|age)\b|\b(?:on|vous|partir|part|depart) [^,]{0,20}$"
)
_OPENING = re.compile(r"(?:(?:non|oui|mais|et|alors|bref|ben|bah|franchement|donc|voila|eh|ah)? ?){0,4}")
_BEFALLEN = (  # "À 44 ans, interdite bancaire": what befell somebody opens the clause
    r"(?:deja|encore|interdite? bancaire|traitee?|seule?(?! (?:l[ae]s?|l'|une?|cette|[nv]otre))|veuf|veuve|malade"
    r"|handicap\w*|licenci\w*|fichee?|exclue?|oblige\w*|privee?|forcee?|contrainte?|fatiguee?|usee?|expulsee?"
    r"|divorcee?|condamnee?|refusee?|mise?(?! a part)|reduite?|endettee?)"
)
_WITH_SOMEBODY = re.compile(
    rf" ?,? ?(?:{_SOMEBODY}|(?<=[ ,]){_BEFALLEN}|on (?:m'|me|nous|lui|l'|ne m'|ne me)| et (?:avec|malgre|sans"
    rf"|une?|toujours|encore)\b)\b"
)


def _is_no_age_then(match: re.Match[str], text: Text) -> bool:
    """Say whether "à N ans" is nobody's: a rule of pensions, a length of time."""
    folded, start = text.folded, match.start()
    if text.written[start] not in "àÀ" and not re.search(r"(?:^|[.!?\n] ?)$", folded[max(0, start - 2) : start]):
        return True
    clause = re.split(r"[.;!?,\n:(]", folded[max(0, start - 80) : start])[-1]
    if _GENERAL.search(clause):
        return True
    if _OPENING.fullmatch(clause):
        return not (_WITH_SOMEBODY.match(folded, match.end()) or is_telling(match[1]))
    return not _HAPPENED.search(clause) and not is_telling(match[1])


def _age(name: str, pattern: str, *examples: str) -> Rule:
    return Rule(
        f"age.{name}",
        pattern,
        words=_WORDS,
        group=None,
        unless=(_at, is_duration),
        examples=examples,
    )


def _child_age(name: str, pattern: str, *examples: str) -> Rule:
    return Rule(
        f"age.{name}",
        pattern,
        words=_CHILDREN,
        at_words=True,
        group=None,
        unless=(_at, is_duration),
        examples=examples,
    )


_CHILDREN = word_set(
    "fils fille filles bebe bebes bb petit petite petits petites enfant enfants nourrisson jumeaux jumelles garcon"
    " garcons fillette benjamin benjamine dernier derniere cadet cadette aine ainee puce loulou neveu niece nouveau"
)
_CHILD = (
    r"(?:(?:fils|filles?|bebes?|bb|petite?s?|enfants?|nourrissons?|jumeaux|jumelles|garcons?|fillette|benjamine?"
    r"|dernier"
    r"|derniere|cadette?|aine|ainee|puce|loulou|neveu|niece)\b)"
)
_MONTHS_OLD = rf"(?:\d{{1,2}}|{UNDER_TWENTY}|vingt(?:[ -](?:et[ -])?{ONES})?) ?mois{HALF}"
_AGES = table(
    _age("aged", rf"\bagee?s?(?: ?[(.·]?e?\)?s?)? (?:de |d')?({YEARS_OF_SOMEBODY}(?: (?:et demi|passes))?)",
         "âgée de ‹82 ans›", "Âgé(e) de ‹33 ans›", "l'âge de la retraite"),
    Rule("age.of-several", rf"(?<![\w.,])(?=[\dcdhnoqstuv]){SEVERAL}\b(?! (?:d'attente|de retard))",
         words=_WORDS, unless=(is_duration, lambda match, text: not _are_of_somebody(match, text)),
         examples=("mes enfants de ‹4, 7 et 11 ans›", "mes filles ont ‹2 ans et 6 mois›",
                   "entre 2 et 3 ans d'attente", "pass jeune 15-17 ans")),
    _age("of-somebody", rf"\b{PERSON}(?:(?: [a-z]+)? (?:de |d'|d )|(?<!retraite) )({YEARS}|\d{{1,2}} mois)\b"
         r"(?! (?:de\b|d'|que\b|passes? a\b))",
         "ma mère de ‹82 ans›", "ma mère ‹78an›", "une mamie de ‹92 ans› debout", "une attente de 3 ans"),
    _age("of-a-person", rf"\b(?<!pour )(?<!chez )(?<!comme )(?:une?|cette?|ce|votre) {PERSON}"
         rf" (?:de |d')({UNDER_TWENTY} ans?{HALF})\b(?! (?:de|d'|que)\b)",
         "une ado de ‹quinze ans et demi›", "pour un enfant de trois ans", "un contrat de quinze ans"),
    _age("nears", rf"\b(?:frol\w+|approch\w+|tutoie|va vers|vais vers|le cap|le seuil|la barre) (?:de |des |les "
                  rf"|mes |ses "
        rf"|tout doucement ){{1,2}}((?:[2-9]\d|1\d\d|{TENS}) ans)\b",
         "je frôle les ‹80 ans›", "le délai approche les 2 ans"),
    _child_age("in-months", rf"\b{_CHILD}(?:(?: [a-z-]+)?(?:,? | ?\(| ?: )(?:ages? )?(?:de |d'|a |ont |aura |avait "
        rf"|n'a que )?)({_MONTHS_OLD})"
         rf"(?! (?:de|d'|que|pour|apres|sans|avant|plus|dans|qu'))(?! et demi)",
         "le petit a ‹quatre mois et demi›", "le bébé (‹5 mois›)", "et la petite ‹onze mois› :", "ma"
             " fille a deux mois de retard"),
    _age("has", rf"\b{HAS} ({YEARS_OF_SOMEBODY})\b{NO_AGE_AFTER}",
         "j'ai ‹quarante-deux ans›", "j'avais ‹douze ans›", "j'ai 42 ans de carrière", "depuis 20 ans",
         "mon contrat a trois ans"),
    _age("of-ones-child", rf"\b(?:mon|ma|mes|notre|nos|son|sa|ses) {PERSON}(?: [a-z]+)? de ({UNDER_TWENTY} {UNIT})\b"
         rf"(?! (?:de|d'|que)\b)|\b(?:mon|ma|notre|son|sa|leur) (?:petite?|grande?|aine\w?|cadet\w*) (?:de "
         rf"|d')?({YEARS_OF_SOMEBODY})\b",
         "mon fils de ‹douze ans›", "un contrat de douze ans"),
    _age("will-be", r"\b(?:aurai|aura|aurons|auront|fetera?i?|va sur ses|vais sur mes"
         r"|(?:vais|va|viens d'|vient d')(?: ?fete\w* | ?avoir )|j'ai eu|il a eu|elle a eu) ?"
         rf"({YEARS_OF_SOMEBODY})\b{NO_BIRTHDAY_AFTER}",
         "elle aura ‹62 ans›", "elle aura ‹seize ans› à Noël", "elle aura 2 ans de retard"),
    Rule("age.of-the-eldest",
         rf"(?<=[' ])(?:aine\w?|cadet\w*|benjamine?|derniere?),? (?:de |d')?({YEARS_OF_SOMEBODY})\b(?! (?:de|d'"
         rf"|que)\b)",
         words=frozenset(("aine", "ainee", "cadet", "cadette", "benjamin", "benjamine", "dernier", "derniere")),
         at_words=True, group=1, unless=is_duration, examples=("l'aîné ‹12 ans›", "la dernière année")),
    _child_age("in-weeks",
         r"\b(?:bebe|bb|nourrisson|nouveau-ne|fils|fille|petite?)(?:,? | ?\()(?:age?e? )?(?:de |a |d')?"
         rf"((?:\d{{1,2}}|{UNDER_TWENTY}) (?:semaines|jours))(?! (?:de|d'|pour|apres|a|sans|plus|dans|que)\b)",
         "bébé de ‹6 semaines› refusé", "ma fille a 3 jours pour"),
    _age("aside", rf"(?m:,|\(|[;|\t] ?|^(?=[^\n]{{4,24}}$)) ?({YEARS})(?= ?(?:[,;|\t)]|\.|$|et\b|\n))(?! ?[,.]? "
         r"(?:apres|plus tard|que|d'attente))",
         "Paule, ‹82 ans›, attend", "Lise ; ‹58 ans› ; en cours", "vingt mois, 2 ans après"),
    _age("of-a-place-in-the-family",  # "la grande 13 ans, le petit 4 ans et demi"
         rf"\b(?:la|le|mon|ma|notre) (?:plus )?(?:grande?|petite?|moyenne?|jeune|seconde?|deuxieme)(?: a)? (?:de )?"
         rf"({YEARS_OF_SOMEBODY}|{_MONTHS_OLD})(?! (?:de|d'|que|pour|apres|plus)\b)",
         "la grande ‹13 ans›, le petit ‹4 ans et demi›", "la petite dizaine d'ans"),
    _age("ones-own",  # "malgré mes 78 ans je viens"
         rf"\b(?:mes|tes|nos) ({ANY} ?(?:ans?|{SLANG}|bougies|printemps))\b(?! (?:de|d'|a|pour|en|chez|au"
         rf"|dans)\b(?! votre| la salle))",
         "malgré mes ‹78 ans› je viens", "mes 30 ans de carrière"),
    _age("passed", rf"\b({YEARS_OF_SOMEBODY}) (?:bien |largement |tout juste )?(?:sonnes|passes|tasses|tapes)\b",
         "un voisin, ‹quatre-vingt-dix ans› bien sonnés", "vingt ans de retard"),
    _age("candles", rf"\bses ({ANY} (?:bougies|printemps))\b", "elle souffle ses ‹seize bougies›", "ses 12 dossiers"),
    _age("pronoun", rf"\b(?:moi|elle|lui|toi)(?: c'est|,| :)? ({YEARS})\b(?! (?:de|d'|que|apres|plus|pour|a\b))",
         "moi ‹33 ans›, elle ‹31 ans›", "elle attend 3 ans", "avec elle 3 ans de plus"),
    _age("too-much", rf"\btrop (?:jeune|vieux|vieille|agee?) a ({YEARS_OF_SOMEBODY})", "trop jeune à ‹61 ans›",
        "trop long"),
    _age("not-yet-of-a-child",
         rf"\b(?:il|elle) a (?:aujourd'hui |maintenant |deja |bientot |tout juste |a peine |que )?({_MONTHS_OLD})"
         r"(?= ?(?:[.,;!?)\n]|$)| et (?!demi))", "elle a aujourd'hui ‹onze mois›", "il a deux mois pour répondre"),
    _age("stated", rf"\b(?:age|majeur|majeure) ?:? ({YEARS})|^({YEARS}),|\bage [^.;\n]{{2,25}}, soit ({YEARS})",
         "âge : ‹42 ans›", "42 ans de travail", "l'âge du demandeur, soit ‹63 ans›"),
    Rule("age.opens",
         rf"(?:(?<=[.!?\n«\"] )|(?<=\n)|(?<![^\n])|(?<=[«\"]))((?:[5-9]\d|1[01]\d|{FROM_FIFTY}) ans)\b(?! (?:de|d'"
         rf"|que|qu'"
         r"|pour|apres|plus|et (?:plus|demi)|minimum|maximum|revolus|a partir|c'est l'age|est l'age)\b)",
         words=frozenset(("ans",)), group=1,
         examples=("‹Soixante-douze ans› et je fais la queue", "62 ans est l'âge légal", "Trois ans et rien",
                   "Bravo. ‹75 ans› et toujours valide", "50 ans de travail")),
    Rule("age.by-default",
         rf"(?<![\w.,/-])((?:[2-9]\d|1[01]\d|{TENS}) ?ans)\b(?! ?(?:de|d'|que|qu'|apres|plus|pour|dans|en"
         rf"|a(?! (?:fait|ete|eu|pas|demande))|et (?:plus|demi)|minimum"
         r"|maximum|revolus|durant|ferme|sans|avant|[-/]|ou|bientot|ensemble)\b)",
         words=frozenset(("ans",)), group=1, unless=(is_duration, is_counted),
         examples=("mon copain de ‹25 ans› attend", "Mère : ‹38 ans›.", "un usager de ‹68 ans› tombe",
                   "un crédit de 25 ans",
                   "les plus de 60 ans", "cotisé 42 ans", "une procédure de 30 ans", "il a fallu vingt ans")),
    Rule("age.very-old", rf"(?<![\w.,/-])((?:[7-9]\d|1[01]\d|soixante[ -](?:et[ -])?(?:dix|onze|douze|treize"
                         rf"|quatorze|quinze|seize)[a-z-]*"
         rf"|quatre[ -]vingts?(?:[ -]{ONES})?) ans)\b(?! (?:de|d'|que|qu'|apres|plus|durant|revolus)\b)",
         words=frozenset(("ans",)), group=1, unless=(_at, is_duration, is_before_it_counted),
         examples=("plus toute jeune, ‹98 ans› à la Chandeleur", "depuis 70 ans", "les plus de 70 ans")),
    Rule("age.reached", rf"\b(?:lui|leur|me|nous) (?:fait|fera|faisait|faire) ({YEARS_OF_SOMEBODY})\b(?! (?:de|d'"
                        rf"|que)\b)"
         rf"|({YEARS_OF_SOMEBODY}) qu'(?:il|elle) a\b|(?<![a-z] )\ba peine ({YEARS})\b(?! (?:de|d'|que|pour)\b)",
         hint=("lui f", "leur f", "me f", "nous f", "qu'il a", "qu'elle a", "a peine"),
         group=None,
         examples=("ça lui fait ‹seize ans› en mai", "‹Neuf ans› qu'il a, mon gamin", "À peine ‹vingt ans› et fiché",
                   "ça me fait deux ans de retard")),
    Rule("age.times", r"\b([a-z]{4,7} fois (?:vingt|dix|trente|quarante) ans)\b", words=frozenset(("fois",)), group=1,
         examples=("mon père a ‹quatre fois vingt ans›", "deux fois par an")),
    Rule("age.after-a-trade", r"\bje suis [a-z' -]{3,30}, ([2-9]\d)(?=, [a-z])",
        words=frozenset(("suis",)), digit=2, group=1,
         examples=("je suis maçon, ‹58›, les mains usées", "je suis au bureau 58, porte")),
    Rule("age.texted", r"\b(?:g|jai|ai que) ([1-9]\d)(?= ?[.,;!?)\n]| (?:et|mais|donc|alors|rep\w+|pas|moi|c|jsuis"
                       r"|jss)\b)",
         words=frozenset(("g", "jai")), digit=2, group=1,
         unless=lambda _, text: not _OF_AGE.search(text.folded),
         examples=("trop jeune alors que g ‹17› répondez", "g 17, merci")),
    Rule("age.at", rf"\ba (?:bientot |presque |deja )?({YEARS_OF_SOMEBODY})\b(?! (?:d'|de |revolus|que ))",
        words=_WORDS, group=1,
         unless=_is_no_age_then,
         examples=("À ‹cent un ans›, ma marraine vote", "diagnostic posé à ‹7 ans›",
                   "je suis arrivé ici à ‹treize ans›",
                   "la majorité à 18 ans", "on part à 62 ans", "à 8 ans")),
    Rule("age.begun-at",  # without its accent
         rf"\b(?:j'ai|jai|j ai|g) (?:[a-z]+ )?(?:com+enc|debut|arret|quit|travail|boss|mari)[a-z]*"
         rf"(?: (?:a |de |l'|lecole )?[a-z]+)?,? a ({YEARS_OF_SOMEBODY})\b", words=_WORDS, group=1,
         examples=("jai comencé a ‹16 ans› a lusine", "j'ai commencé a payer")),
    Rule("age.at-school", rf"(?<![\w.,])({ANY} ans{HALF}),? en (?:ps|ms|gs|cp|ce[12]|cm[12]|[3-6](?:e|eme)"
         rf"|(?:petite|moyenne|grande) section|sixieme|cinquieme|quatrieme|troisieme)\b",
         words=frozenset(("ans",)), group=1, unless=(is_duration, before(r"\b(?:eleves?|enfants|jeunes) (?:de |d')")),
         examples=("Naïm stp, ‹5 ans› en gs", "il a mis 3 ans en tout")),
    Rule("age.in-other-tongues",  # "he is 68 years old"
         r"(?<![\w.,])(\d{1,3} ?(?:years? (?:old|of age)|yo\b|yrs old|jahre alt))"
         r"|\b(?:tengo|tiene|tenho|tem|ho|ha|cumplo) (\d{1,3} (?:anos|anni))\b(?! (?:de|di|que|esper))",
         words=frozenset(("years", "year", "yo", "yrs", "jahre", "anos", "anni")), digit=True, group=None,
         examples=("he is ‹68 years old›", "tengo ‹34 años›", "a 3 years contract", "tengo 3 años de espera")),
    Rule("age.in-slang", rf"(?<![\w.,])((?:\d{{2,3}}|{TENS}|{UNDER_TWENTY}) (?:{SLANG})|(?:[2-9]\d"
                         rf"|{TENS}) (?:hivers|etes|automnes)|(?:\d{{2,3}}"
        rf"|{TENS}) printemps)\b"
         r"(?! (?:que|qu'|de|d')\b)", words=frozenset(("piges", "balais", "berges", "printemps", "hivers", "etes",
         "automnes")), group=1,
         unless=(is_duration, lambda match, _: match[1][:1].isdigit() and int(re.match(r"\d+", match[1])[0]) < 12),
         examples=("à ‹83 balais› on rouille", "mes ‹88 printemps›", "depuis 15 piges", "20 piges que j'attends",
                   "deux printemps sans réponse")),
    Rule("age.ordinal", r"\b(?:ma|sa|notre|leur|votre) ((?:(?:vingt|trent|quarant|cinquant|soixant|septant|nonant"
                        r"|quatre-vingt)[a-z-]*ieme"
         r"|cent\w*ieme|[2-9]\d ?(?:i?eme|e)) annee)(?! (?:de|d'|a)\b)"
         r"|\b(?:ma|sa|leur|notre) ([a-z-]{2,25}ieme (?:bougie|printemps|hiver|anniversaire))\b",
         words=frozenset(("annee", "bougie", "printemps", "hiver", "anniversaire")), group=None,
         examples=("j'entre dans ma ‹quatre-vingtième année›", "ma vingtième année de service")),
    Rule("age.set-apart-in-words", rf"(?:, |\()({UNDER_TWENTY} ans{HALF})(?= ?[,)])", words=_WORDS, group=1,
         unless=(is_duration, lambda match, text: not _somebody_before(match, text)),
         examples=("ma fille est en CP, ‹six ans›, et attend", "un délai, deux ans, et rien")),
    Rule("age.labelled", r"\bage ?(?::|=|est(?: de)?|de|(?= \d\d\b)) ?(\d{1,3})(?![\d%]| ?(?:ans|mois|%"
        r"|points))", hint=("age",), group=1, digit=True,
         examples=("âge : ‹47›", "mon âge est ‹71›", "âge : 47 ans")),
    Rule("age.decade",  # "la soixantaine passée", "octogénaire": ten years tell as much as the number
         rf"\b(?:(?:ma|sa|leur) )?((?<=ma |sa )(?:{DECADE}{PASSED})|(?<=leur ){DECADE}{PASSED}"
         rf"|la {DECADE}{PASSED})"
         r"(?! (?:de|d')\b| [a-df-tv-z](?!e\b))"
         rf"|\b{PERSON} d'une ({DECADE} d'annees)"
         r"|\b((?:quadra|quinqua|sexa|septua|octo|nona)genaires?|centenaires?)\b",
         hint=("ntaine", "genaire", "centenaire"), group=None,
         unless=lambda match, text: match[0].startswith("centenaire") and not _somebody_before(match, text),
         examples=("j'ai ‹la soixantaine bien tapée›", "une soixantaine de dossiers",
                   "un monsieur d'une ‹soixantaine d'années›", "ma mère ‹octogénaire›", "le chêne centenaire")),
)  # fmt: skip
_GOES_ON = (
    r"(?= ?(?:[,.;:)!?\n»\"]|$)| (?:et|on|ont|il|elle|nous|moi|quand|aujourd'hui|maintenant|a present|mais"
    r"|habit\w+|viv\w+"
    r"|attend\w*|ne|n'|puis|ca)\b)"
)
_OTHER = (
    rf"(?:(?:mon|ma|son|sa|notre|leur|votre) {PERSON}|(?:l'|le |la |mon |ma |notre |sa |son )(?:aine|ainee|cadet"
    rf"|cadette"
    r"|dernier|derniere|petite?|grande?|seconde?|benjamine?|deuxieme|autre)|moi|lui|elle)"
)
# What is an age beside another one: the unit is left out.
_ELLIPTIC = table(
    Rule("age.as-well",
         rf"\b(?:{PERSON}|l'autre|il|elle|lui|j'|aine|ainee|cadet|cadette|derniere?|ils|elles|nous) ?en"
         rf" (?:a|ai|avait|avais|avaient|aura|aurai|ont|auront|avons|avions) (?:bientot |deja |presque "
         rf"|tout juste )?({ANY})\b"
         rf"{_GOES_ON}", words=frozenset(("en",)), group=1,
         examples=("mon fils en a ‹quinze›, pas plus", "j'en ai ‹trente-six›.", "mon fils en a douze fois moins",
                   "elle en a deux exemplaires")),
    Rule("age.of-another", rf"\b{_OTHER},? (?:a |ont |avait |aura )?({ANY})\b{_GOES_ON}",
         words=frozenset(("mon", "ma", "son", "sa", "notre", "leur", "votre", "moi", "lui", "elle", "le", "la", "l")),
         at_words=True, group=1,
         examples=("son frère ‹quatre›, et", "mon père ‹81› et ma tante ‹69› on attend", "mon mari 2 fois")),
    Rule("age.answered", rf"[\"«“] ?({ANY})[.!]? ?[\"»”]", words=frozenset(("age",)), group=1,
         unless=lambda match, text: not _AGE_ASKED.search(text.folded, max(0, match.start() - 60), match.start()),
         examples=("« Quel âge ? » « ‹Soixante-quatre›. »", "il dit « douze »")),
    Rule("age.too", rf"\btrop (?:jeune|vieux|vieille|agee?) a ({ANY})\b(?! ans)",
        words=frozenset(("trop",)), at_words=True,
         group=1, examples=("trop jeune à 61 ans, trop vieux à ‹62›", "trop tard à 12 h")),
    Rule("age.then", rf"\ba ({ANY}) (?=(?:elle|il|je|j'"
        rf"|nous)\b)", words=frozenset(("elle", "il", "je", "j", "nous")), group=1,
         unless=lambda match, text: not _at(match, text),
         examples=("à ‹16› elle aura son scooter", "il a 16 je crois")),
    Rule("age.told",
         r"\b(?:dit|repondu|reponds|note|ecrit|marque|mis|inscrit|saisi|lu|compris|entendu|tape|donne|(?:dit|ecrit"
         r"|croit"
         rf"|pense|marque) que j'ai|que j'ai|j'ai|il a|elle a|pas|non|plutot|et non pas) (\d{{2,3}}"
         rf"|{TENS})\b{_GOES_ON}",
         hint=("dit", "repond", "note", "ecri", "marque", "mis", "inscri", "saisi", "lu ", "compris", "entendu", "tape",
               "donne", "pas ", "non ", "plutot", "j'ai", "il a", "elle a"), group=1,
         examples=("j'ai dit ‹72›, il a noté ‹27›.", "19 ans, pas ‹91› !", "que j'ai ‹22›.", "il a noté 12 fois")),
)  # fmt: skip
# Nobody's, beside "en avait": "ma fille en avait six, elle en a huit".
_GREW = table(
    Rule("age.grew", rf"\ben avai(?:s|t|ent) ({ANY})\b,? [^.;\n]{{0,40}}\ben (?:a|ai|ont) ({ANY})\b{_GOES_ON}",
         words=frozenset(("avais", "avait", "avaient")), group=1,
         examples=("ma fille en avait ‹six›, elle en a huit.", "il en avait assez")),
    Rule("age.set-apart", rf"\b(?:mon|ma|notre) {PERSON}(?:, ?| ?\(| )(\d{{2}})(?=\)|, (?!rue|avenue|boulevard"
        rf"|place|allee"
         r"|chemin|impasse|cours|quai|route|\d))", words=frozenset(("mon", "ma", "notre")), group=1, digit=True,
         examples=("mon frère ‹56›, handicapé", "ma sœur (‹42›) attend", "chez mon fils 45, rue des Lilas")),
)  # fmt: skip
_NEAR = 220  # characters between an age and what is one only beside it
_OF_AGE = re.compile(r"\b(?:trop (?:jeune|vieux|vieille)|majeure?|mineure?|age|nee? (?:en|le))\b")
_AGE_ASKED = re.compile(r"\b(?:mon|son|votre|l'|d')\s?age\b|\bquel age\b")
_NUMBER, _SMALL_UNIT = re.compile(NUMBER), re.compile(r"mois|semaines|jours")


def ages(text: Text) -> list[Mention]:
    """List every age of somebody; the value is its number, None where that is not known. Mentions may overlap."""
    return text.once(_read)


def _read(text: Text) -> list[Mention]:
    found = [*find(text, _AGES), *find(text, _GREW), *in_turn(text, TOLD)]
    near = [one.start for one in found] + [match.start() for match in _AGE_ASKED.finditer(text.folded)]
    if near:
        found += [one for one in find(text, _ELLIPTIC) if any(abs(one.start - at) < _NEAR for at in near)]
    return [Mention("age", f.start, f.end, _number(text.folded[f.start : f.end]), f.rule.name) for f in found]


def _number(text: str) -> float | None:
    """Give the years of an age; None for months and weeks, and for a decade that is told in one word."""
    number = None if _SMALL_UNIT.search(text) else _NUMBER.search(text)
    return value(number[0]) if number else None
