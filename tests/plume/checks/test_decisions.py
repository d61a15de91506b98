"""Decisions on a file and foretold outcomes, and what sounds like one and is none: each in a reply of its own."""

import pytest

from plume.checks.promises import promises

DECISIONS = """
Votre réclamation est fondée et nous vous donnons gain de cause.
La somme de 120 euros vous est restituée.
La pénalité ne sera finalement pas appliquée.
La dette est soldée, vous pouvez considérer l'affaire comme close.
Votre carte grise part ce jour à l'impression.
Votre amende est purement et simplement supprimée.
Nous rétablissons vos droits sans attendre.
Votre recours gracieux est recevable et fondé.
Le médiateur tranchera certainement pour vous.
Ce refus sera annulé par le juge.
Nous vous faisons grâce des frais de dossier.
La commission se prononce en votre faveur.
Une remise gracieuse de la moitié de la dette vous est consentie.
Vous obtenez donc le report demandé.
Le paiement est débloqué.
Nous régularisons les trois mois manquants.
Réinscription faite.
Nous n'accédons pas à votre demande.
Nous sommes contraints de rejeter votre réclamation.
L'administration renonce aux poursuites.
La contravention est classée.
Les points retirés vous sont rendus.
On efface l'ardoise.
Les frais bancaires vous seront intégralement remboursés.
Nous vous attribuons un logement plus grand.
Le nécessaire est fait, votre compte est de nouveau actif.
Votre place est réservée.
Votre exclusion est levée.
Aucune majoration ne vous sera appliquée.
Nous retenons votre version des faits et annulons le procès-verbal.
Le tribunal condamnera votre bailleur.
Vous toucherez un rappel.
La prolongation de votre titre est acquise.
Vous pouvez compter sur une issue favorable.
Votre dossier va forcément passer.
Feu vert pour votre projet de clôture.
Refus maintenu.
Ma décision est de lever la sanction.
La CAF lève la suspension de votre prime.
Je demande l'annulation de cette amende et elle est prononcée.
Nous sommes ravis de vous confirmer que votre dossier est validé.
Nous avons le plaisir d'accepter votre demande de remise.
Nous procédons ce jour à l'annulation de l'amende.
Nous sommes en mesure de vous accorder un délai.
Votre amende : annulée.
Le tribunal va vous suivre.
Votre contestation a été jugée recevable.
Vous allez gagner votre procès.
Cette pénalité est retirée.
La préfecture accepte de prolonger votre récépissé.
L'Urssaf vous accorde la remise.
Pôle emploi vous réinscrit à la date de votre première demande.
La Cpam reconnaît votre accident du travail.
Votre arrêt de travail est accepté.
Votre taux d'incapacité est porté à 80 %.
Nous recalculons votre pension avec ces trimestres.
Votre remboursement est en paiement.
Votre logement vous est attribué.
L'assureur vous dédommagera intégralement.
Votre plainte va être rouverte.
Le maire refuse votre permis.
Votre projet est conforme au plan local d'urbanisme.
Accord pour un paiement en dix fois.
Prolongation accordée jusqu'au printemps.
Suspension levée ce matin.
Votre accès est rétabli.
Tenez cette affaire pour réglée.
L'erreur vient de nos services et elle est réparée.
Nous corrigeons cette anomalie sur-le-champ.
Votre banque sera créditée sous peu.
Votre dossier est prioritaire désormais.
Votre fille est inscrite à l'école demandée.
Vous avez raison, la facture est fausse et nous l'annulons.
Votre dette tombe.
Votre demande n'est pas retenue.
Vous n'êtes pas éligible à cette prime.
Le service refuse d'accéder à votre demande.
L'aide vous est refusée.
Vous ne toucherez pas cette aide.
Inutile d'espérer une issue favorable.
Le délai de recours est prolongé pour vous.
Votre retard est excusé, aucune pénalité.
Nous fermons les yeux sur ce retard de paiement.
L'opposition sur votre véhicule est levée.
"""
NONE = """
Les recours sont examinés par une commission qui se réunit chaque mois.
La pénalité est annulée si l'erreur vient de l'administration.
Vous indiquez que votre dossier est bloqué.
Un refus se conteste dans les formes indiquées au verso.
Le juge apprécie librement les preuves apportées.
Seul le service instructeur peut accepter ou rejeter une demande.
La suspension du permis est une mesure prise par le préfet.
Une opposition se lève auprès de l'huissier.
La Caf verse les prestations le 5 du mois.
L'Assurance maladie rembourse les soins prescrits par un médecin.
Vous avez le droit de contester cette décision.
Votre critique est justifiée.
Nous acceptons cette critique.
Nous regrettons que la réponse reçue soit restée vague.
La reprise du travail modifie le calcul des droits.
Le versement d'une pension suit un calendrier publié en ligne.
Un dossier complet est traité plus vite.
Une fois la demande validée, un courriel est adressé.
Nous ne pouvons pas intervenir sur votre dossier.
Le site indique si votre demande est acceptée ou refusée.
Contester une amende suspend l'obligation de payer.
Le délai de traitement est suspendu tant qu'il manque une pièce.
Vous attendez une décision et ce silence pèse.
Votre témoignage sera utile à d'autres usagers.
Le fait que votre dossier soit passé de main en main n'est pas acceptable.
Cette situation est anormale.
Vos efforts sont reconnus.
Votre déception est partagée par d'autres.
La loi autorise le report d'un examen pour raison médicale.
L'établissement autorise les visites sur présentation d'une pièce d'identité.
Le directeur de l'école inscrit votre enfant sur présentation du livret.
Le service de l'état civil rectifie l'acte à la demande de la personne concernée.
Votre paiement est enregistré sur le site dès que la banque l'accepte.
Si le tribunal annule la décision, la caisse reprend les versements.
On vous a répondu que la demande était classée sans suite.
Perdre ses droits du jour au lendemain inquiète.
Votre demande de rendez-vous refusée trois fois montre les limites du site.
Nous accordons une grande importance à la qualité de l'accueil.
Nous vous remettons ci-dessous les étapes à suivre.
Je vous accorde que le formulaire est complexe.
Nous reprenons ci-dessous les étapes de la démarche.
Votre navigateur bloque peut-être la page.
Il est prévu par la loi que chacun puisse consulter son dossier.
Vous êtes remboursé de vos soins sur la base du tarif conventionné.
Votre espace est accessible à toute heure.
La remise gracieuse est examinée par le comptable public.
Les amendes majorées se contestent auprès de l'officier du ministère public.
La pension est revalorisée chaque année.
Votre remarque sur l'accueil est entendue.
Votre message est bien compris.
Un rappel est versé lorsque des droits sont reconnus après coup.
Le recours suspend la procédure.
Les droits sont rouverts après une nouvelle inscription.
La décision appartient au maire.
La décision vous paraît injuste et nous le comprenons.
Ce refus est vécu comme une injustice.
Cette attente est éprouvante.
Ce rendez-vous est obligatoire.
Votre colère est justifiée.
Votre question est fréquente.
Le paiement en ligne est sécurisé.
La demande se fait en ligne.
L'allocation est versée à terme échu.
Un accord amiable reste souvent plus rapide.
Refus, délais, silence : votre récit énumère bien des obstacles.
Versement de la prime, calcul des droits : ces points sont expliqués en ligne.
Annulation d'un rendez-vous : mode d'emploi sur le site.
Le médiateur rend un avis que les parties sont libres de suivre.
Le juge statue au vu des pièces du dossier.
La préfecture statue sur votre demande de titre.
Votre caisse reste l'interlocutrice pour toute question.
Le notaire confirme la vente.
Nous vous confirmons que la démarche est gratuite.
Nous corrigeons régulièrement les fiches du site.
Nous acceptons les dossiers papier comme les dossiers en ligne.
Nous levons le voile sur un point : le délai court dès l'envoi.
Nous prononçons souvent ces mots, mais ils sont sincères.
Je reconnais que l'attente est pénible.
Elle vous a reçu sans un mot.
Vous restez libre de saisir le tribunal.
Vous êtes tenu de déclarer vos ressources.
Vous n'avez rien à vous reprocher.
Votre place compte dans cette procédure.
C'est fait pour vous simplifier la vie, en théorie.
C'est refusé quand le fichier est trop lourd.
L'issue d'un recours ne peut être connue à l'avance.
Il se peut que le juge vous donne raison.
Nous vous souhaitons une issue favorable.
Espérons que cette démarche aboutisse.
"""


@pytest.mark.parametrize("sentence", DECISIONS.strip().splitlines())
def test_a_decision_or_an_outcome_is_found(case, sentence: str) -> None:
    assert not promises(case(f"Bonjour,\nNous regrettons cette attente. {sentence} Merci.")).passed


@pytest.mark.parametrize("sentence", NONE.strip().splitlines())
def test_rules_advice_and_feelings_are_no_decision(case, sentence: str) -> None:
    assert promises(case(f"Bonjour,\nNous regrettons cette attente. {sentence} Merci.")).passed


@pytest.mark.parametrize(
    ("review", "passes"),
    [
        ("Ma demande est rejetée sans motif.", True),
        ("Je demande le rejet de cette plainte.", False),
        ("Ils ne l'ont pas rejetée, je crois.", False),
    ],
)
def test_what_the_review_tells_is_no_decision_but_what_it_asks_for_is(case, review: str, passes: bool) -> None:
    assert promises(case("Bonjour,\nVotre demande est rejetée.", review=review)).passed is passes
