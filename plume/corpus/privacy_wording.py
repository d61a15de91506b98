"""French wording that a data-protection officer signs: what stays in the corpus and why, why rows were left out.

One place for the privacy page and the audit. What is masked and why: `plume.pseudonymise.catalogue`.
"""

# What stays, how, and why.
KEPT: tuple[tuple[str, str, str], ...] = (
    ("Récit de l'avis et corps de la réponse", "conservés, masqués", "c'est ce que le modèle apprend"),
    ("Civilité (Madame, Monsieur)", "conservée", "l'accord des mots en dépend"),
    ("Réseau et structure qui répond", "conservés", "la réponse dépend du service"),
    ("Département de l'usager", "conservé", "mesure d'équité par territoire ; remplace la commune"),
    ("Dates d'écriture, de publication et de réponse", "conservées au jour", "découpage par date et délai de réponse"),
    ("Ressenti, vote de l'auteur", "conservés", "mesure de la satisfaction"),
    ("Aide de l'IA : activée, proposée, similarité, vote", "conservés", "écarter les réponses écrites par une IA"),
    ("Montants, dates des démarches, textes de loi, formulaires", "conservés", "substance de la réponse"),
    ("Coordonnées publiques des services", "conservées", "lignes et sites d'un annuaire public, non d'une personne"),
    ("Pseudonyme, région, étiquettes, canaux, suivi", "supprimés à l'entrée", "inutiles à l'apprentissage"),
    ("Formule de politesse et signature de la réponse", "supprimées", "ajoutées par la plateforme ; nomment l'agent"),
    ("Table de correspondance entre noms et marques", "jamais écrite", "rien ne permet de revenir en arrière d'ici"),
)

QUARANTINE: dict[str, str] = {
    "unreadable_record": "Enregistrement illisible",
    "missing_field": "Champ obligatoire absent",
    "no_id": "Sans identifiant d'expérience",
    "bad_id": "Identifiant qui n'en est pas un (colonnes décalées)",
    "bad_structure": "Nom de structure qui n'en est pas un (colonnes décalées)",
    "not_masked": "Texte que la pseudonymisation n'a pas su traiter",
    "duplicate_experience": "Expérience répétée",
    "no_structure": "Adressée à aucune structure",
    "no_reply": "Sans réponse",
    "placeholder_reply": "Réponse d'attente de la plateforme",
    "unpublished_reply": "Réponse dépubliée ou non publiée",
    "bad_date": "Date absente ou illisible",
    "reply_too_short": "Réponse trop courte",
    "reply_too_long": "Réponse trop longue",
    "review_too_short": "Avis trop court",
    "review_too_long": "Avis trop long",
    "written_by_ai": "Réponse proche d'un brouillon d'IA",
    "review_not_french": "Avis qui n'est pas en français",
    "reply_not_french": "Réponse qui n'est pas en français",
    "rejected_experience": "Avis rejeté par la modération",
    "unlisted_contact": "Réponse qui cite un contact hors annuaire",
    "near_duplicate_reply": "Réponse presque identique à d'autres de la structure",
    "near_duplicate_of_test": "Presque identique à un couple de test",
    "near_duplicate_of_validation": "Presque identique à un couple de validation",
}

LAYERS: dict[str, str] = {
    "rule": "Règles (formes et clés de contrôle)",
    "context": "Règles (mots qui précèdent un numéro)",
    "catch-all": "Suites de chiffres, par précaution",
    "trigger": "Noms : mots déclencheurs (civilité, « je m'appelle »…)",
    "first-name": "Noms : listes de prénoms",
    "insee": "Noms : listes de l'INSEE",
    "frequency": "Noms : mots rares dans un texte en capitales ou en minuscules",
    "initial": "Noms : initiales",
    "ner": "Noms : reconnaissance par modèle",
    "propagated": "Répétition dans l'avis ou la réponse",
    "pseudonym": "Pseudonyme de l'usager",
}
