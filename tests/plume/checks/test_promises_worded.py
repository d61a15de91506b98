"""Promises and claims as a model may word them, and what sounds like one and is none, each in a reply of its own."""

import pytest

from plume.checks.promises import promises

PROMISES = """
Votre enfant est désormais inscrit à l'école du quartier.
Le service des retraites a finalisé votre liquidation.
Mon équipe se charge de relancer la banque.
Un chèque de régularisation est en chemin.
Courrier de réponse envoyé hier.
Le conseil municipal votera cette aide en votre faveur.
L'équipe technique planche déjà sur la panne.
L'examen de votre situation a commencé.
Le technicien est attendu demain chez vous.
Nos équipes sont déjà sur place.
Votre dossier vient de passer en haut de la pile.
Suspension des retenues le temps du réexamen, puis effacement de la dette.
Ok pour la remise gracieuse de la pénalité.
Correction du relevé prévue par le pôle carrière.
Il n'y aura pas d'échéancier.
Une patrouille passe verbaliser ce véhicule.
Le maire a donné son accord pour l'élagage.
Une place se libère pour votre mère dès lundi.
Vous ne serez pas poursuivi.
Je suis intervenue auprès du service.
Un collègue vous appelle demain matin.
Tout va s'arranger pour votre titre de séjour.
Il tranchera sans aucun doute en votre faveur.
Nous ferons remonter ce dysfonctionnement à l'éditeur du site.
Je me rapproche du service instructeur pour comprendre ce blocage.
Votre dossier passera en commission la semaine suivante.
Vous serez contacté par un gestionnaire.
Nous avons pris contact avec l'agence de Nantes.
Le service vous adressera un duplicata.
Nous avons procédé à la correction de votre adresse.
J'ai demandé à la responsable de vous rappeler.
Nous étudions votre dossier avec attention.
Un rappel a été programmé.
Une enquête interne est ouverte.
Une enquête interne a été ouverte auprès du personnel.
Des sanctions seront prises.
Le problème est désormais corrigé.
La panne a été réparée.
Vos droits sont ouverts jusqu'à la fin du contrat.
Votre carte est en cours de fabrication.
Votre dossier est bien arrivé au service des retraites.
Nous prenons contact avec votre agence.
Nous revenons vers vous rapidement.
Une attention particulière sera portée à votre dossier.
Nous avons fait le point avec l'équipe d'accueil.
Votre signalement a été pris en compte par les services techniques.
Nous avons bien enregistré votre demande.
Votre réclamation sera étudiée par le service compétent.
Nous mettrons en place un second guichet.
Des travaux sont prévus pour rénover la salle d'attente.
Un nouvel agent rejoindra l'équipe.
Les horaires vont être élargis.
L'affichage sera corrigé.
L'agent concerné a été rappelé à ses obligations.
Votre remboursement interviendra prochainement.
Le versement est prévu pour la semaine à venir.
Nous vous tiendrons informé de l'avancement.
Je vais personnellement suivre votre dossier.
Votre demande est actuellement à l'étude.
Votre situation a été régularisée.
Votre titre est disponible en préfecture.
Votre passeport vous attend au guichet.
La majoration est annulée.
Nous accédons à votre demande de remise.
Nous avons décidé d'annuler cette pénalité.
Il a été décidé de vous accorder un délai.
Vous bénéficierez d'un nouveau rendez-vous.
Un rendez-vous vous est réservé au guichet.
Un rendez-vous vous a été fixé.
Votre dossier est complet.
Votre dossier est passé en traitement prioritaire.
Nos équipes ont identifié l'erreur et l'ont corrigée.
Le bug est résolu depuis la dernière mise à jour.
Nous avons alerté la direction de cet incident.
Votre courrier est bien parvenu à notre service.
Nous nous engageons à vous répondre.
Vous pouvez compter sur nous pour régler ce problème.
Votre dossier a été clôturé par erreur.
Le technicien interviendra à votre domicile.
Nous procédons au réexamen de votre dossier.
Le nécessaire a été fait.
Le nécessaire est en cours.
Nous avons relayé votre témoignage à la cheffe de service.
Votre avis a été partagé avec l'équipe.
L'équipe a été informée de vos compliments.
Une réunion aura lieu avec le prestataire.
Nous recruterons deux agents.
Votre compte a été débloqué.
Un conseiller reprendra contact avec vous.
Votre plainte a été classée.
Je transmets votre demande au service concerné.
Nous transmettons ce jour votre réclamation à l'agence.
Nous avons vérifié votre compte.
Après vérification, votre dossier est incomplet.
Il ressort de votre dossier qu'une pièce manque.
Votre dossier ne comporte aucune anomalie.
Il manque à votre dossier un justificatif de domicile.
La facture sera recalculée.
Ce point sera abordé lors de la prochaine réunion.
Ce dysfonctionnement est en cours de résolution.
Nous avons saisi le service informatique de cette anomalie.
Nous avons partagé votre témoignage avec les agents concernés.
Vos remarques ont été prises en compte.
La direction en a été avertie.
L'agent sera entendu par sa hiérarchie.
Nous vous ferons parvenir une attestation.
Une copie vous sera adressée par courrier.
Nous relançons aujourd'hui le prestataire.
Le prestataire a été relancé.
Votre allocation sera versée avec le rappel.
Votre demande de logement est prioritaire.
Votre permis a été expédié.
Le dossier de votre mère est en cours d'instruction.
Nous reprendrons votre dossier depuis le début.
Nous corrigerons l'erreur sur votre relevé.
Nous vous rembourserons les frais.
Les frais vous seront remboursés.
Votre conseillère vous recontactera.
Le service informatique travaille à résoudre ce bug.
Nos techniciens travaillent à la résolution de ce problème.
Une mise à jour du site est prévue.
L'ascenseur sera remis en service.
Le guichet rouvrira prochainement.
Nous ouvrirons une permanence le samedi.
Nous avons demandé un renfort pour l'accueil.
J'ai transmis votre message à la cheffe de service.
Votre compte a été crédité.
Votre dossier a bien été transféré à la caisse de Lyon.
Vos droits seront recalculés.
Nous avons retrouvé votre dossier.
Votre colis a été localisé.
Votre plainte sera instruite.
Votre suggestion sera étudiée.
Nous étudierons votre suggestion.
Votre contestation est recevable.
Votre amende sera annulée.
Nous annulons la pénalité qui vous a été appliquée.
Je m'occupe de votre situation.
Je m'en occupe dès aujourd'hui.
Nous reviendrons vers vous.
Nous ne manquerons pas de vous rappeler.
Nous avons mis en place une nouvelle organisation à l'accueil.
Une solution vous sera proposée.
Votre radiation a été levée.
Votre numéro fiscal a été rétabli.
Votre rendez-vous est confirmé.
Votre rendez-vous a été déplacé.
Le transfert de votre dossier vers la Gironde est lancé.
La procédure de remboursement est enclenchée.
La mutation de vos droits vers votre nouvelle caisse est engagée.
Le jugement concernant votre divorce a bien été rendu.
L'échange de votre permis a été enregistré.
La décision relative à votre demande a été notifiée.
Nous allons toutefois regarder cela avec elle.
Nous allons cependant procéder à une vérification.
Nous ne manquerons pas de revenir vers vous.
Vos droits restent ouverts.
Le rattachement de votre enfant à votre compte a bien été effectué.
L'ordonnance vous concernant a été transmise au greffe.
Le dossier de votre mère est bel et bien complet.
La demande déposée par vos soins a été validée.
""".strip().split("\n")

NONE = """
Votre courrier est resté sans réponse, ce qui est pénible.
L'équipe a été très touchée par vos mots.
La décision est prise après avis du médecin.
Le titre de séjour est fabriqué à l'Imprimerie nationale, puis envoyé en préfecture.
Cette attestation fera foi.
Votre fille de trois ans s'est retrouvée sans place de crèche.
Vous avez attendu deux heures et le guichet a fermé devant vous, nous le regrettons.
Nous avons à cœur d'accueillir chacun avec respect.
L'accusé de réception prouve que le dossier a été déposé.
Un message vous est envoyé à chaque étape de la demande.
Vous exposez qu'une saisie a été faite sur votre compte.
Lorsque la dette est contestée, le recouvrement est suspendu.
Rendez-vous possible avec un conseiller, sur place ou au téléphone.
Le conseil départemental finance cette aide.
Votre employeur transmet l'attestation par voie électronique.
Un agent vous renseignera sans frais.
Nous vous invitons à contacter votre agence.
Si votre dossier est complet, il est transmis au service instructeur.
Chaque demande est étudiée dans l'ordre d'arrivée.
Les dossiers sont traités par ordre d'arrivée.
Une demande incomplète peut être rejetée.
Vous pouvez demander à être rappelé par un conseiller.
Un conseiller peut vous recevoir sur rendez-vous.
Nous comprenons que votre dossier ait été refusé sans explication.
Nous regrettons que vous n'ayez pas été rappelé.
Vous indiquez que votre dossier a été perdu.
Nous transmettrons vos félicitations à l'équipe.
Nous mettons tout en œuvre pour améliorer l'accueil.
Nous sommes attentifs à vos remarques.
Votre témoignage nous aide à progresser.
Vos mots seront appréciés par toute l'équipe.
Le médiateur peut être saisi gratuitement.
Il est possible de faire appel de cette décision.
La carte est remise en mains propres.
Le passeport est à retirer en mairie.
Les rendez-vous sont proposés chaque matin.
Un accusé de réception est envoyé automatiquement.
Un message vous avertit lorsque le titre est disponible.
Vous recevez un message dès que le titre est prêt.
Le remboursement est versé une fois le dossier validé.
Nous espérons que votre situation pourra être régularisée.
Nous souhaitons que cette difficulté trouve une issue.
Vérifiez si votre demande a bien été enregistrée.
Vous pourrez suivre l'avancement dans votre espace personnel.
L'état d'avancement de votre dossier est consultable en ligne.
Le traitement de votre dossier relève de la préfecture.
Votre caisse est seule compétente pour examiner votre dossier.
Un dossier peut rester bloqué si une pièce est illisible.
Les agents sont formés à l'accueil de tous.
Le service est ouvert à tous, sans rendez-vous.
Recevoir deux courriers contradictoires est déroutant.
Voir sa demande refusée est décevant.
Attendre devant une porte fermée est pénible.
Vous avez été bien accueilli et nous en sommes ravis.
Vous avez été orienté vers le bon service, et c'est heureux.
Que l'agente ait pris le temps de vous expliquer nous réjouit.
Votre patience a été mise à rude épreuve.
Votre expérience n'a pas été à la hauteur de vos attentes.
Nous ne pouvons pas intervenir sur votre dossier depuis cette plateforme.
Cette plateforme ne permet pas d'accéder à votre dossier.
Nous n'avons pas accès à votre dossier.
La décision appartient à la commission.
La commission examinera votre recours si vous le déposez.
Une fois la pièce reçue, le dossier sera complété.
Pensez à garder une copie de ce qui est envoyé.
En cas de refus, un recours est ouvert.
L'accueil téléphonique vous renseignera sur les pièces à fournir.
Nous restons à votre écoute.
Je vous rappelle que le service est gratuit.
Votre message nous encourage.
Nous prenons note de vos remarques.
Nous avons lu votre témoignage avec attention.
Nous avons bien compris votre agacement.
Nous sommes désolés que votre appel ait été coupé.
Les agents de France Services vous accompagneront dans vos démarches.
Un agent pourra vérifier avec vous les pièces du dossier.
Votre dossier doit comporter une pièce d'identité.
Votre demande peut être déposée en ligne.
Votre avis compte pour nous.
Toute demande est traitée dans l'ordre d'arrivée.
Les droits sont recalculés à chaque changement de situation.
Les frais sont remboursés sur présentation des factures.
La pénalité est annulée lorsque le retard est justifié.
Le rappel est versé avec l'échéance qui suit la décision.
Le formulaire est disponible à l'accueil.
L'attestation est disponible dans votre espace personnel.
Votre espace personnel vous permet de suivre chaque étape.
Vous y trouverez la liste des pièces.
Vous aurez besoin de votre numéro fiscal.
Vous devrez présenter l'original.
La pièce manquante peut être déposée en ligne.
Sans réponse de l'administration, la demande est réputée rejetée.
En l'absence de réponse, le médiateur peut être saisi.
Être renvoyé d'un service à l'autre est usant.
Ne pas recevoir de réponse est frustrant.
Que votre dossier ait été transmis sans vous prévenir est regrettable.
Nous regrettons que votre rendez-vous ait été annulé.
Nous comprenons votre colère face à un dossier qui n'avance pas.
Une demande de duplicata se fait en ligne.
Le duplicata est envoyé à l'adresse connue du service.
Il suffit de joindre une copie du courrier reçu.
L'agent qui vous a reçu a su vous écouter.
L'agente a pris le temps de vous expliquer la démarche, et c'est heureux.
Vous dites avoir été orientée vers trois guichets.
Le site a connu des lenteurs, vous le soulignez.
Vous avez raison de rappeler que l'accueil est un droit.
Notre mission est de vous accompagner.
Les équipes s'efforcent de répondre à chacun.
L'accueil sans rendez-vous est ouvert le matin.
Vous serez accueilli sans rendez-vous chaque matin.
Vous serez alors orienté vers le bon guichet.
La décision vous sera notifiée par courrier une fois l'instruction terminée.
À la fin de l'instruction, une décision est envoyée.
Il vous reste à joindre un justificatif.
Nous espérons que la suite de vos démarches sera plus simple.
Ce type de difficulté peut être signalé en ligne.
Cette situation peut être contestée devant le tribunal.
Le service instructeur vous indiquera les pièces manquantes si nécessaire.
Ces délais sont liés au nombre de demandes.
Ces horaires peuvent varier pendant l'été.
Votre rendez-vous s'est bien passé et nous en sommes heureux.
Votre prise en charge aux urgences a été rapide, et nous nous en réjouissons.
Votre carte vous est arrivée rapidement, nous en sommes ravis.
Les demandes de passeport sont traitées dans l'ordre d'arrivée.
Une fois la procédure engagée, vous recevrez un accusé.
Dès que la procédure est lancée, le suivi se fait en ligne.
Le jugement est rendu en audience publique.
Le transfert entre caisses se demande en ligne.
La notification est envoyée par courrier recommandé.
Le délai d'échange du permis dépend du pays.
Vérifiez que le rattachement de vos enfants est effectué dans votre espace.
La pièce jointe à votre message est utile pour la suite.
La décision que conteste votre courrier peut faire l'objet d'un recours.
Le numéro inscrit sur votre carte est demandé à la connexion.
Les pièces de votre dossier sont à garder cinq ans.
Les droits de votre enfant dépendent de sa situation.
Nous allons toutefois vous expliquer la démarche.
Nous comprenons que le transfert entre les deux caisses est long.
L'accueil réservé à votre famille est contraire à nos engagements.
La plainte déposée contre votre voisin relève du parquet.
Les documents demandés par votre caisse sont listés sur le site.
La carte rangée dans votre portefeuille est protégée par un code.
Le compte ouvert à votre nom est protégé par un mot de passe.
Les erreurs que vos proches ont subies sont regrettables.
Le courrier qui accompagne votre carte est envoyé séparément.
Le logement que vous quittez et votre nouveau logement sont rattachés à deux caisses.
La démarche que décrit votre avis est prévue par la loi.
L'attestation que demande votre employeur est délivrée en ligne.
Les sommes versées par votre caisse sont fixées par décret.
""".strip().split("\n")


@pytest.mark.parametrize("sentence", PROMISES)
def test_a_promise_or_claim_however_worded_is_found(case, sentence):
    assert not promises(_reply(case, sentence))[0]


@pytest.mark.parametrize("sentence", NONE)
def test_a_rule_a_regret_or_thanks_is_no_promise(case, sentence):
    assert promises(_reply(case, sentence))[0]


def _reply(case, sentence):
    draft = f"Bonjour,\nNous vous remercions de votre message. {sentence}\nBonne journée."
    return case(draft, review="Je ne suis pas content de l'accueil.")
