"""The whole path: a study is planned, agents answer in their pages, and what they did enters the two decisions."""

import json
import random
import re

import pytest

from eval.compare import compare
from eval.study.analysis.run import analyse
from eval.study.exports import write_files
from eval.study.items import candidates
from eval.study.plan import plan
from eval.study.store import Store
from eval.time.run import run
from plume.files import file_sha256
from plume.paths import ROOT

GATES = ROOT / "configs" / "eval"
SECONDS = {"draft": 120, "blank": 240}  # the truth: a draft halves the time
KINDER = "Nous vous souhaitons une bonne journée."  # ends the drafts of v4, which agents prefer


class Browser:
    """Does what the browser of one agent does: follows the pages, and sends what the script would send."""

    def __init__(self, client, path, clock, draw):
        self.client, self.path, self.clock, self.draw = client, path, clock, draw
        self.pace = draw.lognormvariate(0, 0.3)

    def works(self):
        """Do all that can be done now; gives how many tasks."""
        done = 0
        while page := self.task():
            (self.rates if 'name="choice"' in page else self.writes)(page)
            done += 1
        return done

    def begins(self):
        token = self.token(self.client.get(self.path).text)
        form = {"token": token, "experience": self.draw.choice(("novice", "expert"))}
        assert self.client.post(f"{self.path}/accord", data=form).status_code == 303

    def task(self):
        """Give the page of the task whose turn it is, past its announcement; None where nothing is to be done."""
        answer = self.client.get(f"{self.path}/suite")
        if answer.status_code == 303:
            return None
        if onward := re.search(r'href="(\S+?/suite\?partie=\w+)"', answer.text):
            answer = self.client.get(onward[1])
        return answer.text

    @staticmethod
    def token(page):
        return re.search(r'(?:name="token" value|data-token)="(\w+)"', page)[1]

    @staticmethod
    def task_number(page):
        return re.search(r"/taches/(\d+)/", page)[1]

    def writes(self, page):
        here = f"{self.path}/taches/{self.task_number(page)}"
        headers = {"X-Plume-Token": self.token(page), "accept": "application/json"}
        opened = self.client.post(f"{here}/onglet", json={}, headers=headers).json()
        arm = "draft" if opened["text"] else "blank"
        seconds = SECONDS[arm] * self.pace * self.draw.lognormvariate(0, 0.2)
        self.clock.wait(seconds + 90)  # and a break that counts nothing
        sent = {"tab": opened["tab"], "sequence": 1, "active_seconds": round(seconds, 1), "pauses": [90.0]}
        text = (opened["text"] or "Bonjour, merci de votre avis.") + " Cordialement."
        sent |= {"text": text, "keystrokes": 40, "pasted_characters": 0}
        answer = self.client.post(f"{here}/envoi?partie={arm}", json=sent, headers=headers)
        assert answer.status_code == 200, answer.text

    def rates(self, page):
        """Prefer the kinder draft nine times of ten; of two texts without it, or with it both, either."""
        texts = re.findall(r'<p class="text"[^>]*>(.*?)</p>', page, re.DOTALL)[-2:]
        kinder = [KINDER in text for text in texts]
        better = ("left", "right")[kinder.index(True)] if sum(kinder) == 1 else None
        choice = better if better and self.draw.random() < 0.9 else self.draw.choice(("left", "right", "equal"))
        tab = re.search(r'name="tab" value="([^"]+)"', page)[1]
        form = {"token": self.token(page), "tab": tab, "choice": choice, "reasons": ["tone"]}
        answer = self.client.post(f"{self.path}/taches/{self.task_number(page)}/choix", data=form)
        assert answer.status_code == 303, answer.text


@pytest.fixture
def finished(planned, make_drafts, texts, clock):
    """A study that eight agents finished in their pages; gives its config."""
    from fastapi.testclient import TestClient

    from eval.study.server.app import make_app

    config = planned(40, effect=0.5, agents=8, items=24, comparisons=12, finals=8)
    make_drafts(config.data, "v4", lambda i: f"{texts['good'].format(i)} {KINDER}")
    plan(config, candidates(config))
    with Store(config.out, clock=clock, mask=lambda text: text) as store:
        client = TestClient(make_app(store), base_url="http://127.0.0.1:8500", follow_redirects=False)
        links = [f"/a/{store.people.new_link(agent)}" for agent in store.people.agents()]
        agents = [Browser(client, link, clock, random.Random(n)) for n, link in enumerate(links)]
        for agent in agents:
            agent.begins()
        while sum(agent.works() for agent in agents):  # finals become tasks when others have written
            pass
    return config


@pytest.mark.long
def test_what_agents_did_enters_the_verdict_and_the_time_saved(finished, few_probes, sample_export, tmp_path):
    exports = tmp_path / "exports"
    counts = {path.name: n for path, n in write_files(finished.out, exports)}
    assert counts["ratings.jsonl"] == 8 * 12
    assert counts["decisions.jsonl"] == 8 * 12

    # their minutes
    document, code = analyse(finished.out, tmp_path / "analysis")
    assert (code, document["preregistration"]["holds"]) == (0, True)
    study = tmp_path / "analysis" / "study.json"
    result = run(sample_export, tmp_path / "time", study=study, decisions=exports / "decisions.jsonl", draws=200)
    rows = {(row["quantity"], row["group"]): row for row in result["estimates"]}
    ratio, saved = rows["time_ratio", "all"], rows["minutes_saved", "all"]
    assert ratio["lower"] < 0.5 < ratio["upper"] < 0.6
    assert (ratio["grade"], saved["grade"]) == ("A", "A")
    assert saved["lower"] > 1
    assert result["study"]["replaces_modelled"]
    assert result["study"]["preregistration_sha256"] == file_sha256(finished.out / "preregistration.json")

    # their choices
    base = (GATES / "gate.yaml").read_text(encoding="utf-8").replace("datasets/probes/probes.jsonl", str(few_probes))
    (tmp_path / "gate.yaml").write_text(base, encoding="utf-8")
    gate = tmp_path / "gate-people.yaml"
    rule = (GATES / "gate-people.yaml").read_text(encoding="utf-8").replace("minimum: 30 ", "minimum: 20 ")
    gate.write_text(rule, encoding="utf-8")
    ratings = exports / "ratings.jsonl"
    verdict = compare(*finished.drafts, finished.data, gate, tmp_path / "verdict", ratings=[ratings])
    told = json.loads((tmp_path / "verdict" / "verdict.json").read_text(encoding="utf-8"))
    assert told["inputs"]["ratings_sha256"] == file_sha256(ratings)
    assert told["people"] | {"raters": 8, "ratings": 96, "tied_to_drafts": True, "left_out": {}} == told["people"]
    primary = next(x for x in verdict.estimates if (x.rule or "").startswith("superiority"))
    assert (primary.measure, primary.holds) == ("preferred", True)
    assert primary.value.lower > 0.5
    assert "Ton plus juste" in (tmp_path / "verdict" / "report.html").read_text(encoding="utf-8")
