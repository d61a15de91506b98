"""From two files of drafts to verdict.json and report.html, through the real metrics."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from eval import report
from eval.browse import ADDRESS
from eval.compare import compare, items_of
from eval.gate import Line, decide
from eval.measures import OF_DRAFTS, PRIMARY
from eval.rule import GateRule
from eval.stats.estimate import Estimate
from plume.errors import InputError

GATE = Path(__file__).parents[2] / "configs" / "eval" / "gate.yaml"
VOID = {"meta", "line", "circle", "rect", "path", "br"}


@pytest.fixture
def easy(tmp_path, few_probes):
    """The project's rule with limits and margins that 60 items can establish, and four probes."""
    text = re.sub(r"(limit|margin): 0\.\d+", r"\1: 0.1", GATE.read_text(encoding="utf-8"))
    text = re.sub(r"file: .*\n  limit: 0.1", f"file: {few_probes}\n  limit: 0.6", text)
    path = tmp_path / "easy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


class Page(HTMLParser):
    """Open tags must close in order; keeps the tags with their attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.stack, self.tags, self.text = [], [], ""
        self.feed(text)
        assert not self.stack

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if "style" not in self.stack:
            self.text += plain(data)


def plain(text):
    """Without the no-break spaces of French typography."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def every(n, good, worse):
    return lambda i: (worse if i % n == 0 else good).format(i)


def test_a_better_challenger_passes_and_the_verdict_file_has_the_designs_keys(
    make_data, make_drafts, texts, easy, tmp_path
):
    data = make_data(60)
    champion = make_drafts(data, "base", every(2, texts["good"], texts["worse"]))
    challenger = make_drafts(data, "tuned", every(30, texts["good"], texts["worse"]))
    out = tmp_path / "verdict"
    verdict = compare(champion, challenger, data, easy, out)
    assert verdict.outcome == "PASS"

    document = json.loads((out / "verdict.json").read_text(encoding="utf-8"))
    assert list(document) == ["outcome", "reasons", "needs_items", "estimates", "inputs", "checks_off", "files"]
    assert document["outcome"] == "PASS"
    assert document["checks_off"] == []
    assert document["needs_items"] is None
    keys = ["measure", "slice", "arm", "estimate", "lower", "upper", "n", "n_error", "rule", "holds"]
    assert all(list(row) == keys for row in document["estimates"])
    whole = {(r["measure"], r["arm"]) for r in document["estimates"] if not r["slice"]}
    assert {(m, arm) for m in OF_DRAFTS for arm in ("champion", "challenger", "difference")} <= whole
    gain = next(r for r in document["estimates"] if (r["measure"], r["arm"]) == ("chrf_fr", "difference"))
    assert gain["rule"] is None  # information, never a gate
    assert gain["lower"] > 0
    assert document["inputs"]["challenger_adapter_sha256"] is None
    assert len(document["inputs"]["gate_sha256"]) == 64

    # The other way round it fails, and every difference is the negative.
    swapped = compare(challenger, champion, data, easy, tmp_path / "swapped")
    assert swapped.outcome == "FAIL"
    forth = {(x.measure, x.slice): x.value for x in verdict.estimates if x.arm == "difference"}
    back = {(x.measure, x.slice): x.value for x in swapped.estimates if x.arm == "difference"}
    for key, value in forth.items():
        if value.lower is None:  # nothing was trained on, so that nothing is copied: no interval
            assert (value.estimate, back[key].lower) == (0, None)
            continue
        assert (value.lower, value.upper) == pytest.approx((-back[key].upper, -back[key].lower), abs=1e-6)


def test_the_report_is_one_accessible_french_page_without_anything_from_outside(
    make_data, make_drafts, texts, easy, tmp_path
):
    data = make_data(40)
    champion = make_drafts(data, "base", lambda i: texts["good"].format(i))
    bad = texts["good"].replace("guichet", "<script>alert(1)</script> comptoir") + " Appelez le 01 99 00 12 34."
    challenger = make_drafts(data, "tuned", every(5, texts["good"], bad))
    easy.write_text(easy.read_text(encoding="utf-8").replace("checks_off: []", "checks_off: [greeting]"))
    verdict = compare(champion, challenger, data, easy, tmp_path / "out")
    assert verdict.outcome == "FAIL"
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    page = Page(html)

    assert ("html", {"lang": "fr"}) in page.tags
    assert "script" not in {tag for tag, _ in page.tags}  # a draft's markup is shown, never run
    assert not [a for _, attributes in page.tags for a in attributes if a in ("src", "srcset", "action")]
    anchors = {"#" + a["id"] for _, a in page.tags if "id" in a}
    links = [a["href"] for tag, a in page.tags if tag == "a"]
    browsed = [link for link in links if link.startswith(f"{ADDRESS}/items/")]  # plume eval browse, on this machine
    assert set(links) - set(browsed) <= anchors
    assert "#echecs-check-contacts" in links  # from the rule to the drafts that fail it
    assert "#avis-1" in links  # from a failure to the draft
    assert not re.search(r"https?://|//cdn|@import|url\(", html.replace(ADDRESS, ""))
    assert all(a.get("scope") in ("col", "row", "rowgroup") for tag, a in page.tags if tag == "th")
    assert [a["role"] for tag, a in page.tags if tag == "svg"] == ["img"]
    tables = [tag for tag, _ in page.tags if tag in ("table", "caption")]
    assert tables.count("table") == tables.count("caption") >= 6

    assert "Remplacement refusé" in page.text
    off = "Contrôles désactivés par la règle, qui n’ont donc rien décidé : « Salutation au début »."
    assert off in verdict.reasons
    assert "Salutation au début (désactivé par la règle)" in page.text
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["checks_off"] == ["greeting"]
    assert "[phone.french]" in page.text  # the rule that found it
    assert "Par contrôle, tous jeux réunis" in page.text  # what the checks see, in the annex
    assert "(88 sur 100" in page.text  # a first shot
    for reason in verdict.reasons:
        assert plain(reason) in page.text
    assert "8 échecs" in page.text or "16 échecs" in page.text
    assert "01 99 00 12 34" in page.text
    assert "<ins>" in html  # the regression's changed words are marked
    assert "<del>guichet " in html
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["inputs"]["split_sha256"] in page.text


def test_too_few_items_say_how_many_more_in_verdict_and_report(make_data, make_drafts, texts, tmp_path):
    data = make_data(40)
    champion = make_drafts(data, "base", every(2, texts["good"], texts["worse"]))
    challenger = make_drafts(data, "tuned", lambda i: texts["good"].format(i))
    verdict = compare(champion, challenger, data, GATE, tmp_path / "out")
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.needs_items == 299 - 40
    text = Page((tmp_path / "out" / "report.html").read_text(encoding="utf-8")).text
    assert "il faudrait environ 259 avis de plus" in text


def test_drafts_that_failed_are_errors_and_the_verdict_is_inconclusive(make_data, make_drafts, texts, easy, tmp_path):
    data = make_data(40)
    champion = make_drafts(data, "base", every(2, texts["good"], texts["worse"]))
    challenger = make_drafts(data, "tuned", lambda i: RuntimeError("cut off") if i == 3 else texts["good"].format(i))
    assert compare(champion, challenger, data, easy, tmp_path / "one").outcome == "INCONCLUSIVE"
    nothing = make_drafts(data, "none", lambda i: None)
    verdict = compare(nothing, nothing, data, easy, tmp_path / "all")
    assert verdict.outcome == "INCONCLUSIVE"
    document = (tmp_path / "all" / "verdict.json").read_text(encoding="utf-8")
    assert "NaN" not in document
    assert "Infinity" not in document


def test_where_only_superiority_failed_the_page_says_that_there_is_no_point_in_replacing(
    make_data, make_drafts, texts, easy, tmp_path
):
    data = make_data(120)
    champion = make_drafts(data, "base", every(4, texts["good"], texts["worse"]))
    same = make_drafts(data, "same", every(4, texts["good"], texts["worse"]))
    rule = tmp_path / "wide.yaml"
    rule.write_text(easy.read_text().replace("worthwhile: 0.05", "worthwhile: 0.1"), encoding="utf-8")
    unsafe = make_drafts(data, "unsafe", every(4, texts["good"] + " Appelez le 01 99 00 12 34.", texts["worse"]))
    for challenger, told in ((same, True), (unsafe, False)):
        verdict = compare(champion, challenger, data, rule, tmp_path / challenger.stem)
        assert verdict.outcome == "FAIL"
        text = Page((tmp_path / challenger.stem / "report.html").read_text(encoding="utf-8")).text
        assert ("Pas d’intérêt à remplacer" in text) is told
        assert ("Remplacement refusé" in text) is not told


def test_other_decoding_or_another_prompt_is_no_pass_unless_the_rule_compares_systems(
    make_data, make_drafts, texts, easy, tmp_path
):
    data = make_data(60)
    better = every(30, texts["good"], texts["worse"])
    base = make_drafts(data, "base", every(2, texts["good"], texts["worse"]))
    sampled = make_drafts(data, "sampled", better, decoding={"strategy": "sample"}, fingerprint="g")
    prompted = make_drafts(data, "prompted", better, fingerprint="g")
    for name, drafts, cause in (("a", sampled, "réglages"), ("b", prompted, "consigne")):
        verdict = compare(base, drafts, data, easy, tmp_path / name)
        assert verdict.outcome == "INCONCLUSIVE"
        assert cause in verdict.reasons[0]
    systems = tmp_path / "systems.yaml"
    systems.write_text(easy.read_text().replace("prompts_may_differ: false", "prompts_may_differ: true"))
    assert compare(base, prompted, data, systems, tmp_path / "c").outcome == "PASS"
    assert compare(base, sampled, data, systems, tmp_path / "d").outcome == "INCONCLUSIVE"


def test_a_full_folder_is_refused_unless_forced_and_another_dataset_always(
    make_data, make_drafts, texts, easy, tmp_path
):
    data = make_data(30)
    drafts = make_drafts(data, "base", lambda i: texts["good"].format(i))
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="--force"):
        compare(drafts, drafts, data, easy, out)
    compare(drafts, drafts, data, easy, out, force=True)
    assert {f.name for f in out.iterdir()} == {
        "notes.txt",
        "verdict.json",
        "report.html",
        "champion.scores.jsonl",
        "challenger.scores.jsonl",
    }
    with pytest.raises(InputError, match="another dataset"):
        compare(drafts, drafts, make_data(31, name="other"), easy, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_replies_to_one_review_are_one_cluster_and_reviews_are_sliced_by_terciles():
    pairs = [
        {"id": f"{i // 2}-{i % 2 + 1}", "review": "mot " * (i + 1), "network": "CAF", "sentiment": None}
        for i in range(9)
    ]
    items = items_of(pairs)
    assert [item.cluster for item in items[:4]] == ["0", "0", "1", "1"]
    assert [item.slices["review_length"] for item in items] == ["court"] * 3 + ["moyen"] * 3 + ["long"] * 3
    assert "sentiment" not in items[0].slices
    assert decide(GateRule.load(GATE), items, {}, {}).outcome == "INCONCLUSIVE"


def test_a_guardrail_of_one_slice_reads_as_a_guardrail_and_only_a_veto_as_a_veto():
    value = Estimate(-0.03, -0.05, -0.01, 60, 0)
    rules = {
        "veto": ("slice veto: upper bound < -0.1", False),
        "enfreinte": ("non-inferiority: difference > -0.02", False),
        "trop peu d’avis": (None, None),
    }
    of_caf = {told: Line(PRIMARY, "network=CAF", "difference", value, *rule) for told, rule in rules.items()}
    said = {told: report._judged(line) for told, line in of_caf.items()}
    assert [row["told"] for row in said.values()] == list(rules)
    assert said["veto"]["label"] == "réseau : CAF"
    assert said["enfreinte"]["label"].endswith(", réseau : CAF")
