"""Facts and contacts that nobody gave, and what sounds like one and is none: each in a reply of its own, by check."""

import pytest

from plume.checks import CHECKS
from plume.checks.case import Case
from plume.contacts import Directory

DIRECTORY = Directory.load()
INVENTED = {
    "deadlines": """
La réponse arrive dans la semaine.
Vous devez envoyer la pièce avant la fin du mois.
Il faut répondre d'ici à vendredi.
Le dossier est à déposer d'ici la rentrée.
Le virement arrive demain matin.
Le titre est prêt la semaine prochaine.
Le paiement est fait en début de mois prochain.
La décision tombe le mois prochain.
Comptez jusqu'à la fin de l'été.
La réponse est attendue pour la fin de l'année.
Une réponse arrive dans les tout prochains jours.
Le recours se fait dans le mois qui suit la notification.
Il faut agir avant ce soir.
La situation sera stable d'ici Noël.
Envoyez la pièce sous quinzaine.
Le formulaire est à rendre au plus tard demain.
""",
    "dates": """
Le guichet est ouvert du lundi au vendredi.
L'accueil est ouvert de 9 h à 17 h.
La ligne est joignable tous les matins.
Le service reçoit le mardi et le jeudi.
La permanence a lieu chaque mercredi après-midi.
L'agence accueille le public uniquement le matin.
Les bureaux sont fermés le lundi matin.
Nous sommes ouverts dès neuf heures.
Le standard répond entre 8h30 et 16h.
La mairie est ouverte le samedi matin.
Les horaires vont de 8 heures à midi.
La déchetterie ouvre tous les jours sauf le dimanche.
""",
    "articles": """
La loi Elan encadre ce bail.
La loi Dalo vous protège.
La loi dite « Dupond » s'applique.
La loi Informatique et Libertés donne un droit d'accès.
Selon la loi Alur, le délai est réduit.
La loi NOTRe a changé les compétences.
La loi 3DS simplifie cette démarche.
""",
    "contacts": """
Notre agence se situe au 12 rue de la République.
Rendez-vous place de la mairie.
Le service est installé au 3, avenue Jean-Jaurès.
Écrivez à BP 45, 35000 Rennes.
Notre guichet se trouve rue Nationale à Tours.
Venez nous voir au 8 quai de la Loire.
L'accueil se fait au centre commercial Les Halles.
Le courrier va à CS 12345, 59000 Lille Cedex.
Nos bureaux sont boulevard Voltaire.
Passez à la cité administrative, bâtiment B.
Adressez la lettre au 2 bis impasse du Moulin.
Notre antenne est au 15 Grande Rue.
Le site est caf-fr.com.
Appelez le 0 892 12 34 56.
Composez le 3299.
Suivez @CafOfficiel sur le réseau.
Écrivez à aide@ameli-remboursement.com.
""",
}
SOUND = {
    "deadlines": """
Le service répond dans les meilleurs délais.
Une réponse est envoyée dès que possible.
Le service reviendra prochainement vers une organisation stable.
L'administration de demain se construit avec vous.
Du jour au lendemain, tout a changé.
Vous avez appelé plusieurs fois dans la semaine.
Les pièces sont à garder dans la durée.
Dans l'immédiat, le simulateur aide.
Dans un premier temps, relisez le courrier.
Le calcul se fait sur l'année écoulée.
Le loyer du mois compte.
La fin du mois est toujours difficile.
Les fins de mois difficiles pèsent.
Pour la rentrée scolaire, une aide existe.
Pour l'été, des activités existent.
Le droit est examiné mois par mois.
À l'avenir, gardez une copie.
""",
    "dates": """
Être reçu le matin même vous a surpris.
Le samedi, on a envie d'autre chose.
Les jours fériés allongent l'attente.
Travailler le soir complique les démarches.
Les lundis sont chargés.
Une ligne est ouverte 24 h/24.
Le site est accessible à toute heure.
L'accueil du matin vous a déçu.
""",
    "articles": """
La loi prévoit un recours.
Le code de la sécurité sociale encadre ce droit.
Une loi récente a changé la règle.
La loi de finances fixe le barème.
Un arrêté municipal règle le bruit.
Au regard de la loi, c'est possible.
""",
    "contacts": """
L'attente place du Marché vous a pesé.
La rue de la Paix est bruyante.
Le quartier de la gare est mal desservi.
Les habitants de Rennes sont nombreux.
La mairie de Vannes répond par écrit.
Il reste 12 places disponibles.
La voie de recours est indiquée au dos.
Le site caf.fr donne le calcul.
Le 3646 est payé au prix d'un appel local.
Votre logement au 12 rue Pasteur est concerné.
Nous avons bien 3 200 demandes.
Vous pouvez venir en agence sur rendez-vous.
Le bus ne passe plus par le cours de la Marne.
""",
}


def _passes(check: str, sentence: str, review: str = "Je suis déçu.") -> bool:
    draft = f"Bonjour,\n\nNous regrettons cette attente. {sentence} Merci."
    return CHECKS[check].ask(Case.of(draft, review, "", DIRECTORY, None)).passed


def _rows(sentences: dict[str, str]) -> list[tuple[str, str]]:
    return [(check, line) for check, lines in sentences.items() for line in lines.strip().splitlines()]


@pytest.mark.parametrize(("check", "sentence"), _rows(INVENTED))
def test_what_nobody_gave_is_found(check: str, sentence: str) -> None:
    assert not _passes(check, sentence)


@pytest.mark.parametrize(("check", "sentence"), _rows(SOUND))
def test_what_only_sounds_like_it_passes(check: str, sentence: str) -> None:
    assert _passes(check, sentence)


@pytest.mark.parametrize(
    ("check", "sentence", "review"),
    [
        ("deadlines", "La réponse promise d'ici la fin du mois n'est pas venue.", "Réponse promise à la fin du mois !"),
        (
            "deadlines",
            "La réponse promise d'ici la fin du mois n'est pas venue.",
            "Réponse avant la fin du mois, dit-on.",
        ),
        ("dates", "Une ouverture du lundi au vendredi ne suffit pas.", "Ouvert du lundi au vendredi seulement"),
        ("articles", "La loi Elan est complexe.", "On m'oppose la loi ELAN."),
        ("contacts", "L'arrêt de la rue Nationale, où se trouve la poste, manque.", "Plus de bus rue Nationale"),
    ],
)
def test_what_the_review_tells_may_be_said_again(check: str, sentence: str, review: str) -> None:
    assert _passes(check, sentence, review)
