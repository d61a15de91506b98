"""A simulated export holds what it says, and the analysis finds it; the simple mean does not."""

import json

import numpy as np
import pytest

from eval.time.effects import before_after
from eval.time.run import run
from eval.time.simulated.export import PLATFORM, draw, simulate
from eval.time.simulated.truth import read_truth, truth_file
from eval.time.simulated.world import PILOT
from plume.errors import InputError
from plume.export.reader import read_experiences


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    path = tmp_path_factory.mktemp("simulated") / "export.json"
    simulate(path, experiences=4000, divided_by=1.5, seed=1)
    return path


def test_the_truth_is_found_where_the_simple_mean_sees_a_larger_effect(export, tmp_path):
    result = run(export, tmp_path / "out", draws=300)
    main = [row for row in result["estimates"] if row["comparison"] == "before_after" and row["group"] == "all"]
    found = {row["quantity"]: row for row in main}
    assert result["simulated"]["held"]
    assert found["rmst_30"]["lower"] <= 1.5 <= found["rmst_30"]["upper"] < 2
    assert found["naive_mean_days"]["lower"] > 1.5
    line = result["simulated"]["line"]
    assert line.startswith("effet simulé : ÷1,50 ; estimé : ÷1,")
    page = (tmp_path / "out" / "time.html").read_text(encoding="utf-8")
    assert "Données simulées" in page
    assert "Effet simulé : ÷1,50" in page.replace("\xa0", " ").replace("\u202f", " ")


def test_nothing_is_told_of_a_truth_that_is_of_another_file(export, tmp_path, capfd):
    other = tmp_path / "export.json"
    rows = json.loads(export.read_text(encoding="utf-8"))
    other.write_text(json.dumps(rows[:-1]), encoding="utf-8")
    truth_file(other).write_text(truth_file(export).read_text(encoding="utf-8"), encoding="utf-8")
    assert run(other, tmp_path / "out", draws=200)["simulated"] is None
    assert "was changed since" in capfd.readouterr().out
    assert "simulées, aucune" not in (tmp_path / "out" / "time.html").read_text(encoding="utf-8")
    damaged = json.loads(truth_file(export).read_text(encoding="utf-8")) | {"divided_by": "beaucoup"}
    for text in ("[]", json.dumps(damaged)):
        truth_file(other).write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="not the truth of a simulation"):
            read_truth(other)


def test_no_effect_and_the_same_seed(tmp_path):
    for name in ("a", "b"):
        simulate(tmp_path / f"{name}.json", experiences=1000, divided_by=1, seed=3)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert len(list(read_experiences(tmp_path / "a.json"))) == 1000


@pytest.mark.parametrize(
    ("name", "options", "line"),
    [
        ("x.json", {"experiences": 10}, "--experiences 10"),
        ("x.json", {"divided_by": 9}, "--divided-by 9"),
        ("x.json", {"divided_by": float("nan")}, "--divided-by nan"),
        # Without any wait for those with help, the others' wait is what is left.
        ("x.json", {"divided_by": 3, "seed": 8}, r"--divided-by 3 --seed 8: help divides the wait by 2\.8. at most"),
        ("x.csv", {}, "ends in .json"),
    ],
)
def test_what_cannot_be_simulated_is_refused_and_writes_nothing(tmp_path, name, options, line):
    with pytest.raises(InputError, match=line):
        simulate(tmp_path / name, **options)
    assert not any(tmp_path.iterdir())


def test_a_file_is_not_written_over(tmp_path):
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(InputError, match="is there"):
        simulate(tmp_path / "x.json", experiences=1000)


@pytest.mark.long
@pytest.mark.parametrize("by", [1.0, 1.5, 2.0])
def test_intervals_hold_what_is_simulated_and_the_simple_mean_announces_more(by):
    found, naive = [], []
    for seed in range(60):
        waits = draw(PLATFORM.but(n=6000), by, seed).waits()
        for rows, quantity, kept in (
            (before_after.waiting(waits, PILOT, 300)[0], "rmst_30", found),
            (before_after.naive(waits, PILOT, 300), "naive_mean_days", naive),
        ):
            row = next(r for r in rows if (r.quantity, r.comparison, r.group) == (quantity, "before_after", "all"))
            kept.append((row.estimate, row.lower <= by <= row.upper))
    estimates, held = np.array(found).T
    assert held.mean() >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 60)
    assert abs(estimates.mean() / by - 1) < 0.03
    assert np.array(naive)[:, 0].mean() > 1.3 * by
    assert np.array(naive)[:, 1].mean() < 0.05
