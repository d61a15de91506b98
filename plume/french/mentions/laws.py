"""Finds articles, laws, decrees and other norms that are cited by number, date or name. Pure."""

import re
from collections.abc import Iterator

from plume.french.mentions import Mention
from plume.french.numbers import number_words
from plume.french.phrases import MONTH
from plume.french.rules import Rule, Text, in_turn, table
from plume.french.text import fold, squeeze, words
from plume.french.vocabulary import any_of

_NUMBERED = r"(?:n° ?|no ?|numero )"
_KINDS = (
    r"(?:loi|decret(?:-loi)?|arrete|ordonnance|circulaire|directive|reglement|instruction|deliberation|note de service"
    r"|avis du conseil d'etat|decision du conseil (?:d'etat|constitutionnel)|arret)"
)
# "loi organique", "arrêté municipal", "règlement (UE)": the kind may have its author.
_LAW = (
    rf"{_KINDS}(?: (?:organique|publique|technique|permanent|conjoint|\w+(?:iel|al|el|aux)(?:le|e)?s?|europeen(?:ne)?"
    r"|\(?u\.?e\.?\)?|\(?ce\)?|d'application|de la cour de cassation|du conseil d'etat))*"
)
_LAW_HINTS = (
    *("loi", "decret", "arrete", "ordonnance", "circulaire", "directive", "reglement", "instruction", "arret"),
    *("deliberation", "note de service", "avis du conseil", "decision du conseil"),
)
_LAWS = table(
    Rule(
        "law.article",
        r"\b(?:articles?|art\.?) ?(?:(?:l\.? ?o|[lrda])\b\.? ?\*?\.? ?)?(?:\d+(?:er)?(?:[-.]\d+)*|premier)\b",
        words=frozenset(("article", "articles", "art")),
        examples=("l'‹article L. 161-17› du code", "l'‹article premier›", "un article de presse"),
    ),
    Rule(
        "law.article-in-words",
        rf"\barticle (?:[ivx]{{2,5}}|{any_of(number_words(2, 100))}(?:[- ](?:et[- ])?{any_of(number_words(1, 16))})?)"
        r"(?= (?:du|de la|de l'|le|la)\b| ?[.,;])",
        words=frozenset(("article",)),
        examples=("l'‹article XIII› du texte", "l'‹article quatre› le dit", "un article cinq étoiles"),
    ),
    Rule(
        "law.part-of-code",
        r"\b(?:livre|titre|chapitre) (?:[ivx]{1,4}|\d{1,2}|premier|1er) (?:du|de la) (?:livre|titre|code|loi"
        r"|reglement)\b",
        hint=("livre ", "titre ", "chapitre "),
        examples=("le ‹titre II du livre› IV du code", "le titre 3 du journal"),
    ),
    Rule(
        "law.code-letter",
        r"[lrd](?<!\w[lrd])(?:(?:(?<=l)\.?o)?\. ?\*? ?\d{1,4}(?:-\d+)*|(?:(?<=l)o)?\*? ?\d{2,4}(?:-\d+)+)\b",
        digit=True,
        examples=("au ‹R. 123-4›", "le ‹L161-17›", "l 12"),
    ),
    Rule(
        "law.number",
        rf"\b{_LAW} {_NUMBERED}?\d{{2,4}}[-/]\d+(?:/[a-z]+)?\b|\b{_LAW} {_NUMBERED}\d+\b"
        rf"|\b{_LAW} [a-z]{{2,6}}(?:/[\da-z]+){{1,4}}\b|\bdecision {_NUMBERED}?\d{{4}}-\d+ (?:qpc|dc)\b",
        hint=(*_LAW_HINTS, "decision"),
        digit=True,
        examples=("la ‹loi n° 78-17›", "le ‹décret 2020-15›", "l'‹arrêté municipal n° 118›", "la loi de 12 pages"),
    ),
    Rule(
        "law.date",
        rf"\b(?:{_LAW}|accord|convention) (?:du (?:\d{{1,2}}|1er) (?:\w+ (?:19|20)\d\d|{MONTH})|de (?:19|20)\d\d)\b",
        hint=(*_LAW_HINTS, "accord", "convention"),
        digit=True,
        examples=("la ‹loi du 6 janvier 1978›", "le ‹décret du 12 mars›", "la ‹loi de 1901›", "la loi de 12 pages"),
    ),
    Rule(
        "law.number-apart",
        rf"\b{_KINDS}\b[^.!?;\n]{{1,60}}?[,»)\"] ?{_NUMBERED}((?:19|20)\d\d-\d{{1,5}})\b",
        hint=_LAW_HINTS,
        digit=5,
        group=1,
        examples=("le décret « silence vaut accord », n° ‹2014-1303›", "le dossier n° 2014-1303"),
    ),
    # By the name of who proposed it or of its matter: "la loi Elan". A code's name alone cites nothing.
    Rule(
        "law.named",
        r"\b[Ll]ois?(?: dites?)? (?:« ?|\"|')?((?:[A-ZÉÈ][\w'-]+|\d[A-Z]{2}\b)(?:[- ](?:et )?[A-ZÉÈ][\w'-]+){0,2}"
        r"|informatique et libertés|littoral|montagne|travail|handicap|santé|climat|énergie|bioéthique|immigration"
        r"|asile|égalim|egalim|élan|elan|alur|dalo|sru|essoc|évin|carrez|badinter|hoguet|châtel|chatel|hamon|pacte"
        r"|grand âge|anti-?\w+)\b|\bloi dite « ?([^»\n]{3,60}?) ?»",
        hint=("loi ", "lois "),
        reads="written",
        examples=("la ‹loi Elan›", "la ‹loi Informatique et Libertés›", "la loi de la jungle", "une loi récente"),
    ),
    Rule(
        "law.matter",
        r"\bloi ((?:de (?:financement|separation|programmation|modernisation|transformation|orientation|simplification"
        r"|refondation|transition|bioethique)|relative (?:a|au|aux)|portant|visant|tendant|pour (?:une? |l'egalite"
        r"|l'acces|l'avenir"
        r"|la (?:confiance|liberte|croissance|republique|justice))|sur (?!ce\b|ces\b|cette\b|le point|le sujet"
        r"|votre|vos|la question)"
        r"(?:le |la |les |l')|contre (?:le |la |les |l'))[^.,;:!?()\n]{0,60})",
        hint=("loi ",),
        group=0,
        examples=(
            "la ‹loi de financement de la sécurité sociale›",
            "la ‹loi sur l'eau›",
            "ce que dit la loi sur ce point",
        ),
    ),
    Rule(
        "law.known",
        r"\b(rgpd|reglement general sur la protection des donnees"
        r"|declaration (?:universelle )?des droits de l'(?:homme|enfant)"
        r"|convention (?:europeenne|internationale) (?:des|relative aux) droits\b|cedh|jurisprudence(?: \w+){0,3}"
        r"|alinea (?:\d+|premier|deux|trois)|decret tertiaire|arrets? d(?:e la cour|u conseil d'etat)"
        r"|decision du conseil (?:d'etat|constitutionnel)|constitution (?:de 1958|francaise)|charte de l'environnement"
        r"|accord franco-\w+)\b",
        hint=(
            *("constitution", "environnement", "franco"),
            *("rgpd", "protection des donnees", "des droits de l'", "droits", "cedh", "jurisprudence", "alinea"),
            *("tertiaire", "arret", "decision du conseil"),
        ),
        examples=("conformément au ‹RGPD›", "selon la ‹jurisprudence constante›", "vos droits"),
    ),
    Rule(
        "law.titled",
        r"\b((?:[Cc]irculaire|[Dd]écret|[Aa]mendement|[Pp]rotocole)(?: dite?)? [«\" ]{0,2}|(?:[Cc]onvention"
        r"|[Tt]raité) (?:de |d'))"
        r"([A-ZÉÈ][a-zà-ÿ][\w'-]+)",
        hint=("circulaire", "decret", "amendement", "protocole", "convention", "traite"),
        group=0,
        reads="written",
        examples=(
            "la ‹circulaire Guéant›",
            "la ‹convention de Schengen›",
            "une circulaire récente",
            "convention de stage",
        ),
    ),
)
_BY_NAME = {"law.named": 1, "law.matter": 1, "law.known": 1, "law.titled": 2}  # the group that holds the name
# The further articles of "les articles 12, 13 et L. 14-2".
_FURTHER = re.compile(r"(?:, | et | à | ou )((?:[lrda]\.? ?)?\d+(?:-\d+)*)\b(?! ?(?:€|%|euros|jours|mois|ans))")
_ARTICLE = re.compile(r"^(?:articles?|art)")
_NAME = re.compile(
    r"^(?:loi|decretloi|decret|arrete|ordonnance|circulaire|directive|reglement|instruction|arret)"
    r"(?:organique|municipal|prefectoral|ministeriel)?(?:no|numero|n)?"
)


def is_named(law: Mention) -> bool:
    """Say whether a law is cited by its name, which is given where its words are."""
    return law.rule in _BY_NAME


def laws(text: Text) -> Iterator[Mention]:
    """Yield every citation of an article or a law; its value is what tells it apart, without the word for it."""
    for start, end, rule, match in in_turn(text, _LAWS):
        if rule.name in _BY_NAME:
            yield Mention(
                "law",
                start,
                end,
                " ".join(words(fold(match[_BY_NAME[rule.name]] or match[match.lastindex or 0]))),
                rule.name,
            )
            continue
        yield Mention("law", start, end, _value(match.group()), rule.name)
        if match.group().startswith("articles"):
            at = match.end()
            while more := _FURTHER.match(text.lower, at):
                yield Mention("law", *more.span(1), _value(more[1]), rule.name)
                at = more.end()


def _value(cited: str) -> str:
    return _NAME.sub("", _ARTICLE.sub("", squeeze(cited)))
