"""Whole classes of phrasings, written with the rules: what each check must stop, and let pass, besides the gold."""

import pytest

from plume.checks import facts, form, language, placeholders, privacy, residue, signature
from plume.checks.registry import CHECKS

BODY = "Bonjour,\n\nNous vous remercions de votre message. Nous regrettons cette attente."

LEAKS = [
    "Merci à Aurélie Schmitt pour son accueil.",
    "Le dossier Vasseur est suivi.",
    "Nous avons vu Fatoumata Diallo à l'accueil.",
    "Votre conseiller Karim saura vous aider.",
    "Le rendez-vous avec Dimitri était utile.",
    "M. Le Goff vous a reçu.",
    "Votre fils Enzo peut venir.",
    "Bonjour Titoune45480,",
    "Bonjour Sandrine,",
    "Bonjour Madame Vasseur,",
    "Écrivez à sandrine.vasseur@caf-exemple.fr.",
    "Votre numéro d'allocataire 1234567 est connu.",
    "Votre IBAN FR76 3000 6000 0112 3456 7890 189.",
    "Vous habitez 14 rue des Tilleuls à Vesoul.",
    "Votre mère de 88 ans, atteinte d'un cancer.",
    "Vous êtes née le 12/03/1954.",
    "Votre diabète complique la situation.",
    "La plaque AB-123-CD est enregistrée.",
    "Comme Jean-Pierre Lambert l'a indiqué.",
    "Nguyen Thi Linh vous a accueilli.",
    "Monsieur Yılmaz vous a reçu.",
    "Nathalie vous recevra.",
    "Votre dossier n° 2023-CA-556677.",
    "Merci à Mme B. pour son aide.",
    "VASSEUR Dimitri vous a reçu.",
    "Le 04 65 71 33 80 de Mme Schmitt.",
    "Votre tuteur, Claude Merlin, peut écrire.",
    "Le docteur Petit a signé.",
    "L'agente prénommée Coralie.",
]
NO_LEAKS = [
    "La maison France services de Saint-Denis vous accueille.",
    "Le Défenseur des droits peut être saisi en ligne.",
    "L'Assurance maladie et la Caisse d'allocations familiales du Val-de-Marne.",
    "Mon Compte Formation et Parcoursup sont accessibles avec FranceConnect.",
    "MaPrimeRénov' est gérée par l'Anah, et Action Logement propose Visale.",
    "Aidants Connect, Pix et les Conseillers numériques vous aident.",
    "Chorus Pro, Cap emploi, la Mission Locale et l'Apec sont des partenaires.",
    "L'hôpital Édouard-Herriot et la Pitié-Salpêtrière.",
    "La station Charles-de-Gaulle-Étoile est desservie par la RATP.",
    "La Seine-Saint-Denis, l'Île-de-France et la Haute-Savoie.",
    "Le site Info Retraite, Pronote et le Pass Culture.",
    "La ville de Saint-Étienne, Aix-en-Provence et La Rochelle.",
    "Votre carte Vitale, le chèque énergie, la prime d'activité.",
    "Le préfet de Police et la Direction départementale des territoires.",
    "La Banque de France et la Banque Postale.",
    "Le Conseil départemental du Pas-de-Calais.",
    "La CAF de Vesoul et la CPAM de Nancy.",
    "Agents et usagers se retrouvent à la mairie de Florence.",
    "La Carsat Bretagne, l'Urssaf Rhône-Alpes et la MSA Provence Azur.",
    "Le Trésor public de Lorraine.",
    "Si vous êtes enceinte, le carnet de santé vous sera utile.",
    "Les personnes malvoyantes disposent d'une version en gros caractères.",
    "En cas de maladie chronique, un protocole est ouvert.",
    "Le centre Simone-Veil et la rue Victor Hugo.",
    "Le programme Action Cœur de Ville et le plan Vigipirate.",
    "Le portail Géorisques et l'application TousAntiCovid.",
    "Le Journal officiel, Légifrance et l'Insee.",
    "La Poste, Colissimo et Chronopost.",
    "Le service Allo Service Public répond.",
    "La borne est près du guichet de l'accueil, au bureau Louise-Michel.",
    "Le formulaire Cerfa 12101*02 est en ligne, rubrique « Mes attestations ».",
    "Les Restos du Cœur et le Secours catholique, Emmaüs ou la Croix-Rouge.",
    "Nos collègues de Pôle emploi, devenu France Travail.",
    "La Marine nationale et la Gendarmerie.",
    "Vous pouvez joindre Info Escroqueries ou Pharos.",
    "Le Point-justice de Saint-Nazaire et la Maison de la justice.",
    "Le bus de La Défense et le tramway de Rouen.",
    "Une attestation Pôle Emploi, un extrait Kbis ou un RIB.",
    "Le Téléservice Mesri, l'ENT Monlycée et Cyclades.",
    "Le Crédit municipal, Pajemploi et le Cesu.",
    "Joyeux Noël et bonne année à tous.",
    "La Sainte-Catherine, la Toussaint et Pâques.",
    "L'Ukraine, le Maroc et l'Algérie délivrent ces actes.",
    "Voici Nantes, Rennes, Lille et Martigues.",
    "Sur Internet, Google Chrome ou Mozilla Firefox conviennent.",
]


@pytest.mark.parametrize("draft", LEAKS)
def test_people_and_their_numbers_are_leaks(case, draft: str) -> None:
    assert not privacy.personal_data(case(draft if draft.startswith("Bonjour") else f"Bonjour,\n{draft}"))[0]


@pytest.mark.parametrize("draft", NO_LEAKS)
def test_bodies_places_and_programmes_are_no_leaks(case, draft: str) -> None:
    assert privacy.personal_data(case(f"Bonjour,\n{draft}"))[:2] == (True, "rien à signaler")


@pytest.mark.parametrize(
    "draft",
    [
        *("La loi portée par Simone Veil.", "Le bus Ariane passe.", "Le bâtiment Marie Curie est ouvert."),
        *("Ce livre de Marguerite Duras est réservé.", "Le ministre Lucien Ragon l'a dit.", "Ouvrez ce manuel."),
        *("Les fables de La Fontaine.", "La régie vous lira au 06 39 98 41 07.", "Le robot Albert aide."),
    ],
)
def test_things_works_and_public_people_are_no_leaks(case, draft: str) -> None:
    assert privacy.personal_data(case(f"Bonjour,\n{draft}"))[:2] == (True, "rien à signaler")


@pytest.mark.parametrize(
    "draft",
    [
        *(
            "Le bus de M. Jean Moulin passe.",
            "Le capitaine Roussel le dit.",
            "Le maréchal des logis-chef Alain Pouzergue.",
        ),
        *("La petite Zoé attend.", "Le dossier de Victor Hugon.", "La directrice Ariane vous lit.", "Merci.\nJocelyne"),
        *("Le congé de Zaïnaba Attoumani est fini.", "Votre mobile, que la mairie connaît, est le 06 39 98 41 07."),
    ],
)
def test_people_are_leaks_whatever_stands_beside_them(case, draft: str) -> None:
    assert not privacy.personal_data(case(f"Bonjour,\n{draft}"))[0]


@pytest.mark.parametrize(
    "draft",
    [
        *("le 9 du mois prochain", "mardi 12", "lundi prochain", "le douze mars", "12 janv. 2024", "03/2024"),
        *("en deux mille vingt-quatre", "14:30", "8h-12h", "ouvert de 9 à 12 heures", "à neuf heures", "jusqu'à midi"),
        *("du 3 au 12 mars", "le vingt-et-un juin", "de mai à juin", "les 2, 9 et 16 avril", "fin décembre"),
        *("ouvert à partir de 9 h", "à compter de 14 heures", "passé 17 h"),
    ],
)
def test_dates_and_times_of_day(case, draft: str) -> None:
    assert not facts.invented_dates(case(draft))[0]
    assert facts.invented_dates(case(draft, review=f"On m'a dit : {draft}."))[0]


@pytest.mark.parametrize(
    "draft",
    [
        "au Champ-de-Mars",
        "votre attente de 3 heures",
        "à 2 heures de route",
        "entre midi et deux",
        "le 15 répond",
        "24/48 h",
    ],
)
def test_no_dates(case, draft: str) -> None:
    assert facts.invented_dates(case(draft))[0]


@pytest.mark.parametrize(
    "draft",
    [
        *("accordée pour un an", "une quinzaine de jours", "deux mois et demi", "10 minutes", "J+3", "sous huitaine"),
        *("trois quarts d'heure", "24/48 h", "une demi-heure", "1 à 2 mois"),
    ],
)
def test_lengths_of_time(case, draft: str) -> None:
    assert not facts.invented_deadlines(case(draft))[0]
    assert facts.invented_deadlines(case(draft, review=f"On m'a dit : {draft}."))[0]


@pytest.mark.parametrize(
    "draft", ["quelques jours", "d'un jour à l'autre", "une semaine sur deux", "une fois par mois", "un jour prochain"]
)
def test_no_lengths_of_time(case, draft: str) -> None:
    assert facts.invented_deadlines(case(draft))[0]


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("3 euros 30", "3,30 €"),
        ("80 centimes", "0,80 €"),
        ("de 5 à 10 %", "5 % et 10 %"),
        ("2 M€", "2 millions d'euros"),
    ],
)
def test_amounts_said_otherwise(case, said: str, given: str) -> None:
    assert not facts.invented_amounts(case(said))[0]
    assert facts.invented_amounts(case(said, review=given))[0]


@pytest.mark.parametrize(
    ("draft", "found"),
    [
        ("le code civil", False),
        ("articles 12 et 13", True),
        ("la loi du 6 janvier 1978", True),
        ("règlement (UE) 2016/679", True),
        ("le code de la route", False),
        ("le code postal", False),
        ("le code d'accès", False),
    ],
)
def test_laws_and_codes(case, draft: str, found: bool) -> None:
    assert facts.invented_articles(case(draft))[0] is not found


@pytest.mark.parametrize(
    ("draft", "found"),
    [
        ("___ %", True),
        ("XX €", True),
        ("<nom de l'usager>", True),
        ("(à préciser)", True),
        ("JJ/MM/AAAA", True),
        ("SERVICE_DEPARTEMENT", True),
        ("[sic]", False),
        ("copies [une par document]", False),
        ("ouvert tous les jours [sauf le lundi]", False),
        ("[votre nom]", True),
        ("[date du rendez-vous]", True),
        ("[…]", False),
        ("(nom, prénom)", False),
        ("(gratuit)", False),
    ],
)
def test_slots(case, draft: str, found: bool) -> None:
    assert placeholders.invented_placeholders(case(draft))[0] is not found


@pytest.mark.parametrize(
    ("draft", "greets"),
    [
        ("Cher(e) usager(e),", True),
        ("Mesdames et Messieurs,", True),
        ("Madame la Directrice,", True),
        ("M. Petit,", True),
        ("Chers tous,", True),
        ("Monsieur le maire vous répond.", False),
        ("Mme la maire a décidé", False),
        ("Monsieur Petit a bien raison, nous", False),
    ],
)
def test_greetings(case, draft: str, greets: bool) -> None:
    assert form.greeting(case(draft))[0] is greets


@pytest.mark.parametrize(
    ("end", "signs"),
    [
        ("\n\nL'équipe France Services.", True),
        ("\n\nSophie", True),
        ("\n\nCAF de Paris", True),
        ("\nJ. Martin", True),
        (" Avec toute notre considération.", True),
        (" – L'équipe de la CAF.", True),
        ("\nCdt", True),
        ("\nBonne journée à vous", True),  # without a full stop it is a letter's last line, no sentence
        ("\nBonne journée à vous.", False),
        (" Merci. L'équipe de la mairie.", True),
        (" Le greffe délivre la copie.", False),
        ("\nRestant à votre disposition.", True),
        ("\nNous restons à votre disposition.", False),
        (" En espérant avoir répondu à votre demande.", True),
        (" Dans l'attente de la carte, une attestation suffit.", False),
        ("\nP. L.-M.", True),
        ("\nLe commandant de brigade.", True),
        ("\nVous pouvez écrire au :\nservice des titres\nbureau 12", False),
        ("\nMerci", False),
        ("\nL'équipe vous remercie.", False),
        (" Veuillez accepter nos excuses.", False),
        ("\n- le guichet\n- la mairie", False),
    ],
)
def test_ends(case, end: str, signs: bool) -> None:
    assert signature.signature(case(BODY + end))[0] is not signs


@pytest.mark.parametrize(
    ("draft", "left"),
    [
        ("(95 mots)", True),
        ("(Texte empathique — 81 mots)", True),
        ("Réponse générée automatiquement", True),
        ("une attestation générée automatiquement", False),
        ("Bien sûr ! Voici", True),
        ("**Réponse :**", True),
        ("<br>", True),
        ("je suis une IA", True),
        ("Voici les démarches :", False),
        ("selon les instructions de la notice", False),
        ("Rappel : le guichet ferme", False),
        ("Cette réponse n'est pas satisfaisante", False),
        ("respecter les consignes de sécurité", False),
        ("Je vous propose ce texte :\n\nBonjour,", True),
        ("Bonjour,\n\nMerci.\n\nBonjour, merci.", True),
        ("Bonjour,\n\n- vouvoiement", True),
        ("Bonjour,\n\nN.B. pour l'agent : vérifier la date.", True),
        ("Le texte ci-dessus n'engage pas le service.", True),
        ("N'étant qu'un programme, je ne ressens rien.", True),
        ("Mes informations s'arrêtent en mars.", True),
        ("Dites-moi si vous préférez un texte plus court.", True),
        ("Remercie l'usager de son avis.", True),
        ("le <date>", False),
        ("En tant qu'assistante maternelle, vous", False),
        ("Ce courrier a été rédigé dans une langue trop technique.", False),
        ("Souhaitez-vous un rendez-vous ?", False),
        ("Un devis gratuit et sans engagement vous sera remis.", False),
    ],
)
def test_residue(case, draft: str, left: bool) -> None:
    assert residue.residue(case(draft))[0] is not left


def test_a_prompt_of_bare_facts_may_be_quoted(case) -> None:
    fact = "code des relations entre le public et l'administration"
    assert residue.residue(case(f"Le {fact} le prévoit.", "merci", f"Texte utile : {fact}."))[0]


@pytest.mark.parametrize(
    ("draft", "french"),
    [
        ("Nous vous prions de, according to the rules of the service that you have asked for, revenir ensuite.", False),
        ("Bonjour merci de votre avis. Спасибо за ваш отзыв.", False),
        ("Obrigado pela sua mensagem e pelo seu pedido ao serviço.", False),
        ("Nous utilisons le service de click and collect et la newsletter du Wi-Fi.", True),
    ],
)
def test_languages(case, draft: str, french: bool) -> None:
    assert language.in_french(case(draft))[0] is french


@pytest.mark.parametrize(
    ("check", "draft", "stops"),
    [
        ("dates", "Une permanence se tient le jeudi.", True),
        ("dates", "La règle a changé l'été dernier.", True),
        ("dates", "Le mot de passe a expiré.", False),
        ("deadlines", "Un renouvellement est possible tous les deux ans.", True),
        ("deadlines", "Votre message a mis du soleil dans la journée.", False),
        ("articles", "La loi de financement de la sécurité sociale l'impose.", True),
        ("articles", "L'arrêté est affiché en mairie.", False),
        ("amounts", "Les 150 premiers euros sont mis de côté.", True),
        ("amounts", "La moitié des usagers préfère écrire.", False),
        ("contacts", "La déchèterie se trouve chemin des Prés, n° 14.", True),
        ("personal_data", "Votre nom de naissance, Vasseur, sera repris.", True),
        ("personal_data", "Écrivez à la régie, 2 impasse du Moulin, 99000 Villexemple.", False),
        ("placeholders", "Le service <NOM DU SERVICE> reste à l'écoute.", True),
        ("placeholders", "Laissez le champ [Complément] vide.", False),
        ("residue", "Longueur : conforme. Étape concrète : oui.", True),
        ("residue", "Étape suivante : déposer la demande.", False),
    ],
)
def test_families_of_two_spent_sets(case, check: str, draft: str, stops: bool) -> None:
    assert CHECKS[check].ask(case(f"{BODY} {draft}")).passed is not stops
