"""`plume eval study serve`: links are printed once, what is wrong is one line, a restart keeps them."""

import re
import signal
import subprocess
import sys

import httpx
import pytest

from eval.study.server import serve as served
from eval.study.store import Store
from plume.errors import InputError


@pytest.fixture
def quick(monkeypatch):
    """Serving without the seconds that loading the pseudonymiser takes, and without waiting for Ctrl-C; what is said.

    What is appended to the second list is done with the app, while it is served.
    """
    said, visits = [], []
    monkeypatch.setattr(served, "Store", lambda folder: Store(folder, mask=str))
    monkeypatch.setattr(served, "say", said.append)

    def run(app, host, port, tell):
        tell(f"http://{host}:{port}")
        for visit in visits:
            visit(app)

    monkeypatch.setattr(served, "run", run)
    return said, visits


def test_links_are_printed_once_and_replaced_when_asked(make_study, quick):
    folder, (said, _) = make_study(4, 4), quick
    served.serve(folder, "127.0.0.1", 8500)
    assert [line.partition(": ")[0] for line in said[:5]] == ["organiser", "A001", "A002", "A003", "A004"]
    assert all(re.fullmatch(r"\w+: http://127.0.0.1:8500/[ao]/[\w-]{32}", line) for line in said[:5])
    first = said[:5]
    said.clear()
    served.serve(folder, "127.0.0.1", 8500)
    assert said[0] == "links that were printed before still hold: 5; --new-links replaces all of them"
    said.clear()
    served.serve(folder, "127.0.0.1", 8500, new_links=True)
    assert not {line.rpartition("/")[2] for line in first} & {line.rpartition("/")[2] for line in said}
    assert not any(line.rpartition("/")[2].encode() in (folder / "study.sqlite").read_bytes() for line in said[:5])


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://etude.example.fr/", "https://etude.example.fr"),
        ("https://etude.example.fr:443", "https://etude.example.fr"),
        ("https://Étude.example.fr:8443", "https://xn--tude-9oa.example.fr:8443"),
    ],
)
def test_behind_a_proxy_links_and_forms_are_of_its_address(make_study, quick, url, origin):
    from fastapi.testclient import TestClient

    said, visits = quick

    def visit(app):
        (link,) = re.findall(rf"A001: {origin}(/a/\S+)", "\n".join(said))
        client = TestClient(app, base_url="http://127.0.0.1:8500", follow_redirects=False)  # as the proxy asks
        token = re.search(r'name="token" value="(\w+)"', client.get(link).text)[1]
        ours = {"origin": origin, "sec-fetch-site": "same-origin"}
        done.append(client.post(f"{link}/accord", data={"token": token}, headers=ours).status_code)

    done = []
    visits.append(visit)
    served.serve(make_study(4, 4), "127.0.0.1", 8500, url=url)
    assert done == [303]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"host": "0.0.0.0"}, r"by which address agents reach it, such as --url http://\S+:8500$"),
        ({"url": "https://etude.example.fr/here"}, "scheme and host alone are wanted"),
        ({"url": "etude.example.fr"}, "scheme and host alone are wanted"),
        ({"url": "http://["}, "scheme and host alone are wanted"),
        ({"url": "https://etude.example.fr:eight"}, "scheme and host alone are wanted"),
        ({"url": "https://me@etude.example.fr"}, "scheme and host alone are wanted"),
        ({"url": "https://etude..fr"}, "scheme and host alone are wanted"),
    ],
)
def test_an_address_that_nobody_could_use_is_refused(make_study, quick, options, words):
    options = {"host": "127.0.0.1", "port": 8500} | options
    with pytest.raises(InputError, match=words):
        served.serve(make_study(4, 4), **options)


def test_what_is_no_study_is_refused_before_the_wait(tmp_path):
    with pytest.raises(InputError, match="make one with: plume eval study plan"):
        served.serve(tmp_path, "127.0.0.1", 0)


def test_the_command_serves_until_it_is_interrupted(make_study):
    """As users start it: the pseudonymiser is loaded, what is typed is masked, Ctrl-C ends it, no line has a text."""
    folder = make_study(4, 4)
    command = [sys.executable, "-m", "plume.cli", "eval", "study", "serve", str(folder), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        told = [process.stdout.readline() for _ in range(6)]
        link = told[1].partition(": ")[2].strip()
        token = re.search(r'name="token" value="(\w+)"', httpx.get(link).text)[1]
        assert httpx.post(f"{link}/accord", data={"token": token}).status_code == 303
        page = httpx.get(f"{link}/suite?partie=draft").text + httpx.get(f"{link}/suite?partie=blank").text
        number = re.search(r"/taches/(\d+)/", page)[1]
        headers = {"X-Plume-Token": token, "accept": "application/json"}
        tab = httpx.post(f"{link}/taches/{number}/onglet", json={}, headers=headers).json()["tab"]
        sent = {"tab": tab, "sequence": 1, "text": "Bonjour, appelez Mme Durand au 06 12 34 56 78."}
        sent |= {"active_seconds": 1, "pauses": [], "keystrokes": 1, "pasted_characters": 0}
        httpx.post(f"{link}/taches/{number}/envoi", json=sent, headers=headers).raise_for_status()
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Durand" not in out + err
    assert all(line.startswith("loading what masks personal data") for line in err.splitlines())
    with Store(folder, mask=str) as store:
        assert store.db.one("SELECT text FROM answer")["text"] == "Bonjour, appelez Mme [AGENT_1] au [TEL]."
