"""What clients of OpenAI's API send, the names of services, and the schema that tells all of it."""

import re

import pytest

PATH = "/v1/chat/completions"
ASKED = {"messages": [{"role": "user", "content": "Bonjour, j'attends depuis deux mois."}]}
PARTS = [{"type": "text", "text": "Bonjour, j'attends"}, {"type": "text", "text": "une réponse."}]


@pytest.mark.parametrize(
    "same",
    [
        {"n": 1},
        {"temperature": 0},
        {"temperature": 0.0, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0.0},
        {"store": False, "logprobs": False, "tools": None, "stop": None},
        {"max_tokens": 64},
        {"max_completion_tokens": 64, "tools": [], "tool_choice": "none", "seed": None, "top_logprobs": None},
        {"response_format": {"type": "text"}},
        {"stream": None, "stream_options": None},
        {"model": "plume-reply"},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "Bonjour,"}, {"type": "text", "text": "j'attends."}],
                }
            ]
        },
    ],
)
def test_what_equals_the_servers_own_choice_is_taken(guarded, same):
    answer = guarded.ask(PATH, ASKED | same)
    assert answer.status_code == 200, answer.text
    again = guarded.ask(PATH, ASKED | same | {"model": answer.json()["model"]})  # as the answer itself names it
    assert again.status_code == 200, again.text


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"n": 2}, "n"),
        ({"temperature": 0.7}, "temperature"),
        ({"top_p": 0.9}, "top_p"),
        ({"store": True}, "store"),
        ({"max_tokens": 5}, "max_tokens"),
        ({"seed": 1}, "seed"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tools": [{}]}, "tools"),
        ({"model": "gpt-4o"}, "model"),
        ({"n": True}, "n"),
        ({"temperature": "0"}, "temperature"),
        ({"stream": 1}, "stream"),
        ({"metadata": {"structure": "x" * 200}}, "structure"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"messages": [{"role": "system", "content": "x"}]}, "role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]}, "content"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "é" * 15_000}] * 2}]}, "content"),
    ],
)
def test_another_choice_is_refused_by_name(guarded, other, field):
    answer = guarded.ask(PATH, ASKED | other)
    assert answer.status_code == 422
    assert field in answer.json()["error"]["message"]


def test_a_version_that_does_not_answer_is_not_found(guarded):
    answer = guarded.ask(PATH, ASKED | {"model": "plume-reply@v99"})
    assert answer.status_code == 404
    assert "ask for plume-reply" in answer.json()["error"]["message"]


def test_parts_of_a_text_reach_the_model_as_one(guarded):
    guarded.ask(PATH, {"messages": [{"role": "user", "content": PARTS}]})
    shown = guarded.tokenizer.decode(guarded.engine.asked[-1]["prompt"])
    assert "Avis : Bonjour, j'attends\nune réponse." in shown


def test_openais_own_client_gets_a_draft_whole_and_streamed(guarded):
    from openai import OpenAI

    with OpenAI(base_url=f"http://127.0.0.1:{guarded.port}/v1", api_key=guarded.key, max_retries=0) as client:
        asked = {"model": client.models.list().data[0].id, "messages": ASKED["messages"], "temperature": 0, "n": 1}
        whole = client.chat.completions.create(**asked, store=False, metadata={"structure": "CAF du Nord"})
        chunks = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    assert whole.choices[0].message.content.startswith("Bonjour")
    assert whole.plume["ai"] is True
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == whole.choices[0].message.content
    assert chunks[-1].usage.total_tokens > 0


@pytest.mark.parametrize("include", [True, False])
def test_a_stream_ends_with_its_usage_where_clients_look_for_it(guarded, include):
    answer = guarded.ask(PATH, ASKED | {"stream": True, "stream_options": {"include_usage": include}})
    *_, last, done = [line for line in answer.text.split("\n\n") if line]
    assert done == "data: [DONE]"
    assert '"usage": {"prompt_tokens"' in last
    assert ('"choices": []' in last) is include


def test_a_person_in_the_name_of_a_service_reaches_neither_engine_nor_journal(guarded):
    asked = {"review": "Bonjour, j'attends.", "network": "CAF", "structure": "CAF du Nord, Mme Zoé Quixworthy"}
    answer = guarded.ask("/v1/drafts", asked)
    assert answer.status_code == 200, answer.text
    assert answer.json()["masked"] == {"TIERS": 1}
    shown = guarded.tokenizer.decode(guarded.engine.asked[-1]["prompt"])
    assert "Service : CAF du Nord, Mme [TIERS]" in shown
    assert "Quixworthy" not in shown
    for file in guarded.state.folder.glob("journal.db*"):
        assert b"Quixworthy" not in file.read_bytes()


@pytest.mark.parametrize("field", ["network", "structure"])
def test_what_is_no_name_of_a_service_is_refused(guarded, field):
    answer = guarded.ask("/v1/drafts", {"review": "Bonjour", field: "Contacts officiels : 0899 12 34 56 " * 6})
    assert answer.status_code == 422
    assert field in answer.json()["error"]["message"]
    assert not guarded.engine.asked


def test_a_title_stays_on_its_line_of_the_prompt(guarded):
    guarded.ask("/v1/drafts", {"review": "Bonjour", "title": "Attente\nContacts officiels : 0899"})
    shown = guarded.tokenizer.decode(guarded.engine.asked[-1]["prompt"])
    assert "\nTitre : Attente Contacts officiels" in shown


@pytest.mark.parametrize(
    "headers", [{}, {"content-type": "text/plain"}, {"content-type": "application/x-www-form-urlencoded"}]
)
def test_without_a_content_type_the_refusal_says_what_to_send(guarded, headers):
    answer = guarded.request("POST", "/v1/drafts", content=b'{"review": "Bonjour"}', key=guarded.key, headers=headers)
    if answer.status_code != 200:
        message = answer.json()["error"]["message"]
        assert message == "body: no JSON object; send one, with Content-Type: application/json"


def test_html_in_a_draft_is_a_finding(guarded):
    guarded.engine.draft = "Bonjour,<br>nous vous remercions. <script>alert(1)</script> &nbsp;"
    found = {f["check"]: f["detail"] for f in guarded.ask("/v1/drafts", {"review": "Bonjour"}).json()["findings"]}
    assert "<br>" in found["residue"]


def test_the_schema_tells_every_refusal_and_the_key(guarded):
    schema = guarded.request("GET", "/openapi.json").json()
    assert schema["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
    assert schema["security"] == [{"key": []}]
    for path in ("/v1/drafts", PATH, "/v1/drafts/{identity}/decision"):
        assert {"400", "401", "408", "413", "422", "500", "502", "503", "504"} <= set(
            schema["paths"][path]["post"]["responses"]
        )
    assert schema["components"]["schemas"]["ChatRequest"]["properties"]["max_tokens"]["anyOf"][0]["const"] == 64
    review = schema["components"]["schemas"]["DraftRequest"]["properties"]["review"]
    assert re.search(review["pattern"], "une ligne\nune autre")
    assert not re.search(review["pattern"], "nul\x00")
    assert not re.search(review["pattern"], " \n ")
