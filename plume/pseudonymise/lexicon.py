"""Word lists of the pseudonymiser: public bodies and acronyms, places that single nobody out, first names, plain words.

Everything is in lower case without accents (see `fold`), so that a lookup ignores both.
"""

import unicodedata
from functools import lru_cache

_PLAIN = {
    **dict.fromkeys((0x09, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " "),
    **dict.fromkeys(map(ord, "’‘ʼ´`"), "'"),
    **dict.fromkeys(map(ord, "\u2010\u2011\ufe63\uff0d"), "-"),
}


def plain(text: str) -> str:
    """Every blank a space, every apostrophe and hyphen the plain one; same length, case and accents kept."""
    return text.translate(_PLAIN)


class _Folding(dict):
    """For str.translate: a character's lower case without its accent, always one character; filled as they are met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if code in _PLAIN:
            folded = _PLAIN[code]
        elif char.isspace() and char != "\n":
            folded = " "
        else:
            decomposed = unicodedata.normalize("NFKD", char)
            folded = "i" if char == "ı" else decomposed[0].lower()
            # "œ", "½" and the like stand for several letters or digits: they stay, so that the length does.
            if len(folded) != 1 or sum(c.isalnum() for c in decomposed) > 1:
                folded = char
        self[code] = folded
        return folded


_FOLDING = _Folding()


def fold(text: str) -> str:
    """Lower case without accents, one character for one: offsets into the folded text hold in the original."""
    return _fold_word(text) if len(text) < 32 else _fold_text(text)


@lru_cache(maxsize=1 << 16)
def _fold_word(text: str) -> str:
    return text.translate(_FOLDING)


@lru_cache(maxsize=128)
def _fold_text(text: str) -> str:
    return text.translate(_FOLDING)


def words(text: str) -> frozenset[str]:
    """A folded set of blank-separated words."""
    return frozenset(fold(text).split())


ACRONYMS = words("""
    voxusagers numic lar lrar rar r/ar
    aah acs ada adil adoma aeeh afpa agefiph agessa agirc agrasc aides aj ald ame amf anah anct anef anfr anses
    ansm antai ants apa apl apj apl-al ara arcep are arcom ars arrco asf asi ase asp aspa ass bafa banque-postale
    bic bloctel bnc bo bts caarud caf cafs camieg canssm carpimko carsat casnos cas ccas ccmsa cda cdad cdd cdi
    ceam cerfa cert cesu cfe cfp cgss chorus ci cias cicas cim cipav cjn clic cmg cmi cms cmu cnam cnaf cnav cnaps
    cnbf cncdh cnda cned cni cnil cnous cnracl cnrs copro cpam cpf cpts cramif crc crcesu crip crl crous crpa css
    csg cvec dae dalo dares ddcs ddetspp ddets ddfip ddpp ddt ddtm dgac dgccrf dgfip dggn dgi dgpn dila dinum
    dirrecte direccte dise ditp dmp dpae dpe dpo drfip dreets dreal drees dsn dsden dtnum edf enedis engie ensap
    epci ephad esat ess esta fgti fnak fnal fse fsl fttv gie gip grdf greta grdf hlm ij inps inpi insee irpp
    ircantec irl irsi isf iut jcp jdc jo laposte lds ldd livret-a lmep ma-prime-renov maaf mabtp macif maif mairie
    maprimerenov mdph mds meae menj mes mgen mjd msa msap ndf ofii ofpra onacvg onac onf opac ope oqtf orias otan
    paj pacs pajemploi parcoursup pass pcdr pcs pfr pmi pole-emploi ppl prado psc psu puma qpv ratp rdv rgpd rh
    rib rmi rne rqth rsa rsi rte rtt safer samsam samu sarl sci scp sdis sgami siao sie siej sip sips siret siren
    sma smic smur sncf soliha spf spip ssi sso sva svair svp tae tgi tj trajectoire tva udaf ue unedic urbssaf
    urssaf vae vad vif viti vitale vls vls-ts vsl thesee sirene api ia iban tel sms mms url pdf ko ok sav faq qr
    rgaa dom tom com
    """)

# Names of bodies and services, longest first when they are looked for.
BODIES = (
    "service-public.fr", "services publics +", "services publics plus", "services publics", "service public +",
    "france travail", "france visas", "france competences", "france identite", "france num", "france bleu",
    "france inter", "france info", "france televisions", "france victimes", "france alzheimer", "france active",
    "france assureurs", "france mobilites", "france relance", "france strategie", "france domaine", "france agrimer",
    "france metropolitaine", "france entiere", "pole emploi", "france services", "france service", "france titres",
    "france connect", "franceconnect",
    "france renov'", "france renov", "maprimerenov'", "maprimerenov", "ma prime renov'", "ma prime renov",
    "maprim'renov",
    "assurance maladie", "assurance retraite", "assurance chomage", "securite sociale", "allocations familiales",
    "caisse d'allocations familiales", "caisse primaire d'assurance maladie", "caisse primaire", "caisse nationale",
    "mutualite sociale agricole", "caisse des depots", "agirc-arrco", "agirc arrco", "malakoff humanis",
    "ag2r la mondiale",
    "ag2r", "klesia", "apicil", "b2v", "pro btp", "probtp", "ircem", "humanis", "harmonie mutuelle", "banque de france",
    "banque postale", "la poste", "la banque postale", "colissimo", "chronopost", "mon compte formation",
    "compte ameli", "ameli",
    "mon espace sante", "carte vitale", "chorus pro", "cadastre", "legifrance", "parcoursup", "pronote", "bloctel",
    "signalconso", "signal conso", "cybermalveillance", "info retraite", "info-retraite", "mes droits sociaux",
    "defenseur des droits", "defenseure des droits", "mediateur national", "mediatrice", "mediateur", "conseil d'etat",
    "cour de cassation", "conseil departemental", "conseil regional", "education nationale", "ministere de l'interieur",
    "ministere", "gendarmerie nationale", "gendarmerie", "police nationale", "police municipale", "police", "douane",
    "douanes",
    "tresor public", "finances publiques", "centre des finances publiques", "direction generale des finances publiques",
    "service des impots", "impots", "impots.gouv", "impots gouv", "prefecture de police", "prefecture",
    "sous-prefecture",
    "sous prefecture", "mairie", "hotel de ville", "consulat general de france", "consulat general", "consulat",
    "ambassade de france", "ambassade", "tribunal judiciaire", "tribunal administratif", "tribunal de proximite",
    "tribunal",
    "maison departementale des personnes handicapees", "maison france services", "maison de la justice et du droit",
    "maison des services au public", "centre d'expertise et de ressources titres", "centre de contact citoyens",
    "action logement", "action sociale", "agence nationale des titres securises", "agence nationale de l'habitat",
    "agence regionale de sante", "agence de services et de paiement", "titres securises", "etat civil", "carte grise",
    "carte nationale d'identite", "carte d'identite", "titre de sejour", "cheque energie", "prime d'activite",
    "point info famille",
    "point d'acces au droit", "service civique", "service national universel", "service national",
    "journee defense et citoyennete",
    "digiposte", "google", "facebook", "whatsapp", "youtube", "amazon", "cdiscount", "leboncoin", "doctolib",
    "orange", "sfr",
    "bouygues", "free", "microsoft", "windows", "android", "iphone", "apple", "chrome", "firefox", "safari", "edge",
    "outlook",
    "gmail", "hotmail", "wanadoo", "france", "republique francaise", "republique", "etat", "gouvernement", "marianne",
    "covid", "covid-19", "union europeenne", "europe", "schengen", "kafka", "ubu",
)  # fmt: skip

# Départements, régions, countries: the pair carries the département anyway, and none of them singles a person out.
# "Paris" is a département as much as a city.
TERRITORIES = (
    "ain", "aisne", "allier", "alpes-de-haute-provence", "hautes-alpes", "alpes-maritimes", "ardeche", "ardennes",
    "ariege",
    "aube", "aude", "aveyron", "bouches-du-rhone", "calvados", "cantal", "charente", "charente-maritime", "cher",
    "correze",
    "cote-d'or", "cotes-d'armor", "creuse", "dordogne", "doubs", "drome", "eure", "eure-et-loir", "finistere",
    "corse-du-sud",
    "haute-corse", "corse", "gard", "haute-garonne", "gers", "gironde", "herault", "ille-et-vilaine", "indre",
    "indre-et-loire",
    "isere", "jura", "landes", "loir-et-cher", "loire", "haute-loire", "loire-atlantique", "loiret", "lot",
    "lot-et-garonne",
    "lozere", "maine-et-loire", "manche", "marne", "haute-marne", "mayenne", "meurthe-et-moselle", "meuse",
    "morbihan", "moselle",
    "nievre", "nord", "oise", "orne", "pas-de-calais", "puy-de-dome", "pyrenees-atlantiques", "hautes-pyrenees",
    "pyrenees-orientales", "bas-rhin", "haut-rhin", "rhone", "haute-saone", "saone-et-loire", "sarthe", "savoie",
    "haute-savoie",
    "paris", "seine-maritime", "seine-et-marne", "yvelines", "deux-sevres", "somme", "tarn", "tarn-et-garonne",
    "var", "vaucluse",
    "vendee", "vienne", "haute-vienne", "vosges", "yonne", "territoire de belfort", "essonne", "hauts-de-seine",
    "seine-saint-denis", "val-de-marne", "val-d'oise", "guadeloupe", "martinique", "guyane", "la reunion", "reunion",
    "mayotte",
    "alsace", "aquitaine", "nouvelle-aquitaine", "auvergne", "auvergne-rhone-alpes", "rhone-alpes", "basse-normandie",
    "haute-normandie", "normandie", "bourgogne", "franche-comte", "bourgogne-franche-comte", "bretagne",
    "centre-val de loire",
    "champagne-ardenne", "grand est", "hauts-de-france", "ile-de-france", "ile de france", "languedoc-roussillon",
    "limousin",
    "lorraine", "midi-pyrenees", "occitanie", "pays de la loire", "picardie", "poitou-charentes",
    "provence-alpes-cote d'azur", "paca", "cote d'azur", "provence", "drom", "dom-tom", "outre-mer", "bordelais",
    "centre",
    "afghanistan", "afrique", "albanie", "algerie", "allemagne", "angleterre", "argentine", "australie", "autriche",
    "bangladesh",
    "belgique", "benin", "bresil", "bulgarie", "cambodge", "cameroun", "canada", "chili", "chine", "colombie",
    "comores", "congo",
    "coree", "cote d'ivoire", "croatie", "danemark", "egypte", "espagne", "etats-unis", "ethiopie", "finlande",
    "gabon", "georgie",
    "ghana", "grande-bretagne", "grece", "guinee", "haiti", "hongrie", "inde", "indonesie", "irak", "iran",
    "irlande", "israel",
    "italie", "japon", "kosovo", "laos", "liban", "libye", "luxembourg", "madagascar", "mali", "malte", "maroc",
    "maurice",
    "mauritanie", "mexique", "moldavie", "monaco", "niger", "nigeria", "norvege", "pakistan", "palestine",
    "pays-bas", "perou",
    "philippines", "pologne", "portugal", "roumanie", "royaume-uni", "russie", "senegal", "serbie", "slovaquie",
    "slovenie",
    "somalie", "soudan", "sri lanka", "suede", "suisse", "syrie", "tchad", "tchequie", "thailande", "togo",
    "tunisie", "turquie",
    "ukraine", "usa", "venezuela", "vietnam", "yemen", "asie", "amerique",
)  # fmt: skip

# Common first names that are no French word in lower case; for those that are, see AMBIGUOUS_FIRST_NAMES.
FIRST_NAMES = words("""
    abdel abdelkader abdou abdoulaye adam adele adeline adrien agathe agnes ahmed aicha alain alban albert
    alessandro alex alexandra alexandre alexis ali alice alicia aline alix alois amandine amelie amina aminata
    amine amira anais anastasia andre andrea andree ange angele angelina angelique anis anissa anita anna
    annabelle anne annick annie anthony antoine antoinette antonin antonio apolline ariane arlette armand armelle
    arnaud arthur assia astrid audrey augustin aurelie aurelien aurore axel axelle aya ayoub aziz bakary baptiste
    barbara bastien beatrice benedicte benjamin benoit berenice bernadette bernard bernadette bertrand bilal
    boubacar brahim brigitte bruno camille candice carine carlos carmen carole caroline catherine cecile cedric
    celia celine chantal charlene charles charlotte cheikh chloe christelle christian christiane christine
    christophe cindy claude claudette claudie claudine clara clarisse clemence clementine cloe clothilde colette
    coralie corentin corinne coumba cyril cyrille damien daniel daniele danielle david deborah delphine denis
    denise diana diane didier dimitri djamel djamila dominique dorian dorothee dounia driss dylan edith edouard
    eleonore eliane elias elie eliott elisa elisabeth elise elodie eloise elsa emeline emile emilie emilien emma
    emmanuel emmanuelle enzo eric erika erwan erwann estelle esteban esther etienne eugene eugenie eva evelyne ewa
    fabien fabienne fabrice farid farida fatiha fatima fatou fatoumata faustine fayçal felix fernand fernande
    fernando fiona flavie flora florent florian francesca francine francis francisco franck francois francoise
    frederic frederique gabin gabriel gabriela gabrielle gael gaelle gaetan gaston genevieve geoffrey georges
    georgette geraldine gerard germaine ghislaine gilbert gilberte gilles gisele giuseppe giulia gregory guillaume
    gustave guy gwenaelle gwendoline habib hakim halima hamid hamza hanane hassan hedi helene henri henriette
    herve hicham hocine hubert hugo hugues hyacinthe ibrahim ibrahima ida idriss ilyes imane imed ines ingrid
    irene iris isabelle ismael issa ivan jacqueline jacques jamal jamila janine jason jawad jean jeanne jeannine
    jennifer jeremie jeremy jerome jessica jessy joan joanna joao joaquin joel joelle johan johann johanna john
    jonathan jordan jordane jorge jose josette josephine joseph joshua josiane josseline joyce juan jules julia
    julian juliana julie julien juliette justine kader kamel karim karima karine katia kelly kenza kevin khadija
    khaled killian kylian laetitia laila lambert lamia lana lara laura laure laurence laurent laurette laurie lea
    leila lena leo leon leonard leonie leslie leticia liam lila lilian liliane lilou lina linda lise loic lola
    lorena lorenzo lou louane louis louise luc luca lucas lucette lucia lucie lucien lucienne lucile ludivine
    ludovic luis luna lydia lydie lylou madeleine maelle maelys maeva magali magalie mahamadou mahdi mahmoud
    maiwenn malik malika mamadou manon manuel manuela marc marcel marcelle margaux margot marguerite maria mariama
    marianne marie marielle marina mario marion marius marjorie marlene marthe martin martine maryline maryse
    maryvonne mateo mathias mathieu mathilde mathis matteo matthias matthieu maud maureen maurice max maxence
    maxime medhi mehdi melanie melina melissa mehmet michael michel michele micheline mickael miguel mila milan
    mireille mohamed mohammed moise monique morgan morgane mouhamed mounir mourad moussa mustapha myriam nabil
    nadege nadia nadine nael naima najat nassim natacha natalia nathalie nathan nawel nelly nicolas nicole ninon
    noah noel noelle noemie nolan nora norbert norah nordine nour oceane octave odette odile olivia olivier omar
    ophelie oscar othmane oumar oumou ousmane pablo pamela paola pascale patricia patrice patrick paul paula
    paulette pauline paulo pedro peggy perrine philippe pierrette pierrick priscilla priscillia quentin rabah
    rachel rachid rachida rafael raissa raoul raphael raphaelle raymond raymonde rebecca regine regis remi remy
    renaud rene renee ricardo richard rita robert roberto robin rodolphe rodrigue roger roland rolande romain
    romane romeo romuald ronan rosalie roseline roxane ruben ryan sabah sabine sabrina sacha said saida salah
    salima salma sam samba samia samir samira samuel samy sandra sandrine sara sarah sebastien selim selma serge
    sergio severine seydou sidonie siham simon simone sofia sofiane soizic solange solene soline sonia sophie
    soraya souad soufiane stefan stephane stephanie steve steven suzanne suzette svetlana sybille sylvain sylvaine
    sylvia sylviane sylvie tanguy tatiana teddy teo theo theodore therese thibault thibaut thierry thomas tiago
    timeo timothee tiphaine titouan tom tony tristan ugo ulysse valentin valentine valerie vanessa veronique
    victoire victor victoria vincent virginie viviane vladimir wafa walid wassim wendy wilfried william wilson
    xavier yacine yael yan yanis yann yannick yasmine yassin yassine yohan yohann yolande youcef youssef youssouf
    yousra yves yvette yvon yvonne zakaria zahra zineb zoe zohra
    """) - words(
    "ange camille orange martin max noel lou milan said victoire constance prudence lambert sam tom guy rene franc "
    "laure"
)

# First names that are words too: believed with a capital inside a sentence, or before a capitalised word.
AMBIGUOUS_FIRST_NAMES = words("""
    aime aimee ange anemone barbe blanche camille capucine cerise claire clement colombe constance desire desiree
    felicite fleur france franc guy hortense iris jasmine juste lambert laure lilas lou marine martin max modeste noel
    olive parfait perle pierre prudence prune reine rene rose rosemonde sam soleil tom victoire violette
    """)

# Words of reviews and replies that are no name, wherever they stand. The table of frequencies knows far more.
COMMON = words("""
    a m mr mlle dr pr me jai cest sest nai jattends ya absence absent abus acces accueil accueillante achat acte
    action activite actuellement adjoint adjointe administratif administration administrative adoption adorable
    adresse affaire afin agence agent agente agents ah ai aide aie aimable ainsi ais ait allo alors alerte
    allocataire allocation allocations ami amie an ancien ancienne annee annees ans aout appel appels application
    apres argent arnaque arrivee artisan as assistant assistante assistance associe associee assurance assure
    assuree attendre attente attention attestation au aucun aucune audience aujourd'hui aupres aurait aussi autant
    auto automne autre autres aux avant avec avez avis avocat avocate avoir avons avril ayant bah bailleur banque
    bas beau beaucoup belle ben beneficiaire besoin bien bientot bizarre bizarrement blague bon bonjour bonne
    bonnes bonsoir bourse bravo brave bref bureau ca cabinet caisse car caractere carriere carte cas ce cela celle
    celles celui cent centre cependant certains ces cet cette ceux chacun chaque charge chauffage cher chere
    cheres chers chef cheffe chez chaleureux ci citoyen citoyenne civil clair claire client cliente cohesion
    collegue collegues collectif combien comme comment commission commune competent competente complementaire
    complet compte concernant conciliateur condoleances confiance conges conjoint conjointe connexion conseil
    conseiller conseillere conseillers conseilleres conseils consultation contact contrairement contrat controle
    convocation cordial cordialement corps cote coup cour courage courriel courrier cours creche crois cultive d'
    dame dans date de debut deca decembre decede decedee deception deceptions decide declaration decu decue dehors
    deja delai delais delegue deleguee demande demandeur demain demarche demarches demontre depart departement
    depot depuis deputee depute derniere dernier des desole desolee dessous dessus deux devant devrait devoir
    difficile dimanche directeur directeurs direction directrice dit dites diverses divorce dix docteur document
    documents doit domicile dommage donc donnees dont dossier dossiers douze droit droits du duplicata echange
    echec ecole edition efficace efficacite eh elle elles elu elue en encore enfant enfants enfin ensuite entre
    entreprise entretien environ envoi epoque epouse epoux equipe erreur es espace essai est et etablissement
    etais etait etat ete etiez etions etes etranger etrangere etrangers etre etudiant etudiante eux evidemment
    examen excellent excellente excuses existe expert expire export extremement eu face facile facture faire fait
    familial familles famille faut faute felicitations femme fete fevrier fille filles fils fin finalement fois
    fonctionnaire fonction forcement formation formidable formulaire formule forum foyer francais francaise france
    frere freres fut garde general generale gens gentil gentille gerant gerante gestion gestionnaire gestionnaires
    grace grand grande grands grave greffier greffiere guichet ha hallucinant halte handicap hebergement hello
    helas heure heures heureux heureusement hier homme honte honteux huit humain humaine humains humanite ici
    identifiant identite il ils immatriculation immediatement immeuble impossible incapable incompetence
    incompetent incompetente incompetents inadmissible incroyable indecent indisponible individu infirmier
    infirmiere information informations injoignable inscription inspecteur inspectrice instruction interlocuteur
    interlocutrice internet inutile invalidite irrespect j' jamais janvier je jeudi jeune jeunes jouer jour
    journee jours juge juillet juin jury juste justement justice kafkaien l' la lamentable laquelle le lequel les
    lettre leur leurs lettre libre lieu ligne liquidation livraison locataire logement loi loin long longue
    longueur lors lorsque lui lundi ma madame mademoiselle magistrat mai mail mails maintenant mairie maire mais
    maison mal malade maladie malgre malheureusement maman mandataire manque marche mardi mari mariage mars matin
    mauvais mauvaise me mechant medecin medical medicale medaille medias mediateur mediatrice meilleur meilleure
    melle membre meme mention merci mercredi mere mes mesdames message messages messieurs messagerie mesure mi
    midi mieux ministre mise mlle mme modification moi moindre moins mois moment mon monde monsieur montant mort
    mot moyens mr mutuelle n' naissance national nationale nationalite navre ne ni nom non nos notaire note notre
    nous nouveau nouvel nouvelle novembre nul nulle numero numeros obtention octobre office oh on ont onze
    ordonnance or orientation ou oui ouverture paiement papa papier papiers par parce pardon parents parfait
    parfaite parfaitement parfois part particulier parti partie pas passage passe passeport patience patient
    patiente patients pauvre pays peine pension pere periode permanence permis persevere personne personnel
    personnes personnalise pertinent petit petite petits peu peut peux photo piece pieces pile plainte plaisir
    plus plusieurs poignee point police porte poste postier pour pourquoi pourtant praticien pratique prefet
    prefete prefecture premier premiere prendre pres president presidente presque prestation prevu prime printemps
    prise probleme problemes procedure procureur professeur professionnalisme professionnel professionnelle
    professionnels promesse promis proposition psychologue public publics publique publiques puis puisque qu' quai
    qualite quand quarante quasiment quatre que quel quelle quelles quelqu'un quelque quels question questions qui
    quoi quinze rapide rapidement rapidite rappel rarement rattachement reactif reactivite rebelote reception
    receveur reclamation recommande reconnaissance record recours rectification redevance reference referente
    referent refus region regularisation rejet relance relation rembourse remboursement remerciement remerciements
    remercie rencontre rendez renouvellement renseignement renseignements reponse reponses reprise reseau
    responsable responsables reste resultat retard retour retraite retraitee retraites reunion revanche revoir
    rien robot rural s' sa sage saluer salut salutations samedi sans sante satisfait satisfaite satisfaction sauf
    savoir scandale scandaleux se secretaire secretariat secours sejour selon semaine semaines senateur septembre
    sept serait sera serieux service services ses seul seule seulement si signataire signature signe simple
    simplicite site six soeur soi soigneuse soin soir soit soixante solde solution sommes son sont sortie souci
    soucis sourire sous soussigne soussignee souvent special statut stop suite suis suivi super superbe superieur
    superieure sur surtout svp sympa sympathique syndic systeme ta talentueux tant tante tard te telephone
    telephonique temps temoignage ter titre titulaire ton top toujours tous tout toute toutefois toutes transfert
    traitement travail travaux tres tribunal trimestre triste trois trop trouve tu tuteur tutrice un une
    uniquement urgence urgent usager usagere usagers utile va vacances valide valeur vendeur vendredi verification
    versement veritable veuf veuve veuillez vers via victime vie vient vieille vieux ville vingt virement visite
    voici voie voila voir voire voisin voisine voiture vol vos votre vous vraie vraiment vrai vue week y zero
    explication explications accompagnement amabilite gentillesse ecoute disponibilite disponible disponibles
    patiente pro courtois courtoise courtoisie chaleureuse chaleureusement parfaitement compris accueilli recu
    recue aidee aide reçue grandement infiniment oublie toutes compagne compagnon concubin concubine cadet cadette
    aine ainee jumeau jumelle bebe petite-fille petit-fils neveu niece cousin cousine oncle parrain marraine
    beau-pere belle-mere gendre bru tante defunt defunte decede feu mademoiselle monsieur-dame inconnu inconnue
    urbanisme accueil-caf numero-vert honorable honoraires rdv svp stp bjr slt cdlt cordialt mme. sociale sociaux
    social noel
    """)
