"""Promises and decisions on a file: the platform collects reviews, and nobody who answers there has seen the file.

Promised, told or claimed in any person, tense or voice: "nous traiterons", "sera traité", "est en attente", "a été
transmis". General effort ("nous mettons tout en œuvre"), rules for everybody ("si la pièce manque, elle sera demandée"),
what a service can do ("un conseiller pourra vous rappeler"), what the citizen told and words passed on to a team are
none; that they were passed on already is a claim.
"""

import re

from plume.checks.case import Case, Result, none_of
from plume.checks.text import fold, words

# What can be done to a file: infinitive, from which the regular future and participle are made.
_REGULAR = words(
    """accepter accorder accélérer actualiser adapter adresser affecter ajouter ajuster alerter analyser annuler appliquer
    approuver attribuer augmenter avancer clore clôturer classer communiquer compenser confier contrôler corriger créditer
    débloquer déclencher dédommager déduire délivrer déplacer diligenter effacer effectuer engager enregistrer envisager
    examiner exonérer expédier étudier faciliter finaliser fixer former indemniser informer installer lancer lever livrer
    modifier nettoyer nommer notifier orienter payer planifier prioriser privilégier programmer prolonger protéger
    réactiver réaliser réétudier réexaminer rectifier récupérer rediriger réduire refuser régulariser relancer relayer
    rembourser remédier remonter remplacer renforcer renouveler réorienter réparer reporter répercuter restaurer restituer
    rétablir réviser sanctionner sensibiliser signaler simplifier solder solliciter solutionner supprimer suspendre traiter
    transférer valider verser vérifier virer"""
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
    return {"clore": "clos", "déduire": "déduit", "réduire": "réduit", "rétablir": "rétabli"}.get(
        infinitive, infinitive[:-2] + "u"
    )


_INFINITIVE = "|".join([*_REGULAR, *(i for i, _, _ in _IRREGULAR)])
_STEM = "|".join([*map(_future, _REGULAR), *(f for _, f, _ in _IRREGULAR)])
_PARTICIPLE = "|".join([*map(_participle, _REGULAR), *(p for _, _, p in _IRREGULAR)])
_DONE = (
    rf"(?:{_PARTICIPLE}|pris en (?:charge|compte)|recontacté|contacté|rappelé|convoqué|averti|prévenu|avisé|donné|apporté|mené"
    r"|clarifié|édité|imprimé|fabriqué|posté|crédité|recalculé|calculé|recrédité|porté|remonté|partagé|entrepris|établi"
    r"|fourni|débité|prélevé|exécuté|conclu|levé|abouti|enclenché|pris(?! en note| note)|revérifié|relu|retiré|recruté|prévu|offert|interpellé)e?s?\b"
)
_STATE = (
    r"(?:(?:in)?compl[eè]te?s?|prêt(?:e|s|es)?|prioritaires?|recevables?|irrecevables?|conformes?|validée?s?|clos(?:e|es)?"
    r"|en (?:cours|attente|instance|bonne voie|voie|traitement|instruction|préparation|fabrication|route|règle|suspens|phase)"
    r"|à l'étude|à jour|bloquée?s?|débloquée?s?|suspendue?s?|bien arrivée?s?|bien parvenue?s?|arrivée?s? (?:à|au|dans)"
    r"|ouverts?|ouvertes?|acquise?s?|éligibles?|sur le point d)\b"
)
_ADV = (
    r"(?:(?:bien|donc|aussi|déjà|désormais|enfin|ensuite|très|vite|tout|de suite|également|encore|ainsi|alors|bientôt|d'abord"
    r"|d'ores et déjà|sous peu|au plus vite|en priorité|à nouveau|de nouveau|dès (?:demain|aujourd'hui|maintenant|que possible"
    r"|réception|lors)|actuellement|\w+ment|personnellement|toujours|entièrement|le plus rapidement possible),? ){0,3}"
)
# What a service may promise to do with the citizen: future stem, infinitive.
_TELL = (
    r"(?:(?:re)?contacter|r?appeller|informer|tiendr|répondr|reviendr|préviendr|avertir|rembourser|indemniser|écrir|joindr"
    r"|recontacter|enverr|adresser|transmettr|fer|communiquer|verser|accorder|convoquer|proposer|fixer|notifier|recevr)"
)
_TELL_INFINITIVE = (
    r"(?:(?:re)?contacter|r?appeler|tenir (?:au courant|informée?s?)|informer|répondre|revenir vers|prévenir|avertir"
    r"|rembourser|indemniser|écrire|joindre|faire parvenir|envoyer|adresser|verser|accorder|proposer|recevoir|convoquer)"
)
_TOLD = (
    r"(?:(?:re)?contacté|r?appelé|remboursé|indemnisé|informé|convoqué|tenu (?:informé|au courant)|prévenu|averti|dédommagé"
    r"|avisé|exonéré|prioritaire|payé|crédité|notifié|relancé|reçu (?:par|en|dans|sous)|régularisé|radié)e?s?\b"
)
_NOUN = (
    r"(?:dossiers?|demandes?|réclamations?|requêtes?|situation|cas|remboursements?|paiements?|versements?|virements?|allocations?"
    r"|prestations?|pension|retraite|titres?|passeports?|cartes?|permis|aides?|primes?|droits?|rendez-vous|indemnisation"
    r"|indemnités?|recours|amendes?|contravention|compte|factures?|attestations?|certificats?|problèmes?|litige|anomalies?"
    r"|erreurs?|blocages?|dysfonctionnements?|défauts?|pannes?|bugs?|trop-perçu|dettes?|sommes?|pénalités?|majorations?|montants?|acomptes?|signalements?|démarches?"
    r"|courriers?|plainte|inscription|logement|bourse|indus?|prélèvements?|cotisations?|remises?|réductions?|annulation"
    r"|régularisation|vérifications?|enquêtes?|correction|rectification|réponse|suites?|mesures?|nécessaire|point avec"
    r"|solution|décision|colis|lettre|rente|chèque|suivi|déclaration|pièces?|documents?|accord|avis d'imposition|impôts?)\b"
)
_FILE = rf"\b(?:votre|vos|le|la|les|ce|cet|cette|ces|son|un|une|des|du|au|aux|l'|d'une?|toutes les|quelques) ?(?:\w+ )?{_NOUN}"
_MINE = r"\b(?:votre|vos)\b"
_WHO = (
    r"\b(?:nous|je|on|nos (?:\w+ )?(?:services|équipes|agents|conseillers|gestionnaires|collègues|experts|techniciens)"
    r"|(?:les?|ce|cet|cette) (?:services?|équipes?|agents?|personnes?) (?:compétent|concerné|chargé|instruct)\w*"
    r"|(?:un|une|votre|notre|mon|ma|le|la|ce|cet|cette|des|les|plusieurs|l'un de nos|une de nos|un de nos) (?:\w+ )?(?:conseill\w+|agent\w*"
    r"|service|services|équipes?|collègues?|gestionnaires?|direction|technicien\w*|sociét\w+|entreprise|responsable|instruct\w+|inspect\w+"
    r"|caisse|caf|cpam|msa|mairie|préfecture|bailleur|travailleu\w+|référent\w*|interlocut\w+|chef\w*|personne|prestataire|médiat\w+"
    r"|administration|secrétariat|pôle|cellule|commission)(?: (?:\w+ ){0,3}\w+)?|l'(?:agente?|équipe|administration|agence|organisme|anah|anef|ants|urssaf)"
    r"|il|elle|ils|elles)"
)
_BE_DONE = r"(?:sera|seront|serait|va être|vont être|devrait être|devraient être|pourra être annul|vient d'être|viennent d'être)"
_BEEN = r"(?:a été|ont été|vient d'être|viennent d'être|est|sont|a bien été|reste|se trouve|demeure)"
_NEAR = r"[^.!?;\n]{0,40}?"
_I_FUTURE = (
    r"(?!(?:se|reste|au|continue|poursuiv|demeure|pour|sau|dev|espère|pense|souhaite|manque|tâche|essaie|essaye|efforce|ver|li|garde"
    r"|retiend|accueille|retrouve|apprécie|réjoui|veille|aide|aime|dir|di|ajoute|conclu|note|prend(?:rons|rai) (?:bonne )?note|precise"
    r"|précise|rappelle|invite|partage|souvien|félicite|remercie|tiend(?:rons|rai) compte|comprend|encourage|accompagne|saur)r?(?:ons|ai)\b)"
    r"(?!prendr(?:ons|ai) (?:bien |bonne |bonne et due )?note|tiendr(?:ons|ai) compte|serons|serai\b|aurons|aurai\b|verrons|irons voir|(?:esp|g|sugg|pr[ée]f|r[ée]it|consid|diff|adh|op|lib|tol)erons)"
    r"\w*(?:er|dr|rr|ttr|evr|uivr|(?<!adm)(?<!dés)(?<!t)(?<!resp)(?<!asp)ir)(?:ons|ai)\b"
)
_ONESELF = r"(?:(?:vous|le|la|les|lui|leur|y|en|l'|nous)(?: |(?<=')))*"

# Always a promise or a claim, whatever stands before it.
_SURE = re.compile(
    "|".join(
        [
            # Nous traiterons votre dossier. Je vous rappellerai. Nous ferons le nécessaire.
            rf"\b(?:nous|je) {_ONESELF}{_I_FUTURE}[^.!?;\n]{{0,60}}",
            # Nous allons régulariser votre situation. Je vais vous rappeler. L'agence va réétudier votre demande.
            rf"\b(?:nous allons|je vais|on va) {_ADV}{_ONESELF}{_ADV}(?:{_INFINITIVE}|prendre (?:contact|attache))\b{_NEAR}(?:{_FILE}|\bvous\b|(?=[.,;!]))",
            rf"\b(?:va|vont) {_ADV}{_ONESELF}{_ADV}(?:{_INFINITIVE})\b{_NEAR}(?:{_MINE} \w+|{_FILE})",
            rf"\b(?:allons|vais|va|vont) {_ADV}vous {_ADV}{_TELL_INFINITIVE}\b",
            rf"\bne manquer(?:ons|ai|a|ont) pas (?:de |d')(?:vous {_TELL_INFINITIVE}|(?:{_INFINITIVE}|faire \w+)\b[^.!?;\n]{{0,40}})",
            rf"\b(?:nous nous|je m'|je me|on s'|va s'|allons nous|vais m'|se) ?(?:occup|charge)\w* (?:\w+ment )?(?:{_NEAR}{_MINE} (?!avis)|d'en|de (?:{_INFINITIVE})\b|de (?:cela|tout|ce|cette))|\b(?:on va|nous allons|je vais) (?:nous |m'|s')?en (?:occuper|charger)",
            rf"{_WHO} (?:vous |se )?(?:passera|viendra|rendra|déplacera|appellera|interviendra)\b{_NEAR}(?:chez|sur place|{_MINE}|pour|vous)",
            rf"\b(?:nos|les|notre) (?:services?|équipes?|agents?)(?: \w+)? (?:étudient?|traitent?|examinent?|instrui(?:sent|t)|vérifient?|procèdent?|préparent?|corrigent?|finalisent?|recherchent?|travaillent? (?:à|sur)|suivent|suit) {_ADV}[^.!?;\n]{{0,30}}?{_MINE}",
            r"\bprendr(?:ons|ai|a|ont) (?:\w+ ){0,3}(?:contact|attache) avec vous\b",
            rf"\b(?:inter|par)viendr(?:a|ont)\b{_NEAR}{_MINE}",
            # Nous traitons actuellement votre dossier. Nous vous accordons une remise.
            r"\b(?:nous|je) (?:vous )?(?:accord(?:ons|e)|rembours(?:ons|e)|annul(?:ons|e)|valid(?:ons|e)|relan(?:çons|ce)|trait(?:ons|e)"
            r"|réexamin(?:ons|e)|examin(?:ons|e)|étudi(?:ons|e)|instrui(?:sons|s)|régularis(?:ons|e)|rectifi(?:ons|e)|corrige(?:ons)?|proc[éè]d(?:ons|e)"
            r"|transmet(?:tons|s)|envoy(?:ons|e)|vers(?:ons|e)|interven(?:ons)|contact(?:ons|e)|faisons remonter|signal(?:ons|e)"
            rf"|accédons|prenons en (?:charge|compte)|alert(?:ons|e)|sais(?:issons|is)|débloqu(?:ons|e)|demand(?:ons|e) (?:à|au|aux)) {_ADV}[^.!?;\n]{{0,30}}?{_FILE}",
            # Nous ferons le nécessaire. Je m'engage à résoudre votre problème. Nous vous garantissons un remboursement.
            r"\b(?:ferons|faisons|ferai|fais|fera|feront|font|fait faire) (?:tout )?(?:le nécessaire|notre possible pour que votre)\b",
            rf"\b(?:nous nous engageons|je m'engage|(?:s'engagent?|prenons l'engagement)) (?:à|de){_NEAR}(?:\b(?:{_INFINITIVE}|réexaminer)\b{_NEAR}{_FILE}|{_TELL_INFINITIVE}|{_MINE} {_NOUN})",
            r"\b(?:nous|je) (?:vous )?(?:garanti\w+|promet(?:s|tons)?\b|certifi(?:e|ons)\b|assur(?:ons|e) (?:que (?:votre|vos|vous|nous|le|la|les)\b|d(?:'un|u) (?:traitement|suivi|rembours)))",
            rf"\bveiller(?:ons|ai) {_ADV}à ce que{_NEAR}{_FILE}|\bveiller(?:ons|ai) {_ADV}à (?:{_INFINITIVE})\b{_NEAR}{_FILE}",
            r"\bsoyez (?:assurée?s?|certaine?s?|sûre?s?|rassurée?s?)(?: :|,)? (?:que|qu') ?(?:votre|vos|nous|le|la|les|un|une|l'|nos)\b[^.!?;\n]{0,60}\b\w+(?:ra|ront|rons|rai)\b",
            # Nous avons transmis votre demande au service compétent; j'ai relancé l'agence: nobody has.
            rf"(?:\b(?:nous (?:vous )?(?:l')?avons|on a|nos (?:\w+ )?(?:services|équipes|agents) (?:\w+ )?ont|(?:le|la|notre|un) (?:service|équipe|direction|conseill\w+|agent\w*)(?: \w+)? (?:vous )?a|l'(?:équipe|agente?|agence) a)"
            rf"|\bj'ai|\bje (?:vous |l')ai) {_ADV}(?:fait (?:remonter|suivre|part|le nécessaire|parvenir|corriger)|pris (?:contact|attache|rendez-vous|des mesures|les mesures)|demandé (?:à|au|aux|que|la|le|une?)|{_DONE})(?! en compte)[^.!?;\n]{{0,40}}",
            r"\bvous avez (?:bien )?droit (?!à la parole|au respect|à (?:un|une) (?:accueil|écoute|explication)|à la considération)(?:à (?:la|une?|ce|cette|l'|votre)|au|aux)\b|\bvous êtes (?:bien |donc )?éligible|\bvos droits (?:sont|seront|ont été) (?:\w+ )?(?:ouvert|rétabli|maintenu|acquis|recalcul)\w*",
        ]
    ),
    re.IGNORECASE,
)
# A promise unless it is said for a case ("si …, votre dossier sera traité") or as what the citizen told.
_UNLESS = re.compile(
    "|".join(
        [
            # Votre dossier sera traité. Une réduction sera appliquée. Une réponse vous sera apportée.
            rf"\b(?!les (?:demandes|dossiers|usagers|agents|rendez-vous|candidatures))(?:votre|vos|le|la|les|l'|un|une|des|ce|cette|ces|il|elle|ils|elles|tout|toutes?)\b ?{_NEAR}\b(?:vous |leur |lui |en |y )?{_BE_DONE} {_ADV}(?:{_DONE}|en cours d)",
            rf"{_WHO} {_ADV}(?:vous {_TELL}(?:a|ont)\b|{_ONESELF}(?:{_STEM}|prendr|mettr|fer)(?:a|ont)\b{_NEAR}(?:{_FILE}|{_MINE} \w+))",
            # Un conseiller vous rappellera. Nos services vérifieront les pièces. Vous serez remboursé. Vous allez être rappelé. Vous recevrez votre titre.
            rf"\bvous (?:serez|allez être) {_ADV}{_TOLD}",
            r"(?<!que )\bvous (?:recevrez|obtiendrez|percevrez|toucherez|récupérerez|aurez (?:bientôt |une réponse|gain|votre|droit|un retour)|bénéficierez|allez (?:\w+ment )?(?:recevoir|obtenir|percevoir|toucher|bénéficier))",
            rf"{_MINE} (?:\w+ )?{_NOUN}{_NEAR} (?:vous |nous )?(?:{_STEM}|aboutir|reprendr|arriver|parviendr|aur|débloquer|partir|avancer)(?:a|ont)\b",
            rf"\b(?:le|un|ce) (?:virement|versement|remboursement|paiement|rappel|règlement){_NEAR} (?:interviendra|arrivera|suivra|aura lieu|vous parviendra|partira)",
        ]
    ),
    re.IGNORECASE,
)
# The state of a file, or what was done to it: no claim either where the review tells it.
_TOLD_STATE = re.compile(
    rf"{_MINE} (?!propre)[^.!?;\n,]{{1,60}}? {_BEEN} {_ADV}(?:{_DONE}|{_STATE})"
    rf"|\b(?:le|la|ce|cette) (?:dossier|nécessaire|demande|versement|virement|remboursement|réclamation|titre|passeport|carte|anomalie|erreur|problème|blocage|paiement)"
    rf"(?: (?:de|d'|qui|que) ?\w+)? (?:a été|ont été|vient d'être|a bien été) {_ADV}{_DONE}"
    rf"|(?<!vous )\b(?:a|ont) (?:\w+ )?été {_ADV}(?:rappelé|alerté|prévenu|informé|saisi|sensibilisé|relancé|corrigé|résolu|réglé"
    rf"|transmis|signalé|adressé|traité|annulé|remboursé|sanctionné|fait|levé|retrouvé|débloqué|régularisé|rectifié|recadré)e?s?\b"
    rf"|\b(?:l'|le |la |cette |ce )(?:\w+ )?{_NOUN} (?:est|sont) {_ADV}(?:annulé|corrigé|résolu|réglé|débloqué|régularisé|levé|rétabli|effacé|accepté|remboursé|rectifié)e?s?\b"
    rf"|{_MINE} (?:\w+ )?{_NOUN}{_NEAR} (?:est entre les mains|(?:a|ont) (?:bien )?fait l'objet|(?:fait|font|fera|feront) (?:actuellement )?l'objet|vous attend)"
    rf"|\b(?:vous avez été) {_ADV}(?:remboursée?|indemnisée?|radiée?|réintégrée?|exonérée?)\b|\bil (?:vous )?manque {_NEAR}(?:à|dans) votre dossier",
    re.IGNORECASE,
)
# Without one of these no state is told.
_HINT = re.compile(r"été|\b(?:est|sont|reste|trouve|demeure|attend|manque|objet)\b|d'être", re.IGNORECASE)
_CASE = re.compile(
    r"\b(?:si|lorsque|quand|une fois que|dès que|tant que|en cas|sous réserve|à condition|pour que|afin que|avant que"
    r"|vérifi\w+|assurez-vous|savoir|voir|consulter|connaître|qui|dont|où|comment|pourquoi|généralement|en général|en principe)\b(?! possible)|\bs'ils?\b|\blorsqu'|\bqu(?:and|'une fois)\b",
    re.IGNORECASE,
)
_IF = re.compile(r"\bsi (?:vous|elle|il|la|le|votre)\b|\bs'ils?\b|\bsous réserve|\bà condition", re.IGNORECASE)
_WITHIN = re.compile(r"\b(?:qui|dont|où|quand|lorsqu\w*)\b", re.IGNORECASE)
_TOLD_BY = re.compile(
    r"\b(?:compren\w+|indiqu\w+|regrett\w+|li(?:re|sons|s)|appren\w+|dites|écrivez|signal\w+|expliqu\w+|décri\w+|déplor\w+|raconte\w*|constat\w+|précise\w*|désolée?s?|navrée?s?|content\w*|heureu\w+|rav\w+|espér\w+|souhait\w+) [^.!?;]*\b(?:que|qu')",
    re.IGNORECASE,
)
_ASSERTS = re.compile(
    r"\b(?:confirm\w+|inform\w+|assur\w+|sachez|soyez|rassur\w+|garanti\w+|noter?z?)\b[^.!?;]*\bqu", re.IGNORECASE
)
_NEGATED = re.compile(r"\b(?:ne|ni|sans|aucune?)\b|\bn'", re.IGNORECASE)
_KEPT_NEGATION = re.compile(r"\bne manquer", re.IGNORECASE)
_MESSAGE = re.compile(
    r"\b(?:votre|vos|ce|ces|cette|leur|vous lire)\b(?: \w+)? ?(?:témoignages?|avis|retours?|remarques?|messages?|félicitations|remerciements"
    r"|suggestions?|compliments?|expériences?|observations?|mots|bons mots|encouragements|gentillesse|confiance|récit|idées?)\b"
    r"|(?<=[a-z] )(?:nos services|nos efforts|à (?:améliorer|progresser)|l'accueil de tous|notre (?:travail|service|accueil|organisation))\b",
    re.IGNORECASE,
)
# To read, to receive, to take note of a message is no action.
_READ = re.compile(
    r"\b(?:bien reçu|reçu votre|lu |noté|pris (?:bonne |bien )?(?:note|connaissance)|compris|entendu)", re.IGNORECASE
)
_PASSED_ON = re.compile(
    r"\b(?:transmis|relayé|remonté|partagé|communiqué|adressé|remis|porté|remonter|part\b)", re.IGNORECASE
)


def promises(case: Case) -> Result:
    """Passages that commit the service on a file, tell its state, or claim that something was done for it."""
    faults = []
    for sentence in case.sentences:
        for pattern in (_SURE, _UNLESS, _TOLD_STATE) if _HINT.search(sentence) else (_SURE, _UNLESS):
            faults += [m.group() for m in pattern.finditer(sentence) if _counts(case, sentence, m, pattern)]
    return none_of(faults, "promesse ou décision sur un dossier")


def _counts(case: Case, sentence: str, match: re.Match[str], pattern: re.Pattern[str]) -> bool:
    """Whether a passage is a promise indeed: not denied, about more than the message, not for a case, not told before."""
    said, before = match.group(), sentence[: match.start()]
    if _NEGATED.search(said) and not _KEPT_NEGATION.search(said):
        return False
    if _MESSAGE.search(said) and not _is_claim(said):
        return False
    if pattern is _SURE:
        return not _READ.search(said)
    told = (
        _CASE.search(before) or _TOLD_BY.search(before) or _WITHIN.search(said) or _IF.search(sentence, match.start())
    )
    if told and not _ASSERTS.search(before):
        return False
    return pattern is not _TOLD_STATE or not _was_told(case, said)


def _is_claim(said: str) -> bool:
    """That words were passed on already: "vos remerciements ont été transmis"."""
    return bool(re.search(r"\b(?:a|ont) (?:\w+ )?été\b", said) and _PASSED_ON.search(said))


def _was_told(case: Case, said: str) -> bool:
    """Whether the review or the prompt holds the last word of a statement, whatever its ending."""
    last = fold(words(said)[-1])
    return len(last) > 3 and re.search(rf"\b{re.escape(last[: max(4, len(last) - 2)])}", fold(case.given)) is not None
