"""The parts of `plume serve bench`: load, lengths, vLLM's result, histograms, limits, promises, refusals."""

import asyncio
import json
import math
import struct

import pytest

from plume.errors import InputError, PlumeError
from plume.models import Base, load_tokenizer
from plume.output import BENCH, check_folder
from plume.prompt import load_prompt
from serve.bench import forced_length, limits, load, report, results, run
from serve.bench.config import BenchConfig
from serve.bench.limits import Machine, Model
from serve.config import ServeConfig

PAIRS = [
    {"id": "1-1", "review": "Le guichet est fermé.", "network": "CAF", "title": "", "reply": "Bonjour, " * 30},
    {"id": "2-1", "review": "Deux mois sans réponse.", "structure": "CAF de l'Ain", "reply": "Bonjour."},
    {"id": "3-1", "review": "Long. " * 900, "reply": "Bonjour."},
]


@pytest.fixture(scope="module")
def asked(embedded_model):
    return load.make(PAIRS, load_tokenizer(Base(model=str(embedded_model))), load_prompt("v1"), room=900, most=40)


def test_load_is_rendered_as_served_and_as_long_as_replies(asked, embedded_model):
    assert [one.request for one in asked] == [
        {"review": "Le guichet est fermé.", "network": "CAF"},
        {"review": "Deux mois sans réponse.", "structure": "CAF de l'Ain"},
    ]  # the third has no room
    tokenizer = load_tokenizer(Base(model=str(embedded_model)))
    assert "Deux mois sans réponse." in tokenizer.decode(asked[1].prompt)
    assert asked[0].tokens == 40
    assert asked[1].tokens == len(tokenizer("Bonjour.")["input_ids"]) + 1
    told = load.lengths(asked)
    assert told[forced_length.digest(asked[1].prompt)] == asked[1].tokens
    assert told[""] == round((40 + asked[1].tokens) / 2)
    described = load.describe(asked)
    assert described["pairs"] == 2
    assert described["reply_tokens"]["p90"] == 40


def test_what_vllm_reads_holds_each_request_as_it_is_sent(asked, tmp_path):
    written = load.write(asked, tmp_path)
    on, off = ([json.loads(line) for line in written[arm].read_text().splitlines()] for arm in ("on", "off"))
    assert [json.loads(row["prompt"]) for row in on] == [one.request for one in asked]
    assert [json.loads(row["prompt"]) for row in off] == [one.prompt for one in asked]
    assert (
        [row["output_tokens"] for row in on] == [row["output_tokens"] for row in off] == [one.tokens for one in asked]
    )


def test_a_split_without_room_is_refused(embedded_model):
    with pytest.raises(InputError, match="raise max_model_len"):
        load.make(PAIRS[2:], load_tokenizer(Base(model=str(embedded_model))), load_prompt("v1"), room=900, most=40)


def ask_through(middleware, body, path="/v1/completions"):
    """Send a body through the middleware; return what reached the app."""
    seen = {}

    async def app(scope, receive, send):
        got = (await receive())["body"]
        seen.update(json.loads(got), length=dict(scope["headers"])[b"content-length"] == str(len(got)).encode())

    raw = json.dumps(body).encode()
    messages = iter([{"type": "http.request", "body": raw[:9], "more_body": True}, {"body": raw[9:]}])
    scope = {"type": "http", "path": path, "headers": [(b"content-length", str(len(raw)).encode())]}

    async def receive():
        return next(messages) if path == "/v1/completions" else {"body": raw}

    middleware._app = app
    asyncio.run(middleware(scope, receive, None))
    return seen


def test_drafts_are_as_long_as_said_whoever_asks_and_no_prompt_is_read_from_the_cache(tmp_path, monkeypatch):
    lengths = tmp_path / "lengths.json"
    lengths.write_text(json.dumps({"": 9, forced_length.digest([1, 2]): 5}))
    monkeypatch.setenv(forced_length.VARIABLE, str(lengths))
    middleware = forced_length.ForcedLength(None)
    asked = {"prompt": [1, 2], "max_tokens": 320, "stop_token_ids": [2], "temperature": 0.0}
    first, again = ask_through(middleware, asked), ask_through(middleware, asked)
    assert (first["max_tokens"], first["ignore_eos"], first["temperature"], first["length"]) == (5, True, 0.0, True)
    assert "stop_token_ids" not in first
    assert first["cache_salt"] != again["cache_salt"]
    other = ask_through(middleware, asked | {"prompt": [3]})
    assert (other["max_tokens"], other["cache_salt"]) == (9, first["cache_salt"])  # what all begin with is shared
    looked = ask_through(middleware, {"prompt": [2], "max_tokens": 1})  # of /ready
    assert (looked["max_tokens"], "ignore_eos" in looked) == (1, False)
    assert "ignore_eos" not in ask_through(middleware, asked, "/v1/chat/completions")


def vllm_result(**changes):
    times = {f"p{share}_{name}_ms": 1000.0 * share for name in ("ttft", "tpot", "e2el") for share in (50, 99)}
    told = {"completed": 8, "failed": 0, "duration": 4.0, "request_throughput": 2.0, "output_throughput": 300.0}
    return told | {"total_input_tokens": 4000, "total_output_tokens": 1200} | times | changes


def test_vllms_result_is_read_in_seconds(tmp_path):
    file = tmp_path / "on-8.json"
    file.write_text(json.dumps(vllm_result(p99_ttft_ms=1500.0, p50_tpot_ms=20.0)))
    row = results.read(file)
    assert (row["first_token_p99"], row["token_p50"], row["draft_p99"]) == (1.5, 0.02, 99.0)
    assert (row["drafts_a_second"], row["prompt_tokens"], row["draft_tokens"]) == (2.0, 500.0, 150.0)


@pytest.mark.parametrize("told", ["", "[]", "{}", json.dumps(vllm_result(p99_e2el_ms=None))])
def test_a_result_that_is_none_is_told_in_one_line(tmp_path, told):
    file = tmp_path / "on-8.json"
    file.write_text(told)
    with pytest.raises(PlumeError, match="no result that is understood"):
        results.read(file)


def test_guard_times_are_those_between_two_looks_over_all_versions():
    from serve.guard.engine_client import Written
    from serve.guard.metrics import Metrics

    def count(metrics, version, first, tokens=11):
        written = Written("text", "stop", 10, tokens, first, first + 0.2)
        metrics.count_draft(version, written, withheld=[], failed=[], passages={})

    metrics = Metrics()
    count(metrics, 1, 30.0)
    before = metrics_text(metrics)
    for _ in range(50):
        count(metrics, 1, 0.15)
        count(metrics, 2, 0.15)
    found = results.guard_times(before, metrics_text(metrics))
    assert 0.1 < found["first_token_p50"] <= found["first_token_p99"] <= 0.2
    assert 0.01 < found["token_p50"] <= 0.02
    before = metrics_text(metrics)
    assert math.isnan(results.guard_times(before, before)["first_token_p99"])
    count(metrics, 1, 500.0)
    assert results.guard_times(before, metrics_text(metrics))["first_token_p99"] == math.inf


def metrics_text(metrics):
    from prometheus_client import generate_latest

    return generate_latest(metrics.registry).decode()


def test_a_percentile_is_a_line_through_its_bucket():
    assert results.percentile({}, {1.0: 10, 2.0: 20, math.inf: 20}, 0.75) == pytest.approx(1.5)
    assert results.percentile({1.0: 10}, {1.0: 10, 2.0: 14, math.inf: 14}, 0.5) == pytest.approx(1.5)
    assert results.percentile({}, {1.0: 0, math.inf: 3}, 0.5) == math.inf
    assert math.isnan(results.percentile({1.0: 4}, {1.0: 4}, 0.5))


def row(**changes):
    told = {f"{name}_p{share}": 0.05 for name in ("first_token", "token", "draft") for share in (50, 99)}
    rest = {"guard": True, "in_flight": 8, "drafts": 8, "failed": 0, "drafts_a_second": 2.0, "share_of_limit": 0.5}
    best = {"drafts_a_second": 4.0}
    return told | rest | {"limit": best, "holds": {"first_token": True, "token": True, "draft": True}} | changes


def test_a_promise_holds_up_to_its_bound_and_never_where_a_draft_failed():
    config = BenchConfig(first_token_p99=1.0, token_p99=0.05, draft_p99=10.0)
    assert results.verdicts(row(draft_p99=10.0), config) == {"first_token": True, "token": True, "draft": True}
    assert results.verdicts(row(draft_p99=10.01, token_p99=math.nan), config) == {
        "first_token": True,
        "token": False,
        "draft": False,
    }
    assert not any(results.verdicts(row(failed=1), config).values())
    assert not any(results.verdicts(row(drafts=0), config).values())


def write_model(folder, shapes, **config):
    header = json.dumps({"__metadata__": {}} | {n: {"dtype": "BF16", "shape": s} for n, s in shapes.items()}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    shape = {"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 3}
    (folder / "config.json").write_text(json.dumps(shape | config))


def test_the_limit_is_what_memory_and_multiplications_allow(tmp_path):
    write_model(tmp_path, {"a": [1000, 100], "b": [100]})
    model = Model.read(tmp_path, "bfloat16")
    assert model == Model(100_100, 2, 2 * 3 * 2 * 16 * 2)
    assert Model.read(tmp_path, "float32").kv_bytes_a_token == 2 * model.kv_bytes_a_token
    shape = {"prompt_tokens": 100.0, "cached": 40.0, "draft_tokens": 50.0}
    slow_memory = limits.limit(model, Machine(1e6, 1e15), in_flight=2, **shape)
    read = 200_200 + 2 * 125 * model.kv_bytes_a_token
    assert slow_memory["bound_by"] == "memory"
    assert slow_memory["seconds_a_token"] == pytest.approx(read / 1e6)
    assert slow_memory["drafts_a_second"] == pytest.approx(2 / (50 * read / 1e6), rel=1e-6)
    slow_products = limits.limit(model, Machine(1e15, 1e6), in_flight=2, **shape)
    assert slow_products["bound_by"] == "multiplications"
    seconds = 2 * (2 * 100_100 * 60 / 1e6) + 50 * 2 * 100_100 * 2 / 1e6
    assert slow_products["drafts_a_second"] == pytest.approx(2 / seconds)


def test_published_figures_of_a_7b_on_an_h100_are_found_again():
    """The sheet of research: 7.24e9 weights, 131,072 bytes a token, 3.0 TB/s, mean context 490: 5.18 ms at 16."""
    model = Model(7_240_000_000, 2, 131_072)
    found = limits.limit(model, Machine(3.0e12, 989e12), in_flight=16, prompt_tokens=400, cached=250, draft_tokens=180)
    assert found["seconds_a_token"] == pytest.approx(5.18e-3, rel=0.01)
    assert found["drafts_a_second"] == pytest.approx(16.5, rel=0.02)


@pytest.mark.parametrize("damage", ["no config", "no weights", "no shape"])
def test_a_model_whose_shape_is_unknown_is_refused(tmp_path, damage):
    write_model(tmp_path, {"a": [10]})
    if damage == "no config":
        (tmp_path / "config.json").unlink()
    elif damage == "no weights":
        (tmp_path / "model.safetensors").unlink()
    else:
        (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match=r"safetensors|cannot be read"):
        Model.read(tmp_path, "float32")


def test_the_table_says_of_each_run_what_does_not_hold():
    broken = row(guard=False, holds={"first_token": True, "token": False, "draft": True}, failed=2)
    infinite = row(in_flight=32, first_token_p99=math.inf)
    told = {
        "version": "plume-reply@v1",
        "model": "m",
        "dtype": "float32",
        "vllm": "0",
        "rows": [row(), broken, infinite],
    }
    told["promised"] = {"first_token_p99": 2.0, "token_p99": 0.1, "draft_p99": 10.0}
    lines = report.table(told).splitlines()
    assert lines[2].endswith("holds")
    assert lines[3].endswith("broken: token, 2 failed")
    assert "0.05 / ?" in lines[4]
    assert "1.00 at 8" in lines[-1]
    assert report._finite(told)["rows"][2]["first_token_p99"] is None
    assert report.plot(told).startswith(b"\x89PNG")


def test_what_was_written_is_known_again_and_overwritten_only_by_force(tmp_path):
    told = {"version": "v", "model": "m", "dtype": "float32", "vllm": "0", "rows": [row(), row(guard=False)]}
    told["promised"] = {"first_token_p99": 2.0, "token_p99": 0.1, "draft_p99": 10.0}
    report.write(told, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "bench.json").read_text())["rows"][0]["in_flight"] == 8
    with pytest.raises(InputError, match="--force"):
        check_folder(tmp_path / "out", BENCH, force=False)
    check_folder(tmp_path / "out", BENCH, force=True)


@pytest.mark.parametrize("wrong", ["in_flight=[]", "in_flight=[0,1]", "in_flight=[8,8]", "drafts=0", "draft_p99=0"])
def test_odd_keys_are_refused(wrong):
    with pytest.raises(InputError, match=wrong.partition("=")[0]):
        BenchConfig.load(None, [wrong])


def test_a_servers_file_is_taken_and_what_would_make_prompts_differ_is_not_asked_for(tmp_path):
    file = tmp_path / "serve.yaml"
    file.write_text("maskers: 3\nsources: /srv/sources\nsocket: /run/plume.sock\n")
    uses = set(BenchConfig.model_fields) - set(run.FIXED)
    config = BenchConfig.load_for(uses, file, ["drafts=5"])
    assert (config.server().maskers, config.drafts) == (3, 5)
    assert set(run.FIXED) <= set(ServeConfig.model_fields)
    with pytest.raises(InputError, match="traces"):
        BenchConfig.load_for(uses, file, ["traces=true"])


def test_a_folder_without_test_pairs_or_no_dataset_is_refused_before_an_engine_starts(tmp_path, small_dataset):
    with pytest.raises(InputError, match="not a dataset folder"):
        run.bench(BenchConfig(), tmp_path, tmp_path.with_name("out"))
    with pytest.raises(InputError, match="which is read"):
        run.bench(BenchConfig(), small_dataset, small_dataset)


def test_limits_that_are_given_are_not_measured_and_shared_tokens_are_counted(monkeypatch):
    monkeypatch.setattr(run.subprocess, "run", None)
    assert run._machine(BenchConfig(bandwidth=3350, flops=989), "bfloat16") == Machine(3.35e12, 9.89e14)
    asked = [load.Asked({}, prompt, 2) for prompt in ([1, 2, 3, 4], [1, 2, 3], [1, 2, 9, 4])]
    assert run._shared(asked) == 2
    assert run._shared(asked[:1]) == 0
