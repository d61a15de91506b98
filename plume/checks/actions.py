"""What a service does to a file, says to a citizen, and who acts: the French words that promises are made of.

Each name is a piece of a regular expression, for `plume.checks.promises`.
"""

import re

from plume.french.text import words

# What can be done to a file: infinitive, from which the regular future and participle are made.
_REGULAR = words(
    """accepter accorder accélérer actualiser adapter adresser affecter ajouter ajuster alerter analyser annuler
    appliquer approuver attribuer augmenter avancer clore clôturer classer communiquer compenser confier
    contrôler corriger créditer débloquer déclencher dédommager déduire délivrer déplacer diligenter effacer
    effectuer engager enregistrer envisager examiner exonérer expédier étudier faciliter finaliser fixer former
    indemniser informer installer lancer lever livrer modifier nettoyer nommer notifier orienter payer planifier
    prioriser privilégier programmer prolonger protéger réactiver réaliser réétudier réexaminer rectifier
    récupérer rediriger réduire refuser régulariser relancer relayer rembourser remédier remonter remplacer
    renforcer renouveler réorienter réparer reporter répercuter restaurer restituer rétablir réviser sanctionner
    sensibiliser signaler simplifier solder solliciter solutionner supprimer suspendre traiter transférer
    valider verser vérifier virer arbitrer bloquer désactiver fermer inscrire réinitialiser retirer sécuriser soumettre
    présenter dépêcher dresser étendre liquider mandater mobiliser octroyer ordonner
    prononcer reclasser reconsidérer reverser trancher"""
)
_IRREGULAR = [  # infinitive, future stem, participle
    ("envoyer", "enverr", "envoyé"),
    ("renvoyer", "renverr", "renvoyé"),
    ("faire", "fer", "fait"),
    ("instruire", "instruir", "instruit"),
    ("intervenir", "interviendr", "intervenu"),
    ("maintenir", "maintiendr", "maintenu"),
    ("mettre en", "mettr", "mis en"),
    ("obtenir", "obtiendr", "obtenu"),
    ("ouvrir", "ouvrir", "ouvert"),
    ("rouvrir", "rouvrir", "rouvert"),
    ("produire", "produir", "produit"),
    ("recevoir", "recevr", "reçu"),
    ("rejeter", "rejetter", "rejeté"),
    ("remettre", "remettr", "remis"),
    ("rendre", "rendr", "rendu"),
    ("répondre", "répondr", "répondu"),
    ("reprendre", "reprendr", "repris"),
    ("retransmettre", "retransmettr", "retransmis"),
    ("retrouver", "retrouver", "retrouvé"),
    ("revoir", "reverr", "revu"),
    ("régler", "r[éè]gler", "réglé"),
    ("résoudre", "résoudr", "résolu"),
    ("saisir", "saisir", "saisi"),
    ("suivre", "suivr", "suivi"),
    ("transmettre", "transmettr", "transmis"),
    ("prendre en charge", "prendr", "pris en charge"),
    ("mettre à jour", "mettr", "mis à jour"),
    ("procéder à", "procéder", "procédé"),
]


def _future(infinitive: str) -> str:
    return re.sub(r"e$", "", infinitive)


def _participle(infinitive: str) -> str:
    if infinitive.endswith("er"):
        return infinitive[:-2] + "é"
    return {
        "clore": "clos",
        "déduire": "déduit",
        "étendre": "étendu",
        "réduire": "réduit",
        "rétablir": "rétabli",
    }.get(infinitive, infinitive[:-2] + "u")


INFINITIVE = "|".join([*_REGULAR, *(i for i, _, _ in _IRREGULAR)])
STEM = "|".join([*map(_future, _REGULAR), *(f for _, f, _ in _IRREGULAR)])
_PARTICIPLE = "|".join([*map(_participle, _REGULAR), *(p for _, _, p in _IRREGULAR)])
DONE = (
    rf"(?:{_PARTICIPLE}|pris(?:es?)? en (?:charge|compte)|recontacté|contacté|rappelé|convoqué|averti|prévenu|avisé"
    rf"|donné|apporté|mené|identifié|repéré|localisé|relayé|mis (?:en|à|au|sous)"
    r"|clarifié|édité|imprimé|fabriqué|posté|crédité|recalculé|calculé|recrédité|porté|remonté|partagé|entrepris|établi"
    r"|fourni|débité|prélevé|exécuté|conclu|levé|abouti|enclenché|pris(?! en note| note)|revérifié|relu|retiré"
    r"|recruté|présenté|inscrit|soumis|fermé|bloqué|prévu|offert|interpellé|émis|mandaté|ordonnancé|liquidé|déposé|programmé)e?s?\b"
)
STATE = (
    r"(?:(?:in)?compl[eè]te?s?|prêt(?:e|s|es)?|prioritaires?|recevables?|irrecevables?|conformes?|validée?s?"
    r"|clos(?:e|es)?"
    r"|en (?:cours|attente|instance|bonne voie|voie|traitement|instruction|préparation|fabrication|route|règle"
    r"|suspens|phase)"
    r"|à l'étude|à l'étape|au stade"
    r"|au niveau|à jour|bloquée?s?|débloquée?s?|suspendue?s?|bien arrivée?s?|bien parvenue?s?|arrivée?s? (?:à|au|dans)"
    r"|confirmée?s?|ouverts?|ouvertes?|acquise?s?|éligibles?|sur le point d)\b"
)
ADV = (
    r"(?:(?:bien|donc|toutefois|cependant|néanmoins|par ailleurs|en outre|pour autant|bel et bien|aussi|déjà"
    r"|désormais|enfin|ensuite|très|vite|tout|de suite|également|encore|ainsi|alors"
    r"|bientôt|d'abord"
    r"|d'ores et déjà|sous peu|au plus vite|en priorité|à nouveau|de nouveau|dès (?:demain|aujourd'hui|maintenant"
    r"|que possible"
    r"|réception|lors)|actuellement|\w+ment|personnellement|toujours|entièrement|le plus rapidement possible),? ){0,3}"
)
# What a service may promise to do with the citizen: future stem, infinitive.
TELL = (
    r"(?:(?:re)?contacter|r?appeller|informer|tiendr|répondr|reviendr|préviendr|avertir|rembourser|indemniser|écrir"
    r"|joindr"
    r"|recontacter|enverr|adresser|transmettr|fer|communiquer|verser|accorder|convoquer|proposer|fixer|notifier|recevr)"
)
TELL_INFINITIVE = (
    r"(?:(?:re)?contacter|r?appeler|tenir (?:au courant|informée?s?)|informer|répondre|revenir vers|prévenir|avertir"
    r"|rembourser|indemniser|écrire|joindre|faire parvenir|envoyer|adresser|verser|accorder|proposer|recevoir"
    r"|convoquer)"
)
TOLD = (
    r"(?:(?:re)?contacté|r?appelé|remboursé|indemnisé|informé|convoqué|tenu (?:informé|au courant)|prévenu|averti"
    r"|dédommagé"
    r"|avisé|exonéré|prioritaire|payé|crédité|notifié|relancé|reçu (?:par|en|dans|sous)|régularisé|radié)e?s?\b"
)
NOUN = (
    r"(?:dossiers?|demandes?|réclamations?|requêtes?|situation|cas|remboursements?|paiements?|versements?|virements?"
    r"|allocations?"
    r"|prestations?|pension|retraite|titres?|passeports?|cartes?|permis|aides?|primes?|droits?|rendez-vous"
    r"|indemnisation"
    r"|indemnités?|recours|amendes?|contravention|compte|factures?|attestations?|certificats?|problèmes?|litige"
    r"|anomalies?"
    r"|erreurs?|blocages?|dysfonctionnements?|défauts?|pannes?|bugs?|trop-perçu|dettes?|sommes?|pénalités?"
    r"|majorations?|montants?|acomptes?|signalements?|démarches?"
    r"|courriers?|plainte|inscription|logement|bourse|indus?|prélèvements?|cotisations?|remises?|réductions?|annulation"
    r"|régularisation|vérifications?|enquêtes?|correction|rectification|réponse|suites?|mesures?|nécessaire|point avec"
    r"|solution|décision|colis|lettre|rente|chèque|suivi|déclaration|pièces?|documents?|accord|avis d'imposition"
    r"|impôts?)\b"
)
PROCEDURE = r"(?:transfert|mutation|procédure|rattachement|jugement|ordonnance|notification|échange|affiliation)s?\b"
FILE = (
    rf"\b(?:votre|vos|le|la|les|ce|cet|cette|ces|son|un|une|des|du|au|aux|l'|d'une?|toutes les"
    rf"|quelques) ?(?:\w+ )?{NOUN}"
)
MINE = r"\b(?:votre|vos)\b"
WHO = (
    r"\b(?:nous|je|on|nos (?:\w+ )?(?:services|équipes|agents|conseillers|gestionnaires|collègues|experts|techniciens)"
    r"|(?:les?|ce|cet|cette) (?:services?|équipes?|agents?|personnes?) (?:compétent|concerné|chargé|instruct)\w*"
    r"|(?:un|une|votre|notre|mon|ma|le|la|ce|cet|cette|des|les|plusieurs|l'un de nos|une de nos"
    r"|un de nos) (?:\w+ )?(?:conseill\w+|agent\w*"
    r"|service|services|équipes?|collègues?|gestionnaires?|direction|technicien\w*|sociét\w+|entreprise|responsable"
    r"|instruct\w+|inspect\w+"
    r"|caisse|caf|cpam|msa|mairie|préfecture|bailleur|travailleu\w+|référent\w*|interlocut\w+|chef\w*|personne"
    r"|prestataire|médiat\w+"
    r"|administration|secrétariat|pôle|cellule|commission)(?: (?:\w+ ){0,3}\w+)?|l'(?:agente?|équipe|administration"
    r"|agence|organisme|anah|anef|ants|urssaf|inspect\w+|établissement|hôpital|assistante?|assureur|enquêt\w+"
    r"|officier|opérateur|opératrice|huissier)(?: [\w']+){0,3}"
    r"|il|elle|ils|elles)"
)
BE_DONE = (
    r"(?:sera|seront|serait|va être|vont être|devrait être|devraient être|pourra être annul|vient d'être"
    r"|viennent d'être)"
)
BEEN = (
    r"(?:a été|ont été|avait été|avaient été|vient d'être|viennent d'être|est|sont|a bien été|reste|se trouve|demeure)"
)
NEAR = r"[^.!?;\n]{0,40}?"
I_FUTURE = (
    r"(?!(?:se|reste|au|continue|poursuiv|demeure|pour|sau|dev|espère|pense|souhaite|manque|tâche|essaie|essaye"
    r"|efforce|ver|li|garde"
    r"|retiend|accueille|retrouve|apprécie|réjoui|veille|aide|aime|dir|di|ajoute|conclu|note|prend(?:rons"
    r"|rai) (?:bonne )?note|precise"
    r"|précise|rappelle|invite|partage|souvien|félicite|remercie|tiend(?:rons|rai) compte|comprend|encourage"
    r"|accompagne|saur)r?(?:ons|ai)\b)"
    r"(?!prendr(?:ons|ai) (?:bien |bonne |bonne et due )?note|tiendr(?:ons|ai) compte|serons|serai\b|aurons|aurai\b"
    r"|verrons|irons voir|(?:esp|g|sugg|pr[ée]f|r[ée]it|consid|diff|adh|op|lib|tol)erons)"
    r"\w*(?:er|dr|rr|ttr|evr|uivr|(?<!adm)(?<!dés)(?<!t)(?<!resp)(?<!asp)ir)(?:ons|ai)\b"
)
ONESELF = r"(?:(?:vous|le|la|les|lui|leur|y|en|l'|nous)(?: |(?<='))){0,4}"
