"""Promises and decisions on a file: the platform collects reviews, and nobody who answers there has seen the file.

Promised, told or claimed in any person, tense or voice: "nous traiterons", "sera traité", "est en attente", "a
été transmis". General effort ("nous mettons tout en œuvre"), rules for
everybody ("si la pièce manque, elle sera demandée"),
what a service can do ("un conseiller pourra vous rappeler"), what the citizen told and words passed on to a team are
none; that they were passed on already is a claim.
"""

import re

from plume.checks.actions import (
    ADV,
    BE_DONE,
    BEEN,
    DONE,
    FILE,
    I_FUTURE,
    INFINITIVE,
    MINE,
    NEAR,
    NOUN,
    ONESELF,
    PROCEDURE,
    STATE,
    STEM,
    TELL,
    TELL_INFINITIVE,
    TOLD,
    WHO,
)
from plume.checks.case import Case, Result, none_of
from plume.french.text import fold, words

# What "nous allons" may be followed by without a promise: general effort, and explanations in the reply itself.
_EFFORT = (
    r"(?:essayer|tenter|tâcher|continuer|poursuivre|rester|garder|chercher|œuvrer|travailler|veiller|améliorer"
    r"|progresser"
    r"|tout (?:faire|mettre)|faire (?:de notre mieux|notre possible|au mieux)|mettre tout|prendre (?:en compte|note)"
    r"|tenir compte|efforcer"
    r"|expliquer|préciser|indiquer|rappeler|détailler|donner|apporter|dire|aider|orienter|guider|éclairer|partager"
    r"|résumer|tirer"
    r"|être|avoir|pouvoir|devoir|dans|vers|sur)\b"
)
# Always a promise or a claim, whatever stands before it.
_SURE = re.compile(
    "|".join(
        [
            # Nous traiterons votre dossier. Je vous rappellerai. Nous ferons le nécessaire.
            rf"\b(?:nous|je) {ONESELF}{I_FUTURE}[^.!?;\n]{{0,60}}",
            # Nous allons régulariser votre situation. Je vais vous rappeler. L'agence va réétudier votre demande.
            (
                rf"\b(?:nous allons|je vais|on va) {ADV}{ONESELF}{ADV}(?:{INFINITIVE}|prendre (?:contact"
                rf"|attache))\b[^.,!?;\n]{{0,60}}"
            ),
            rf"\b(?:nous allons|je vais) {ADV}{ONESELF}{ADV}(?!{_EFFORT})\w{{2,}}(?:er|ir|re)\b[^.,!?;\n]{{0,60}}",
            rf"\b(?:va|vont) {ADV}{ONESELF}{ADV}(?:{INFINITIVE})\b{NEAR}(?:{MINE} \w+|{FILE})",
            rf"\b(?:allons|vais|va|vont) {ADV}vous {ADV}{TELL_INFINITIVE}\b",
            # Une équipe va intervenir.
            (
                r"\b(?:équipes?|agents?|services?|technicien\w*|entreprise|prestataire|brigade)(?: [\w']+){0,3} (?:va"
                rf"|vont) {ADV}(?:intervenir|passer|venir|nettoyer|réparer|remédier|corriger|se rendre|procéder)\b"
            ),
            (
                rf"\bne manquer(?:ons|ai|a|ont) pas (?:de |d')(?:vous {TELL_INFINITIVE}|revenir vers|(?:{INFINITIVE}"
                rf"|faire \w+)\b[^.!?;\n]{{0,40}})"
            ),
            (
                rf"\b(?:nous nous|je m'|je me|on s'|va s'|allons nous|vais m'|se) ?(?:occup"
                rf"|charge)\w* (?:\w+ment )?(?:{NEAR}{MINE} (?!avis)|d'en|de (?:{INFINITIVE})\b|de (?:cela|tout|ce"
                rf"|cette))|\b(?:on va|nous allons|je vais) (?:nous |m'|s')?en (?:occuper|charger)"
            ),
            (
                rf"{WHO} (?:vous |se )?(?:passera|viendra|rendra|déplacera|appellera|interviendra)\b{NEAR}(?:remplacer"
                rf"|réparer"
                rf"|changer|nettoyer|vérifier|constater|contrôler|effectuer|chez"
                rf"|sur place|dans (?:l'|les? |la |cet)|{MINE}|pour|vous)"
            ),
            (
                rf"\b(?:nos|les|notre) (?:services?|équipes?|agents?)(?: \w+)? (?:étudient?|traitent?|examinent?"
                rf"|instrui(?:sent|t)|vérifient?|procèdent?|préparent?|corrigent?|finalisent?|recherchent?"
                rf"|travaillent? (?:à|sur)|suivent|suit) {ADV}[^.!?;\n]{{0,30}}?{MINE}"
            ),
            r"\b(?:re)?prendr(?:ons|ai|a|ont) (?:\w+ ){0,3}(?:contact|attache) avec (?:vous\b|l|votre)",
            # Je me rapproche de la préfecture. Nous revenons vers vous. Vous pouvez compter sur nous pour régler ceci.
            (
                r"\b(?:je me rapproche|nous nous rapprochons|je me mets en (?:contact|relation)"
                r"|nous nous mettons en (?:contact"
                r"|relation)) (?!de (?:vous|vos attentes|la perfection))[^.!?;\n]{0,40}"
            ),
            (
                r"\b(?:nous|je) (?:prenons|prends|reprenons|reprends) (?:\w+ ){0,3}?(?:contact"
                r"|attache) avec\b[^.!?;\n]{0,40}"
            ),
            (
                r"\b(?:nous|je) (?:relan(?:çons|ce)|alert(?:ons|e)|sais(?:issons|is)|contact(?:ons|e)"
                r"|interrog(?:eons|e))"
                r" (?:\w+ment |aujourd'hui |de nouveau |donc |ce jour )?(?:le|la|les|l'|notre|nos|votre) ?\w+"
            ),
            r"\b(?:je m'en occupe|nous nous en occupons|je m'en charge|nous nous en chargeons)\b",
            (
                r"\btravaill(?:e|ent|ons) (?:\w+ment )?(?:à|sur) (?:la |le |les |l'|une )?(?:résolution|résoudre"
                r"|correction"
                r"|corriger|réparer|réparation|rétablir|rétablissement|remise en service|remplacer)\b"
            ),
            r"\b(?:nous revenons|je reviens|nous reprenons contact) (?:\w+ ){0,2}vers vous\b",
            r"\bcompter sur (?:nous|moi|notre \w+|nos \w+) (?:pour|afin de) \w+[^.!?;\n]{0,40}",
            (
                r"\b(?:nous avons|j'ai|il a été|la direction a|le service a) (?:\w+ment |donc )?décidé (?:de|d'|que"
                r"|qu')[^.!?;\n]{0,40}"
            ),
            (
                r"\bil (?:ressort|apparaît|résulte) (?:\w+ )?(?:de|à la lecture de|à l'examen de|dans"
                r"|sur) votre (?:dossier|compte|situation)\b"
            ),
            (
                r"\bvotre (?:dossier|compte|demande) (?:ne |n')?(?:comporte|présente|contient"
                r"|fait apparaître)\b[^.!?;\n]{0,40}"
            ),
            r"\baprès (?:vérification|examen|étude|analyse)s? (?:de|du|dans) (?:votre|vos|ton)\b[^.!?;\n]{0,40}",
            rf"\b(?:inter|par)viendr(?:a|ont)\b{NEAR}{MINE}",
            # Nous traitons actuellement votre dossier. Nous vous accordons une remise.
            (
                r"\b(?:nous|je) (?:vous )?(?:accord(?:ons|e)|rembours(?:ons|e)|annul(?:ons|e)|valid(?:ons|e)"
                r"|relan(?:çons|ce)|trait(?:ons|e)"
                r"|réexamin(?:ons|e)|examin(?:ons|e)|étudi(?:ons|e)|instrui(?:sons|s)|régularis(?:ons|e)|rectifi(?:ons"
                r"|e)|corrige(?:ons)?|proc[éè]d(?:ons|e)"
                r"|transmet(?:tons|s)|envoy(?:ons|e)|vers(?:ons|e)|interven(?:ons)|contact(?:ons|e)|faisons remonter"
                r"|signal(?:ons|e)"
                rf"|accédons|prenons en (?:charge|compte)|alert(?:ons|e)|sais(?:issons|is)|débloqu(?:ons|e)"
                rf"|demand(?:ons"
                rf"|e) (?:à|au|aux)) {ADV}[^.!?;\n]{{0,30}}?{FILE}"
            ),
            # Nous ferons le nécessaire. Je m'engage à résoudre votre problème. Nous vous garantissons un remboursement.
            (
                r"\b(?:ferons|faisons|ferai|fais|fera|feront|font|fait faire) (?:tout )?(?:le nécessaire"
                r"|notre possible pour que votre)\b"
            ),
            (
                rf"\b(?:nous nous engageons|je m'engage|(?:s'engagent?|prenons l'engagement)) (?:à"
                rf"|de){NEAR}(?:\b(?:{INFINITIVE}|réexaminer)\b{NEAR}{FILE}|{TELL_INFINITIVE}|{MINE} {NOUN})"
            ),
            (
                r"\b(?:nous|je) (?:vous )?(?:garanti\w+|promet(?:s|tons)?\b|certifi(?:e|ons)\b|assur(?:ons"
                r"|e) (?:que (?:votre|vos|vous|nous|le|la|les)\b|d(?:'un|u) (?:traitement|suivi|rembours)))"
            ),
            (
                rf"\bveiller(?:ons|ai) {ADV}à ce que{NEAR}{FILE}|\bveiller(?:ons"
                rf"|ai) {ADV}à (?:{INFINITIVE})\b{NEAR}{FILE}"
            ),
            (
                r"\bsoyez (?:assurée?s?|certaine?s?|sûre?s?|rassurée?s?)(?: :|,)? (?:que|qu') ?(?:votre|vos|nous|le|la"
                r"|les|un|une|l'|nos)\b[^.!?;\n]{0,60}\b\w+(?:ra|ront|rons|rai)\b"
            ),
            # Nous avons transmis votre demande au service compétent; j'ai relancé l'agence: nobody has.
            (
                rf"(?:\b(?:nous (?:vous )?(?:l')?avons|on a|nos (?:\w+ )?(?:services|équipes|agents) (?:\w+ )?ont|(?:le"
                rf"|la|notre|un) (?:service|équipe|direction|conseill\w+|agent\w*)(?: \w+)? (?:vous )?a|l'(?:équipe"
                rf"|agente?|agence) a)"
                rf"|\bj'ai|\bje (?:vous |l')ai) {ADV}(?:fait (?:remonter|suivre|part|le nécessaire|parvenir|corriger)"
                rf"|pris (?:contact|attache|rendez-vous|des mesures|les mesures)|demandé (?:à|au|aux|que|la|le|une?)"
                rf"|{DONE})(?! en compte| (?:ce|le|du|son|leur|un|tout) (?:\w+ )?temps)[^.!?;\n]{{0,40}}"
            ),
            # In a passage of another language, the plainest forms.
            (
                r"\bwe(?: have|'ve) (?:\w+ )?(?:forwarded|sent|passed|transferred|corrected|updated|processed)"
                r"|\b(?:we|officer|agent|team|colleague|advis[eo]r|someone|service) will (?:call|contact|get back"
                r"|process|review|send|reply|refund|handle|take care)"
                r"|\byour (?:file|application|request|case|refund|claim) (?:will be|has been|is being)"
                r"|\bhemos (?:transmitido|enviado|corregido|remitido)|\bsu (?:solicitud|expediente) (?:será|ha sido)"
                r"|\ble llamar(?:á|emos)\b|\babbiamo (?:trasmesso|inviato)"
            ),
            (
                r"\bvous avez (?:bien )?droit (?!à la parole|au respect|à (?:un|une) (?:accueil|écoute|explication)"
                r"|à la considération)(?:à (?:la|une?|ce|cette|l'|votre)|au|aux)\b|\bvous êtes (?:bien |donc )?éligible"
                r"|\bvos droits (?:sont|seront|restent|resteront|demeurent|ont été) (?:\w+ )?(?:ouvert"
                r"|rétabli|maintenu|acquis|recalcul)\w*"
            ),
        ]
    ),
    re.IGNORECASE,
)
# A promise unless it is said for a case ("si …, votre dossier sera traité") or as what the citizen told.
_UNLESS = re.compile(
    "|".join(
        [
            # Votre dossier sera traité. Une réduction sera appliquée. Une réponse vous sera apportée.
            (
                rf"\b(?!les (?:demandes|dossiers|usagers|agents|rendez-vous|candidatures))(?:votre|vos|le|la|les|l'|un"
                rf"|une|des|ce|cette|ces|il|elle|ils|elles|tout|toutes?)\b ?{NEAR}\b(?:vous |leur |lui |en "
                rf"|y )?{BE_DONE} {ADV}(?:{DONE}|en cours d)"
            ),
            (
                rf"(?:{WHO}|\b(?:m\.|mme|monsieur|madame) [^.!?;\n]{{2,60}}?) {ADV}(?:vous (?:l[ea]s? |l'|en )?{TELL}"
                rf"(?:a|ont)\b|{ONESELF}(?:{STEM}|prendr|mettr|fer)(?:a"
                rf"|ont)\b{NEAR}(?:{FILE}|{MINE} \w+))"
            ),
            # Un conseiller vous rappellera. Nos services vérifieront les pièces. Vous serez remboursé. Vous recevrez …
            rf"\bvous (?:serez|allez être) {ADV}{TOLD}",
            (
                rf"{WHO} (?:sera|seront) (?:\w+ment )?(?:entendu|convoqué|sanctionné|recadré|reçu|formé|sensibilisé"
                rf"|rappelé)e?s?\b"
            ),
            (
                r"\b(?:guichet|service|accueil|bureau|agence|site|ligne|mairie|antenne|permanence|piscine"
                r"|médiathèque|déchèterie)"
                r"(?: [\w'-]+){0,3} (?:rouvrir|fermer|reprendr|déménager|s'agrandir)(?:a|ont)\b"
            ),
            # Les horaires vont être élargis. Ce point sera abordé en réunion. Une réunion aura lieu.
            (
                r"\b(?:va|vont) (?:\w+ment |bientôt |aussi )?être (?:\w+ment )?(?!amené|sollicité)\w+(?:é|i|u|is|it"
                r"|ert)e?s?\b"
            ),
            (
                r"\b(?:ce|cette|ces) (?:points?|sujets?|questions?|difficultés?|problèmes?|dysfonctionnements?|pistes?"
                rf"|aspects?|situations?) {NEAR}(?:sera|seront) (?:\w+ment |bien |donc )?\w+(?:é|i|u|is|it|ert)e?s?\b"
            ),
            (
                r"\b(?:une?|des|les|deux|trois|plusieurs|de nouve\w+|d'autres) (?:\w+ )?(?:travaux|réunions?"
                r"|formations?"
                r"|recrutements?|aménagements?|améliorations?|mises? à jour|interventions?|embauches?|renforts?"
                r"|enquêtes?"
                rf"|contrôles?|refontes?|réparations?|vérifications?|nettoyages?)\b{NEAR}(?:aur(?:a|ont) lieu"
                rf"|débuter(?:a|ont)"
                r"|(?:est|sont|a été|ont été|sera|seront) (?:\w+ment |déjà |actuellement |d'ores et déjà )?(?:prévu"
                r"|programmé"
                r"|planifié|engagé|lancé|en cours\b|ouvert|diligenté|organisé|à l'étude\b|annoncé|commandé|demandé"
                r"|mené|réalisé)\w*)"
            ),
            (
                r"\b(?:le|votre|un|ce) (?:\w+ )?(?:virement|versement|remboursement|paiement|rappel|règlement"
                r"|rendez-vous)"
                r" (?:\w+ ){0,3}?(?:est|a été|vous est|vous a été) (?:\w+ment |déjà |bien )?(?:prévu|programmé"
                r"|planifié|fixé|réservé"
                r"|parti|accordé|reprogrammé)\b"
            ),
            # Un système de réservation remplacera la file. Trente tickets seront gardés. Un guichet ouvrira.
            (
                r"\b(?:un|une|deux|trois|quatre|cinq|six|dix|vingt|trente|de nouveaux|de nouvelles|des|plusieurs|\d+)"
                rf" {NEAR}(?:\b(?:remplacera|ouvrira|viendra|viendront|complétera|entrera en|verra le jour|verront le"
                rf" jour|rejoindr(?:a|ont)|renforcer(?:a|ont)|remplaceront|ouvriront)\b"
                rf"|(?:sera|seront|va être|vont être) {ADV}(?:mis|mise|gardé|réservé|créé|déployé|affiché|ajouté"
                rf"|installé|ouvert|recruté"
                rf"|proposé|organisé|consacré|dédié|formé)e?s?\b)"
            ),
            (
                r"(?<!que )\bvous (?:recevrez|obtiendrez|percevrez|toucherez|récupérerez|aurez (?:bientôt |une réponse"
                r"|gain|votre|droit|un retour)|bénéficierez|allez (?:\w+ment )?(?:recevoir|obtenir|percevoir|toucher"
                r"|bénéficier))"
            ),
            (
                rf"{MINE} (?:\w+ )?{NOUN}{NEAR} (?:vous |nous )?(?:{STEM}|aboutir|reprendr|passer|arriver|parviendr|aur"
                rf"|débloquer|partir|avancer)(?:a|ont)\b"
            ),
            (
                rf"\b(?:une?|la|le|votre|les|des) (?!plus)(?:\w+ ){{1,4}}vous (?:parviendr|arriver)(?:a|ont)\b"
                rf"|\b(?:le|un|ce) (?:virement|versement|remboursement|paiement|rappel|règlement){NEAR} (?:interviendra"
                rf"|arrivera|suivra|aura lieu|vous parviendra|partira)"
            ),
        ]
    ),
    re.IGNORECASE,
)
# The state of a file, or what was done to it: no claim either where the review tells it.
_TOLD_STATE = re.compile(
    rf"(?<!par )(?<!dans )(?<!sur ){MINE} (?!propre|nom\b|employeur)[^.!?;\n,]{{1,60}}? {BEEN} {ADV}(?:{DONE}|{STATE})"
    rf"|\b(?:le|la|ce|cette) (?:dossier|nécessaire|demande|versement|virement|remboursement|réclamation|titre"
    rf"|passeport|carte|anomalie|erreur|problème|blocage|paiement)"
    rf"(?: (?:de|d'|qui|que) ?\w+)? (?:a été|ont été|vient d'être|a bien été) {ADV}{DONE}"
    r"|\b(?:il|elle|ils|elles|celui-ci|celle-ci|ceux-ci|celles-ci) (?:nous )?(?:a"
    r"|ont) (?:\w+ )?été (?:\w+ment )?(?:remis|confié|r?envoyé"
    r"|enregistré|examiné|classé|validé|rejeté|accepté|expédié|instruit|reçu|vérifié)e?s?\b"
    r"|\b(?:courrier|lettre|demande|dossier|plainte|réclamation|requête|déclaration|pièces?|documents?|celui-ci"
    r"|celle-ci|il|elle)"
    r"(?: \w+){0,2} nous (?:est|sont) (?:bien )?parvenue?s?\b"
    rf"|(?<!vous )\b(?:a|ont) (?:\w+ )?été {ADV}(?:rappelé|alerté|averti|avisé|prévenu|informé|saisi|sensibilisé"
    rf"|relancé|corrigé"
    rf"|résolu|réglé|réparé|rétabli|clôturé|réexaminé|recalculé|reprogrammé|fixé"
    rf"|transmis|signalé|adressé|traité|annulé|remboursé|sanctionné|fait|levé|retrouvé|débloqué|régularisé|rectifié"
    rf"|recadré)e?s?\b"
    rf"|\b(?:l'|le |la |cette |ce )(?:\w+ )?{NOUN} (?:est|sont) {ADV}(?:annulé|corrigé|résolu|réglé|débloqué"
    rf"|régularisé|levé|rétabli|effacé|accepté|remboursé|rectifié)e?s?\b"
    # Le transfert entre les deux caisses est lancé. Le jugement concernant vos enfants a bien été rendu.
    rf"|\b(?:le|la|l'|les|ce|cette|ces) ?(?:\w+ )?(?:{NOUN}|{PROCEDURE}){NEAR} (?:est|sont) {ADV}(?:lancé|enclenché"
    r"|engagé)e?s?\b"
    rf"|\b(?:le|la|l'|les|ce|cette|ces) ?(?:\w+ )?(?:{NOUN}|{PROCEDURE}) [^.!?;\n,]{{0,40}}{MINE}"
    rf" [^.!?;\n,]{{1,40}}? (?:a|ont) (?:bien |bel et bien )?été {ADV}{DONE}"
    rf"|{MINE} (?:\w+ )?{NOUN}{NEAR} (?:est {ADV}entre les mains|(?:a|ont) (?:bien )?fait l'objet|(?:fait|font|fera"
    rf"|feront) (?:actuellement )?l'objet|vous attend)"
    rf"|\b(?:vous avez été) {ADV}(?:remboursée?|indemnisée?|radiée?|réintégrée?|exonérée?)\b"
    rf"|\bil (?:vous )?manque {NEAR}(?:à|dans) votre dossier"
    rf"|{MINE} (?:\w+ )?{NOUN}{NEAR} figure (?:en|sur|parmi|au)\b"
    rf"|{MINE} (?:\w+ )?{NOUN}{NEAR} (?:est|sont|a été) (?:\w+ment |bien |déjà )?passée?s? (?:en|au|devant|à)\b"
    r"|\bvotre (?:titre|passeport|carte|permis|document|attestation|diplôme|badge|colis)(?: [\w']+){0,3} (?:est|sont)"
    r" (?:\w+ment |bien |déjà |désormais )?(?:disponible|à votre disposition|arrivé|à retirer|expédié|partie?)\b"
    rf"|\b(?:le|la|les|l'|ce|cet|cette|ces) ?(?:\w+ )?(?:{NOUN}|dysfonctionnement) (?:est"
    rf"|sont) (?:\w+ment )?en cours\b(?! d'année)"
    # Un technicien est passé; le guichet fonctionne de nouveau.
    r"|\b(?:techniciens?|agents?|équipes?|prestataire|entreprise|inspect\w+|services?)(?: \w+){0,3} (?:est|sont) "
    r"(?:\w+ment |déjà )?(?:passé|venu|intervenu|allé)e?s?\b"
    r"|\bfonctionne(?:nt)? (?:à|de) nouveau\b|\b(?:est|sont) (?:à|de) nouveau (?:ouvert|accessible|disponible"
    r"|opérationnel|en service)"
    # Un nouveau code vous a été envoyé.
    r"|\b(?:une?|le|la|les|des|votre|vos) (?:\w+ ){1,4}vous (?:a|ont) (?:bien |déjà )?été (?:\w+ment )?(?:r?envoyé"
    r"|adressé|transmis|versé|expédié|délivré|remboursé|attribué|notifié|accordé|remis)e?s?\b",
    re.IGNORECASE,
)
# Without one of these no state is told.
_HINT = re.compile(r"été|parvenu|avai|\b(?:est|sont|reste|trouve|demeure|attend|manque|objet)\b|d'être", re.IGNORECASE)
_CASE = re.compile(
    r"\b(?:si|lorsque|quand|une fois (?:que|la|le|les|votre|vos|ce|cette)|dès que|tant que|en cas"
    r"|sous réserve|à condition|pour que|afin que|avant que"
    r"|vérifi(?:er|ez)|contrôle[rz]|assurez-vous|savoir|voir|consulter|connaître|qui|dont|où|comment|pourquoi"
    r"|généralement|en général|en principe)\b(?! possible)|\bs'ils?\b|\blorsqu'|\bqu(?:and|'une fois)\b",
    re.IGNORECASE,
)
_IF = re.compile(
    r"\b(?:si (?:vous|elle|il|la|le|votre)|lorsque|quand|une fois)\b|\blorsqu'|\bs'ils?\b|\bsous réserve|\bà condition",
    re.IGNORECASE,
)
_WITHIN = re.compile(r"\b(?:qui|dont|où|quand|lorsqu\w*)\b", re.IGNORECASE)
_TOLD_BY = re.compile(
    r"\b(?:compren\w+|indiqu\w+|regrett\w+|li(?:re|sons|s)|appren\w+|dites|écrivez|signal\w+|expliqu\w+|décri\w+"
    r"|déplor\w+|raconte\w*|constat\w+|précise\w*|désolée?s?|navrée?s?|content\w*|heureu\w+|rav\w+|espér\w+"
    r"|souhait\w+) [^.!?;]{0,200}\b(?:que|qu')"
    r"|\balors (?:même )?qu(?:e\b|')"
    r"|\bcomme [^.!?;]{0,200}\b(?:vous l'(?:a|ont|avez)|vous le (?:dites|décrivez|rappelez|signalez)) ?\w*,",
    re.IGNORECASE,
)
_ASSERTS = re.compile(
    r"\b(?:confirm\w+|inform\w+|assur\w+|sachez|soyez|rassur\w+|garanti\w+|noter?z?)\b[^.!?;]{0,200}\bqu(?:e\b|')",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(?:ne|ni|sans|aucune?)\b|\bn'", re.IGNORECASE)
_KEPT_NEGATION = re.compile(r"\bne manquer|\b(?:ne |n')(?:comporte|présente|contient|fait apparaître)", re.IGNORECASE)
_SHARED = re.compile(r"\bpartagée?s? par\b", re.IGNORECASE)
_MESSAGE = re.compile(
    r"\b(?:votre|vos|ce|ces|cette|leur|vous lire)\b(?: \w+)? ?(?:témoignages?|avis|retours?|remarques?|messages?"
    r"|félicitations|remerciements"
    r"|suggestions?|compliments?|expériences?|observations?|mots|bons mots|encouragements|gentillesse|confiance"
    r"|récit|idées?)\b"
    r"|(?<=[a-z] )(?:nos services|nos efforts|à (?:améliorer|progresser)|l'accueil de tous|notre (?:travail|service"
    r"|accueil|organisation))\b",
    re.IGNORECASE,
)
# To read, to receive, to take note of a message is no action.
_READ = re.compile(
    r"\b(?:bien reçu|reçu votre|lu |noté|pris (?:bonne |bien )?(?:note|connaissance)|compris|entendu)", re.IGNORECASE
)
_PASSED_ON = re.compile(
    r"\b(?:pris\w* en compte|transmis|relayé|remonté|partagé|communiqué|adressé|remis|porté|remonter|part\b)",
    re.IGNORECASE,
)


def promises(case: Case) -> Result:
    """Passages that commit the service on a file, tell its state, or claim that something was done for it."""
    faults = []
    for sentence in case.sentences:
        for pattern in (_SURE, _UNLESS, _TOLD_STATE) if _HINT.search(sentence) else (_SURE, _UNLESS):
            faults += [m.group() for m in pattern.finditer(sentence) if _counts(case, sentence, m, pattern)]
    return none_of(faults, "promesse ou décision sur un dossier")


def _counts(case: Case, sentence: str, match: re.Match[str], pattern: re.Pattern[str]) -> bool:
    """Whether a passage is a promise indeed: not denied, about more than the message, not for a case, not told."""
    said, before = match.group(), sentence[: match.start()]
    if _NEGATED.search(said) and not _KEPT_NEGATION.search(said):
        return False
    if _MESSAGE.search(said) and not _is_claim(said):
        return False
    if _SHARED.match(sentence, max(0, match.end() - len(said.split()[-1]))):
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
    """That words were or will be passed on: "vos remerciements ont été transmis", "nous avons relayé votre message"."""
    passed = r"\b(?:(?:a|ont) (?:\w+ )?été|sera|seront|vont être|va être|nous (?:l')?avons|j'ai|je l'ai|équipes? a)\b"
    if re.search(r"\b(?:étudi|examin|analys)(?:er|é)(?:ons|ai|a|ont|e?s?)\b", said):
        return True
    return bool(re.search(passed, said, re.IGNORECASE) and _PASSED_ON.search(said))


def _was_told(case: Case, said: str) -> bool:
    """Whether the review or the prompt holds the last word of a statement, whatever its ending."""
    last = fold(words(said)[-1])
    return len(last) > 3 and re.search(rf"\b{re.escape(last[: max(4, len(last) - 2)])}", fold(case.given)) is not None
