"""The pages that people sign, in a real browser: they render, fit their width, and ask the network for nothing."""

import json
import subprocess

import pytest

from eval.compare import compare
from eval.time.run import run
from plume.doctor import chromium
from plume.paths import ROOT

# The page measures itself and writes the result into its title.
PROBE = """<script>addEventListener("load", () => { document.title = JSON.stringify({
    heading: document.querySelector("h1").innerText,
    headers: document.querySelectorAll("th:not([scope])").length,
    overflow: document.documentElement.scrollWidth - innerWidth,
    requests: performance.getEntriesByType("resource").length }) })</script>"""


@pytest.fixture
def rendered(tmp_path):
    browser = chromium()
    if not browser:
        pytest.skip("needs Debian's chromium: apt-get install chromium")

    def render(page):
        probed = tmp_path / "probed.html"
        probed.write_text(page.read_text(encoding="utf-8").replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
        done = subprocess.run(
            [
                *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
                *("--disable-component-update", "--disable-sync", "--no-first-run", "--window-size=1000,900"),
                *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000", "--dump-dom"),
                probed.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=120,
        )
        title = done.stdout.partition("<title>")[2].partition("</title>")[0]
        return json.loads(title)

    return render


def test_report_renders(rendered, make_data, make_drafts, texts, tmp_path):
    data = make_data(40)
    drafts = [
        make_drafts(data, name, lambda i, kind=kind: texts[kind]) for name, kind in (("a", "good"), ("b", "worse"))
    ]
    compare(*drafts, data, ROOT / "configs/eval/gate.yaml", tmp_path / "out")
    page = rendered(tmp_path / "out" / "report.html")
    assert page["heading"]
    assert page["headers"] == 0
    assert page["overflow"] <= 0
    assert page["requests"] == 0


def test_time_page_renders(rendered, sample_export, tmp_path):
    run(sample_export, tmp_path / "time")
    page = rendered(tmp_path / "time" / "time.html")
    assert page["heading"]
    assert page["headers"] == 0
    assert page["overflow"] <= 0
    assert page["requests"] == 0
