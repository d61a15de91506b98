"""What a body or a mind can no longer do, and what befell it: heads of phrases of health without a disease's name."""

import re

from plume.french.phrases import PERSON
from plume.french.rules import Text, table
from plume.pseudonymise.identifiers.health import OF_NOBODY, PART, SIDE, is_said_of_things
from plume.pseudonymise.identifiers.rule import Identifier

OWN = r"(?:mon|ma|mes|son|sa|ses|notre|leur|votre)"


def is_topic(match: re.Match[str], text: Text) -> bool:
    """Say whether an illness that is read as written is a service's or nobody's."""
    return OF_NOBODY(re.compile("").match(text.folded, match.start()), text)


def head(
    name: str, pattern: str, hint: tuple[str, ...], *examples: str, words: str = "", at_words: bool = False
) -> Identifier:
    """Make the rule of a head: the last group that took part is the phrase, or else the whole."""
    return Identifier(
        f"health.{name}",
        pattern,
        hint,
        kind="SANTE",
        group=None,
        unless=(OF_NOBODY, is_said_of_things),
        words=frozenset(words.split()),
        at_words=at_words,
        examples=examples,
    )


_ENDS = r"(?= ?(?:[.,;!?)\n]|$))"
_GOES_ON = (
    r"(?= ?(?:[.,;!?)\n]|$)| (?:et|mais|alors|donc|depuis|il|elle|c'est|mon|ma|a cause|sans|de loin|de pres|apres"
    r"|car)\b)"
)
_HARDLY = r"(?:presque|quasiment|quasi|pratiquement|vraiment)"
_WELL = r"(?: guere|(?: (?:tres|trop|si|vraiment|toujours|assez|aussi))? (?:bien|clair)| du tout| grand[ -]chose)"
_BREAKS = r"(?:cass|fractur|foul|tord|dechir|brul|lux|demis|bris|ecras|fele|claque|bloque)"

INFIRMITIES = table(
    head(
        "senses-little",  # "n'entend plus très bien", "voit double"
        rf"\b(?<!on )(?<!l'on )(?:ne |n'|n )?(?:vo(?:is|it|i|yait|yais)|enten(?:d|ds|dait|dais)?) (?:{_HARDLY}"
        rf" (?:plus?|pas|rien)(?: rien)?|(?:plus?|pas?|rien){_WELL}|(?:tres |assez |si |de plus en plus )?mal"
        rf"|double|trouble"
        rf"|a peine|flou){_GOES_ON}"
        rf"|\b(?:{PERSON}|elle|il) ((?:ne |n')(?:voit|entend|voi|enten) (?:plus?|pas)(?= ?(?:[.,;!?)\n]|$)| (?:et"
        rf"|depuis)\b))",
        (),
        *("il ‹n'entend plus très bien›", "elle ‹entend mal›", "je ‹ne vois presque plus› et", "il ‹ne voit pas›."),
        *(
            "je ne vois pas bien pourquoi",
            "on n'entend rien",
            "je n'entends pas bien payer",
            "on voit mal",
            "je ne vois pas.",
        ),
        words="vois voit voi voyais voyait entend entends enten entendais entendait",
    ),
    head(
        "losing-ones-mind",
        rf"\b{PERSON} (perd (?:un peu |completement |doucement )?(?:la tete|la boule|ses mots|ses facultes))\b",
        (),
        *("maman ‹perd la tête›", "je perds la tête"),
        words="perd",
    ),
    head(
        "hardly-can",
        r"\b(?:du|de plus en plus de|beaucoup de|bien du|enormement de|grand) mal a (?:marche[rz]?|respirer|me deplacer"
        r"|se deplacer|(?:me |se )?tenir debout|bouger|avaler|manger seule?|monter les (?:marches|escaliers)"
        rf"|(?:parler?|entendre|voir)(?:{_ENDS[3:-1]}| depuis))",
        ("mal a ",),
        *("il a ‹du mal à marcher›", "j'ai du mal à voir pourquoi", "du mal à parler à quelqu'un"),
    ),
    head(
        "broke",
        rf"(?:(?<=me )|(?<=s')|(?<=m'))(?:suis|sui|est|etait|etais|etre) (?:bien )?((?:re)?{_BREAKS}\w* "
        rf"(?:le|la|les|l'|un|une|deux|trois) ?(?!tete\b|pieds\b)(?:{PART}|cotes?|nez|dents?)\b{SIDE})",
        (),
        *("je me suis ‹cassé le poignet› hier", "il s'est cassé la tête"),
        words="suis sui est etait etais etre",
        at_words=True,
    ),
    head(
        "unfit",
        r"\b(?:inapte (?:au|a la|a l'|a tout|aux|a) ?[a-z]+(?: (?:de |du |des |d')[a-z]+)?"
        r"|(?:inapte|invalide) (?:(?:de )?(?:deuxieme|premiere|troisieme|[123]\w{0,3}) categorie|a vie))\b",
        ("inapte", "invalide"),
        *("il est ‹inapte au port de charges›", "‹invalide deuxième catégorie›", "un bulletin invalide"),
    ),
    head(
        "of-the-mind",
        r"\b(?:deficiente?|handicape\w*|retarde\w*|infirme|attarde\w*|debile) (?:intellectuel\w*|visuel\w*|auditi\w+"
        r"|mental\w*|moteur|motrice|cerebral\w*|legere?|profonde?)\b"
        r"|\bretard (?:de (?:langage|croissance|developpement|parole)|psychomoteur|mental)\b"
        r"|\b(?:(?<=, )|(?<=il est )|(?<=elle est )|(?<=devenu )|(?<=devenue )|(?<=je suis ))(?:demente?|senile"
        r"|incontinente?)\b",
        ("deficient", "handicap", "retard", "infirme", "attarde", "debile", "dement", "senile", "incontinent"),
        *("une fille ‹déficiente intellectuelle›", "un ‹retard de langage›", "un retard de paiement"),
        *("mon mari, ‹dément›, est sorti", "cela se dément"),
    ),
    head(
        "no-longer-knows",
        r"\b(?:ne |n')(?:reconnai\w*|se souvien\w*|se rappelle) plus (?:personne|de rien|rien|de son (?:nom|prenom|age)"
        rf"|(?:son|sa|ses) {PERSON}s?|qui (?:il|elle) est)\b|\b(?:mon|son|ma|sa) attaque\b(?! de| du| contre)"
        r"|\bnourrie? par sonde\b",
        ("reconnai", "souvien", "rappelle", "attaque", "sonde"),
        *("elle ‹ne reconnaît plus personne›", "je ne reconnais plus ce service"),
    ),
    head(
        "dependence",
        r"\bgir ?[1-6]\b|\ben (?:grande )?perte d'autonomie\b|\b(?:troubles?|pertes?) (?:de l'|d')?equilibre\b"
        r"|\b(?:souffr\w+|prise?|sujette?|victime)s? (?:de |d'|a des |aux )((?:vertiges?|malaises?|palpitations"
        r"|convulsions"
        r"|tremblements|migraines|angoisses?|etourdissements)\b)",
        (
            *("gir", "autonomie", "equilibre", "vertige", "malaise", "palpit", "convuls", "tremble", "migraine"),
            *("angoisse", "etourdis"),
        ),
        *("elle souffre de ‹vertiges›", "classée ‹GIR 2›", "mes crises de colère"),
    ),
    head(
        "in-hospital",
        r"\b(?:re)?hospitalise(?:e|es|s)? (?:a domicile|d'office|sous contrainte|en (?:reanimation|psychiatrie"
        r"|soins \w+))\b"
        r"|\b(?:cloue|condamne)(?:e|s|es)? (?:au lit|a rester couchee?|par la (?:maladie|medecine))\b",
        ("hospitalise", "cloue", "condamne"),
        *("je suis ‹hospitalisée à domicile›", "l'hospitalité", "‹cloué au lit›"),
    ),
    head(
        "part-that-fails",  # "les genoux qui lâchent", "ma vue baisse", "un seul rein"
        rf"\b{PART}{SIDE} qui (?:me |m'|lui |ne |n'|se )?(?:lach|flanch|trembl|baiss|gonfl|brul|font (?:tres )?mal"
        rf"|fait (?:tres )?mal|bloqu"
        rf"|craqu|fatigu|us|siffl|bourdonn|repond|march|suiv|suit|tien)\w*(?: plus| pas| mal)?"
        rf"|\b{OWN} (?:vue|ouie|memoire|audition) (?:baisse|diminue|s'en va|part|flanche|se brouille|me lache)\b"
        rf"|\b{OWN} {PART}{SIDE} (?:me |se |m'|s')?(?:trembl|lach|flanch|gonfl|brul|us|craqu|rouill|pourri|emball"
        rf"|engourdi|deform)\w*"
        rf"|\b{OWN} c(?:oe|œ)ur bat (?:de travers|trop vite|la chamade)\b"
        rf"|\bun(?:e)? seule? {PART}\b(?! (?:sens|mot))|\btrembl\w+ (?:des|de la) (?:mains?|jambes?|tete)\b"
        r"|\brespir\w+ (?:avec|grace a|sous) (?:une?|l'|la) ?(?:machine|appareil|respirateur|assistance|bouteille)\w*",
        ("qui ", "baisse", "diminue", "s'en va", "part", "flanche", "brouille", "lache", "seul", "trembl", "respir"),
        *("des ‹genoux qui lâchent›", "‹ma vue baisse›", "avec ‹un seul rein›", "la main qui signe", "un seul mot"),
    ),
    head(
        "remedy",  # "des cachets pour le cœur"
        rf"\b(?:cachets?|medicaments?|comprimes?|medocs?|gouttes|piqures?|traitements?|rayons) (?:pour|contre|au) "
        rf"(?:le |la |les |l'|mon |ma |mes )?(?:{PART}|tension|diabete|nerfs|cholesterol|sommeil|asthme|epilepsie)\b"
        r"|\b(?:de la|ma|sa) tension (?:arterielle|elevee|trop haute)\b|\b(?:seances? de|mes|ses) rayons\b",
        ("cachet", "medic", "comprime", "medoc", "gouttes", "piqure", "traitement", "rayons", "tension"),
        *("des ‹cachets pour le cœur›", "un traitement pour tous"),
    ),
    head(
        "under-the-knife",
        rf"\b(?:(?:j'ai|il a|elle a|{PERSON} a|vien[st] d'|doi[st]|va|vais|avoir) ?(?:ete|etre)|je suis|fais|faire"
        rf"|{PERSON} est|il est|elle est) ((?:re)?opere(?:es|e|s|r)?)\b"
        r"(?! (?:par|un|une|le|la|les|des|au|sur)\b)",
        ("opere",),
        *("je viens d'être ‹opérée› et", "il a opéré un changement", "la retenue a été opérée"),
    ),
    head(
        "worn-out-part",
        r"\b(?:coeur|cœur|poumons?|reins?|foie|dos|genoux?|nerfs|yeux|vue|jambes?) (?:fatigues?|fragiles?|malades?"
        r"|en compote|en miettes|en vrac|fichus?|foutus?|bousilles?|detruits?|rouilles?|defaillants?"
        r"|qui lache(?:nt)?|hs|uses?"
        r"|fragilise\w*)\b|\bsouffle au c(?:oe|œ)ur\b",
        ("coeur", "cœur", "poumon", "rein", "foie", "dos ", "genou", "nerfs", "yeux", "vue", "jambe"),
        *("le ‹cœur fatigué›, il monte", "un ‹souffle au cœur›", "le cœur léger"),
    ),
    head(
        "in-ones-own-words",  # "le crabe m'a pris un sein", "les poumons en carton"
        rf"\bcrabe (?:qui|au|dans|du|aux?|m'a|l'a|lui a|a) ?(?:m'|me |la |le |les |lui |l')?[a-z]+"
        rf"(?: (?:un |une |le |la |les |mon |ma |son |sa )?{PART})?"
        rf"|\b{PART}{SIDE} (?:en (?:carton|coton|verre|fer|ferraille|plomb|papier|feu|lambeaux|capilotade|charpie"
        rf"|bouillie)"
        r"|toute?s? neu(?:fs?|ves?)|de travers|qui ne (?:repond|fonctionne|march|suiv|tien)\w* plus)\b"
        rf"|\b(?:memoire|vue|ouie|{PART}) (?:a |ont |commence\w* a |a commence a |ont commence a )"
        r"(?:file[rz]?|lache[rz]?|flanche[rz]?|baisse[rz]?|decline[rz]?|faibli[rt]?|partir|s'en aller|me quitter"
        r"|me trahir|me lacher)\b"
        r"|\b(?:sale|vilaine|grave|grosse|longue|sacree|terrible) maladie\b|\bmaladie grave\b"
        r"|\bperdu (?:le|notre|son|mon|un) bebe\b|\bfai(?:t|s|re) (?:souvent |encore )?des crises\b(?! de (?:rire"
        r"|colere|nerfs))",
        (
            *(
                "crabe",
                "maladie",
                "bebe",
                "des crises",
                "memoire",
                "vue ",
                "ouie ",
                "en carton",
                "en coton",
                "en verre",
                "en fer",
            ),
            *(
                "en plomb",
                "en papier",
                "en feu",
                "en lambeaux",
                "en capil",
                "en charpie",
                "en bouillie",
                "e neu",
                "s neu",
            ),
            *("de travers", "commence", "lache", "ne repond", "ne fonction"),
        ),
        *(
            "le ‹crabe qui me ronge le poumon›",
            "un crabe farci",
            "le ‹crabe m'a pris un sein›",
            "les ‹poumons en carton›",
        ),
        *("la ‹mémoire a commencé à filer›", "elle a ‹perdu le bébé›", "la main en avant"),
    ),
    head(
        "no-longer",  # after what befell somebody: "ne parle plus depuis son AVC"
        r"\b(?:ne |n')?(?:parl|march|mang|dor|se lev|boug|se souvien|reconnai|sor|conduis|ecri|voi"
        r"|enten)\w{0,3} (?:plus|pas) depuis "
        r"(?:son|sa|mon|ma|cet?|l'|un|une)? ?(?:avc|accident|operation|attaque|chute|infarctus|maladie|cancer"
        r"|opération|coma)\b",
        ("depuis",),
        *("il ‹ne parle plus depuis son AVC›", "il ne parle plus depuis lundi"),
    ),
)
