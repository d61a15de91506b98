import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from eval.time.minutes.constants import DEFAULT
from eval.time.page.wording import by_chance, threshold
from eval.time.run import CLAIMS, run
from plume.errors import InputError
from plume.paths import in_clone
from tests.eval.time.conftest import rows_of

SECRET = "phrase-que-nul-ne-doit-lire"
KEYS = {"quantity", "group", "comparison", "estimate", "lower", "upper", "n", "censored", "grade"}


def ratio(result, quantity):
    return next(r for r in result["estimates"] if r["quantity"] == quantity and r["comparison"] == "before_after")


@pytest.fixture(scope="module")
def unchanged(world, tmp_path_factory):
    """A year before and 90 days after with the same law of delays, extracted on the last day."""
    folder = tmp_path_factory.mktemp("unchanged")
    rows = rows_of(world(n=5000, after=90, votes=0.3).draw(8))
    (folder / "export.json").write_text(json.dumps(rows), encoding="utf-8")
    return run(folder / "export.json", folder / "out", draws=400), folder / "out"


def test_factor_appears_without_effect_in_the_naive_mean_only(unchanged):
    result, _ = unchanged
    assert ratio(result, "naive_mean_days")["lower"] > 1.3
    honest = ratio(result, "rmst_30")
    assert honest["lower"] < 1 < honest["upper"]
    assert honest["upper"] - honest["lower"] < 0.3
    later = next(claim for claim in result["claims"] if claim["id"] == "itforbusiness-19-to-3-days")
    assert later["outcome"] == "uncheckable"  # its window goes beyond the extraction


def test_real_halving_is_seen_and_claims_are_held_against_it(world, write_export, tmp_path):
    made = world(n=6000, before=365, after=150, trend=0.5, sigma=0.5, spread=0.2)
    result = run(write_export(rows_of(made.draw(3))), tmp_path / "out", draws=400)
    assert ratio(result, "rmst_30")["lower"] > 1.6
    outcomes = {claim["id"]: claim["outcome"] for claim in result["claims"]}
    assert outcomes["ministry-delay-halved"] == "uncheckable"  # only CAF in this file
    assert outcomes["jdn-13-to-3-days"] == "contradicted"


SEASON = {"season": 0.35, "n": 6000, "after": 150}
ANSWERS = {
    "a season": ({}, "contradicted", r"^Non : [−+]?\d+\s%, pas de moitié"),
    "halved": (
        {"effect": 0.5, "helped": 1.0, "volunteers": 1.0},
        "compatible",
        r"^Compatible : −\d+\s% dans les 30 premiers jours, ce qui va avec la moitié",
    ),
    "no year before": ({"before": 200}, "uncheckable", r"^On ne peut pas le dire : .* un an plus tôt"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_first_sentence_answers_the_first_claim_in_words(world, write_export, tmp_path, name):
    changes, outcome, said = ANSWERS[name]
    claims = tmp_path / "claims.yaml"
    text = in_clone(CLAIMS).read_text(encoding="utf-8")
    claims.write_text(text.replace("networks: [CNAM,", "networks: [CAF, CNAM,"), encoding="utf-8")
    export = write_export(rows_of(world(**SEASON | changes).draw(2)))
    result = run(export, tmp_path / "out", claims=claims, draws=300)
    assert {claim["id"]: claim["outcome"] for claim in result["claims"]}["ministry-delay-halved"] == outcome
    page = (tmp_path / "out" / "time.html").read_text(encoding="utf-8").replace("&#39;", "'").replace("\u00a0", " ")
    answer = re.search('class="key answer">(.*?)</p>', page, re.DOTALL)[1]
    assert re.search(said, answer)
    assert "mêlent les saisons" in answer
    assert "au plus 2,0 entre les deux bouts d'un rapport, 4 jours, 20 points" in page
    assert not re.search("reproduit", page, re.IGNORECASE)


def test_an_argument_is_refused_before_anything_heavy_is_imported(monkeypatch, sample_export, tmp_path):
    from eval import cli

    for name in ("eval.time.run", "scipy.stats", "matplotlib", "mlflow"):
        monkeypatch.setitem(sys.modules, name, None)  # to import it is an error
    for name in ("inputs", "time.minutes.constants", "time.claims.published"):
        monkeypatch.delitem(sys.modules, f"eval.{name}", raising=False)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    given = {
        "export": sample_export,
        "out": tmp_path / "out",
        "claims": CLAIMS,
        "constants": DEFAULT,
        "decisions": None,
        "pilot_start": None,
        "extracted_on": None,
        "draws": 1000,
        "force": False,
    }
    for change, message in (
        ({"export": tmp_path / "none.json"}, "no such export"),
        ({"claims": Path("none.yaml")}, "no such config"),
        ({"constants": Path("none.toml")}, "no such file"),
        ({"decisions": tmp_path / "none.jsonl"}, "no such file"),
        ({"out": tmp_path / "full"}, "not empty"),
    ):
        with pytest.raises(InputError, match=message):
            cli.time(**given | change)


def test_first_row_of_a_quantity_and_comparison_is_that_of_the_whole_export(unchanged):
    result, _ = unchanged
    first = {}
    for row in result["estimates"]:
        first.setdefault((row["quantity"], row["comparison"]), row["group"])
    first = {key: group for key, group in first.items() if key[0] not in ("modelled_minutes", "median_days")}
    assert {group for (_, comparison), group in first.items() if comparison != "level"} == {"all"}
    assert first["rmst_30", "level"] == first["useful_share", "level"] == first["similarity", "level"] == "all"
    assert {key[0] for key in first} >= {"rmst_7", "rmst_60", "answered_3d", "naive_mean_days", "useful_share"}
    assert {key[1] for key in first} == {"level", "before_after", "did", "ai_vs_not"}


def test_the_three_quantities_stand_apart_with_their_grades(unchanged):
    result, out = unchanged
    grades = {(row["quantity"], row["comparison"]): row["grade"] for row in result["estimates"]}
    assert grades["rmst_30", "before_after"] == "mixes seasons"
    assert grades["modelled_minutes", "level"] == "D"
    assert grades["rmst_30", "ai_vs_not"] == "association"
    assert grades["naive_mean_days", "before_after"] == "biased"
    assert result["active_minutes"] == []
    text = (out / "time.html").read_text(encoding="utf-8")
    assert "Trois quantités, jamais mêlées" in text
    assert "aucun temps de rédaction n'a été donné" in text.replace("&#39;", "'")


def test_decisions_give_active_minutes_and_move_the_constants(world, write_export, tmp_path):
    export = write_export(rows_of(world(n=600).draw(1)))
    secret = f"{SECRET} brouillon"
    lines = [
        {
            "id": f"{i}-1",
            "draft": f"{secret} " + "mot " * (50 + i),
            "final": f"{secret} " + "mot " * (50 + i) + "ajout " * (i % 9),
            "outcome": "edited",
            "version": "4",
            "seconds": 40.0 + i,
        }
        for i in range(40)
    ]
    decisions = tmp_path / "decisions.jsonl"
    decisions.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    result = run(export, tmp_path / "out", decisions=decisions, draws=300)
    assert result["active_minutes"][0]["n"] == 40
    assert result["active_minutes"][0]["estimate"] == pytest.approx((40 + 19.5) / 60)
    assert result["constants_recalibrated"]
    saved = next(row for row in result["estimates"] if row["quantity"] == "modelled_minutes")
    assert saved["group"] == "saved, decisions"
    assert saved["lower"] < saved["estimate"] < saved["upper"]
    assert result["decisions"][1] == {
        "group": "edited",
        "estimate": 1.0,
        "lower": pytest.approx(0.91, abs=0.01),
        "upper": 1.0,
        "n": 40,
    }
    for name in ("time.json", "time.html"):
        assert SECRET not in (tmp_path / "out" / name).read_text(encoding="utf-8")


def test_json_holds_the_rows_of_the_design_and_equals_what_is_returned(unchanged):
    result, out = unchanged
    assert json.loads((out / "time.json").read_text(encoding="utf-8")) == json.loads(json.dumps(result))
    assert all(set(row) == KEYS for row in result["estimates"])
    assert all(set(claim) == {"id", "outcome", "why"} for claim in result["claims"])
    assert set(result["inputs"]) == {"export", "claims", "constants"}


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
    assert len(page.images) >= 3
    assert all(image["src"].startswith("data:image/svg+xml;base64,") and image["alt"] for image in page.images)
    assert text.count("Données de la figure") >= len(page.images)  # each with its table
    assert "sans aucun effet" in text
    assert re.search(r"du 08/07/2023 au\s05/09/2023\s", text)  # as long as the 60 days after that are followed for 30
    assert "Limites" in text


@pytest.mark.parametrize("drop", [True, False])
def test_missing_or_empty_date_columns_are_named_and_the_run_goes_on(make_experience, write_export, tmp_path, drop):
    columns = ("date_de_publication", "date_de_premiere_reponse")
    rows = [make_experience(n, written=f"2023-{n:02}-01", replied="2023-12-09") for n in range(1, 13)]
    for row in rows:
        for column in columns:
            row.pop(column) if drop else row.update({column: ""})
    result = run(write_export(rows), tmp_path / "out")
    assert result["missing_columns"] == list(columns)
    assert not [
        row for row in result["estimates"] if row["quantity"][:4] in ("rmst", "answ", "medi", "naiv") and row["n"]
    ]
    delays = [claim for claim in result["claims"] if claim["id"] == "afp-7-to-3-days"]
    assert delays[0]["outcome"] == "uncheckable"
    text = (tmp_path / "out" / "time.html").read_text(encoding="utf-8")
    assert all(column in text for column in columns)
    assert "Ce fichier ne permet de vérifier aucun délai" in text


def test_export_that_starts_after_the_pilot_compares_nothing(make_experience, write_export, tmp_path):
    result = run(write_export([make_experience(1, written="2024-01-01", replied="2024-01-03")]), tmp_path / "out")
    assert not [r for r in result["estimates"] if r["comparison"] == "before_after" and r["estimate"] is not None]
    assert "aucune comparaison" in (tmp_path / "out" / "time.html").read_text(encoding="utf-8")


def test_answer_says_what_the_adopters_show_where_it_is_grade_b(world, write_export, tmp_path):
    made = world(effect=0.3, helped=1.0, n=8000, before=365, after=150, flagged_unanswered=True)
    result = run(write_export(rows_of(made.draw(3))), tmp_path / "out", draws=300)
    row = next(r for r in result["estimates"] if r["quantity"] == "rmst_30" and r["comparison"] == "did")
    assert row["grade"] == "B"
    assert row["upper"] < 0
    share = result["did"]["in_proportion"]["rmst_30"]
    assert share["lower"] < share["estimate"] < share["upper"] < 1
    text = (tmp_path / "out" / "time.html").read_text(encoding="utf-8").replace("&#39;", "'")
    answer = re.search('class="key answer">(.*?)</p>', text)[1]
    assert "structures qui se servent de l'aide" in answer
    assert "niveau B" in answer
    assert "0,000" not in text
    assert "Ces deux lignes ne se comparent pas" in text


def test_chance_and_thresholds_are_said_in_words():
    assert [by_chance(p) for p in (0.0002, 0.164, None)] == ["moins d'une fois sur 100", "16 fois sur 100", "–"]
    told = [
        threshold(found).replace("\u202f", " ") for found in ((0.2, 0.3, 0.5, 0.6, 0.8), (0.23, 0.5, 0.98, 1.5, 1.99))
    ]
    assert told[0].endswith("plus de 50 % des mots changent (selon les constantes : de 20 % à 80 %).")
    assert told[1].endswith("plus de 98 % des mots changent (selon les constantes : dès 23 %, ou jamais).")
    assert "dès 40 %" in threshold((0.4, 1.1, 1.2, 1.5, 2)).replace("\u202f", " ")
    assert threshold((1.1, 1.2, 1.3, 1.4, 1.5)).endswith("tous ses mots changeaient.")


def test_a_ratio_of_a_few_reviews_is_not_held_up_as_the_result(make_experience, write_export, tmp_path):
    rows = [make_experience(n, written=f"2023-{n:02}-01", replied=f"2023-{n:02}-09") for n in range(1, 13)]
    result = run(write_export(rows), tmp_path / "out")
    assert ratio(result, "rmst_30")["estimate"] == pytest.approx(1)
    assert ratio(result, "rmst_30")["lower"] is None
    text = (tmp_path / "out" / "time.html").read_text(encoding="utf-8")
    summary = text[: text.index("Ce qui a été annoncé")]
    assert "trop peu d'avis comparables" in summary.replace("&#39;", "'")
    assert not re.search(r"limitée à 30 jours\s:\s1,0", summary)


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


def test_run_on_the_sample_export(sample_export, tmp_path):
    result = run(sample_export, tmp_path / "out", draws=300)
    assert result["missing_columns"] == []
    assert ratio(result, "rmst_30")["estimate"] is not None
    kinds = result["counts"]
    assert kinds["replied"] + kinds["placeholder"] + kinds["unanswered"] <= kinds["waits"]


def test_real_sample_says_what_it_cannot_support_and_the_ledger_keeps_it(cli, real_export, plume_home, tmp_path):
    done = cli("eval", "time", real_export, "--out", tmp_path / "out", env={"PLUME_HOME": str(plume_home)})
    assert done.returncode == 0, done.stderr
    assert "absent or empty: date_de_premiere_reponse" in done.stdout
    result = json.loads((tmp_path / "out" / "time.json").read_text(encoding="utf-8"))
    assert {claim["outcome"] for claim in result["claims"]} == {"uncheckable"}
    page = (tmp_path / "out" / "time.html").read_text(encoding="utf-8")
    assert "date_de_premiere_reponse" in page
    texts = [
        value[20:80]
        for row in json.loads(real_export.read_text(encoding="utf-8"))
        for name, value in row.items()
        if isinstance(value, str) and len(value) > 100 and name.startswith(("description", "reponse"))
    ]
    assert len(texts) > 50
    for name in ("time.json", "time.html"):
        held = (tmp_path / "out" / name).read_text(encoding="utf-8")
        assert not [text for text in texts if text in held]

    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{plume_home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("plume").experiment_id
    (logged,) = client.search_runs([experiment], "tags.`plume.kind` = 'time'")
    assert logged.data.tags["claim.afp-7-to-3-days"] == "uncheckable"
    assert logged.data.metrics["useful_share/level/all.n"] == 7
    assert {a.path for a in client.list_artifacts(logged.info.run_id)} == {"time.json", "time.html"}
