"""What docs/clients.md and docs/gateway.md tell developers to write, run as it stands against the guard."""

import re

import pytest
import yaml
from openai.types.chat import ChatCompletion

from plume.paths import ROOT
from plume.registry import MODEL_NAME

ASKED = {"messages": [{"role": "user", "content": "Deux mois sans réponse."}], "user": "c1"}


def blocks(page, language):
    """The code blocks of a page, without the indent of a list that they stand in."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.M | re.S)
    return [re.sub(rf"^{indent}", "", code, flags=re.M) for indent, code in found]


@pytest.fixture
def examples(guarded, monkeypatch):
    """The Python examples of clients.md; `run(code)` runs one with the variables that the earlier ones left."""
    monkeypatch.setenv("PLUME_URL", f"http://127.0.0.1:{guarded.port}")
    monkeypatch.setenv("PLUME_KEY", guarded.key)
    names = {}

    def run(code):
        exec(compile(code, "docs/clients.md", "exec"), names)
        return names

    return blocks("clients.md", "python"), run


def test_the_client_of_ten_lines_gets_a_draft_and_notes_what_became_of_it(guarded, examples):
    (ten, *_), run = examples
    assert sum(bool(line) for line in ten.splitlines()) == 10
    names = run(ten)
    last = list(guarded.lifecycle.drafts.journal.decisions())[-1]
    assert last["id"] == names["draft"]["id"]
    assert (last["outcome"], last["seconds"]) == ("edited", 74)
    assert last["final"] == last["draft"].replace("[USAGER]", "").replace(" ,", ",").replace(
        "votre avis", "votre message"
    )


def test_the_example_for_openais_client_prints_a_draft(guarded, examples, capsys):
    (_, openai, *_), run = examples
    run(openai)
    printed = capsys.readouterr().out
    assert printed.startswith("Bonjour Zaza,")
    assert re.search(r"draft-[0-9a-f]{24}", printed)


@pytest.mark.usefixtures("platform")
def test_the_example_for_the_platforms_routes_waits_for_its_draft(examples, capsys):
    (ten, _, leave_and_fetch), run = examples
    run(ten)
    run(leave_and_fetch)
    assert capsys.readouterr().out.startswith("Bonjour,")


def test_the_gateway_finds_the_model_of_its_recipe(guarded):
    (recipe,) = blocks("gateway.md", "yaml")
    (model,) = yaml.safe_load(recipe)["models"]
    (provider,) = model["providers"]
    assert model["name"] == provider["model_name"] == MODEL_NAME
    assert not provider["url"].endswith("/v1")
    assert provider["timeout"] > guarded.config.draft_timeout
    listed = guarded.request("GET", "/v1/models", key=guarded.key).json()["data"]
    (found,) = [one for one in listed if one["id"] == provider["model_name"]]
    assert {"id", "created", "owned_by", "max_model_len"} <= set(found)
    assert found["max_model_len"] == guarded.lifecycle.drafts.started.max_model_len


@pytest.mark.parametrize(
    "added",
    [
        {},
        {
            "stop": [],
            "parallel_tool_calls": False,
            "tool_choice": "none",
            "logprobs": False,
            "n": 1,
            "logit_bias": None,
        },
    ],
)
def test_what_the_gateway_forwards_is_answered_as_it_reads_it(guarded, added):
    """Its own id and model take the place of plume's; plume's stay in `plume`, for a decision."""
    asked = {**ASKED, **added, "model": MODEL_NAME, "stream": False, "metadata": {"structure": "CAF de l'Ain"}}
    answer = guarded.ask("/v1/chat/completions", asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    read = ChatCompletion(**{**answer.json(), "id": "request-1", "model": "plume-reply"})
    assert read.choices[0].message.content.startswith("Bonjour")
    assert read.plume["model"] == "plume-reply@v1"
    decided = guarded.ask(f"/v1/drafts/{read.plume['id']}/decision", {"outcome": "accepted"})
    assert decided.status_code == 200, decided.text
