"""Facts of health: diseases, treatments, operations, states. A phrase is one span, modifiers included. A floor.

The words are in `lists/` (diseases, treatments, health_states, body_parts); what is here says how they go together.
"""

import re
from pathlib import Path

from plume.french.numbers import number_words
from plume.french.phrases import MONTH, PERSON
from plume.french.rules import Text, before, table
from plume.french.vocabulary import any_of, terms, word_set
from plume.french.words import EVERYDAY
from plume.pseudonymise.identifiers.rule import Identifier

_LISTS = Path(__file__).parents[1] / "lists"
_DISEASES = terms("diseases", _LISTS)
_TREATMENTS = terms("treatments", _LISTS)
_STATES = terms("health_states", _LISTS)
PART = any_of(terms("body_parts", _LISTS)).replace("oe", "(?:oe|œ)")  # folding leaves "œ"


def _words(listed: tuple[str, ...]) -> str:
    return any_of(listed).replace(r"\*", r"\w*")


def _hints(listed: tuple[str, ...]) -> tuple[str, ...]:
    """List the stems and the phrases; words that stand alone are whole hints: "gale" is a part of "également"."""
    return tuple(sorted({term.split("*")[0] for term in listed if not term.isalpha()}))


def _alone(listed: tuple[str, ...]) -> frozenset[str]:
    return frozenset(term for term in listed if term.isalpha())


_OF = r"(?:o |au |aux |a la |a l'|du |des |de la |de l'|d'une? |d'un |de |d')"
SIDE = r"(?: (?:gauche|droite?s?|lombaires?|cervicales?|dorsales?|interieur|superieur|totale?s?|des deux cotes))?"
# Of the part that is ill: "du genou gauche", "de l'oeil droit et du pied".
OF_PART = rf"(?: {_OF}(?:mon |ma |mes |son |sa |ses |deux )?{PART}\b{SIDE})"
DEGREE = (
    r"(?: (?:tres |assez |plus )?(?:severe|leger|legere|moderee?|aigue?s?|chroniques?|nerveuse|grave|profonde?"
    r"|majeure?s?"
    r"|invasi\w+|metastas\w+"
    r"|precoce|juvenile|infantile|paranoide|affective|articulaire|psoriasique|lombaire|cervicale|pulmonaire|renale"
    r"|cardiaque|hepatique|cerebrale?s?|terminale?s?|generalise\w*|insulino\w+|dependante?|non verbale?|grave|lourde?"
    r"|typique"
    r"|stabilisee?|resistante?|inflammatoire|rhumatoide|evolutive?|degenerative|invalid[ae]nt\w*|handicapante?s?"
    r"|ankylosante|post[ -](?:partum|natale?"
    r"|op\w+|traum\w+)"
    r"|(?:de )?type (?:\d|[1i]+|un|deux)|(?:de |au )?(?:stade|grade) (?:\d|i+v?|\w+)|en phase (?:terminale|\w+)"
    r"|en remission"
    r"|en rechute|a vie|a \d{1,3} ?%|a \d{1,2} (?:semaines|mois|sa)|de naissance|a repetition))"
)
_CANCER = rf"cancers?|tumeurs?(?: (?:cerebrales?|malignes?|benignes?))?|kystes?(?= {_OF}{PART})"
_KIND = (
    r"(?:maladie|affection|pathologie)s? (?:orpheline|rare|auto-?immune|chronique|degenerative|genetique|neuro\w+"
    r"|psy\w+"
    r"|mentale|cardiaque|renale|grave|incurable|invalidante|evolutive|inflammatoire|pulmonaire|cardio\w+)s?"
)
_DISEASE = rf"\b(?:{_words(_DISEASES)}|{_CANCER}|{_KIND})\b(?! ?(?:info|service)){OF_PART}?{DEGREE}{{0,3}}"
SINCE = (
    rf"(?: depuis (?:le |la |mi-|debut |fin )?(?:{MONTH}(?: \d{{4}})?|\d{{4}}|\d{{1,2}} (?:ans|mois|semaines|jours)"
    rf"|{any_of(number_words(1, 20))} (?:ans|mois|semaines|jours)))?"
)
# Where the words are of a service, a campaign or of nobody: "dépistage du cancer du sein", "lutte contre le sida".
OF_NOBODY = before(
    r"\b(?:depistage|campagne|prevention|lutte|ligue|vaccin\w*|vaccinale|service|journee|registre|recherche"
    r"|sensibilis\w+"
    r"|association|centre|salon|guide|brochure|plan|institut|fondation|statistiques|(?:la|une) semaine|(?:le|du"
    r"|au) mois"
    r"|dialogue|langue des|oreille|service public|administration)\b"
    # What is somebody's own is no topic: "votre service sait que j'ai un diabète".
    r"(?:(?!\b(?:mon|ma|mes|son|sa|ses|jai|j'ai|suis|atteinte?|souffr\w+)\b)[^.,;:!?\n]){0,30}",
    reach=60,
)
# Of a status that rules speak of: "en cas d'affection de longue durée", "les affections de longue durée".
_IN_GENERAL = before(
    r"\b(?:en cas d(?:e |')(?:une? )?|(?:les|des|aux|titre d'une?|liste des) |(?<!vis )(?<!vit )(?<!vivre )avec une )"
)
_DEAF_EAR = re.compile(  # "sourd à nos arguments"
    r" (?:oreille|d'oreille|muraille)"
    r"|(?:(?<=sourd)|(?<=sourds)|(?<=sourde)|(?<=sourdes))"
    r" (?:a (?:[mnv]os|[ms]es|leurs|notre|ma|mon|toute?s?|ces)|aux) "
)
_OF_THINGS = re.compile(r" (?:du |de la |de l'|des |de )([a-z]+)")
_THINGS = word_set("administration societe service bureaucratie paperasse republique france systeme pays")


def is_said_of_things(match: re.Match[str], text: Text) -> bool:
    """Say whether an illness is an image: "le cancer de l'administration", "faire la sourde oreille"."""
    if _DEAF_EAR.match(text.folded, match.end()):
        return True
    of = _OF_THINGS.match(text.folded, match.end())
    return bool(of) and of[1] in _THINGS and of[1] in EVERYDAY | _THINGS


_OPENS_A_SENTENCE = re.compile(r"(?:^|[.!?\n] |[a-z], )(?:le|la|les|l') ?$")
_OF_SOMEBODY = re.compile(
    rf"\b(?:je|j'|me|m'|moi|mon|ma|mes|il|elle|ils|elles|son|sa|ses|lui|leur|vous|votre|vos|{PERSON})\b|\b[jm]'"
)


def is_in_general(match: re.Match[str], text: Text) -> bool:
    """Say whether a sentence opens with an illness and speaks of nobody: "Le diabète concerne bien des gens."."""
    if not _OPENS_A_SENTENCE.search(text.folded, max(0, match.start() - 8), match.start()):
        return False
    sentence = re.split("[.!?\n]", text.folded[match.end() : match.end() + 120])[0]
    return _OF_SOMEBODY.search(sentence) is None


def _hints_of_kinds() -> tuple[str, ...]:
    illnesses = ("maladie", "affection", "pathologie", "maladies", "affections", "pathologies")
    kinds = (
        "orph",
        "rare",
        "auto",
        "chron",
        "deg",
        "gen",
        "neur",
        "psy",
        "ment",
        "card",
        "ren",
        "grav",
        "incu",
        "inv",
        "evo",
    )
    return tuple(f"{illness} {kind}" for illness in illnesses for kind in (*kinds, "infl", "pulm"))


def _health(
    name: str, pattern: str, hint: tuple[str, ...], *examples: str, words: frozenset[str] = frozenset()
) -> Identifier:
    refused = (OF_NOBODY, is_in_general, is_said_of_things, *([_IN_GENERAL] if name == "state" else []))
    return Identifier(
        f"health.{name}", pattern, hint, kind="SANTE", group=None, unless=refused, examples=examples, words=words
    )


HEALTH = table(
    _health(
        "disease",
        _DISEASE,
        (*_hints(_DISEASES), "cancer", "tumeur", "kyste", *_hints_of_kinds()),
        "il est atteint de la maladie d'‹alzheimer›", "un ‹cancer du sein stade 3›", "Sida info service",
        "un ‹diabète de type 2›", "une ‹schizophrénie paranoïde›", "le dépistage du cancer du sein",
        "le cancer de l'administration", "Le diabète ouvre droit à une prise en charge.", "vous faites la sourde "
        "oreille", "une ‹maladie rare›", "l'assurance maladie",
        words=_alone(_DISEASES),
    ),
    _health(
        "state",
        rf"\b(?:en )?(?:{_words(_STATES)})\b{DEGREE}?",
        _hints(_STATES),
        "un ‹mi-temps thérapeutique›", "une ‹affection de longue durée›", "en cas d'affection de longue durée",
        words=_alone(_STATES),
    ),
    _health(
        "pregnant",
        r"\benceinte(?: (?:de|a) (?:\d+|[a-z]{2,8}(?:[ -][a-z]{2,6})?) (?:mois|semaines)(?: et demi)?)?\b"
        r"(?! de (?:la|l'|notre|nos|votre|vos|justice|ce|cet))",
        ("enceinte",),
        "je suis ‹enceinte de 7 mois›", "l'enceinte de la mairie",
    ),
    _health(
        "handicap-rate",
        r"\b(?:(?:reconnue?s?|classee?s?|declaree?s?) (?:comme )?)?(?:(?:travailleu\w+|adulte|personne|enfant) )?"
        r"(?:handicape\w*|invalides?)(?: a| de| a plus de)? \d{2,3} ?(?:%|pour ?cent)"
        r"|\breconnue?s? (?:comme )?(?:travailleu\w+ )?(?:handicape\w*|invalide|inapte)\b",
        ("handicape", "invalide", "inapte"),
        "‹handicapé à 80 %›", "‹reconnue handicapée à 80 %›", "une place handicapé",
    ),
    _health(
        "disability-rate",
        r"\b(?:taux (?:d'|de ))?(?:invalidite|incapacite|handicap)(?: (?:est|fixe|reconnue?|evaluee?))?(?: de| a"
        r"| superieur a"
        r"| permanente? de)? \d{2,3} ?(?:%"
        r"|pour ?cent)"
        r"|\b(?:taux d')?(?:invalidite|incapacite) (?:de )?(?:categorie|cat\.?) \d"
        r"|(?<!moins )(?<!plus de )(?<!partir de )(?<!minimum )(?<!les )(?<!atteindre )(?<!superieur a )(?<!faut )"
        r"(?<!\d)\d{2,3} ?(?:%|pour ?cent) (?:d'|de )(?:invalidite|incapacite|handicap)\b"
        r"(?! (?:minimum|au moins|suffi\w+|requis|ou plus|ouvre\w*|permet\w*|donne\w*))",
        ("invalidite", "incapacite", "handicap"),
        "un ‹taux d'incapacité de 80 %›", "une pension d'invalidité", "j'ai ‹80 % d'incapacité› et", "il faut 80 % "
        "d'incapacité",
    ),
    _health(
        "under-treatment",
        rf"\b(?:en |sous |sans |commence\w* (?:une |la |ma |sa )?)(?:traitement (?:pour "
        rf"|contre )?)?(?:{_words(_TREATMENTS)}|oxygene|fauteuil roulant)\b{DEGREE}?{SINCE}",
        (*_hints(_TREATMENTS), "oxygene", "fauteuil"),
        "je suis ‹sous chimiothérapie depuis mars›", "un fauteuil",
        words=_alone(_TREATMENTS),
    ),
    _health(
        "treatment",
        rf"\b(?:seances? de |cure de |cures de )?(?:{_words(_TREATMENTS)}"
        r"|amputation|greffe (?:de |du |d'une? |de la )(?:rein|foie|coeur|poumon|moelle|cornee|peau|pancreas|organe"
        rf"|os)\w*(?: osseuse)?|prothese(?:s)? (?:de |du |d'une? |a la |au )\w+{SIDE}|pose d'(?:une? )?(?:prothese"
        rf"|stent|pacemaker)\w*)\b"
        rf"{OF_PART}?{SINCE}",
        (*_hints(_TREATMENTS), "amput", "greffe", "prothese", "stent", "pacemaker"),
        "ma ‹greffe de rein›", "le greffe du tribunal", "ses ‹dialyses›",
        words=_alone(_TREATMENTS),
    ),
    _health(
        "grafted", rf"\b(?:greffe|implante|transplante|prothese)e?s? (?:du |de la |de l'|des (?:deux )?"
            rf"|d'une? (?:seule? )?){PART}\b{SIDE}",
        ("greffe", "implant", "transplant"), "‹greffée du foie›", "le greffe du tribunal",
    ),
    _health(
        "amputated", rf"\bamputee?s?(?: (?:d'une? |du |de la |des (?:deux )?)\w+{SIDE})?", ("amputee", "ampute "),
        "‹amputé de la jambe›", "un budget amputable",
    ),
    _health(
        "operated",
        rf"\b(?:(?:re)?opere(?:e|s|es|r)?|hospitalisee?s?|brulee?|blessee?|paralysee?|plat\w+) (?:en urgence "
        rf"|d'urgence )?"
        rf"{_OF}(?:mon |ma |mes |son |sa |ses |deux )?{PART}\b{SIDE}"
        rf"|(?:(?<=\bete )|(?<=\bsuis )|(?<=\best )|(?<=\betre )|(?<=\bfait )|(?<=\bfaire ))(?:re)?opere(?:e|s|es"
        rf"|r)? (?:en urgence |d'urgence )?(?:du|de la|de l'|des|d'un\w*) ?\w+{SIDE}",
        ("opere", "hospitalise", "brule", "blesse", "paralyse", "platre"),
        "‹opéré du genou gauche›", "la mairie opère",
    ),
    _health(
        "injury",
        r"\b(?!mal au c(?:oe|œ)ur)(?:operation|intervention|chirurgie|fracture|rupture|entorse|douleurs?|prothese"
        r"|luxation|dechirure|brulure|infection"
        r"|ablation|greffe|blessure|lesion|maladie|mal|maux|arthrose|hernie|inflammation|irm|scanner|cancer)s? "
        rf"(?:chirurgicale |aigue |double |ouverte |chronique )?{_OF}(?:mon |ma |mes |son |sa |ses "
        rf"|deux )?{PART}\b{SIDE}"
        r"|\b(?:fractures?(?! (?:numerique|sociale|territoriale|electronique|entre))|entorses?|luxations?)\b",
        (
            *("operation", "intervention", "chirurgie", "fracture", "rupture", "entorse", "douleur", "prothese"),
            *("luxation", "dechirure", "brulure", "infection", "ablation", "greffe", "blessure", "lesion", "maladie"),
            *("mal ", "maux", "arthrose", "hernie", "inflammation", "irm", "scanner", "cancer"),
        ),
        "une ‹fracture du fémur gauche›", "une opération du service",
    ),
    _health(
        "surgery", r"\b(?:operation|intervention|chirurgie) (?:cardiaque|cardio\w+|chirurgicale|bariatrique"
            r"|orthopedique|du dos)\b",
        ("operation", "intervention", "chirurgie"),
        "une ‹opération cardiaque›", "une opération de contrôle",
    ),
    _health(
        "disorder",
        r"\b(?:troubles?|problemes?|soucis?) (?:psych\w+|mentaux|mental|anxieu\w+|cognitifs?|du comportement"
        r"|autistiques?|dys\w*"
        r"|bipolaires?|alimentaires?|musculo\w*|depressifs?|neurolog\w+|cardiaques?|de l'attention|du spectre \w+"
        r"|du langage"
        r"|de la memoire|renaux|respiratoires?|de sante mentale|de (?:dos|coeur|genoux?|hanche|vue|prostate"
        r"|thyroide))(?: (?:severes?|graves?|chroniques?))?\b",
        ("trouble", "probleme", "souci"),
        "des ‹troubles cognitifs›", "un trouble du voisinage",
    ),
    _health(
        "event",
        r"\bj'ai (?:eu |fait )(?:un |une )((?:accident vasculaire|malaise)\w*)",
        ("accident vasculaire", "malaise"),
        "j'ai fait un ‹malaise›", "un malaise social",
    ),
)  # fmt: skip
