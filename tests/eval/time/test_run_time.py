import json
from html.parser import HTMLParser

import pytest

from eval.time.run import run
from plume.errors import InputError

SECRET = "phrase-que-nul-ne-doit-lire"
KEYS = {"quantity", "group", "comparison", "estimate", "lower", "upper", "n", "censored", "grade"}


def ratio(result, quantity):
    return next(r for r in result["estimates"] if r["quantity"] == quantity and r["comparison"] == "before_after")


@pytest.fixture(scope="module")
def unchanged(simulate, tmp_path_factory):
    """A year before and 60 days after with the same law of delays, extracted on the last day."""
    folder = tmp_path_factory.mktemp("unchanged")
    (folder / "export.json").write_text(json.dumps(simulate(n_before=6000, n_after=1000)), encoding="utf-8")
    return run(folder / "export.json", folder / "out"), folder / "out"


def test_factor_appears_without_effect_in_the_naive_mean_only(unchanged):
    result, _ = unchanged
    assert ratio(result, "naive_mean_days")["lower"] > 1.3
    honest = ratio(result, "rmst_30")
    assert honest["lower"] < 1 < honest["upper"]
    assert honest["upper"] - honest["lower"] < 0.3
    halved = next(claim for claim in result["claims"] if claim["id"] == "itforbusiness-19-to-3-days")
    assert halved["outcome"] == "cannot be checked"  # its window goes beyond the extraction


def test_real_halving_is_seen_and_the_right_claims_are_reproduced(simulate, write_export, tmp_path):
    rows = simulate(n_before=4000, n_after=3000, days_before=300, days_after=120, scale=10, scale_after=4.2, sigma=0.5)
    result = run(write_export(rows), tmp_path / "out")
    assert ratio(result, "rmst_30")["lower"] > 1.8
    outcomes = {claim["id"]: claim["outcome"] for claim in result["claims"]}
    assert outcomes["ministry-delay-halved"] == "cannot be checked"  # only CAF in this file
    assert outcomes["jdn-13-to-3-days"] == "not reproduced"


def test_json_holds_the_rows_of_the_design_and_equals_what_is_returned(unchanged):
    result, out = unchanged
    assert json.loads((out / "time.json").read_text(encoding="utf-8")) == result
    assert all(set(row) == KEYS for row in result["estimates"])
    assert all(set(claim) == {"id", "outcome", "why"} for claim in result["claims"])
    assert set(result["inputs"]) == {"export", "claims"}


def test_no_text_of_reviews_or_replies_in_the_outputs(unchanged):
    _, out = unchanged
    for name in ("time.json", "time.html"):
        assert SECRET not in (out / name).read_text(encoding="utf-8")


def test_same_export_gives_the_same_bytes(make_experience, write_export, tmp_path):
    export = write_export([make_experience(n, written=f"2023-0{n}-01", replied=f"2023-0{n}-09") for n in range(1, 10)])
    for name in ("one", "two"):
        run(export, tmp_path / name)
    for file in ("time.json", "time.html"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


class Page(HTMLParser):
    """What an accessible page must have, counted."""

    def __init__(self):
        super().__init__()
        self.lang, self.headers_without_scope, self.images, self.title, self.remote = None, 0, [], "", []
        self._in_title = False

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.lang = attrs.get("lang") if tag == "html" else self.lang
        self.headers_without_scope += tag == "th" and "scope" not in attrs
        self._in_title = tag == "title"
        if tag == "img":
            self.images.append(attrs)
        if tag in ("script", "link", "iframe"):
            self.remote.append(tag)

    def handle_data(self, data):
        if self._in_title:
            self.title += data

    def handle_endtag(self, tag):
        self._in_title = False


def test_page_is_french_accessible_and_self_contained(unchanged):
    _, out = unchanged
    text = (out / "time.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.lang == "fr"
    assert page.title
    assert page.headers_without_scope == 0
    assert page.remote == []
    assert len(page.images) == 1
    assert page.images[0]["src"].startswith("data:image/svg+xml;base64,")
    assert page.images[0]["alt"]
    assert "Données de la figure" in text
    assert "sans aucun effet" in text
    assert "du 06/08/2023 au 04/10/2023" in text  # the window before, as long as the 60 days after


@pytest.mark.parametrize("drop", [True, False])
def test_missing_or_empty_date_columns_are_named_and_the_run_goes_on(make_experience, write_export, tmp_path, drop):
    columns = ("date_de_publication", "date_de_premiere_reponse")
    rows = [make_experience(n, written=f"2023-{n:02}-01", replied="2023-12-09") for n in range(1, 13)]
    for row in rows:
        for column in columns:
            row.pop(column) if drop else row.update({column: ""})
    result = run(write_export(rows), tmp_path / "out")
    assert result["missing_columns"] == list(columns)
    assert not [row for row in result["estimates"] if row["quantity"] != "useful_share"]
    delays = [claim for claim in result["claims"] if claim["id"] == "afp-7-to-3-days"]
    assert delays[0]["outcome"] == "cannot be checked"
    text = (tmp_path / "out" / "time.html").read_text(encoding="utf-8")
    assert all(column in text for column in columns)
    assert "Ce fichier ne permet de mesurer aucun délai" in text


def test_export_that_starts_after_the_pilot_compares_nothing(make_experience, write_export, tmp_path):
    result = run(write_export([make_experience(1, written="2024-01-01", replied="2024-01-03")]), tmp_path / "out")
    assert not [r for r in result["estimates"] if r["comparison"] == "before_after" and r["estimate"] is not None]
    assert "aucune comparaison" in (tmp_path / "out" / "time.html").read_text(encoding="utf-8")


def test_names_in_the_claims_file_are_escaped(make_experience, write_export, tmp_path):
    claims = tmp_path / "claims.yaml"
    claims.write_text(
        "pilot: {name: '<b>x</b>', started_on: 2023-10-05}\n"
        "claims: [{id: a, quantity: useful_share, statement: '<script>', values: {after: 0.5}, status: press,\n"
        "  population: {description: p}, window: {description: w}, source: {publisher: s, date: 2023, title: null}}]\n",
        encoding="utf-8",
    )
    run(write_export([make_experience(1, written="2023-01-01")]), tmp_path / "out", claims=claims)
    text = (tmp_path / "out" / "time.html").read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "<b>x</b>" not in text


def test_output_folder_that_holds_something_is_kept_unless_forced(make_experience, write_export, tmp_path):
    export = write_export([make_experience(1, written="2023-01-01")])
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("à garder", encoding="utf-8")
    with pytest.raises(InputError, match="not empty"):
        run(export, out)
    run(export, out, force=True)
    assert (out / "notes.txt").read_text(encoding="utf-8") == "à garder"
    assert (out / "time.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"extracted_on": "demain"}, "not a date"),
        ({"extracted_on": "2020-01-01"}, "--extracted-on"),
        ({"claims": "nowhere.yaml"}, "no such config"),
    ],
)
def test_bad_arguments_are_refused_and_leave_nothing(make_experience, write_export, tmp_path, arguments, message):
    export = write_export([make_experience(1, written="2023-01-01")])
    with pytest.raises(InputError, match=message):
        run(export, tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_truncated_export_is_refused_and_leaves_nothing(write_export, make_experience, tmp_path):
    export = write_export([make_experience(1, written="2023-01-01")])
    export.write_text(export.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    with pytest.raises(InputError, match="truncated"):
        run(export, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_export_without_a_readable_date_is_refused(write_export, make_experience, tmp_path):
    with pytest.raises(InputError, match="ecrit_le"):
        run(write_export([make_experience(1, written="hier")]), tmp_path / "out")


def test_run_on_the_sample_export(tmp_path):
    from plume.paths import ROOT

    export = ROOT / "datasets" / "sample" / "export.json"
    result = run(export, tmp_path / "out")
    assert result["missing_columns"] == []
    assert ratio(result, "rmst_30")["estimate"] is not None
    kinds = result["counts"]
    assert kinds["replied"] + kinds["placeholder"] + kinds["unanswered"] <= kinds["waits"]
