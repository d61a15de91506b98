"""The desk end to end: the real command beside the one engine, an agent in Chromium."""

import json
import os
import re
import subprocess
import sys

import pytest


@pytest.mark.long
def test_an_agent_answers_a_review_with_the_real_engine(site, new_page, tmp_path):
    from playwright.sync_api import expect

    (tmp_path / "key").write_text(site.key)
    words = [sys.executable, "-m", "plume.cli", "serve", "desk", f"guard={site.config.url}", "port=0"]
    words += [f"key_file={tmp_path / 'key'}", f"state={tmp_path / 'desk'}"]
    env = {**os.environ, "PLUME_HOME": str(site.home)}
    desk = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True)
    try:
        address = re.search(r"(http://\S+)/ asks", desk.stdout.readline())[1]
        page = new_page()
        page.goto(address)
        page.get_by_role("button", name="Coller un avis").click()
        expect(page.locator("#review")).to_be_editable()
        page.locator("#review").fill(site.reviews[0])
        page.get_by_role("button", name="Demander un brouillon").click()
        expect(page.locator("#text")).to_be_editable(timeout=120_000)
        page.locator("#text").fill("Bonjour,\n\nMme Josette Morvan vous répondra.")
        page.locator("#text").press("Control+Enter")
        expect(page.locator("#done-words")).to_contain_text("La décision est enregistrée", timeout=60_000)
    finally:
        desk.terminate()
        assert desk.wait(30) is not None
    assert not any(site.marker.encode() in file.read_bytes() for file in (tmp_path / "desk").iterdir())
    out = tmp_path / "decisions.jsonl"
    state = f"state={site.state.folder}"
    done = [sys.executable, "-m", "plume.cli", "serve", "decisions", "--out", str(out), state]
    subprocess.run(done, env=env, check=True, stdout=subprocess.DEVNULL)
    decided = [json.loads(line) for line in out.read_text().splitlines()][-1]
    assert decided["outcome"] == "edited"
    assert decided["seconds"] > 0
    assert "Morvan" not in decided["final"]
