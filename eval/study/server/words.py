"""Hold what the study's pages say in French: refusals, problems, reasons, states of the writing page."""

from eval.study.refusal import Reason

REFUSED: dict[Reason, tuple[int, str, str]] = {  # reason -> status, title, what to do
    "unknown_link": (
        404,
        "Lien non valable",
        "Ce lien ne mène à rien : il est incomplet, ou il a été remplacé par un autre. Recopiez-le en entier, ou "
        "demandez un nouveau lien à la personne qui vous l’a donné.",
    ),
    "agent_left": (
        410,
        "Participation terminée",
        "Vous avez quitté l’étude ; ce que vous aviez envoyé est gardé. Pour revenir, écrivez à la personne qui vous "
        "avait donné votre lien.",
    ),
    "not_now": (409, "Ce n’est plus cette tâche", "Cette tâche est déjà faite, ou ce n’est pas encore son tour."),
    "stale_tab": (
        409,
        "Ouvert dans un autre onglet",
        "Cette tâche a été ouverte ensuite dans un autre onglet : c’est lui qui sert. Continuez là-bas et fermez "
        "celui-ci ; il n’enregistre plus rien.",
    ),
    "already_submitted": (
        409,
        "Déjà envoyé",
        "Une autre réponse est déjà enregistrée pour cette tâche. Elle ne change plus.",
    ),
    "empty": (422, "Réponse vide", "Écrivez votre réponse avant de l’envoyer."),
    "too_long": (413, "Texte trop long", "Le texte dépasse 20 000 caractères. Raccourcissez-le, puis recommencez."),
    "bad_counters": (422, "Demande non comprise", "La page a envoyé une mesure impossible. Rechargez-la."),
    "bad_answer": (422, "Réponse non comprise", "Choisissez une des réponses proposées, puis validez."),
    "not_saved": (
        503,
        "Non enregistré",
        "Le serveur n’a pas pu enregistrer. Gardez cette page ouverte et recommencez dans un instant ; prévenez la "
        "personne qui organise l’étude si cela dure.",
    ),
}
SAY = {  # states of the writing page, told beside the field
    "ready": "Le texte sera enregistré au fur et à mesure.",
    "saved": "Enregistré.",
    "offline": "Pas encore enregistré : le serveur ne répond pas. Le texte reste dans cette page, qui essaie de nouveau "
    "toutes les trois secondes. Ne la fermez pas.",
    "sending": "Envoi en cours…",
    "refused": "Le serveur a refusé la demande. Rechargez la page.",
    "empty": REFUSED["empty"][2],
    "elsewhere": REFUSED["stale_tab"][2],
    "paused": "En pause : le temps n’avance pas.",
    "resumed": "Le temps avance de nouveau.",
    "drop": "Écarter le brouillon",
    "take_back": "Reprendre le brouillon",
    "dropped": "Brouillon écarté : la page est blanche.",
    "taken_back": "Le brouillon est de nouveau dans le champ.",
}
PROBLEMS = {
    "unreadable": "L’avis est illisible, ou n’est pas en français",
    "not_a_review": "Ce n’est pas un avis auquel on répond",
    "personal_data": "On y reconnaît une personne",
    "outside_my_field": "Je n’ai pas les moyens d’y répondre",
    "technical": "La page ne fonctionne pas",
}
CHOICES = {
    "left": "Le premier",
    "right": "Le second",
    "equal": "Les deux se valent",
    "neither": "Aucun des deux",
}
CHOICES_OF_FINALS = CHOICES | {"left": "La première", "right": "La seconde", "neither": "Aucune des deux"}
REASONS = {
    "answers_the_review": "Répond mieux à l’avis",
    "tone": "Ton plus juste",
    "clear": "Plus clair, mieux écrit",
    "concrete": "Plus concret, plus utile",
    "length": "Longueur plus juste",
    "wrong": "L’autre contient une erreur ou une promesse intenable",
}
# block -> title, what comes, how it goes
BLOCKS = {
    "draft": (
        "Répondre avec un brouillon",
        "Un brouillon, écrit par un modèle de langue, est déjà dans le champ.",
        (
            "Gardez-le, corrigez-le ou écartez-le : envoyez la réponse que vous publieriez.",
            "Il peut contenir des erreurs. Vérifiez ce qu’il affirme comme vous le feriez d’habitude.",
        ),
    ),
    "blank": (
        "Répondre sans brouillon",
        "Le champ est vide : écrivez vous-même la réponse.",
        (
            "Envoyez la réponse que vous publieriez, avec vos outils habituels.",
            "N’utilisez pas d’assistant de rédaction : c’est ce que l’étude compare.",
        ),
    ),
    "drafts": (
        "Comparer deux brouillons",
        "Vous lisez un avis et deux brouillons. Lequel prendriez-vous pour répondre ?",
        ("D’où vient chacun n’est pas dit, et leur place est tirée au sort.", "Aucun temps n’est mesuré ici."),
    ),
    "finals": (
        "Comparer deux réponses",
        "Vous lisez un avis et deux réponses écrites par des collègues. Laquelle publieriez-vous ?",
        ("Qui les a écrites n’est pas dit, et leur place est tirée au sort.", "Aucun temps n’est mesuré ici."),
    ),
}
