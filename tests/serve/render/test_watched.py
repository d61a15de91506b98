"""Prometheus reads its files, each alert fires when it should and names its paragraph, each panel's metrics exist."""

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from serve.config import ServeConfig
from serve.guard.metrics import Metrics
from serve.guard.refusal import Reason
from serve.render.files import FILES
from serve.render.render import write

DATABASE = "postgresql://plume@localhost/plume"  # what several servers share
OPS = Path(__file__).parents[3] / "docs" / "ops.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("watched")
    (folder / "metrics.key").write_text("key")
    site = {"replicas": 2, "metrics_key": folder / "metrics.key"}
    write(ServeConfig.model_validate({"platform_api": True, "database": DATABASE, "site": site}), folder / "out")
    return folder / "out"


def run(*words, where=None):
    if not shutil.which(words[0]):
        pytest.skip(f"{words[0]} is not installed (.ci/run)")
    told = subprocess.run(words, capture_output=True, text=True, check=False, cwd=where)
    return "" if told.returncode == 0 else told.stdout + told.stderr or "fails"


# --- when alerts fire: at the minute 90, each series with a value a minute; what is told of a server is one of a case

HEALTHY = {
    'up{job="plume"': "1x100",
    "plume_ready{": "1x100",
    "plume_draining{": "0x100",
    "plume_maskers{": "2x100",
    "plume_masker_restarts{": "0x100",
    'plume_requests_total{route="drafts",status="200"': "0+60x100",
    'plume_requests_total{route="ready",status="200"': "0+900x100",
    'plume_requests_total{route="drafts",status="504"': "0x100",
    'plume_errors_total{kind="engine"': "0x100",
    'plume_errors_total{kind="busy"': "0x100",
    "vllm:num_requests_waiting{": "0x100",
    "vllm:kv_cache_usage_perc{": "0.5x100",
    "plume_journal_errors_total{": "0x100",
    "plume_audit_errors_total{": "0x100",
    "plume_not_in_mlflow{": "60x100",
    "plume_platform_waiting{": "0x100",
}
# By alert: what makes it fire, and what is near to that and must not. Series are named by a part of their name.
CASES = {
    "PlumeDown": ([{"up{": "1x70 0x20"}], [{"up{": "1x88 0x10"}]),
    "PlumeNotReady": ([{"_ready{": "1x70 0x20"}], [{"_ready{": "1x70 0x20", "_draining": "0x70 1x20"}]),
    "PlumeDrained": (
        [{"_ready{": "1x40 0x60", "_draining": "0x40 1x60"}],
        [{"_ready{": "1x70 0x30", "_draining": "0x70 1x30"}],
    ),
    "PlumeNoMasker": ([{"_maskers": "2x70 0x20"}], [{"_maskers": "2x70 1x20"}]),
    "PlumeMaskersDie": ([{"_restarts": "0x70 5x30"}], [{"_restarts": "0x70 2x30"}]),
    "PlumeErrors": ([{'"engine"': "0x70 0+6x30"}], [{'"engine"': "0x70 0+1x30"}]),
    "PlumeTimeouts": ([{'"504"': "0x70 0+6x30"}], [{'"504"': "0x70 0+1x30"}]),
    "PlumeQueueFull": (
        [{'"busy"': "0x70 0+6x30"}, {"num_requests": "0x70 250x30"}],
        [{"num_requests": "0x70 150x30"}],
    ),
    "PlumeCacheFull": (
        [{"cache_usage": "0.5x70 0.99x30", "num_requests": "0x70 3x30"}],
        [{"cache_usage": "0.5x70 0.99x30"}, {"num_requests": "0x70 3x30"}],
    ),
    "PlumeJournalErrors": ([{"journal": "0x80 1x20"}], [{"journal": "0x30 1x60"}]),
    "PlumeAuditErrors": ([{"audit": "0x80 1x20"}], [{"audit": "0x30 1x60"}]),
    "PlumeMlflowBehind": (
        [{"not_in_mlflow": "60x10 60+10x90"}],
        [{"not_in_mlflow": "1000-2x100"}, {"not_in_mlflow": "0+0.1x100"}, {"not_in_mlflow": "0x70 60+1x30"}],
    ),
    "PlumePlatformWaits": ([{"platform": "0x20 4x80"}], [{"platform": "0x20 4x50 0 4x50"}]),
}
_BUCKET = "plume_request_seconds_bucket{le="
_SLOW = {f'{_BUCKET}"10"': "0+40x100", f'{_BUCKET}"60"': "0+60x100", f'{_BUCKET}"+Inf"': "0+60x100"}
_CANARY = {
    'plume_share{alias="champion",version="3"': "0.9x400",
    'plume_share{alias="challenger",version="4"': "0.1x400",
    'plume_time_to_first_token_seconds_count{version="3"': "0+60x400",
    'plume_time_to_first_token_seconds_count{version="4"': "0+6x400",
    'plume_failed_checks_total{version="3"': "0+6x400",
    'plume_failed_checks_total{version="4"': "0+0.6x400",
}
# The same of alerts that look at all servers: all series of each case, at the minute 90 or 390.
FLEET_CASES = {
    "PlumeSlow": ([_SLOW | {f'{_BUCKET}"20"': "0+58x100"}], [_SLOW | {f'{_BUCKET}"20"': "0+60x100"}]),
    "PlumeCanaryWorse": (
        [_CANARY | {'plume_failed_checks_total{version="4"': "0+3x400"}],
        [
            _CANARY,
            _CANARY | {'plume_time_to_first_token_seconds_count{version="4"': "0+0.1x400"},  # too few drafts to say
            _CANARY | {'plume_failed_checks_total{version="3"': "0+20x400"},  # the champion is the worse one
        ],
    ),
}


def group(series, firing):
    """A test of promtool's: exactly these alerts fire, each of one server or of all."""
    minutes = 390 if any(values.endswith("400") for values in series.values()) else 90
    labels = [f'{{alertname="{alert}"' + (f',replica="{server}"}}' if server else "}") for alert, server in firing]
    expression = 'max by (alertname, replica) (ALERTS{alertstate="firing"})'
    samples = [{"labels": each, "value": 1} for each in labels]
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expression, "eval_time": f"{minutes}m", "exp_samples": samples}],
    }


def server(name, changes):
    series = dict(HEALTHY)
    for part, values in changes.items():
        (found,) = [each for each in series if part in each]
        series[found] = values
    return {
        each + ("" if each.endswith("{") else ",") + f'replica="{name}"}}': values for each, values in series.items()
    }


def groups(alerts):
    """All cases of these alerts: those of single servers in one group, each a server of its own."""
    series, firing, fleet = server("healthy", {}), [], []
    for alert in alerts:
        fires, holds = {**CASES, **FLEET_CASES}[alert]
        if alert in FLEET_CASES:
            every = [(case, [(alert, None)]) for case in fires] + [(case, []) for case in holds]
            fleet += [group({name + "}": values for name, values in case.items()}, told) for case, told in every]
            continue
        for number, case in enumerate([*fires, *holds]):
            series |= server(f"{alert} {number}", case)
        firing += [(alert, f"{alert} {number}") for number in range(len(fires))]
    return [group(series, firing), *fleet]


ALERTS = [*CASES, *FLEET_CASES]


def rules(path, alerts=ALERTS):
    """Whatever promtool says of the rules, of paragraphs that are not there, and of when alerts fire."""
    if told := run("promtool", "check", "rules", path) or paragraphs(path):
        return told
    told = {"rule_files": [path.name], "evaluation_interval": "1m", "tests": groups(alerts)}
    (path.parent / "cases.yml").write_text(yaml.safe_dump(told))
    try:
        return run("promtool", "test", "rules", "cases.yml", where=path.parent)
    finally:
        (path.parent / "cases.yml").unlink()


def alerts_of(path):
    groups = yaml.safe_load(path.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def paragraphs(path):
    """The alerts whose runbook_url names no heading of docs/ops.md."""
    headings = re.findall(r"^#+ (.*)$", OPS.read_text(), flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    urls = {name: rule["annotations"]["runbook_url"] for name, rule in alerts_of(path).items()}
    lost = [name for name, url in urls.items() if url.partition("docs/ops.md#")[2] not in anchors]
    return f"no such paragraph: {lost}" if lost else ""


def test_every_alert_has_its_cases_and_its_paragraph_names_it(folder):
    alerts = alerts_of(folder / "prometheus" / "plume.rules.yml")
    assert set(alerts) == set(ALERTS)
    night = OPS.read_text().partition("## At three in the morning")[2].partition("\n## ")[0]
    for name, rule in alerts.items():
        anchor = rule["annotations"]["runbook_url"].partition("#")[2]
        (paragraph,) = [
            part for part in night.split("\n### ")[1:]
            if re.sub(r"[^\w -]", "", part.partition("\n")[0].lower()).replace(" ", "-") == anchor
        ]  # fmt: skip
        assert f"`{name}`" in paragraph
        assert rule["labels"]["severity"] in ("page", "ticket")
    assert {name for text in night.split("`") for name in re.findall(r"^Plume\w+$", text)} == set(alerts)


# --- which metrics there are


def known_metrics():
    """Every name that the guard and vLLM of this install give."""
    suffixes = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_count", "_sum"]}
    families = [(family.name, family.type) for family in Metrics().registry.collect()]
    source = Path(importlib.util.find_spec("vllm").origin).parent / "v1" / "metrics" / "loggers.py"
    made = re.findall(r"_(counter|gauge|histogram)_cls\(\s*name=\"([\w:]+)\"", source.read_text())
    families += [(name, kind) for kind, name in made]
    return {name + suffix for name, kind in families for suffix in suffixes[kind]} | {"up"}


def unknown(folder, texts):
    recorded = re.findall(r"record: (\S+)", (folder.parent / "prometheus" / "plume.rules.yml").read_text())
    used = {name for text in texts for name in re.findall(r"\b(?:plume_\w+|(?:plume|vllm):[\w:]+|up)\b", text)}
    lost = used - known_metrics() - set(recorded)
    return f"no such metric: {sorted(lost)}" if lost else ""


def scrape(path):
    return run("promtool", "check", "config", path)


def dashboard(path):
    """Whatever is wrong with a panel: its expression, as Prometheus reads it, its metrics, its place."""
    panels = json.loads(path.read_text())["panels"]
    queries = [target["expr"].replace("$__rate_interval", "5m") for panel in panels for target in panel["targets"]]
    told = path.parent / "panels.yml"
    records = [{"record": f"panel:{n}", "expr": query} for n, query in enumerate(queries)]
    told.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": records}]}))
    checked = run("promtool", "check", "rules", told)
    told.unlink()
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    same = "" if len(places) == len({panel["id"] for panel in panels}) == len(panels) else "panels lie on each other"
    source = "" if all(panel["datasource"]["uid"] == "plume" for panel in panels) else "another datasource"
    return checked or same or source or unknown(path.parent, queries)


def provisioned(path):
    """Whether Grafana finds its datasource, by the panels' uid, and its dashboards."""
    read = yaml.safe_load(path.read_text())
    if path.name == "datasource.yaml":
        (source,) = read["datasources"]
        return "" if (source["uid"], source["url"]) == ("plume", "http://127.0.0.1:9090") else str(source)
    (provider,) = read["providers"]
    return "" if provider["options"]["path"] == "/var/lib/grafana/dashboards" else str(provider)


def test_rules_use_metrics_and_kinds_of_errors_that_there_are(folder):
    path = folder / "prometheus" / "plume.rules.yml"
    texts = [rule["expr"] for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]
    assert unknown(folder / "prometheus", texts) == ""
    assert "no such metric: ['plume_gone']" in unknown(folder / "prometheus", ["plume_gone > 1"])
    kinds = {kind for text in texts for told in re.findall(r'kind=~?"([^"]*)"', text) for kind in told.split("|")}
    assert kinds
    assert kinds <= {reason.value[1] for reason in Reason}


def test_what_is_not_served_is_not_watched(folder, tmp_path):
    write(ServeConfig.model_validate({"traces": False}), tmp_path / "out")
    quiet = alerts_of(tmp_path / "out" / "prometheus" / "plume.rules.yml")
    assert set(ALERTS) - set(quiet) == {"PlumeMlflowBehind", "PlumePlatformWaits"}


def test_every_server_is_watched_by_port_or_through_nginx_with_the_key_as_a_file(folder, tmp_path):
    def scraped(out):
        (job,) = yaml.safe_load((out / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
        return job, [(*each["targets"], each["labels"]) for each in job["static_configs"]]

    job, targets = scraped(folder)
    assert job["authorization"] == {"credentials_file": str(folder.parent / "metrics.key")}
    assert targets == [("127.0.0.1:8300", {"replica": "1"}), ("127.0.0.1:8301", {"replica": "2"})]
    authority = tmp_path / "ca.pem"
    site = {"replicas": 2, "server_name": "plume.example", "listen": ["192.0.2.1:8443"], "authority": authority}
    write(
        ServeConfig.model_validate({"socket": "/run/plume/vllm.sock", "database": DATABASE, "site": site}),
        tmp_path / "out",
    )
    job, targets = scraped(tmp_path / "out")
    nginx = (tmp_path / "out" / "nginx" / "nginx.conf").read_text()
    assert job["tls_config"] == {"ca_file": str(authority)}
    for number, (target, labels) in enumerate(targets, 1):
        assert target == "plume.example:8443"
        assert labels["__scheme__"] == "https"
        assert f"location = {labels['__metrics_path__']} {{" in nginx
        assert labels["replica"] == str(number)


READERS = {
    "prometheus/prometheus.yml": scrape,
    "prometheus/plume.rules.yml": rules,
    "grafana/plume.json": dashboard,
    "grafana/datasource.yaml": provisioned,
    "grafana/dashboards.yaml": provisioned,
}
PLANTED = {  # by path: what is replaced by what, each an error of its own
    "prometheus/prometheus.yml": [
        ("static_configs", "static_config"),
        ("scrape_timeout: 10s", "scrape_timeout: 10m"),
        ("plume.rules.yml", "plume.rules.yaml.d/["),
    ],
    "prometheus/plume.rules.yml": [("for: 2m", "for: two"), ("sum by (replica)", "sum bi (replica)"), ("#a-s", "#a-z")],
    "grafana/plume.json": [
        ("sum by (kind)", "sum by kind"),
        ("plume_maskers", "plume_masker"),
        ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
        ('"y": 8', '"y": 0'),
        ('"uid": "plume"}', '"uid": "other"}'),
    ],
    "grafana/datasource.yaml": [("uid: plume", "uid: plumes"), ("9090", "9091")],
    "grafana/dashboards.yaml": [("grafana/dashboards}", "grafana/dashboard}")],
}
WEAKENED = {  # an alert, and what makes it never fire, or always
    "PlumeDown": ("== 0\n        for: 2m", "== 2\n        for: 2m"),
    "PlumeNotReady": ("plume_ready == 0 and plume_draining == 0", "plume_ready == 0"),
    "PlumeDrained": ("for: 30m", "for: 3m"),
    "PlumeNoMasker": ("plume_maskers == 0", "plume_maskers < 2"),
    "PlumeMaskersDie": ("> 3", "> 1"),
    "PlumeErrors": ("> 0.02", "> 0.01"),
    "PlumeTimeouts": ("> 0.05", "> 0.5"),
    "PlumeSlow": ("(0.99,", "(0.5,"),
    "PlumeQueueFull": ("> 205", "> 300"),
    "PlumeCacheFull": ("> 0.95 and", "> 0.95 or"),
    "PlumeJournalErrors": ("journal_errors_total[15m]", "journal_errors_total[5m]"),
    "PlumeAuditErrors": ("audit_errors_total[15m]", "audit_errors_total[2h]"),
    "PlumeMlflowBehind": (" > 50 and delta", " > 0 and delta"),
    "PlumePlatformWaits": ("min_over_time", "max_over_time"),
    "PlumeCanaryWorse": ("1.5 * max(", "15 * max("),
}


@pytest.mark.parametrize("path", READERS)
def test_a_file_is_read_without_a_word_and_each_planted_error_is_found(folder, path):
    file = folder / path
    text = file.read_text()
    try:
        assert READERS[path](file) == ""
        for right, wrong in PLANTED[path]:
            assert right in text
            file.write_text(text.replace(right, wrong, 1))
            assert READERS[path](file) != "", (right, wrong)
    finally:
        file.write_text(text)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_that_was_weakened_is_found_by_its_cases(folder, alert):
    file = folder / "prometheus" / "plume.rules.yml"
    text = file.read_text()
    before, name, rest = text.partition(f"alert: {alert}\n")
    right, wrong = WEAKENED[alert]
    own, following, others = rest.partition("- alert:")
    assert right in own
    try:
        file.write_text(before + name + own.replace(right, wrong) + following + others)
        assert "FAILED" in rules(file, [alert])
    finally:
        file.write_text(text)


def test_no_file_of_theirs_is_left_out():
    assert set(READERS) == {file.path for file in FILES if file.path.startswith(("prometheus/", "grafana/"))}
