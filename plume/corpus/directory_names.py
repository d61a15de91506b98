"""Names of networks and services: the State's directory of public services and the export of reviews differ in them."""

import re

from plume.french.vocabulary import rows

# Code of the directory -> network, as the platform's export names it.
NETWORKS = {row["code"]: row["network"] for row in rows("directory_networks")}

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
