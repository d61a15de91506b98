"""Where a mask begins and ends: ⟦ ⟧ marks what goes, to the letter; everything else stays."""

import pytest

from plume.pseudonymise import Pseudonymiser
from plume.pseudonymise.recogniser.ner import load_ner


@pytest.fixture(scope="module")
def full() -> Pseudonymiser:
    return Pseudonymiser(load_ner())


def letters(text: str, spans) -> list[int]:
    return sorted({i for start, end in spans for i in range(start, end) if text[i].isalnum()})


def marked(sentence: str) -> tuple[str, list[tuple[int, int]]]:
    """The sentence without its marks, and the places that they enclose."""
    text, spans = "", []
    for i, part in enumerate(sentence.replace("⟧", "⟦").split("⟦")):
        if i % 2:
            spans.append((len(text), len(text) + len(part)))
        text += part
    return text, spans


STREETS = (
    "4 rue Pasteur",
    "31 chemin des Vignes",
    "17 rue J.-B. Clément",
    "12 bd. de Strasbourg",
    "8 rue du Pont Neuf",
)
STREETS += ("45 rue du Gal. Leclerc", "1 rue du 11 Novembre", "vingt-deux bis rue du Port", "103, bis rue Haxo")
STREETS += ("2 place St. Michel", "35000 Rennes", "97410 Saint-Pierre", "75015 PARIS")
ENDS = (". ", "! ", "… ", ".", "\n", ". ", "; ", "? ", " – ", ". ")
NEXT = ("Nous attendons", "La CAF ne répond pas", "RSA suspendu", "Merci de corriger", "Depuis 2020 rien")
NEXT += (
    "Qui peut m'aider",
    "L'agent a raccroché",
    "Déçu par ce service",
    "À quand une réponse",
    "France Travail a tort",
)


@pytest.mark.parametrize("street", STREETS)
def test_an_address_ends_with_its_sentence(full, street):
    sentences = [marked(f"J'habite au ⟦{street}⟧{end}{after}.") for end, after in zip(ENDS, NEXT, strict=True)]
    sentences += [(text.upper(), spans) for text, spans in sentences]
    for (text, spans), found in zip(sentences, full.find_many([text for text, _ in sentences]), strict=True):
        assert letters(text, [s[:2] for s in found]) == letters(text, spans), text


ADDRESSES = """
J'habite ⟦19 RUE VICTOR HUGO⟧ PERSONNE NE REPOND
J'habite au ⟦12 rue des lilas⟧ ⟦75011 paris⟧ merci de me repondre
⟦Lotissement Bellevue lot 6⟧, ⟦97354 Rémire⟧
⟦Boîte postale 217⟧, ⟦97600 Mamoudzou⟧
j'habite ⟦bat B3 esc 4 porte 12 cite des fleurs⟧
J'habite ⟦villa Les Mouettes, 8 sentier des Douaniers⟧.
⟦3 r du gal de gaulle⟧ ⟦44000 nantes⟧
⟦PK 14 côté montagne⟧, ⟦98711 Paea⟧
ma parcelle ⟦ZB 112⟧ est mal classée
⟦section ZH n°87⟧
vis au ⟦3, rue Louis-Blanc, 3ème étage porte B⟧. Merci
2 cours de français par semaine, deux place de parking
mon adresse : ⟦bat C, esc 2, 4eme etg droite, 12 bd Foch⟧, ⟦99100 Trucville⟧
⟦RÉSIDENCE LES TILLEULS, BAT 4, APPT 112, 12 ALLEE DES PINS⟧, ⟦99300 VALMORET⟧ PERSONNE NE VIENT
Elle demeure ⟦trente-deux bis, avenue du Maréchal-Foch, à Villeneuve-la-Garde⟧.
j'habite ⟦pk 23,2 côté montagne⟧
mon appartement, ⟦bât. Orchidée, 5e, porte droite⟧, est inondé
Mon logement (⟦porte 12, 3e étage⟧) est humide.
Notre bureau est au 2e étage, porte 4. Rendez-vous bâtiment B, 3e étage, salle 12.
"""
PLACES = """
Mon fils est au ⟦lycée Henri-IV⟧ et sa bourse est bloquée.
Nous vivons ⟦rue Gambetta⟧, le bus ne passe plus.
Le stationnement rue Gambetta est devenu payant.
Un lampadaire clignote devant chez moi, ⟦rue Pasteur⟧.
Il y a un trou énorme rue Pasteur, près de la gare.
Il passe en sixième à Georges-Brassens, le stade Jean-Bouin ferme.
"""
NAMES = """
Plainte de ⟦Chelangat Muema⟧ contre la CAF
Réclamation de ⟦Zorbladine Quixworthy⟧
Avis de ⟦Xochitl Tlaxcalteco⟧ sur la CPAM
le dossier ⟦Quentrec⟧ est perdu, le dossier Naturalisation aussi
Merci à ⟦DE KERSAUSON Ludivine⟧
Merci à ⟦Jean-Eudes du Boisbaudry⟧.
Mme ⟦Zorbladine Quixworthy-Ó Súilleabháin⟧ attend
⟦Marie-Ange⟧ et ⟦Jean-Côme⟧ sont parfaits
Mlle⟦Bernard⟧ et Monsieur⟦Kowalski⟧
Merci ⟦Nathalie⟧ Bonne journée
"""
LABELS = """
⟦Nadia Benali⟧, NEPH ⟦140975200318⟧
⟦Karim Belkacem⟧ NIR ⟦183033155502101⟧
je m'appelle ⟦Paul Martin⟧, NIR ⟦1 83 03 31 555 021 01⟧
⟦Karim Belkacem⟧, SIRET ⟦45278133900018⟧
Cordialement, ⟦Lucie Bernard⟧, CAF ⟦4512207⟧
Mme ⟦Haddad⟧, OQTF reçue, CST refusé, AGDREF ⟦9912345678⟧
Mme ⟦Haddad⟧, QXZ ⟦140975200318⟧
Bonjour, NIR inconnu, NEPH introuvable.
Mon signe est Verseau et mon dossier bloqué
tel ⟦25 14 68⟧ à Wallis, en Nouvelle-Calédonie ou à Tahiti
"""
FIRST_NAMES = """
⟦Prudence⟧ m'a aidée.
⟦Victoire⟧ était là.
⟦Fleur⟧ au guichet 1 est nulle.
⟦Constance⟧ du service courrier a répondu.
⟦Grâce⟧ m'a bien reçue
⟦Franck⟧, ⟦Aude⟧, ⟦Maxime⟧ : merci !
merci ⟦prudence⟧
merci a ⟦fleur⟧ et ⟦ange⟧
quand ⟦fleur⟧ est née j'ai envoyé l'acte
ni ⟦marie⟧ ni ⟦constant⟧ n'étaient au courant
j'ai suivi le conseil de ⟦titi⟧ et de ⟦Marie-Lou⟧
on m'a dit de voir ⟦jp⟧, il n'a rien
⟦Nath78⟧ a eu pareil, comme ⟦Nounours⟧ l'a écrit plus haut
⟦Juste⟧ a quitté son poste, ⟦Boucher⟧ a signé
j'ai rdv lundi avec ⟦Arcadine⟧ du 2e étage
avec prudence et constance, l'accueil est aimable, constant, clair
il mon di que ala fin jé pa coché la kase, seuleman corigé le papié avan le 30
aucun lien avec un caractère de cochon, la signature du daron
Victoire ! J'ai enfin ma carte. Prudence avec ce site, grâce à vous.
Merci pour la constance de vos équipes, une victoire.
"""
THINGS = """
Le colin était bon, le mercier fermé, et la rose fanée au printemps.
Mme ⟦Rose Lambert⟧ m'a reçue : la rose est fanée, une pierre, un rose pâle.
Merci à ⟦Pierre Rose⟧. une pierre, une rose.
Mme ⟦Boulanger⟧ est partie. Le boulanger du coin ferme, mon métier de boulanger aussi.
M. ⟦Fontaine⟧ m'a dit que la fontaine fuit ; ⟦fontaine⟧ le répète.
merci ⟦rose⟧, puis ⟦rose⟧ m'a rappelé
Mme ⟦Kervella⟧ : la ⟦kervella⟧ est partie
"""
FACTS = """
né le ⟦quinze août mille neuf cent cinquante⟧
je suis né en ⟦mil neuf cent quarante-deux⟧ à ⟦Oran⟧
j'ai ⟦quatorze ans⟧, depuis quinze ans
⟦aa229bc⟧ ma voiture
code banque ⟦30004⟧ code guichet ⟦00827⟧ numéro de compte ⟦0001234567A⟧ clé RIB ⟦77⟧
⟦687 25 14⟧ (Nouvelle-Calédonie)
⟦tumeur au cerveau⟧
"""


@pytest.mark.parametrize(
    "sentence",
    [
        line
        for block in (ADDRESSES, PLACES, NAMES, LABELS, FIRST_NAMES, THINGS, FACTS)
        for line in block.strip().splitlines()
    ],
)
def test_what_is_marked_goes_and_all_else_stays(full, sentence):
    text, spans = marked(sentence)
    masked, found = full.mask(text)
    assert letters(text, [s[:2] for s in found]) == letters(text, spans), masked
    assert full.mask(masked)[0] == masked


@pytest.mark.parametrize(
    "sentence", ["Mme ⟦Chelangat Muema⟧ attend", "Mme ⟦Rose Lambert⟧ : une rose", "⟦Victoire⟧ m'a aidée"]
)
def test_rules_alone_know_where_a_name_ends(sentence):
    text, spans = marked(sentence)
    assert letters(text, [s[:2] for s in Pseudonymiser().find(text)]) == letters(text, spans)
