import pytest

from plume.checks.contacts import invented_contacts


@pytest.mark.parametrize(
    ("draft", "quoted"),
    [
        ("Appelez le 01 23 45 67 89.", "01 23 45 67 89"),
        ("au 01.23.45.67.89 de 9h à 17h", "01.23.45.67.89"),
        ("au +33 1 23 45 67 89", "+33 1 23 45 67 89"),
        ("au 0 800 123 456 (gratuit)", "0 800 123 456"),
        ("au 01\u00a023\u00a045\u202f67\u00a089", "01 23 45 67 89"),
        ("Composez le 39 99, puis 1.", "39 99"),
        ("contactez le 3949.", "3949"),
        ("Appelez le 17.", "17"),
        ("au +32 2 123 45 67", "+32 2 123 45 67"),
        ("Écrivez à contact@inconnu-exemple.org.", "contact@inconnu-exemple.org"),
        ("contact (at) inconnu-exemple.org", "contact (at) inconnu-exemple.org"),
        ("voir www.inconnu-exemple.fr/aide.", "www.inconnu-exemple.fr/aide"),
        ("voir https://bit.ly/3abcde", "https://bit.ly/3abcde"),
        ("sur inconnu-exemple.fr", "inconnu-exemple.fr"),
        ("sur reclamations.service-public.gouv.fr", "reclamations.service-public.gouv.fr"),
        ("sur carte.assure.ameli.fr", "carte.assure.ameli.fr"),
        ("demandez le poste 4127", "poste 4127"),
        ("un SMS au 31 003 suffit", "SMS au 31 003"),
    ],
)
def test_an_invented_contact_is_found_and_quoted(case, draft: str, quoted: str) -> None:
    passed, detail, *_ = invented_contacts(case(draft))
    assert not passed
    assert f"« {quoted} »" in detail


@pytest.mark.parametrize(
    "draft",
    [
        "",
        "[TEL]",
        "Contactez le 36 46, ou le +33 809 401 401.",
        "Écrivez à Accueil@caisse-exemple.fr.",
        "sur www.ameli.fr/assure ou assure.ameli.fr, rubrique Contact",
        "sur https://www.impots.gouv.fr/particulier",
        "sur assure.ameli.fr, amendes.gouv ou rhone.gouv.fr",
        "un poste de police, le poste 35 heures, reçus à deux, rue Paul-Valéry",
    ],
)
def test_what_the_directory_lists_may_be_given(case, draft: str) -> None:
    assert invented_contacts(case(draft))[:2] == (True, "rien à signaler")


@pytest.mark.parametrize(
    ("draft", "review", "prompt"),
    [
        ("au 01.23.45.67.89", "injoignable", "Contacts officiels : +33 (0)1 23 45 67 89\nAvis : injoignable"),
        ("à aide@exemple.org", "", "Contact : AIDE@exemple.org"),
        ("sur exemple.org", "", "voir https://www.exemple.org/page/2"),
        ("sur https://exemple.org/page/2", "", "voir www.exemple.org/page/2."),
    ],
)
def test_what_the_prompt_holds_may_be_repeated(case, draft: str, review: str, prompt: str) -> None:
    assert invented_contacts(case(draft, review, prompt))[0]


@pytest.mark.parametrize(
    ("told", "rule"),
    [
        ("01 23 45 67 89", "phone."),
        ("0 899 23 45 67", "contact.premium-number"),
        ("32 99", "contact.premium-number"),
        ("ameIi.fr", "contact.look-alike-site"),
        ("aide@ameli-remboursement.com", "contact.look-alike-site"),
        ("impots-gouv.net", "contact.look-alike-site"),
        ("exemple.org", "contact.site"),
    ],
)
def test_the_review_is_no_source_of_contacts(case, told: str, rule: str) -> None:
    review = f"On m'a dit : {told}, <b>c'est vrai ?</b>"
    prompt = f"Service : Accueil\nTitre : {told}\nAvis : On m'a dit : {told}, < b>c'est vrai ?< /b>"
    answer = invented_contacts(case(f"Contactez le {told}.", review, prompt))
    assert not answer.passed
    assert answer.rules[0].startswith(rule)


def test_a_longer_path_on_a_given_site_is_invented(case) -> None:
    assert not invented_contacts(case("sur exemple.org/remboursement", "", "voir exemple.org"))[0]


@pytest.mark.parametrize(
    "draft",
    [
        "Nous avons reçu 3 400 avis et traité le 3000e dossier.",
        "La demande n° 2024 du 12/03/2024 à 14 h 30",
        "soit 3 200 € au 3 100 % près",
        "Le 15 octobre et le 17 mai. Le service traite 3949 demandes.",
        "Merci.Nous vous répondons, etc.Bonne journée",
        "NIR 1 85 05 78 006 084 36",
        "Le simulateur M@rel reste accessible.",
    ],
)
def test_other_figures_and_dots_are_no_contacts(case, draft: str) -> None:
    assert invented_contacts(case(draft))[:2] == (True, "rien à signaler")


@pytest.mark.parametrize(
    ("draft", "quoted"),
    [
        ("Notre agence se trouve au 12 rue de la République, 59000 Lille.", "12 rue de la République"),
        ("Notre agence se trouve au 12 rue de la République, 59000 Lille.", "59000 Lille"),
        ("Rendez-vous au 3, place de la mairie.", "3, place de la mairie"),
        ("Écrivez au 45\u00a0bis, avenue du Général de Gaulle.", "45 bis, avenue du Général de Gaulle"),
        ("Nos bureaux : 14-16 R. DES LILAS 44 000 NANTES", "44 000 NANTES"),
        ("Venez au douze, rue des Acacias.", "douze, rue des Acacias"),
        ("au 127 Grand-Rue", "127 Grand-Rue"),
        ("au 5, bd Voltaire", "5, bd Voltaire"),
        ("au 10 rue du 8 mai 1945", "10 rue du 8 mai 1945"),
        ("Présentez-vous au guichet, rue Nationale, le matin.", "rue Nationale"),
        ("Écrivez à : BP 123, 59863 Lille Cedex 9", "BP 123"),
        ("Écrivez à : TSA 91234, 92099 La Défense Cedex", "92099 La Défense Cedex"),
        ("nos locaux, situés ZA des Quatre Vents", "ZA des Quatre Vents"),
    ],
)
def test_an_invented_postal_address_is_a_contact(case, draft: str, quoted: str) -> None:
    passed, detail, *_ = invented_contacts(case(draft, "au 12 rue Pasteur, 59100 Roubaix", "CAF du Nord"))
    assert not passed
    assert f"« {quoted} »" in detail


@pytest.mark.parametrize(
    "draft",
    [
        "Il reste 2 places de parking et 3 cours de français : vos 5 allées et venues.",
        "Le 12 mars, place à l'examen, sous 10 000 Français et 25 000 Euros, dossier 12345 Bonjour.",
        "L'article R. 111-27, cité dans votre avis, ouvre une voie de recours.",
        "Le commissariat de la rue Olympe-de-Gouges vous a reçu.",  # where something happened, no address to go to
        "Votre nouvelle adresse, 14 rue des Tilleuls, est enregistrée.",  # for the check of personal data
        "Devant le 27 chemin des Sorbiers, où vous habitez.",
    ],
)
def test_what_only_looks_like_an_address_or_is_the_citizens_is_no_contact(case, draft: str) -> None:
    assert invented_contacts(case(draft))[0]


@pytest.mark.parametrize(
    ("draft", "given"),
    [
        ("au 12 rue de la République", "CAF, 12, RUE DE LA REPUBLIQUE, 59 000 LILLE"),
        ("12, av. du Gal de Gaulle, 59000 Lille", "12 avenue du Général-de-Gaulle, 59000 Lille"),
        ("au 12 rue Pasteur Lille", "12bis rue Pasteur, Lille, ou 12 rue Pasteur"),
        ("à notre adresse, place Saint-Jean", "1 pl. St Jean"),
    ],
)
def test_an_address_that_review_or_prompt_holds_may_be_repeated(case, draft: str, given: str) -> None:
    assert invented_contacts(case(draft, given))[0]
    assert invented_contacts(case(draft, "", given))[0]
    assert not invented_contacts(case("au 13 rue Pasteur", given, given))[0]
