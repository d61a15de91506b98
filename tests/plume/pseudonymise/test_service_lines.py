"""A service's own landline, mailbox and address stay; the same number or street said of a person goes."""

import pytest

from plume.contacts import Directory
from plume.pseudonymise import find_identifiers
from plume.pseudonymise.identifiers.contacts import is_public_email

OF_A_SERVICE = [
    "Le service est joignable par courriel à accueil@mairie-exemple.fr et au 01 99 00 36 00.",
    "Contactez la MDPH du département : 01 99 00 36 00.",
    "Vous pouvez également nous appeler au 01 99 00 36 00.",
    "Le greffe du tribunal judiciaire (tél. 01 99 00 36 00) vous renseignera.",
    "Le numéro d'accueil du consulat général est le +33 1 99 00 36 00.",
    "Composez le 01 99 00 36 00 de 8 h à 18 h.",
    "Votre dossier est à envoyer à : Urssaf, 6 rue des Tanneurs, 35000 Rennes.",
    "Écrivez à la commission de recours amiable, 12 rue du Moulin, 44000 Nantes.",
    "Le guichet France services, 8 place du Marché, peut vous aider.",
    "Sans rendez-vous le matin, nous vous recevons au 11 rue du Moulin, 21000 Dijon.",
    "Envoyez votre demande à l'adresse sg-relation@demarches-exemple.gouv.fr.",
]
OF_A_PERSON = [
    ("La Caf a appelé la locataire au 01 99 00 36 00 sans succès.", "TEL"),
    ("L'agence nous a rappelés sur notre ligne : mon fixe est le 01 99 00 36 00.", "TEL"),
    ("Numéro de l'usager communiqué à la Caf : 01 99 00 36 00.", "TEL"),
    ("Un agent de la mairie a tenté de vous joindre au 01 99 00 36 00.", "TEL"),
    ("Appelez-nous au 01 99 00 36 00, ma femme et moi sommes là le soir.", "TEL"),
    ("Notre conseiller est joignable à la maison au 01 99 00 36 00.", "TEL"),
    ("La préfecture a envoyé le titre 12 rue des Lilas, 35000 Rennes, par erreur.", "ADRESSE"),
    ("Le dossier transmis à la MDPH mentionne : 12 rue des Lilas, 35000 Rennes.", "ADRESSE"),
    ("La mairie est venue voir le logement, 12 rue des Lilas.", "ADRESSE"),
    ("Nous avons noté votre nouvelle adresse, 12 rue des Lilas.", "ADRESSE"),
]


@pytest.mark.parametrize("text", OF_A_SERVICE)
def test_how_a_service_is_reached_stays(text):
    assert [text[s.start : s.end] for s in find_identifiers(text)] == []


@pytest.mark.parametrize(("text", "kind"), OF_A_PERSON)
def test_how_a_person_is_reached_goes_though_a_service_is_named(text, kind):
    assert kind in {s.type for s in find_identifiers(text)}


@pytest.mark.parametrize(
    ("mailbox", "public"),
    [
        ("suivi-titres@interieur.gouv.fr", True),
        ("relation.usagers@mairie-exemple.fr", True),
        ("c.rousseau@interieur.gouv.fr", False),
        ("jeanne.service@interieur.gouv.fr", False),
        ("suivi-titres@orange.fr", False),
    ],
)
def test_a_function_is_public_below_a_public_domain_a_name_is_not(mailbox, public):
    assert is_public_email(mailbox, Directory.load()) is public
