"""A study that is served: in this process, with a clock of the test's and a masker that takes no time."""

from dataclasses import dataclass, field

import pytest

from eval.study.people import ORGANISER
from eval.study.store import Store


@dataclass
class Served:
    store: Store
    address: str
    links: dict[str, str] = field(default_factory=dict)

    def path(self, holder):
        """The path below which a holder's pages are."""
        if holder not in self.links:
            self.links[holder] = self.store.people.new_link(holder)
        return f"/{'o' if holder == ORGANISER else 'a'}/{self.links[holder]}"

    def url(self, holder):
        return self.address + self.path(holder)


@pytest.fixture
def serve_study(open_store, served):
    """serve_study(agents, items, …) -> a study that a real server answers for, in a thread."""

    def serve(*args, **decided):
        from eval.study.server.app import make_app

        store = open_store(*args, **decided)
        return Served(store, served(make_app(store)))

    return serve


@pytest.fixture
def ask_study(open_store):
    """ask_study(agents, items, …) -> the study, and a client that asks its app without a port."""

    def ask(*args, **decided):
        from fastapi.testclient import TestClient

        from eval.study.server.app import make_app

        store = open_store(*args, **decided)
        client = TestClient(make_app(store), base_url="http://127.0.0.1:8500", follow_redirects=False)
        return Served(store, "http://127.0.0.1:8500"), client

    return ask
