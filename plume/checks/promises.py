"""Promises and decisions on a file: the platform collects reviews, and nobody who answers there has seen the file.

General effort ("nous mettons tout en œuvre pour traiter votre demande"), what a service can do ("un conseiller pourra
vous rappeler") and passing on a testimony are none.
"""

import re

from plume.checks.case import Case, Result, none_of
from plume.checks.text import sentences, words

# What can be done to a file: infinitive, future stem, past participle.
_REGULAR = words(
    """accepter accorder accélérer annuler approuver clôturer corriger débloquer examiner étudier finaliser indemniser
    modifier prioriser rectifier refuser relancer rembourser régulariser réexaminer signaler traiter valider verser
    vérifier"""
)
_IRREGULAR = [
    ("envoyer", "enverr", "envoyé"),
    ("instruire", "instruir", "instruit"),
    ("rejeter", "rejetter", "rejeté"),
    ("régler", "r[éè]gler", "réglé"),
    ("résoudre", "résoudr", "résolu"),
    ("suivre", "suivr", "suivi"),
    ("transmettre", "transmettr", "transmis"),
]
_INFINITIVE = "|".join([*_REGULAR, *(i for i, _, _ in _IRREGULAR), "prendre en charge", "mettre à jour"])
_FUTURE = rf"(?:{'|'.join([*_REGULAR, *(f for _, f, _ in _IRREGULAR)])}|prendr|mettr)(?:ai|a|ons|ont)\b"
_PARTICIPLE = "|".join([*(r[:-2] + "é" for r in _REGULAR), *(p for _, _, p in _IRREGULAR)])
_DONE = rf"(?:{_PARTICIPLE}|pris en charge|mis à jour)e?s?\b"
# What a service may promise to do with the citizen: future stem, infinitive.
_TELL = r"(?:(?:re)?contacter|r?appeller|informer|tiendr|répondr|reviendr|préviendr|avertir|rembourser|indemniser)"
_TELL_INFINITIVE = (
    r"(?:(?:re)?contacter|r?appeler|tenir informée?s?|répondre|revenir vers|prévenir|rembourser|indemniser)"
)
_TOLD = r"(?:(?:re)?contacté|r?appelé|remboursé|indemnisé|informé|convoqué|tenu informé|prévenu|averti)e?s?\b"

_NOUN = (
    r"(?:dossiers?|demandes?|réclamations?|situation|cas|remboursements?|paiements?|versements?|allocations?|prestations?|"
    r"pension|retraite|titres?|passeports?|cartes?|permis|aides?|primes?|droits?|rendez-vous|indemnisation|indemnités?|"
    r"recours|amendes?|contravention|compte|factures?|attestations?|certificats?|problèmes?|litige|anomalies?|erreurs?|"
    r"blocages?|trop-perçu|dettes?|sommes?|pénalités?|montants?)\b"
)
_FILE = rf"\b(?:votre|vos|le|la|les|ce|cette|son|un|une) (?:\w+ )?{_NOUN}"
_YOUR_FILE = rf"\b(?:votre|vos) (?:\w+ )?{_NOUN}"
_WHO = (
    r"\b(?:nous|je|on|nos (?:\w+ )?(?:services|équipes|agents|conseillers|gestionnaires)"
    r"|(?:un|une|votre|notre|mon|le|la) (?:\w+ )?(?:conseill\w+|agente?|service|équipe|collègue|gestionnaire|direction)"
    r"|l'agente?)"
)
_BE = r"(?:sera|seront|va être|vont être|est|sont|a été|ont été)"
_NEAR = r"[^.!?;\n]{0,40}?"

_PROMISE = re.compile(
    "|".join(
        [
            # Nous traiterons votre dossier. Un conseiller prendra en charge votre demande.
            rf"{_WHO} (?:(?:vous|le|la|les) )?{_FUTURE}{_NEAR}{_FILE}",
            # Nous allons régulariser votre situation. Je vais vous rappeler.
            rf"{_WHO} (?:allons|vais|va|vont) (?:\w+ )?(?:{_INFINITIVE})\b{_NEAR}{_FILE}",
            rf"{_WHO} (?:allons|vais|va|vont) vous {_TELL_INFINITIVE}\b",
            # Votre dossier sera traité. Votre demande a été acceptée. Votre dossier est en cours de traitement.
            rf"{_YOUR_FILE}{_NEAR} {_BE} (?:\w+ )?(?:{_DONE}|en cours d[e']|prioritaire\b)",
            # Vous serez remboursé. Vous allez être rappelé. Vous recevrez votre titre.
            rf"\bvous (?:serez|allez être) (?:\w+ )?{_TOLD}",
            r"(?<!que )\bvous (?:recevrez|obtiendrez|percevrez|allez recevoir|allez obtenir)\b",
            r"\bvous avez (?:bien )?droit (?:à|au|aux)\b|\bvous êtes éligible|\bnous vous accordons\b",
            # Un conseiller vous rappellera. Nous reviendrons vers vous. Nous prendrons contact avec vous.
            rf"\b(?:nous|je) vous {_TELL}(?:ai|ons)\b|\b(?:nous|je) (?:reviendr|répondr)(?:ai|ons) (?:vers|à) v\w+",
            rf"{_WHO}{_NEAR} vous (?:(?:re)?contacter|rappeller|tiendr|rembourser|indemniser)(?:a|ont)\b",
            r"\bprendr(?:ons|ai|a|ont) (?:\w+ )?(?:contact|attache) avec vous\b",
            r"\bune réponse (?:\w+ )?vous sera (?:\w+ )?(?:apportée|donnée|adressée|envoyée)\b",
            # Nous ferons le nécessaire. Je m'engage à résoudre votre problème. Nous vous garantissons un remboursement.
            r"\b(?:ferons|faisons|ferai|fais|fera|feront) (?:tout )?le nécessaire\b",
            rf"\b(?:nous nous engageons|je m'engage) à{_NEAR}(?:\b(?:{_INFINITIVE})\b|{_TELL_INFINITIVE}|{_YOUR_FILE})",
            r"\b(?:nous|je) vous (?:garanti\w+|promet\w*|certifi\w+|assur(?:ons|e) que votre)\b",
            rf"\bveiller(?:ons|ai) à ce que{_NEAR}{_FILE}",
            # Nous avons transmis votre demande au service compétent: nobody has.
            rf"\b(?:nous avons|j'ai|nos services ont|nos équipes ont) (?:\w+ )?{_DONE}{_NEAR}{_YOUR_FILE}",
        ]
    ),
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(?:ne|ni|sans)\b|\bn'", re.IGNORECASE)
_MESSAGE = re.compile(
    r"\b(?:votre|vos|ce) (?:\w+ )?(?:témoignage|avis|retour|remarques?|message|félicitations|remerciements|suggestions?"
    r"|compliments?|expérience)\b",
    re.IGNORECASE,
)


def promises(case: Case) -> Result:
    """Passages that commit the service on a file, tell its state, or claim that something was done for it."""
    faults = []
    for sentence in sentences(case.draft):
        found = [m.group() for m in _PROMISE.finditer(sentence)]
        faults += [f for f in found if not _NEGATED.search(f) and not _MESSAGE.search(f)]
    return none_of(faults, "promesse ou décision sur un dossier")
