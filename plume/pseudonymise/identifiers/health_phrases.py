"""Whole phrases of health: a head with its quantity, stage, cause and side is one span, not its halves.

A head is a disease, a treatment or a state (`health`, `misspelt`), or one of the constructions below. A head grows to
its left ("deux", "six mois de", "début d'", "reconnue handicapée pour une") and to its right ("de type 1", "du pied
gauche"); heads that "et" or "pour" joins are one.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from plume.french.numbers import number_words
from plume.french.phrases import MONTH, PERSON
from plume.french.rules import Text, after, table
from plume.french.vocabulary import any_of, rows, terms
from plume.pseudonymise.identifiers.health import (
    DEGREE,
    HEALTH,
    OF_PART,
    PART,
    SIDE,
    SINCE,
)
from plume.pseudonymise.identifiers.infirmities import INFIRMITIES, OWN, head, is_topic
from plume.pseudonymise.identifiers.misspelt import misspelt
from plume.pseudonymise.identifiers.rule import Identifier, spans
from plume.pseudonymise.spans import Span, merge

_LISTS = Path(__file__).parents[1] / "lists"


def _kind(kind: str) -> tuple[str, ...]:
    """List the words of one kind of `health_words.tsv`."""
    return tuple(row["word"] for row in rows("health_words", _LISTS) if row["kind"] == kind)


def _any(kind: str) -> str:
    return any_of(_kind(kind)).replace(r"\*", r"\w*")


def _stems(*kinds: str) -> tuple[str, ...]:
    return tuple(sorted({word.rstrip("*") for kind in kinds for word in _kind(kind)}))


_NUMBER = rf"(?:\d{{1,2}}|{any_of(number_words(2, 20))})"
_TO = r"(?:au|aux|a la|a l'|a|a un|a une|a tou\w+ les)"
_HARDLY = r"(?:presque |quasiment |quasi |pratiquement |vraiment |toujours )?"
_FOLLOWED = (
    r"(?:suivi|hospitalise|interne|soigne|traite|pris en charge|prise en charge|admis|admise|enferme|en (?:soins?|cure"
    r"|traitement))(?:e|es|s)?"
)


_PARTS = " ".join(part.split(" ")[0] for part in terms("body_parts", _LISTS)) + " œil cœur œsophage"
# How the names of medicines end, whichever it is.
_OF_MEDICINES = (
    *("sartan", "statine", "olol", "prazole", "mycine", "cilline", "azepam", "zolam", "profene", "oxetine", "triptan"),
    *("gliptine", "formine", "xaban", "dronate", "thyrox"),
)


_HEADS = table(
    head("part-in-a-state",  # "jambe amputée", "hanche en titane", "trois vertèbres fracturées"
          rf"\b(?<!de ){PART}\b(?<!\bbras)(?<!\bsang){SIDE} (?:est |sont |etait |a ete )?(?:toute?s? |tres "
          rf"|completement )?{_any('state')}(?!\w)"
          rf"|\bbras{SIDE} (?:ampute|casse\b|fracture|paralyse|en echarpe|en moins|platre|dans (?:le|un) platre"
          r"|artificiel)\w*"
          rf"|\b{PART} plus courte?s? que l'autre\b"
          rf"|\b(?:(?<=mes )|(?<=ses )|(?<=mon )|(?<=son )|(?<=ma )|(?<=sa )){PART}{SIDE} (?:ne |n')(?!en )"
          r"(?:me |m'|le |lui |la |l')?[a-z]+ (?:presque |quasiment )?(?:plus|pas|guere)\b",
          (),
          "une ‹hanche en titane›", "ma ‹jambe amputée›", "dit-elle, mes ‹yeux ne voient plus› rien",
          "le ‹bras dans le plâtre›", "des bras cassés", "le pied de la lettre",
          words=_PARTS, at_words=True),
    head("device", rf"\bprotheses?\b(?: (?:auditive|dentaire|mammaire|totale|oculaire|orthopedique|mecanique"
        rf"|bilaterale)s?)?"
          rf"{OF_PART}?", ("prothese",), "je porte une ‹prothèse de hanche›", "un prothésiste"),
    head("does-not-see",  # of one side or part, or at the end of a clause
          rf"\bn(?:e |'|n |i )?(?:vo(?:is|it|i|yais|yait)|enten(?:d|ds|dais|dait)?|sen(?:s|t|tais|tait)) {_HARDLY}"
          rf"(?:plus|plu|pas|pa|rien|guere|mal)(?: (?:bien|du tout|rien))? (?:de |d'|du )"
          rf"(?:une? |l'|la |mon |ma |son |sa |deux )?(?:{PART}|cote|aucun\w* {PART})\b{SIDE}",
          (), "elle ‹ne voit plus de l'œil gauche›", "on ne voit plus personne", "je ne vois plus d'issue",
          words="vois voit voi voyais voyait entend entends enten entendais entendait sens sent sentais sentait"),
    head("loss",
          rf"\bperd(?:u|re|s|ait|ent)? (?:(?:un|une|mon|ma|mes|son|sa|ses|les|la moitie d'un|{_NUMBER}"
          rf"|l'usage de (?:mon|ma|mes|son|sa|ses"
          rf"|la|l'|le)) ?(?<! la ){PART}\b{SIDE}(?! (?:dans|sur) )|l'usage d(?:u|es|e la|e l') ?{PART}\b{SIDE}"
          rf"|(?:la |l'|sa |ma |son |mon |mes |ses )(?:vue|ouie|audition|odorat|parole|memoire|equilibre"
          rf"|autonomie)(?! (?:de|du|des|d'|que|sur)\b))"
          rf"|\bperte (?:de (?:l')?(?!vue\b)|de la |d'|totale de |partielle de |progressive de "
          rf"|brutale de )(?:{_any('sense')}|mobilite|{PART})(?: de {OWN} {PART})?\b"
          r"(?! vitale)",
          ("perd", "perte"), "il a ‹perdu l'usage de ses jambes›", "j'ai ‹perdu un œil›", "une ‹perte d'audition›",
          "j'ai perdu mon dossier", "perdu la main sur mon compte", "perdre pied", "la perte de mon dossier"),
    head("cannot", rf"\bne (?:peux|peut|puis|pouvais|pouvait|pourrai|pourra) (?:plus|pas|plus guere"
        rf"|a peine) {_any('act')}\b"
          r"(?! (?:a (?:quelqu'un|un)|au|aux|avec|dans|sur|plainte|mes|de|vers|directement|librement|d'un"
          r"|en ligne|le|la|les"
          r"|votre|vos|ce|cette|un|une|des)\b)"
          rf"|\b(?:je|{PERSON}) ((?:ne |n )?marche (?:presque |quasiment )?plus)\b(?! dans)"
          r"|\bne (?:tien[st]|peu[xt] plus tenir) plus (?:debout|assise?|sur (?:mes|ses) jambes)\b"
          r"|\bne (?:peux|peut|puis) (?:plus|pas) (?:me|se) deplacer(?= ?(?:[.,;!?\n]|$)| (?:et|car|seule?|sans)\b)",
          (), "il ‹ne peut plus marcher›", "je ne peux plus attendre", "je ne peux plus parler à quelqu'un",
          words="peux peut puis pouvais pouvait pourrai pourra marche tient tiens"),
    head("walks-with",
          rf"\b(?:(?:me|se) deplac\w+|march\w+|(?:me |se )?tiens? debout) (?:tres difficilement |difficilement "
          rf"|peniblement |seulement )?"
          rf"(?:(?:avec|sur|a l'aide d(?:e|'une?)|grace a) (?:une? |deux |des |mes |ses |ma |sa |mon "
          rf"|son )?{_any('aid')}\b|en (?:fauteuil(?: roulant)?|bequilles)\b)"
          rf"|\b(?:en|sous|avec (?:des|deux|mes|ses)|sur) bequilles\b|\b{OWN} fauteuil (?:roulant|electrique)\b",
          (),
          "je ‹me déplace en fauteuil roulant›", "je ‹marche avec une canne›", "je marche vers la mairie",
          words="deplace deplacer deplacais deplacait deplacant"
              " marche marcher marchais marchait marchant tiens tient debout bequilles"
                " fauteuil"),
    head("followed",
          rf"\b{_FOLLOWED} (?:\w+ )?(?:en (?:service (?:de )?)?|par (?:une?|mon|ma|le|la|son|sa) (?:\w+ )?"
          rf"|chez (?:une?|le|la|mon) |au |a l'|a la |pour (?:des )?)"
          rf"(?:{_any('care')}|{_any('carer')}s?)\b(?! de (?:l'accueil|la mairie))",
          (),
          "je suis ‹suivi en psychiatrie›", "‹suivie par un psychiatre›", "suivi par la même conseillère",
          words="suivi suivie suivis hospitalise hospitalisee"
              " interne internee soigne soignee traite traitee pris prise admis admise"
                " enferme enfermee", at_words=True),
    head("carer", rf"\b(?:mon|ma|mes|son|sa|ses) ({_any('carer')})s?\b(?! (?:de|du) (?:travail|service|la mairie))",
          _stems("carer"), "mon ‹cardiologue› dit", "un cardiologue de la ville"),
    head("allergy",
          rf"\b(?:all?ergi(?:que|e|ques|es)|intoleran(?:te?|ce|ts|tes|ces))(?: (?:severe|grave|tres forte?"
          rf"|alimentaire|mortelle))? (?:{_TO} ?)?{_any('allergen')}\b"
          rf"(?:(?:,| et| ou) (?:{_TO} ?)?{_any('allergen')}\b)*"
          r"|\ballergies? (?:alimentaires?|severes?|respiratoires?|medicamenteuses?|croisees?)",
          ("allergi", "alergi", "intoleran"), "une ‹alergie oeuf›",
          "Nils est ‹allergique à l'arachide et au lait›", "allergique aux répondeurs"),
    head("removed", rf"\b(?:retire|enleve|ote|ampute|remplace|recousu|coupe)(?:e|s|es)? (?:une?|le|la|l'|les|mon"
        rf"|ma|mes|deux|trois|la moitie du|un bout de) ?"
          rf"(?!mains?\b|rate\b|langue\b|sang\b){PART}\b{SIDE}(?! (?:de|du|des"
          rf"|d')\b)", (),
          "on m'a ‹retiré un rein›", "il a retiré un dossier",
          words="retire retiree retires enleve enlevee enleves"
              " ote otee ampute amputee remplace remplacee recousu coupe coupee",
          at_words=True),
    head("ill-of",
          rf"\b(?<!les )(?<!des )(?<!aux )malades? (?:du |des |de la |de l'){PART}\b{SIDE}", ("malade",),
          "ma femme ‹malade des reins›, et", "les malades du foie", "malade de ces retards"),
    head("pregnancy", rf"\b(?:\d{{1,2}}|{any_of(number_words(1, 41))}) (?:mois"
        rf"|semaines)(?: et demie?)? (?:de grossesse|d'amenorrhee)|\b(?:ma|sa) grossesse\b"
          r"(?: (?:gemellaire|difficile|compliquee|multiple|precoce|extra-uterine))?",
          ("grossesse", "amenorrhee"), "à ‹sept mois de grossesse›", "la grossesse est suivie par la PMI"),
    head("in-pain", r"\b(?:douleurs?|maux|lesions?|atteintes?) (?:lombaires?|cervicales?|dorsales?|articulaires?"
        r"|musculaires?|abdominales?|thoraciques?|neuropathiques?|chroniques?|renales?)\b"
          rf"|\bsouffr\w+ (?:beaucoup |enormement |terriblement )?(?:du |des |de la |de l'|d'une? |de mes "
          rf"|de mon |de ma ){PART}\b{SIDE}",
          ("douleur", "maux", "lesion", "atteinte", "souffr"),
          "mes ‹douleurs lombaires›", "il ‹souffre du dos›", "je souffre du bruit"),
    head("heart-ill", r"\b(?:suis|est|sommes|sont|etais|etait) (cardiaques?|alitee?s?"
        r"|appareillee?s?(?: des deux oreilles)?|suicidaires?)\b",
          ("cardiaque", "appareille", "suicidaire"), "je suis ‹cardiaque›", "le service cardiaque",
          words="alite alitee alites alitees"),
    head("oxygen", rf"\b{OWN} (oxygene(?: portatif)?)\b", ("oxygene",), "mon ‹oxygène›", "un bol d'oxygène"),
    head("in-wheelchair", r"\ben (?:chaise roulante|fauteuil(?: roulant| electrique| manuel))\b|\b(?:suis|est|etait"
                          r"|etais|sont|sui|vis|vit|deplace) (en fauteuil)\b(?! d')"
        r"|\ben ald\b(?: \d{1,2}\b)?",
          ("chaise roulante", "fauteuil", "ald"), "je suis ‹en chaise roulante›", "en fauteuil d'orchestre"),
    head("suicide", r"\b(?:tent\w+|envie|pens\w+|voulu?) (?:de |d'|a )?(?:se |me |s'|m')?(?:suicider|en finir"
        r"|pendre|ouvrir les veines)\b"
          r"|\bentend\w* des voix\b", ("suicider", "en finir", "pendre", "veines", "des voix"),
          "elle a ‹tenté de se suicider›", "on veut en finir"),
    # A medicine is somebody's fact where somebody takes it; alone it is a topic: "le prix de la Ventoline".
    head("takes", rf"\b(?:{OWN}|sous|pren\w+|sevrage d[eu]|besoin de) ((?:de |du |de la |de l'|d'|mon |ma |mes "
        rf"|son |sa |ses )?{_any('medicine')})(?!\w)",
          _stems("medicine"), "je prends ‹du Xanax›", "sous ‹lithium›", "le prix de la Ventoline"),
    head("medicine", rf"\b[a-z]{{3,}}(?:{'|'.join(_OF_MEDICINES)})\b", _OF_MEDICINES,
          "ma ‹metformine›", "le protocole"),
    head("heart-open", r"\bopere\w* (?:a coeur ouvert|a cœur ouvert|a cerveau ouvert)", ("ouvert",),
          "‹opéré à cœur ouvert›", "à cœur ouvert"),
    head("paralysed-side", r"\b(?:paralyse|hemiplegique|engourdi|insensible)(?:e|s|es)? (?:du|de tout le|d'un"
        r"|sur tout le) cote\b(?: gauche| droit)?",
          ("paralyse", "hemipleg", "engourdi", "insensible"), "‹paralysé du côté droit›", "à côté"),
    head("positive", r"\b(?:hiv|vih|seropositifs?|covid)[ -]?positi(?:f|ve)s?\b", (), "je suis ‹HIV positif›",
          "un avis positif", words="hiv vih seropositif seropositifs covid"),
    head("mute", r"\b(?<=suis )muet(?:te)?\b|\bmuet(?:te)? de naissance|\bsourde?s? (?:comme un pot|profonde?s?"
        r"|d'une oreille|des deux oreilles)"
          r"|\bborgne\b|\bnon[ -]lecteur\b", ("muet", "sourd", "borgne"), "je suis ‹muet›",
          "‹Sourde comme un pot›", "le numéro est muet"),
    # What Greek calls an illness or an operation, whichever it is: "neuropathie", "splénectomie".
    head("learned-name",
          r"\b(?!sympath|antipath|empath|apath|telepath|homeopath|osteopath|naturopath|allopath|psychopath|nostalg"
          r"|dichotom"
          r"|anatom|autonom|aromatherap|kinesitherap|psychotherapeut|biblio)"
          r"[a-z]{3,}(?:pathi(?:es?|ques?)|algi(?:es?|ques?)|plegi(?:es?|ques?)|ectomies?|otomies?|ostomies?"
          r"|phasi(?:es?|ques?)"
          r"|praxi(?:es?|ques?)|therapies?|oscopies?|trophi(?:es?|ques?)|cytoses?|ylites?|penies?"
          r"|philies?(?<=mophilie)|noses?(?<=stenose))\b",
          ("pathi", "algi", "plegi", "ectomi", "otomi", "ostomi", "phasi", "praxi", "therapi", "oscopi", "trophi",
           "cytose", "ylite", "penie", "stenose"),
          "une ‹neuropathie›", "ma ‹splénectomie›", "votre sympathie", "la nostalgie"),
    Identifier(  # what bears its finder's name: "syndrome de Guillain-Barré"
          "health.named-after",
          r"\b(?<!ssurance )(?<!ssurance-)(?<!SSURANCE )(?:(?:[Ss]yndrome|[Mm]aladie|SYNDROME|MALADIE) (?:de "
          r"|d['’]|du |DE |D'))([A-ZÀ-Þ][\w-]+(?:[ -](?:et )?[A-ZÀ-Þ][\w-]+)*)",
          ("syndrome", "maladie"), kind="SANTE", reads="written", group=0,
          unless=(after(r" ?(?:info|service)"), is_topic),
          examples=("le ‹syndrome de Guillain-Barré›", "le syndrome de la page blanche",
                    "l'assurance maladie de Castelbrune")),
)  # fmt: skip

_OF = r"(?:de la |de l'|du |des |de |d'une? |d')"
_AFTER_OF = rf"(?:{_OF}|{_OF}(?:mon |ma |son |sa ))"
_CAUSE = r"(?:pour|suite a|a cause d[eu]|apres|par suite de|du fait d[eu]|en raison d[eu]|due? a)"
_ARTICLE = r"(?:une? |mon |ma |mes |son |sa |ses |le |la |l'|des |de |d'|deux )?"
_ILL = (
    r"(?:(?:(?:gravement |lourdement )?(?:atteinte?s?|malades?|operee?s?|diagnosti\w+|victime|porteu(?:r|se)s?"
    r"|depistee?"
    rf"|reconnue?s?|declaree?s?) (?:comme )?{_OF}?)"
    rf"|(?:(?:hospitalise|opere|soigne|traite|suivi|reconnu|alite|handicape|invalide|inapte|arrete|licencie)(?:e"
    rf"|s|es)? (?:en urgence |d'urgence )?{_CAUSE} {_ARTICLE})"
    rf"|(?:(?:en )?(?:arret|conge)s? (?:(?:de )?(?:maladie|travail) )?{_CAUSE} {_ARTICLE})"
    rf"|(?:(?:devenue?s?|nee?s?) )|(?:mort|decede)(?:e|es|s)? (?:d'une? |des suites d'une? |de son |de sa |du "
    rf"|de la |de )"
    rf"|(?:(?:sous (?:tutelle|curatelle)|rqth|(?:en )?ehpad|en ald(?: \d+)?|ald|aah) {_CAUSE} {_ARTICLE}))"
)
_NAMED = (
    rf"(?:(?:maladie|affection|syndrome|symptomes?|troubles?|etat|crises?|episodes?|probleme|forme|poussees?"
    rf"|attaques?|traitements?"
    r"|debuts?|suspicion|soupcon|antecedents?|sequelles?|complications?|rechute|recidive|(?:en )?remission"
    r"|signes?|risques?"
    r"|stade (?:\d|[iv]+|terminal|avance|precoce)|seances?|cures?|greffes?|convalescence)"
    rf"(?: (?:legere?|severe|grave|avancee?|precoce|aigue|forte?))? {_AFTER_OF})"
)
_LENGTH = rf"(?:{_NUMBER} (?:ans|mois|semaines|seances|jours|cures|lignes|cycles|annees) {_OF})"
_EVENT = r"(?:(?:re)?fait|subi|fais(?:ait)?) (?:une? |des |deux |trois |mon |ma |sa |son )?"
_TO_A_DEGREE = (
    r"(?:(?:presque|quasi|quasiment|a moitie|a demi|totalement|completement|partiellement|un peu|tres|gravement"
    r"|severement|lourdement|profondement) )"
)
_LEAD = re.compile(
    rf"\b(?:{_TO_A_DEGREE}|{_ILL}|{_NAMED}|{_LENGTH}|{_EVENT}|{_NUMBER} |sous |port d'une? "
    rf"|(?:pose|implante|greffe|porte)(?:e|s|es)? (?:une? |des |deux ))$"
)
# In notes: "Nourrisson asthmatique."
_PATIENT = re.compile(r"(?:^|[.;:\n] ?)((?:nourrisson|bebe|enfant|adulte|patiente?) )$")
_OF_A_PART = (  # "amputation tibiale", "sclérose latérale"
    r"(?:(?:lateral|tibial|femoral|medullair|vertebral|pulmonair|cutane|osseus|oculair|pelvienn?|digesti[fv]|gastriqu"
    r"|intestinal|thyroidienn?|prostatiqu|mammair|ovarienn?|uterin|thoraciqu|abdominal|coronar?i?en?n?|vasculair"
    r"|trans-?tibial|retinienn?|facial|cervical|lombair|dorsal)e?s?)"
)
_FREQUENT_TAIL = (
    r"(?:alimentaire|morbide|gestationnel(?:le)?|bilaterale?s?|metastasee?|avancee?s?|pigmentaire|fulgurante?|droite?"
    r"|gauche|congenital\w*|hereditaire|refractaire|multiples?|traitee?|opere?e?|discale?s?|rhumatoide|amyotrophique)"
)
_TAIL = re.compile(
    rf"(?:{OF_PART}|{DEGREE}| (?:tres )?(?:{_FREQUENT_TAIL}|{_OF_A_PART})\b"
    rf"|{SINCE[:-1]}| (?:de )?t[iy]pe (?:\d|[i1]+|un|deux)\b"
    rf"| comme un pot\b| [cdlst]\d{{1,2}}[-/ ][cdlst]\d{{1,2}}\b|(?<=cancer) {PART}\b"
    rf"|(?<!sous dialyse)(?:(?<=dialyse)|(?<=dialysee)|(?<=chimio)|(?<=perfuse)|(?<=perfusee))"
    rf" (?:{_NUMBER}|une) fois (?:par|la) (?:semaine|jour|mois)\b"
    r"|(?<=trisomie) \d\d?\b|(?<=enceinte) (?:de (?:jumeaux|jumelles|triples|mon \w+)|jusqu'aux? (?:yeux|cou)"
    r"|jusqu'au cou)"
    rf"| (?:de|depuis) (?:ma |la |sa |l')?(?:naissance|enfance)\b| au stade (?:\d|[iv]+|terminal|avance)\b"
    rf"| en phase \w+"
    rf"| a (?:cause|la suite) de {OWN} \w+"
    r"| depuis (?:son|sa|mon|ma|l'|cet?) ?(?:avc|accident|operation|attaque|chute|infarctus|cancer|maladie)\b)"
)
# With a part of a body, its article is of the phrase: "les mains abîmées".
_ARTICLE_BEFORE = re.compile(r"\b((?:mes|ses|mon|son|ma|sa|les|le|la|une?) |l')$")
_IS_PART = re.compile(rf"(?:{PART}|memoire|vue|ouie|crabe)\b")
_WHEN = re.compile(rf" (?:en|debut|fin|le \d{{1,2}}) (?:{MONTH}(?: \d{{4}})?|(?:19|20)\d\d)\b")
_IS_EVENT = re.compile(rf"\b{_EVENT}|\b(?:opere|greffe|ampute)")
_JOINS = re.compile(rf",? (?:et|ou|avec|plus|ainsi que) {_ARTICLE}| {_CAUSE} {_ARTICLE}| (?:d'|de )| ")
_REACH = 60
_EVERY = (*HEALTH, *_HEADS, *INFIRMITIES)


def health(text: Text) -> Iterator[Span]:
    """Find facts of health, each phrase whole."""
    found = [*spans(text, _EVERY), *misspelt(text)]
    if not found:
        return
    last: Span | None = None
    for span in merge(_grown(text, one) for one in merge(found)):
        if last and _JOINS.fullmatch(text.folded, last.end, span.start):
            last = last._replace(end=span.end)
            continue
        if last:
            yield last
        last = span
    if last:
        yield last


def _grown(text: Text, span: Span) -> Span:
    """Take in what belongs to a head, on both its sides."""
    folded, start, end = text.folded, span.start, span.end
    for _ in range(3):
        lead = _LEAD.search(folded, max(0, start - _REACH), start)
        if lead is None or lead.start() == start:
            break
        start = lead.start()
    if patient := _PATIENT.search(folded, max(0, start - _REACH), start):
        start = patient.start(1)
    for _ in range(3):
        tail = _TAIL.match(folded, end)
        if tail is None or tail.end() == end:
            break
        end = tail.end()
    if (article := _ARTICLE_BEFORE.search(folded, max(0, start - 6), start)) and _IS_PART.match(folded, start):
        start = article.start(1)
    if _IS_EVENT.match(folded, start) and (when := _WHEN.match(folded, end)):
        end = when.end()
    return span._replace(start=start, end=end)
