"""Invented sentences with names, and without, from which the recogniser learns how citizens and agents write.

Names are drawn from INSEE's lists, which hold surnames of every origin that is met in France; `half` keeps those that the
stress test uses apart from those learnt. Nothing here comes from a review.
"""

import hashlib
import random
import re
from collections.abc import Iterator

from plume.french.text import fold
from plume.french.words import ACRONYMS, BODIES, EVERYDAY
from plume.pseudonymise import insee
from plume.pseudonymise.origins import ORIGINS

_MISTYPED = 0.3  # share of sentences with a typing slip, which is no name
_FROM_ORIGINS = 0.4  # share of names that come from `origins`, the others from INSEE's lists
Labelled = tuple[str, list[tuple[int, int, str]]]  # text, [(start, end, label)]

# {P} a first name, {N} a surname, {F} both, {I} an initial and a surname, {L} a commune.
_WITH_NAMES = """
Merci à {F} pour sa gentillesse et son efficacité.|J'ai été reçue par {F}, qui a tout repris depuis le début.
Mme {N} m'a rappelée le jour même.|M. {N} n'a pas voulu regarder mes papiers.|Un grand bravo à {P} de l'accueil !
{P} a été très patiente avec ma mère.|Je m'appelle {F} et j'attends toujours.|Mon fils {P} n'a plus de couverture depuis mars.
Ma conseillère, {F}, est partie sans être remplacée.|{F} s'est montré odieux au téléphone.
Au téléphone {P} m'a dit tout le contraire.|Bonjour, c'est {P}, je reviens vers vous.|Cordialement, {F}
Bien à vous, {P}|Bonjour {P}, nous avons bien pris connaissance de votre message.|Bonjour Madame {N}, merci de votre retour.
Bonjour {F}, nous regrettons cette attente.|J'ai eu {P} puis {P} en ligne, deux versions différentes.
Mon mari {F} est décédé en janvier.|Le dossier est au nom de {F}.|Notre fille {P} est étudiante à {L}.
Dossier de {N} {P}, sans réponse.|{N} {P}, né en 1961, retraité.|{I} m'a fait signer trois fois le même papier.
Merci {P}, tu as sauvé ma journée.|Je voulais remercier {P} et {P} pour leur écoute.|C'est {N} qui suit mon affaire.
{N} m'a raccroché au nez hier.|Quand {N} est arrivé, tout s'est débloqué.|Selon {F}, il faut tout recommencer.
On m'a passé {P}, très aimable.|avec {P} au guichet cela va vite|Ma voisine {F} a eu le même problème.
L'agent {N} refuse de me répondre.|Je demande que {F} soit félicitée.|Mon père, {F}, vit seul à {L}.
Docteur {N} a envoyé le certificat.|Maître {N} attend aussi la décision.|Signé : {F}, une usagère en colère
Je soussigné {F} conteste cette décision.|La dame, {P} je crois, a souri.|Et {P}, toujours de bonne humeur.
Ni {N} ni {N} ne savent qui traite ma demande.|Mes enfants {P}, {P} et {P} sont à ma charge.
Rappelez {F} au plus vite.|Une certaine {N} devait m'écrire.|Le collègue de {P} a tout perdu.
J'habite {L} depuis dix ans.|Le guichet de {L} est fermé.|Je dois aller jusqu'à {L} en bus.|À {L}, personne ne décroche.
On m'a envoyé à {L} puis à {L}.|Je vis à {L} et je n'ai pas de voiture.
"""
# {B} a public body. What must not be taken for a name, in the same turns of phrase.
_WITHOUT = """
La {B} m'a rappelé le jour même.|{B} ne répond pas au téléphone.|Merci à la {B} pour son efficacité.
Un conseiller de {B} m'a tout expliqué.|Mon dossier {B} est bloqué depuis mars.|Bonjour, la {B} me demande encore un papier.
Bonjour Madame, nous vous remercions de votre témoignage.|Bonjour Monsieur, votre message a retenu notre attention.
Madame la Directrice a promis une réponse.|Monsieur le Préfet doit en être informé.|Merci à toute l'équipe du guichet.
Bonjour, merci pour votre accueil et votre professionnalisme.|Service Public + ne sert à rien.|Rien à redire, parfait.
Impossible de joindre qui que ce soit.|Trois mois d'attente, c'est inadmissible.|Site en panne, encore une fois.
Vous pouvez écrire depuis votre espace personnel.|Nous vous invitons à prendre rendez-vous.|Super accueil, personnel au top.
J'ai demandé une Carte Vitale en Avril.|Ma Carte Grise n'arrive pas.|Depuis Juin, rien n'a bougé.|Le Lundi c'est fermé.
France Connect refuse mon mot de passe.|Mon Compte Formation est vide.|La Prime Activité a été coupée.
Un Grand Merci pour votre Aide.|Bonjour, Vraiment Déçu de ce Service.|Agent très compétent, souriant et à l'écoute.
Le formulaire Cerfa est illisible.|Accueil froid, réponse sèche.|Enfin une réponse claire, merci beaucoup.
L'Agent au guichet était débordé.|Aucune nouvelle de la Préfecture.|Le Tribunal n'a rien reçu.|Mairie fermée le samedi.
Allocation supprimée sans prévenir.|Attestation introuvable sur le site.|Demande de Passeport toujours en cours.
Chère Madame, cher Monsieur, nous avons lu votre avis.|Très Cordialement, le service des usagers|Bien cordialement
Fermé entre Noël et le Nouvel An.|Depuis Pâques, plus rien.|Pierre par pierre, tout se défait.|Rose ou grise, la carte n'est pas là.
Le site tourne sous Windows, pas sous Linux.|Ma Twingo n'a toujours pas de carte grise.|La Poste a perdu le pli.
Direction, secrétariat, accueil : personne.|Contactez le Service Client.|Monsieur, Madame, je vous écris.|Allo ? Toujours rien.
Le Défenseur des Droits a été saisi.|L'Assurance Retraite ne sait pas.|Quel parcours du combattant, digne de Kafka.
Courrier reçu, réponse envoyée, merci.|Nouveau site, nouvelle panne.|Merci Internet.|Zéro pointé pour la hotline.|Top, rien à dire.
Personne ne lit nos courriers.|Quelle honte, quel mépris.|Bravo pour ce nouveau site, simple et rapide.
"""


def half(name: str) -> int:
    """0 for names to learn from, 1 for names to be tested with; by hash."""
    return hashlib.sha256(fold(name).encode()).digest()[0] % 2


def names(which: int, *, least_first: int = 200, least_last: int = 30) -> tuple[list[str], list[str]]:
    """First names and surnames of one half, in title case, without those that are everyday words."""
    firsts, lasts = insee.first_names(least_first), insee.surnames(least_last)
    return tuple(  # type: ignore[return-value]
        [n.title() for n in found if half(n) == which and fold(n) not in EVERYDAY and fold(n) not in ACRONYMS]
        for found in (firsts, lasts)
    )


def names_by_origin(which: int) -> dict[str, tuple[list[str], list[str]]]:
    """By origin, first names and surnames of one half."""
    return {
        origin: tuple([n for n in written.replace("_", " ").split("|") if half(n) == which] for written in both)
        for origin, both in ((o, [w.replace(" ", "|") for w in pair]) for o, pair in ORIGINS.items())
    }  # type: ignore[return-value]


def sentences(count: int, *, seed: int = 0) -> Iterator[Labelled]:
    """`count` labelled sentences: two in three hold names or places; title case, lower case and capitals."""
    draw = random.Random(seed)  # noqa: S311
    firsts, lasts = names(0)
    places = sorted(c.title() for c in insee.communes() if 4 < len(c) < 18 and c not in EVERYDAY)
    bodies = sorted({b.upper() for b in ACRONYMS if b.isalpha()} | {b.title() for b in BODIES})
    origins = list(names_by_origin(0).values())

    def drawn() -> tuple[str, str]:
        first, last = draw.choice(origins) if draw.random() < _FROM_ORIGINS else (firsts, lasts)
        return draw.choice(first), draw.choice(last)

    fill = {
        "P": lambda: drawn()[0],
        "N": lambda: drawn()[1],
        "F": lambda: " ".join(drawn()),
        "I": lambda: ". ".join((drawn()[0][0], drawn()[1])),
        "L": lambda: draw.choice(places),
        "B": lambda: draw.choice(bodies),
    }
    with_names, without = (
        [t for line in block.strip().splitlines() for t in line.split("|")] for block in (_WITH_NAMES, _WITHOUT)
    )
    for number in range(count):
        template = draw.choice(without if number % 3 == 0 else with_names)
        text, spans = fill_in(_mistype(template, draw) if draw.random() < _MISTYPED else template, fill)
        case = draw.random()
        if case < 0.3:
            text = text.lower()
        elif case < 0.5:
            text = same_length_upper(text)
        yield text, spans


def _mistype(template: str, draw: random.Random) -> str:
    """The template with a letter of one of its words lost, doubled or swapped with the next."""
    places = [m.start() for m in re.finditer(r"(?<=[a-zà-ÿ])[a-zà-ÿ](?=[a-zà-ÿ])", template)]
    if not places:
        return template
    i = draw.choice(places)
    slip = draw.choice(("", template[i] * 2, template[i + 1] + template[i]))
    return template[:i] + slip + template[i + 1 + (len(slip) == 2 and slip[0] != slip[1]) :]


def fill_in(template: str, fill: dict) -> Labelled:
    """A template with its marks filled, and where the names (PER) and places (LOC) came to stand."""
    text, spans = "", []
    for i, part in enumerate(template.replace("{", "}").split("}")):
        if i % 2 == 0:
            text += part
            continue
        value = fill[part]()
        if part != "B":
            spans.append((len(text), len(text) + len(value), "LOC" if part == "L" else "PER"))
        text += value
    return text, spans


def same_length_upper(text: str) -> str:
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in text)
