"""Small towns on no list: names that are built as towns' names are, and those that somebody says to live in."""

import re

from plume.french.phrases import CIVILITY, MONTH
from plume.french.rules import Place, Text, table
from plume.french.vocabulary import any_of, folded, word_set
from plume.french.words import TERRITORIES, Word
from plume.pseudonymise.identifiers.address_parts import LETTER, PROPER
from plume.pseudonymise.identifiers.rule import Identifier

_UP = "A-ZÀ-ÖØ-ÞŒŠŽ"
# A part of a name between hyphens: "Sainte", "l'Évêque".
_CAPITAL = rf"(?:[LlDd]['’])?[{_UP}]{LETTER}*+"
_JOINT = r"(?:sur|sous|les|lès|lez|le|la|en|aux?|du|des?|près|devant)"
_JOINED = rf"(?:-(?i:{_JOINT})(?:-(?i:la|les?|l['’]))?(?=-)|-{_CAPITAL}){{1,5}}"
_SAINT = r"(?:Saint|Sainte|SAINT|SAINTE|St|Ste)"
_NO_VILLAGE = re.compile(
    r"(?:notre-dame|rond|rendez|hauts?-de-france|ile-de-france|pays|val-d|cotes?-d|seine|loire|bouches|puy"
    r"|territoire|provence"
    r"|saone|meurthe|tarn|lot|eure|ille|indre|maine|alpes|haut|haute|hautes|fort-de-france|outre|france|etat"
    r"|saint-esprit"
    r"|sainte-catherine|saint-glinglin|saint-sylvestre|saint-valentin|saint-nicolas|saint-jean$|nouvelle|centre"
    r"|grand-est)(?:-|$)"
)
_NAMED_PLACE = re.compile(
    r"\b(?:rue|avenue|place|boulevard|quai|gare|station|arret|lycee|college|ecole|hopital|clinique|chu|ehpad|allee"
    r"|impasse|chemin"
    r"|route|eglise|residence|pont|porte|square|cours|{CIVILITY}) (?:de |du |des |d'|la |le )*$"
)


def _built(match: re.Match[str], text: Text) -> Place | None:
    """Give a town's place; None for a territory, a day or what bears a town's name and is none."""
    start, end = match.span()
    plain = text.folded[start:end]
    if plain.replace("-", " ") in TERRITORIES or plain in TERRITORIES or _NO_VILLAGE.match(plain):
        return None
    return None if _NAMED_PLACE.search(text.folded, max(0, start - 40), start) else (start, end)


_WEEKDAY = any_of(folded("weekdays"))
_NO_TOWN = re.compile(rf"(?:{CIVILITY}|m|noel|paques|internet|ameli|{MONTH}|{_WEEKDAY}|facebook|pole|france|paris)\b")


def _lived_in(match: re.Match[str], text: Text) -> Place | None:
    """Give the place of a name that is said to be a town's; None where it is a usual word, or somebody."""
    start, end = match.span("town")
    plain = text.folded[start:end]
    if _NO_TOWN.match(plain) or plain in TERRITORIES or text.shouting:
        return None
    words = [Word.of(word) for word in re.split(r"[ ’'-]", match["town"]) if len(word) > 2]
    if not words or (any(word.everyday or word.public for word in words[:1]) and "-" not in plain):
        return None
    return start, end


_TOWN = (
    rf"(?P<town>(?:(?:[Ll][ae]s?) |[Ll]['’])?{PROPER}(?:[ -](?:(?i:{_JOINT}"
    rf"|l['’])[ -]?)?(?:[dl]['’])?{PROPER}){{0,3}})(?![\w'’])"
)
_BRINGS = (
    r"(?:[Cc]hez (?:nous|moi),? (?:ici )?(?:à|a|au|en)"
    r"|(?i:village|hameau|bourg|commune|bled|patelin|coin|bourgade|ville|lieu de résidence)(?: (?:natale?|perdue?"
    r"|isolé))?"
    r"(?:,| ?:| s['’]appelle)?(?: de| d['’])?"
    r"|(?i:habitante?s?)(?: de| d['’]| à| du)?|(?i:natifs?|natives?|maires?|mairie) (?:de|d['’])"
    r"|(?:[Dd]escend\w*|viens|venons|vient|venir|venue?|partir|pars|quitt\w+|déménag\w+|emménag\w+) (?:de|d['’]|à|a"
    r"|sur|pour)"
    r"|(?:habit\w+|vi[st]|vivons|log\w+|résid\w+|[Dd]emeur\w+|[Ii]nstall\w+|[Dd]omicili\w+)"
    r"(?: (?:ici|maintenant|désormais|toujours|seule?))?(?: (?:à|a|au|aux|en|sur|près de|vers|dans))?"
    r"|fond de|alentours de|[Bb]ureau de poste (?:de|d['’])|[Ll]ocataire (?:à|de)?) ?"
)
_OPENS = word_set(
    "chez village hameau bourg commune bled patelin coin bourgade ville lieu habitant habitante habitants habitantes"
    " natif natifs native natives maire maires mairie descends descend descendre descendons viens venons vient venir"
    " venu venue partir pars quitte quitter quittant demenage demenager demenageant emmenage emmenager habite habites"
    " habitons habitez habitent habitais habitait habiter vis vit vivons loge loges logee logeons loger reside"
    " resident residons residant residais demeure demeurant demeurons installe installee installes domicilie"
    " domiciliee fond alentours bureau locataire"
)

VILLAGES = table(
    Identifier(
        "town.built",  # "Montpeyroux-sur-Lisle", "Combe-l'Évêque", "Saint-Orbain"
        rf"(?<![\w'’-])(?:{_CAPITAL}(?=-(?i:{_JOINT}|l['’]\w+)-|-l['’])|{_SAINT}(?=-)){_JOINED}(?![\w-])",
        kind="VILLE",
        hint=("-sur-", "-sous-", "-l", "-en-", "-aux-", "-au-", "-d", "-pres-", "-devant-", "saint", "st-", "ste-"),
        reads="written",
        shape=_built,
        examples=(
            "‹Montpeyroux-sur-Lisle› compte cent âmes",
            "de ‹Combe-l'Évêque›, où",
            "depuis ‹Saint-Orbain›",
            "HABITANTE DE ‹BREUIL-SUR-AUNETTE›, JE",
            "le Val-de-Marne",
            "un Porte-à-porte",
            "rue Saint-Orbain",
        ),
    ),
    Identifier(
        "town.built-in-lower-case",
        r"(?<![\w'’-])(?:a|de|d'|pour|quitte|sur|vers|habite|depuis|,) ?((?:l'|la |le |les )?[a-z]{3,}-(?:sur"
        r"|sous|les|lez|aux|en|le|la)"
        r"-(?:l'|la-|les-)?[a-z]{3,}(?:-[a-z]{3,})*|saint(?:e)?-[a-z]{4,}(?:-[a-z]+)*)(?![\w-])",
        kind="VILLE",
        hint=("-sur-", "-sous-", "-les-", "-lez-", "-aux-", "-en-", "-le-", "-la-", "saint-", "sainte-"),
        group=1,
        unless=lambda match, text: (
            _built(re.compile(re.escape(match[1])).match(text.folded, match.start(1)), text) is None
            or _NO_COMPOUND.match(match[1]) is not None
        ),
        examples=("quitté ‹saint-orbain› pour ‹l'hermitage-aux-oies›, rien", "un rez-de-chaussée, la mise-en-place"),
    ),
    Identifier(
        "town.one-is-of",
        rf"\b(?:est|sommes|suis) (?:de |d['’] ?){_TOWN}",
        kind="VILLE",
        hint=("est de ", "est d'", "sommes d", "suis d"),
        reads="written",
        shape=_lived_in,
        examples=("on est de ‹Coulommes›, nous", "il est de Mars"),
    ),
    Identifier(
        "town.lived-in",  # "chez nous à Lantreuil", "le maire de Fontcouverte"
        rf"\b{_BRINGS}{_TOWN}",
        kind="VILLE",
        words=_OPENS,
        at_words=True,
        reads="written",
        shape=_lived_in,
        examples=(
            "chez nous à ‹Lantreuil›, rien",
            "notre village de ‹Vaugrenon› n'a",
            "le maire de ‹Fontcouverte› s'en moque",
            "mon village, ‹Larroque-Toirac›, compte",
            "au fin fond de ‹la Creuzette› on",
            "je viens à Noël",
            "il vit Mme Roux",
        ),
    ),
)
_NO_COMPOUND = re.compile(
    r"(?:rez|mise|arc|face|pied|corps|bouche|garde|porte|trompe|prise|vis|mot|main|chef|coup|point|sur|tout|etat"
    r"|reste|lettre"
    r"|service|numero|carte|saint(?:e)?-(?:glinglin|sylvestre|valentin|nicolas|esprit|pere|siege))-"
)
