"""The one catalogue of identifier types: their placeholders, who names an overlap, what is weak, the DPO's wording."""

from pathlib import Path

from plume.french.vocabulary import rows

CATALOGUE = rows("catalogue", Path(__file__).parent)
PERSON_TYPE = "PERSONNE"  # what detectors call a person; written as one of ROLES
ROLES = frozenset(row["type"] for row in CATALOGUE if row["role"])
PLACEHOLDERS = frozenset(row["type"] for row in CATALOGUE) - {PERSON_TYPE}
RANK = {row["type"]: int(row["priority"]) for row in CATALOGUE if row["priority"]}
ALONE = frozenset(row["type"] for row in CATALOGUE if row["alone"])
WEAK = frozenset(row["type"] for row in CATALOGUE if row["weak"])
