"""Define what a page of items shows: filters, order, page. They are the address's query: every view has a link."""

import re
from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

MISSING = "missing"  # stands among the checks: there is no draft
_TERM = re.compile(r'"([^"]+)"|(\S+)')
_Name = Annotated[str, Field(max_length=200)]

CHANGES = {
    "fails": "échoue",
    "lost": "échoue, la référence réussit",
    "won": "réussit, la référence échoue",
    "passes": "réussit (tous, si aucun n’est choisi)",
}
UNSORTED = "comme dans le jeu de données"
SORTS = {
    "lost": "contrôles perdus, le plus d’abord",
    "won": "contrôles gagnés, le plus d’abord",
    "fails": "échecs, le plus d’abord",
    "longest": "avis, le plus long d’abord",
    "shortest": "avis, le plus court d’abord",
    "gap": "écart de longueur des brouillons",
    "id": "numéro de l’avis",
}
LENGTHS = {"court": "court", "moyen": "moyen", "long": "long"}
NOTED = {"yes": "avec une note", "no": "sans note"}


class Filters(BaseModel):
    """The query of an address. What is empty does not filter; an unknown key or value is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: _Name = ""  # words, all of which must stand in the item; "a phrase" in quotation marks
    check: _Name = ""  # a measure, or MISSING
    change: Literal["", "fails", "lost", "won", "passes"] = ""
    system: Annotated[str, Field(pattern="^[0-9]{0,2}$")] = ""  # its place among those shown
    network: _Name = ""
    sentiment: _Name = ""
    length: Literal["", "court", "moyen", "long"] = ""
    noted: Literal["", "yes", "no"] = ""
    sort: Literal["", "lost", "won", "fails", "longest", "shortest", "gap", "id"] = ""
    against: Annotated[str, Field(pattern="^([0-9]{0,2}|reply|none)$")] = ""  # what words are compared with
    page: Annotated[int, Field(ge=1, le=10**6)] = 1

    def query(self, **changes: object) -> str:
        """Write the query of this view with some changes; what is empty or usual is left out."""
        said = self.model_dump() | changes
        return urlencode({key: value for key, value in said.items() if value != "" and (key, value) != ("page", 1)})

    @property
    def chosen(self) -> "Filters":
        """What decides which items are shown in which order, whatever the page."""
        return self.model_copy(update={"page": 1, "against": ""})

    @property
    def terms(self) -> list[str]:
        return [phrase or word for phrase, word in _TERM.findall(self.text)]
