from collections.abc import Callable

import pytest

from plume.checks.case import Case
from plume.contacts import Contact, Directory


def _contact(kind: str, value: str) -> Contact:
    return Contact(None, None, kind, value, "essai", "inventé pour les tests", None)


@pytest.fixture(scope="session")
def directory() -> Directory:
    return Directory(
        (
            _contact("phone", "3646"),
            _contact("phone", "0 809 401 401"),
            _contact("email", "accueil@caisse-exemple.fr"),
            _contact("domain", "ameli.fr"),
        )
    )


@pytest.fixture
def case(directory: Directory) -> Callable[..., Case]:
    def build(draft: str, review: str = "", prompt: str = "", sentiment: str | None = None, shows=()) -> Case:
        return Case.of(draft, review, prompt, directory, sentiment, shows)

    return build
