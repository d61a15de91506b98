"""Lines and tables of a form, and names of places before a postcode: what the rules find there."""

import pytest

LINES = (
    "nom ; âge ; droit\nDurand ; ⟦63⟧ ; refusé\nPetit ; ⟦41⟧ ; en cours",
    "Nom | Ville | Pathologie\nX | ⟦Lens⟧ | ⟦surdité profonde⟧",
    "service ; délai\nCAF ; 3 mois",
    "Pathologie : ⟦surdité de naissance⟧\nDemande : aide",
    "Allergie : néant",
    "⟦Ferme de la Houssaye⟧, ⟦61300 L'Aigle⟧, voilà",
    "Écrire : ⟦Les Quatre Vents⟧, ⟦19140 Uzerche⟧",
    "Mairie de Bellevent, 61300 L'Aigle",
)


@pytest.mark.parametrize("line", LINES)
def test_a_label_or_a_head_says_what_a_value_is(rules, line):
    parts = line.replace("⟧", "⟦").split("⟦")
    text = "".join(parts)
    names = {"Durand", "Petit", "Bellevent"}  # people and towns are for other tests
    found = [text[s.start : s.end] for s in rules.find(text) if text[s.start : s.end] not in names]
    assert found == [part for i, part in enumerate(parts) if i % 2]
