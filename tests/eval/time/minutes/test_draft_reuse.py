import numpy as np
import pytest

from eval.time.minutes.draft_reuse import fates, kind_of, similarity


@pytest.fixture
def waits(world):
    made = world(n=600, structures=4).draw(1).waits()
    known = made.replied & (np.arange(600) % 2 == 0)
    likeness = np.where(known, 40.0 + np.arange(600) % 61, np.nan)
    return type(made)(**{**vars(made), "similarity": likeness, "offered": known.astype(int)})


def test_what_became_of_drafts_adds_up_and_leaves_out_what_is_not_known(waits):
    found = fates(waits)
    known = np.isfinite(waits.similarity)
    assert found["with_similarity"] == int(known.sum())
    assert sum(s["estimate"] for s in found["shares"]) == pytest.approx(1)
    as_is = found["shares"][0]
    assert as_is["estimate"] == pytest.approx((waits.similarity[known] >= 98).mean())
    assert as_is["lower"] < as_is["estimate"] < as_is["upper"]
    assert found["agents_useful"]["n"] == 0
    assert found["agents_useful"]["estimate"] is None


def test_conventions_at_their_edges():
    assert kind_of(np.array([100, 98, 97, 50, 49, 0])).tolist() == [0, 0, 1, 1, 2, 2]


def test_similarity_by_month_and_structure_averages_to_that_of_all(waits):
    rows = similarity(waits)
    assert rows[0].group == "all"
    for kind in ("month", "structure"):
        part = [row for row in rows if row.group.startswith(kind)]
        assert sum(row.n for row in part) == rows[0].n
        assert np.average([r.estimate for r in part], weights=[r.n for r in part]) == pytest.approx(rows[0].estimate)


def test_export_without_similarity_has_no_row(world):
    waits = world(n=100).draw(1).waits()
    assert similarity(waits) == []
    assert fates(waits)["shares"][0]["estimate"] is None
