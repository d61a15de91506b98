import pytest

from plume.checks.facts import (
    invented_amounts,
    invented_articles,
    invented_dates,
    invented_deadlines,
)
from plume.checks.placeholders import invented_placeholders

CHECKS = {
    "amounts": invented_amounts,
    "dates": invented_dates,
    "deadlines": invented_deadlines,
    "articles": invented_articles,
    "placeholders": invented_placeholders,
}

INVENTED = [
    ("amounts", "soit 120 € par mois", "120 €"),
    ("amounts", "soit 1\u202f200,50\u00a0euros", "1 200,50 euros"),
    ("amounts", "une aide de deux cents euros", "deux cents euros"),
    ("amounts", "une majoration de 10 %", "10 %"),
    ("amounts", "un budget de 3 millions d’euros", "3 millions d'euros"),
    ("dates", "avant le 12 mars 2024", "12 mars 2024"),
    ("dates", "dès le 1er juin", "1er juin"),
    ("dates", "le 12/03/2024 à la mairie", "12/03/2024"),
    ("dates", "la réforme de 2021", "2021"),
    ("dates", "à partir de septembre 2023", "septembre 2023"),
    ("dates", "une ouverture en novembre", "en novembre"),
    ("dates", "ouvert de 8h30 à 17 h", "de 8h30"),
    ("deadlines", "sous 15 jours", "15 jours"),
    ("deadlines", "dans un délai de deux mois", "deux mois"),
    ("deadlines", "sous une semaine", "une semaine"),
    ("deadlines", "sous 48 h", "48 h"),
    ("deadlines", "de 2 à 3 semaines", "2 à 3 semaines"),
    ("deadlines", "après 6 mois d’attente", "6 mois"),
    ("articles", "selon l’article L. 161-17-2 du code", "article L. 161-17-2"),
    ("articles", "l’art. 15 de ce règlement", "art. 15"),
    ("articles", "la loi n° 2000-321", "loi n° 2000-321"),
    ("articles", "vu R. 123-4", "R. 123-4"),
    ("placeholders", "Bonjour [USAGER],", "[USAGER]"),
    ("placeholders", "au [TEL]", "[TEL]"),
    ("placeholders", "[Nom de l’agent]", "[Nom de l'agent]"),
    ("placeholders", "le dossier XXXX", "XXXX"),
    ("placeholders", "à adresser à (adresse du service à insérer ici)", "(adresse du service à insérer ici)"),
    ("placeholders", "Bonjour {prenom}", "{prenom}"),
]


@pytest.mark.parametrize(("name", "draft", "quoted"), INVENTED)
def test_an_invented_fact_is_found_and_quoted(case, name: str, draft: str, quoted: str) -> None:
    passed, detail, *_ = CHECKS[name](case(draft))
    assert not passed
    assert f"« {quoted} »" in detail


@pytest.mark.parametrize(("name", "draft", "_"), INVENTED)
def test_the_same_fact_is_no_invention_where_review_or_prompt_holds_it(case, name: str, draft: str, _: str) -> None:
    assert CHECKS[name](case(draft, review=f"Je dis : {draft}."))[0]
    assert CHECKS[name](case(draft, prompt=f"Avis : {draft}"))[0]


@pytest.mark.parametrize(
    ("name", "draft", "review"),
    [
        ("amounts", "ces 1 200 €", "on me réclame 1200 euros"),
        ("amounts", "ces deux cents euros", "j’ai perdu 200€"),
        ("dates", "depuis mars", "déposé le 12/03/2024"),
        ("dates", "votre demande du 12 mars", "déposé le 12/03/2024"),
        ("dates", "votre demande de février 2023", "faite en fevrier 2023"),
        ("dates", "votre rendez-vous de 9h30", "rdv à 9 h 30"),
        ("deadlines", "ces deux mois d’attente", "j’attends depuis 2 mois"),
        ("deadlines", "ces 48 heures", "sous deux jours"),
        ("deadlines", "après une semaine", "après 7 jours"),
        ("deadlines", "ces quinze jours", "ces deux semaines"),
        ("deadlines", "sous soixante jours", "le délai est de deux mois"),
        ("articles", "l’article L.161-17", "vu l’article L 161-17 du code"),
        ("placeholders", "Bonjour [USAGER],", "[USAGER] Le guichet était fermé"),
    ],
)
def test_facts_are_compared_by_value(case, name: str, draft: str, review: str) -> None:
    assert CHECKS[name](case(draft, review))[:2] == (True, "rien à signaler")


@pytest.mark.parametrize(
    ("name", "draft", "review"),
    [
        ("amounts", "ces 120 €", "il manque 12 €"),
        ("amounts", "un taux de 12 %", "il manque 12 €"),
        ("dates", "le 12 mars 2024", "déposé le 12 mars"),  # the year was added
        ("dates", "le 13 mars", "déposé le 12/03/2024"),
        ("deadlines", "sous 2 semaines", "j’attends depuis 2 mois"),
        ("deadlines", "de 2 à 3 mois", "j’attends depuis 2 mois"),
        ("articles", "l’article L. 161-18", "l’article L. 161-17"),
        ("placeholders", "[AGENT_2]", "[AGENT_1]"),
    ],
)
def test_a_changed_fact_is_an_invention(case, name: str, draft: str, review: str) -> None:
    assert not CHECKS[name](case(draft, review))[0]


@pytest.mark.parametrize(
    ("name", "draft"),
    [(name, "") for name in CHECKS]
    + [
        ("amounts", "Nos équipes sont mobilisées à 100 %, vos 3 avis comptent."),
        ("amounts", "Appelez le 0 809 401 401 euh"),
        ("dates", "Le service est ouvert 24h/24 et 7j/7."),
        ("dates", "Nous avons lu 2000 avis ; les 2 000 €."),
        ("deadlines", "Une réponse dans les meilleurs délais, un jour prochain, 24 h/24 et 7 jours sur 7."),
        ("deadlines", "Mettre à jour, une bonne journée, de 9h à 18h"),
        ("articles", "Nous avons lu votre article de presse et les articles de loi."),
        ("placeholders", "Voir [la page](adresse) (rubrique Contact), merci !"),
        ("placeholders", "Joignez le formulaire (document à compléter en ligne)."),
    ],
)
def test_ordinary_text_holds_no_fact(case, name: str, draft: str) -> None:
    assert CHECKS[name](case(draft))[:2] == (True, "rien à signaler")


def test_the_digits_of_a_contact_are_no_date(case) -> None:
    assert invented_dates(case("au 01.02.03.04.05 ou sur exemple.fr/2021/03-04"))[0]


@pytest.mark.parametrize(
    ("name", "draft", "review"),
    [
        ("deadlines", "vingt-cinq minutes d’attente", "convoquée à 9h15, reçue à 9h40"),
        ("deadlines", "deux heures le jeudi", "ouvert le jeudi de 9h à 11h"),
        ("deadlines", "trois mois d’attente", "déposé le 12 janvier, réponse le 12 avril"),
        ("deadlines", "deux ans d’attente", "demandé en 2021, refusé en 2023"),
        ("deadlines", "ces quinze jours", "depuis le 1er septembre, nous sommes le 15"),
        ("deadlines", "deux jours par semaine", "ouvert le mercredi et le samedi"),
        ("deadlines", "près d’une heure d’attente", "rendez-vous à 9h, reçue à 9h55"),
        ("deadlines", "dix minutes avant minuit", "le site a planté à 23h50"),
        ("deadlines", "trois secondes", "répondu en 3 s"),
        ("deadlines", "cette heure et dix minutes sous la pluie", "attendu 1h10"),
        ("deadlines", "onze ans d’attente", "11e année d’attente"),
        ("deadlines", "six semaines d’attente", "complet depuis 6 sem"),
        ("deadlines", "9 heures reçues", "plan à 22 h par mois, on n’en reçoit que 9"),
        ("dates", "dix minutes avant minuit", "le site a planté à 23h50"),
        ("dates", "reçue à 9 h 20", "rendez-vous à 9 heures, vingt minutes de retard"),
        ("dates", "avant huit heures", "à 7h42 il y avait déjà la queue"),
        ("dates", "ni le samedi ni le dimanche", "fermé le week-end"),
        ("dates", "depuis le printemps", "j’attends depuis mars"),
        ("dates", "à trois heures de l’après-midi", "fermé à 15h"),
        ("amounts", "cent onze euros au total", "payé 86 € puis 25 €"),
        ("amounts", "cinquante euros de plus", "le loyer passe de 480 à 530 euros"),
        ("amounts", "un tiers de la somme", "rendu 30 € sur 90 €"),
        ("amounts", "trente euros", "refusé 3 fois, 10 € chaque fois"),
        ("amounts", "plus de 1 200 euros", "on me doit 1 234,56 €"),
        ("amounts", "une baisse de moitié", "ma prime divisée par deux"),
    ],
)
def test_what_follows_from_the_review_is_no_invention(case, name: str, draft: str, review: str) -> None:
    assert CHECKS[name](case(draft, review))[0]
    assert not CHECKS[name](case(draft, "Rien ne va plus."))[0]


@pytest.mark.parametrize(
    ("draft", "review"),
    [
        ("Réponse sous deux heures.", "ouvert le jeudi de 9h à 11h"),
        ("Le délai est de trois mois.", "déposé le 12 janvier, réponse le 12 avril"),
        ("La personne dispose de deux mois pour agir.", "demandé en mai, refusé en juillet"),
    ],
)
def test_a_term_to_come_follows_from_nothing(case, draft: str, review: str) -> None:
    assert not invented_deadlines(case(draft, review))[0]


@pytest.mark.parametrize(
    "draft",
    [
        "Avant vingt-cinq ans, le RSA reste encadré.",
        "L’aide court jusqu’aux vingt ans de l’enfant.",
        "L’école accueille dès 3 ans, l’âge légal est à 64 ans.",
        "Les jeunes de 16 à 25 ans et les plus de 60 ans y ont droit.",
        "Merci d’avoir pris cinq minutes ; une minute suffit à changer une journée.",
        "Après une nuit de garde, marcher pèse.",
        "En cas de doute sur une année, un conseiller explique comment valider un trimestre.",
    ],
)
def test_an_age_of_a_rule_and_an_idiom_are_no_deadline(case, draft: str) -> None:
    assert invented_deadlines(case(draft))[0]


@pytest.mark.parametrize("draft", ["La carte vaut quinze ans.", "un bail de 12 ans", "un délai porté à quinze ans"])
def test_years_that_last_are_a_length_of_time(case, draft: str) -> None:
    assert not invented_deadlines(case(draft))[0]
