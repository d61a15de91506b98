"""A study's minutes in `plume eval time` replace the modelled ones; claims of writing time are held against them."""

import json

import pytest

from eval.time.claims.check import check
from eval.time.claims.published import Claim
from eval.time.minutes.from_study import read
from eval.time.page.wording import beside_the_model
from eval.time.run import run
from plume.errors import InputError
from plume.files import file_sha256

FIGURES = {
    "time_ratio": (0.66, 0.58, 0.75),
    "minutes_saved": (2.1, 1.4, 2.9),
    "minutes_with_draft": (4.0, 3.4, 4.8),
    "minutes_without_draft": (6.1, 5.2, 7.2),
}


def analysed(*, holds=True, groups=("all", "novice"), **changes):
    rows = [
        {"quantity": quantity, "group": group, "estimate": e, "lower": low, "upper": high, "n": 240}
        for group in groups
        for quantity, (e, low, high) in (FIGURES | changes).items()
    ]
    rows.append({"quantity": "finals_won", "group": "all", "estimate": 0.48, "lower": 0.4, "upper": 0.56, "n": 9})
    return {"estimates": rows, "preregistration": {"sha256": "a" * 64, "holds": holds}}


@pytest.fixture
def write_study(tmp_path):
    def write(document):
        path = tmp_path / "study.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
        return path

    return write


def test_its_rows_are_of_grade_a_and_the_whole_study_comes_first(write_study):
    found = read(write_study(analysed()))
    assert [(row.quantity, row.group) for row in found.rows[:2]] == [("time_ratio", "all"), ("minutes_saved", "all")]
    assert {row.grade for row in found.rows} == {"A"}
    assert len(found.rows) == 8
    assert found.replaces
    assert (found.won.estimate, found.confidence) == (0.48, 0.95)
    assert found.waiting == 0
    assert read(write_study(analysed() | {"flow": {"waiting": 7}})).waiting == 7
    assert read(write_study(analysed() | {"flow": {"waiting": "7"}})).waiting == 0
    broken = read(write_study(analysed(holds=False)))
    assert {row.grade for row in broken.rows} == {"biased"}
    assert not broken.replaces
    assert not read(write_study(analysed(minutes_saved=(2.1, None, None)))).replaces


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("{", "not readable as JSON"),
        ({"outcome": "PASS", "inputs": {}}, "is no analysed study"),
        ({"estimates": [], "claims": []}, "says nothing of a preregistration"),
        ({"estimates": [], "preregistration": {}}, "holds no time_ratio"),
        (analysed(time_ratio=("x", 0, 1)), "not numbers"),
        (analysed(time_ratio=(0.66, 0.7, 0.8)), "impossible"),
        (analysed(groups=("all", "all")), "or two"),
        (analysed() | {"preregistration": {"holds": True, "split": "train"}}, "of the train split"),
    ],
)
def test_another_file_or_a_damaged_one_is_refused_in_one_line(write_study, document, told):
    with pytest.raises(InputError) as refused:
        read(write_study(document))
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def claim(**values):
    return Claim.model_validate(
        {
            "id": "writing",
            "quantity": "writing_minutes",
            "statement": "Le temps de rédaction a été divisé par 2.",
            "values": values,
            "population": {"description": "agents"},
            "window": {"description": "non publiée"},
            "source": {"publisher": "p", "date": "2024", "title": None},
            "status": "announced",
        }
    )


@pytest.mark.parametrize(
    ("values", "holds", "outcome"),
    [
        ({"ratio": 2}, True, "contradicted"),  # 1 / 0.75 to 1 / 0.58: from 1.33 to 1.72
        ({"ratio": 1.5}, True, "compatible"),
        ({"before": 6, "after": 4}, True, "compatible"),
        ({"before": 20, "after": 3}, True, "contradicted"),
        ({"ratio": 1.5}, False, "uncheckable"),
    ],
)
def test_claims_of_writing_time_are_held_against_the_study(write_study, values, holds, outcome):
    found = check(claim(**values), None, study=read(write_study(analysed(holds=holds))))
    assert found.outcome == outcome
    if outcome == "contradicted" and "ratio" in values:
        assert "−34" in found.said


def test_without_a_study_such_a_claim_is_uncheckable():
    found = check(claim(ratio=2), None)
    assert (found.outcome, "--study" in found.why) == ("uncheckable", True)
    with pytest.raises(ValueError, match="has no value difference"):
        claim(difference=3)


def test_measured_minutes_replace_modelled_ones_on_the_page(sample_export, write_study, tmp_path):
    study = write_study(analysed() | {"flow": {"waiting": 7}})
    result = run(sample_export, tmp_path / "out", study=study, draws=200)
    rows = [row for row in result["estimates"] if row["quantity"] == "minutes_saved"]
    assert [(row["group"], row["grade"], row["estimate"]) for row in rows] == [("all", "A", 2.1), ("novice", "A", 2.1)]
    assert result["inputs"]["study"] == file_sha256(study)
    assert result["study"]["replaces_modelled"] is True
    page = (tmp_path / "out" / "time.html").read_text(encoding="utf-8").replace("\u00a0", " ").replace("&#39;", "'")
    assert "remplacées par l'étude, montrées pour mémoire" in page
    assert "2,10 min (de 1,40 à 2,90)" in page
    assert "Niveau de preuve « A »" in page
    assert "préférée dans 48" in page
    assert "L'étude n'était pas finie : 7 réponses encore attendues." in page
    assert "un brouillon fait gagner 2,10 min" in page

    for bounds, said in (((-0.2, -0.9, 0.4), "aucun gain n'est établi"), ((-1.0, -1.5, -0.5), "fait perdre 1,00 min")):
        run(sample_export, tmp_path / said, study=write_study(analysed(minutes_saved=bounds)), draws=200)
        page = (tmp_path / said / "time.html").read_text(encoding="utf-8")
        assert said in page.replace("\u00a0", " ").replace("&#39;", "'")

    broken = write_study(analysed(holds=False))
    run(sample_export, tmp_path / "broken", study=broken, draws=200)
    page = (tmp_path / "broken" / "time.html").read_text(encoding="utf-8")
    assert "Plan non respecté." in page
    assert "montrées pour mémoire, et ne remplacent pas" in page.replace("\u00a0", " ")


def test_the_page_says_where_the_model_lies(write_study):
    saved = read(write_study(analysed())).get("minutes_saved")
    assert "dans l'intervalle" in beside_the_model(saved, [0, 0, 2.0])
    assert "au-dessus" in beside_the_model(saved, [0, 0, 4.0])
    assert "au-dessous" in beside_the_model(saved, [0, 0, 0.5])
