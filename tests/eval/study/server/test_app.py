"""What the study's pages answer and refuse, asked without a browser."""

import html
import re

import pytest

from eval.study import exports
from eval.study.refusal import REASONS
from eval.study.server.words import REFUSED

NOTHING = {"active_seconds": 12.5, "pauses": [11.0], "keystrokes": 9, "pasted_characters": 0}
JSON = {"accept": "application/json"}


def seen(answer):
    """A page as a reader sees it: entities and no-break spaces resolved."""
    return html.unescape(answer.text).replace("\u00a0", " ").replace("\u202f", " ")


def refusal(answer, status, words):
    assert answer.status_code == status, answer.text
    assert '<html lang="fr">' in answer.text
    assert words in seen(answer)


def token_of(answer):
    return re.search(r'name="token" value="(\w+)"|data-token="(\w+)"', answer.text).group(1, 2)


class Agent:
    """Does by hand what a browser does for one agent."""

    def __init__(self, study, client, name):
        self.client, self.here = client, study.path(name)

    def get(self, where=""):
        return self.client.get(f"{self.here}{where}")

    def token(self, where=""):
        return next(filter(None, token_of(self.get(where))))

    def begin(self, experience="novice"):
        return self.post("/accord", {"experience": experience}, self.token())

    def post(self, where, form, token=None, **headers):
        return self.client.post(f"{self.here}{where}", data=form | {"token": token or self.now()[1]}, headers=headers)

    def send(self, where, sent=None, **headers):
        token = {"X-Plume-Token": self.now()[1]}
        return self.client.post(f"{self.here}{where}", json=sent or {}, headers=JSON | token | headers)

    def now(self):
        """The page of the task whose turn it is, past its announcement, and the token."""
        page = self.get("/suite")
        if onward := re.search(r'href="\S+?(/suite\?partie=\w+)"', page.text):
            page = self.get(onward[1])
        return page, next(filter(None, token_of(page)))

    def writes(self, number, text="Bonjour, merci."):
        tab = self.send(f"/taches/{number}/onglet").json()["tab"]
        return self.send(f"/taches/{number}/envoi?partie=draft", {"tab": tab, "sequence": 1, "text": text, **NOTHING})


def number_of(page):
    return int(re.search(r"/taches/(\d+)/", page.text)[1])


@pytest.fixture
def agent(ask_study):
    study, client = ask_study(2, 2)
    agent = Agent(study, client, "A001")
    agent.store = study.store
    assert agent.begin().headers["location"] == f"{agent.here}/suite"
    return agent


def to_comparison(agent):
    for _ in range(2):
        assert agent.writes(number_of(agent.now()[0])).status_code == 200
    page, _ = agent.now()
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', page.text))
    return page, number_of(page), form


# --- the way through


def test_nothing_is_shown_before_consent_and_experience_is_asked_once(ask_study):
    study, client = ask_study(2, 2)
    agent = Agent(study, client, "A001")
    assert "Ce qui est mesuré" in seen(agent.get())
    assert agent.get("/suite").headers["location"] == agent.here
    agent.begin("expert")
    agent.post("/accord", {"experience": "novice"})
    assert study.store.db.one("SELECT experience FROM agent WHERE id = 'A001'")["experience"] == "expert"
    assert "Où vous en êtes" in seen(agent.get())


def test_each_block_is_announced_and_the_next_task_follows(agent):
    order = []
    for _ in range(2):
        announced = seen(agent.get("/suite"))
        order.append("avec" if "Répondre avec un brouillon" in announced else "sans")
        page, _ = agent.now()
        assert ("data-draft" in page.text) == (order[-1] == "avec")
        answer = agent.writes(number_of(page))
        assert answer.json() == {"next": f"{agent.here}/suite?partie=draft"}
    assert sorted(order) == ["avec", "sans"]
    assert "Comparer deux brouillons" in seen(agent.get("/suite"))


def test_a_comparison_needs_no_script(agent):
    page, number, form = to_comparison(agent)
    assert 'value="neither" required' in page.text
    done = agent.client.post(
        f"{agent.here}/taches/{number}/choix", data=form | {"choice": "left", "reasons": ["tone", "clear"]}
    )
    assert done.headers["location"] == f"{agent.here}/suite?partie=drafts"
    kept = agent.store.db.one("SELECT choice, reasons FROM answer WHERE task = ?", number)
    assert (kept["choice"], kept["reasons"]) == ("left", '["clear", "tone"]')
    again = agent.client.post(f"{agent.here}/taches/{number}/choix", data=form | {"choice": "right"})
    refusal(again, 409, "Elle ne change plus.")


def test_a_page_names_no_system_and_no_writer(agent):
    """Both drafts say by their text which system wrote them here; what the page adds says nothing."""
    page, _, _ = to_comparison(agent)
    bare = re.sub(r'<p class="text">.*?</p>', "", page.text, flags=re.DOTALL)
    assert not re.search(r"\bv[12]\b|A00", bare)


def test_a_problem_sets_a_task_aside(agent):
    number = number_of(agent.now()[0])
    tab = agent.send(f"/taches/{number}/onglet").json()["tab"]
    form = {"tab": tab, "problem": "unreadable", "note": "Écrit par Durand", "partie": "draft"}
    assert agent.post(f"/taches/{number}/probleme", form).status_code == 303
    assert number_of(agent.now()[0]) != number
    assert agent.store.db.one("SELECT note FROM answer")["note"] == "Écrit par [MASQUÉ]"
    assert "Avis mis de côté" in seen(agent.get())


def test_an_agent_leaves_when_they_want(agent):
    agent.writes(number_of(agent.now()[0]))
    refusal(agent.post("/depart", {}), 422, "Choisissez")
    token = agent.token()
    done = agent.post("/depart", {"sure": "yes"}, token)
    assert done.status_code == 200
    assert "Vous avez quitté l’étude" in seen(done)
    for answer in (agent.get(), agent.get("/suite"), agent.post("/depart", {"sure": "yes"}, token)):  # a second click
        refusal(answer, 410, "Vous avez quitté l’étude")
    flow = exports.read(agent.store.folder).flow
    assert (flow["left"], flow["writing"]["done"], flow["left_why"]) == (1, 1, {"asked": 1})


def test_every_refusal_has_its_words():
    assert set(REFUSED) == set(REASONS)
    assert all(400 <= each["status"] < 600 and each["told"].endswith(".") for each in REFUSED.values())


# --- what is refused


@pytest.mark.parametrize("where", ["", "/suite", "/accord"])
def test_a_forged_link_leads_nowhere(ask_study, where):
    study, client = ask_study(2, 2)
    forged = "/a/" + "x" * 32
    refusal(client.get(forged), 404, "Ce lien ne mène à rien")
    organiser = study.path("organiser").replace("/o/", "/a/")
    refusal(client.get(organiser), 404, "Ce lien ne mène à rien")
    refusal(client.get(study.path("A001").replace("/a/", "/o/")), 404, "Ce lien ne mène à rien")
    refusal(client.get("/a/%00%ff"), 404, "Ce lien ne mène à rien")
    refusal(client.get("/nowhere"), 404, "Cette adresse ne mène à rien")
    assert "lien personnel" in seen(client.get("/"))


def test_a_renewed_link_ends_the_one_before(ask_study):
    study, client = ask_study(2, 2)
    before, organiser = study.path("A001"), study.path("organiser")
    token = next(filter(None, token_of(client.get(organiser))))
    page = client.post(f"{organiser}/lien", data={"token": token, "agent": "A001"})
    refusal(client.get(before), 404, "Ce lien ne mène à rien")
    made = re.search(r"<code>http://127.0.0.1:8500(/a/\S+)</code>", page.text)[1]
    assert client.get(made).status_code == 200


def test_a_form_from_elsewhere_is_refused(agent):
    before = agent.store.db.one("SELECT count(*) AS n FROM answer")["n"]
    page, token = agent.now()
    where = f"/taches/{number_of(page)}/onglet"
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"X-Plume-Token": "0" * 64}):
        assert agent.send(where, **headers).status_code == 403
        refusal(agent.post("/accord", {}, "0" * 64), 403, "ne vient pas d’une page ouverte ici")
    refusal(agent.post("/accord", {}, token, origin="https://evil.example"), 403, "ne vient pas d’une page ouverte ici")
    assert agent.store.db.one("SELECT count(*) AS n FROM answer")["n"] == before


def test_a_token_is_worth_nothing_on_another_agents_page(ask_study):
    study, client = ask_study(2, 2)
    one, other = (Agent(study, client, name) for name in ("A001", "A002"))
    refusal(one.post("/accord", {}, other.token()), 403, "ne vient pas d’une page ouverte ici")


def test_an_agent_reaches_no_task_of_another(ask_study):
    study, client = ask_study(2, 2)
    one, other = (Agent(study, client, name) for name in ("A001", "A002"))
    one.begin()
    other.begin()
    number = number_of(other.now()[0])
    answer = one.send(f"/taches/{number}/onglet")
    assert (answer.status_code, list(answer.json())) == (409, ["error"])


def test_a_reply_sent_twice_counts_once_and_another_one_is_refused(agent):
    number = number_of(agent.now()[0])
    tab = agent.send(f"/taches/{number}/onglet").json()["tab"]
    sent = {"tab": tab, "sequence": 1, "text": "Bonjour.", **NOTHING}
    where = f"/taches/{number}/envoi"
    assert [agent.send(where, sent).status_code for _ in range(3)] == [200] * 3
    assert agent.send(where, sent | {"text": "Autre."}).status_code == 409
    assert agent.send(f"/taches/{number}/texte", sent).status_code == 409
    assert [row["text"] for row in agent.store.db.all("SELECT text FROM answer")] == ["Bonjour."]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"text": "  \n "}, 422),
        ({"text": "é" * 20_001}, 413),
        ({"text": "é" * 400_000}, 413),
        ({"active_seconds": -1}, 422),
        ({"active_seconds": "douze"}, 422),
        ({"keystrokes": None}, 422),
        ({"more": 1}, 422),
        ({"sequence": 10**30}, 422),
        ({"sequence": -1}, 422),
        ({"tab": "another"}, 409),
    ],
)
def test_what_no_page_sends_is_refused_in_one_sentence(agent, change, status):
    number = number_of(agent.now()[0])
    tab = agent.send(f"/taches/{number}/onglet").json()["tab"]
    answer = agent.send(f"/taches/{number}/envoi", {"tab": tab, "sequence": 1, "text": "Oui.", **NOTHING} | change)
    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")
    assert not agent.store.db.all("SELECT * FROM answer")


def test_a_number_that_is_none_is_refused(agent):
    raw = '{"tab": "x", "sequence": 1, "text": "a", "active_seconds": NaN, "pauses": [], "keystrokes": 0, '
    token = {"X-Plume-Token": agent.now()[1], "content-type": "application/json"}
    where = f"{agent.here}/taches/1/texte"
    answer = agent.client.post(where, content=raw + '"pasted_characters": 0}', headers=JSON | token)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "form", [{}, {"choice": "best"}, {"choice": "left", "reasons": "<script>"}, {"choice": "left", "reasons": "x" * 99}]
)
def test_a_choice_that_is_none_is_refused(agent, form):
    _, number, held = to_comparison(agent)
    refusal(
        agent.client.post(f"{agent.here}/taches/{number}/choix", data=held | form), 422, "Choisissez une des réponses"
    )


def test_scripts_in_texts_are_shown_as_texts(ask_study, monkeypatch):
    script = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    study, client = ask_study(2, 2)
    for item in study.store.items.values():
        object.__setattr__(item, "review", script)
        object.__setattr__(item, "title", script)
        item.drafts.update(dict.fromkeys(item.drafts, f'"> {script}'))
    agent = Agent(study, client, "A001")
    agent.begin()
    for _ in range(2):
        page, _ = agent.now()
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
        assert script in html.unescape(page.text)
        agent.writes(number_of(page), script)
    page, _ = agent.now()
    assert "<script>alert" not in page.text
    assert html.unescape(page.text).count(script) == 4


@pytest.mark.parametrize("number", [2**53 + 1, 10**30, -1])
def test_a_task_of_a_number_that_no_study_has_is_refused(agent, number):
    tab = agent.send(f"/taches/{number_of(agent.now()[0])}/onglet").json()["tab"]
    sent = {"tab": tab, "sequence": 1, "text": "Oui.", **NOTHING}
    for where in ("onglet", "texte", "envoi"):
        assert agent.send(f"/taches/{number}/{where}", sent).status_code == 422
    for where, form in (("choix", {"choice": "left"}), ("probleme", {"problem": "technical"})):
        refusal(agent.post(f"/taches/{number}/{where}", form | {"tab": tab}), 422, "valeur inattendue : number")


# --- the organiser


def test_the_organiser_sees_arms_and_files_and_a_seat_is_taken_again(ask_study):
    study, client = ask_study(2, 2)
    agent = Agent(study, client, "A001")
    agent.begin()
    for _ in range(2):
        agent.writes(number_of(agent.now()[0]))
    here = study.path("organiser")
    page = client.get(here)
    row = re.search(r'<tr><th scope="row">A001</th>(.*?)</tr>', page.text)[1]
    assert sorted(re.findall(r"<td>(\d sur \d)</td>", row)) == ["1 sur 1", "1 sur 1"]
    token = {"token": next(filter(None, token_of(page)))}
    assert client.post(f"{here}/depart", data=token | {"agent": "A001"}).headers["location"] == here
    refusal(agent.get(), 410, "Vous avez quitté l’étude")
    assert "A001 (parti : il revient)" in seen(client.get(here))
    assert "Lien de A001" in seen(client.post(f"{here}/lien", data=token | {"agent": "A001"}))
    refusal(agent.get(), 404, "Ce lien ne mène à rien")
    assert "A001 (parti" not in seen(client.get(here))
    assert "Lien de A003" in seen(client.post(f"{here}/agent", data=token | {"known": 2}))
    for name, needs in {"records.jsonl": "writing", "decisions.jsonl": "outcome", "ratings.jsonl": None}.items():
        answer = client.get(f"{here}/{name}")
        assert f'filename="{name}"' in answer.headers["content-disposition"]
        assert needs is None or needs in answer.text
    refusal(client.get(f"{here}/study.sqlite"), 404, "Cette adresse ne mène à rien")


def test_what_the_organiser_clicks_twice_is_done_once(ask_study):
    study, client = ask_study(2, 2)
    here = study.path("organiser")
    token = {"token": next(filter(None, token_of(client.get(here))))}
    known = re.search(r'name="known" value="(\d+)"', client.get(here).text)[1]
    answers = [client.post(f"{here}/agent", data=token | {"known": known}) for _ in range(2)]
    assert answers[0].status_code == 200
    refusal(answers[1], 409, "aucun autre ne l’a été")
    assert f'href="{here}">Suivi' in answers[1].text
    assert study.store.people.agents() == ["A001", "A002", "A003"]
    gone = [client.post(f"{here}/depart", data=token | {"agent": "A003"}) for _ in range(2)]
    assert [answer.headers["location"] for answer in gone] == [here, here]
    for where in ("lien", "depart"):
        for agent in ("A009", "organiser"):
            refusal(client.post(f"{here}/{where}", data=token | {"agent": agent}), 409, "Cet agent n’existe pas")
    assert client.get(here).status_code == 200
