"""How the State's directory of public services names networks and services, and how the export of reviews does."""

import re

# Code of the directory -> network, as the platform's export names it.
NETWORKS = {
    "caf": "CAF", "cpam": "CPAM", "msa": "MSA", "carsat": "Carsat", "cnav": "CNAV", "cicas": "AGIRC-ARRCO",
    "urssaf": "URSSAF", "prefecture": "Préfecture", "sous_pref": "Préfecture", "prefecture_region": "Préfecture",
    "prefecture_greffe_associations": "Préfecture", "paris_ppp": "Préfecture",
    "sip": "Service des Impôts des particuliers", "sie": "Impots.gouv.fr", "tresorerie": "Impots.gouv.fr",
    "dd_fip": "Impots.gouv.fr", "dr_fip": "Impots.gouv.fr", "centre_impots_fonciers": "Cadastre.gouv.fr",
    "pole_emploi": "Agence France Travail (AFT)", "france_travail": "Agence France Travail (AFT)",
    "tj": "Tribunal judiciaire", "tgi": "Tribunal judiciaire", "ti": "Tribunal judiciaire",
    "tribunal_judiciaire": "Tribunal judiciaire", "tprox": "Tribunal judiciaire", "mjd": "Justice",
    "cour_appel": "Justice", "prud_hommes": "Justice", "tribunal_commerce": "Justice", "ta": "Justice", "te": "Justice",
    "gendarmerie": "Gendarmerie nationale", "commissariat_police": "Police nationale",
    "consulat": "Réseau consulaire", "ambassade": "Réseau consulaire",
    "mairie": "Mairie", "mairie_com": "Mairie", "paris_mairie": "Mairie", "ccas": "CCAS",
    "maison_handicapees": "MDPH", "msap": "France services", "france_services": "France services",
    "crous": "CROUS", "ofii": "OFII", "banque_de_france": "Banque de France", "anah": "Anah",
    "mission_locale": "Mission locale", "rectorat": "Rectorat", "cg": "Département", "cr": "Région",
}  # fmt: skip

# The directory spells names out; the export of reviews writes "CAF du Nord".
_SPELLED_OUT = (
    ("CAF", r"caisse d'allocations familiales"),
    ("CPAM", r"caisse primaire d'assurance maladie"),
    ("Carsat", r"caisse d'assurance retraite et de la sant[ée] au travail"),
    ("MSA", r"(?:caisse de )?(?:la )?mutualit[ée] sociale agricole"),
    ("SIP", r"service des imp[ôo]ts des particuliers"),
    ("URSSAF", r"union de recouvrement des cotisations de s[ée]curit[ée] sociale et d'allocations familiales|urssaf"),
)
_SHORTENED = tuple(
    (short, re.compile(rf"^(?:{spelled})(?: ?\({short}\))?(?: ?- ?| )?", re.IGNORECASE))
    for short, spelled in _SPELLED_OUT
)


def short_name(name: str) -> str:
    """A service's name as the export of reviews writes it: "CAF du Nord"."""
    plain = name.replace("’", "'")
    for short, pattern in _SHORTENED:
        if match := pattern.match(plain):
            return f"{short} {plain[match.end() :]}".strip()
    return name
