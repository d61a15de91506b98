from pathlib import Path

import pytest
import yaml

from eval.time.claims.published import Baseline, Population
from eval.time.run import CLAIMS
from plume.errors import InputError
from plume.paths import in_clone


@pytest.fixture
def baseline():
    return Baseline.load(in_clone(CLAIMS))


def test_every_claim_of_the_pilot_has_source_population_window_and_value(baseline):
    assert len(baseline.claims) >= 7
    for claim in baseline.claims:
        assert claim.source.publisher
        assert claim.source.date
        assert claim.population.description
        assert claim.window.description
        assert claim.values.model_dump(exclude_none=True)


def test_the_ministrys_release_is_there_as_published(baseline):
    claims = {claim.id: claim for claim in baseline.claims}
    halved, satisfaction = claims["ministry-delay-halved"], claims["ministry-satisfaction-74"]
    assert str(baseline.pilot.started_on) == "2023-10-05"
    assert halved.source.date == satisfaction.source.date == "2023-12-21"
    assert halved.values.ratio == 2
    assert (satisfaction.values.after, satisfaction.values.difference) == (0.74, 0.10)


def test_press_figures_differ_and_all_stand(baseline):
    days = {(c.values.before, c.values.after) for c in baseline.claims if c.values.before}
    assert days == {(7, 3), (13, 3), (19, 3), (19, 5)}


def test_first_line_is_the_command():
    first = in_clone(CLAIMS).read_text(encoding="utf-8").splitlines()[0]
    assert first == "# plume eval time EXPORT --out DIR"


@pytest.mark.parametrize(
    ("network", "inside"),
    [
        ("France Titres - ANTS", True),
        ("Préfecture", True),
        ("prefecture de police", True),
        ("Service des étudiants", False),  # ends in "ants"
        ("CAF", False),
        (None, False),
    ],
)
def test_population_matches_beginnings_of_words(network, inside):
    assert Population(description="x", networks=("ANTS", "Préfecture")).holds(network) is inside


def test_population_without_networks_is_everyone():
    assert Population(description="x").holds(None)


def write(tmp_path: Path, **changes) -> Path:
    claim = {
        "id": "a",
        "quantity": "useful_share",
        "statement": "x",
        "values": {"after": 0.74},
        "population": {"description": "x"},
        "window": {"description": "x"},
        "source": {"publisher": "x", "date": 2023, "title": None},
        "status": "press",
        **changes,
    }
    path = tmp_path / "claims.yaml"
    values = {"pilot": {"name": "x", "started_on": "2023-10-05"}, "claims": [claim]}
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def test_small_claims_file_loads(tmp_path):
    assert Baseline.load(write(tmp_path)).claims[0].source.date == "2023"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": {"after": 74}}, "between 0 and 1"),
        ({"values": {"ratio": 2}}, "useful_share has no value ratio"),
        ({"values": {}}, "at least one value"),
        ({"sourse": "x"}, "unknown key"),
        ({"source": {"publisher": "x", "date": "hiver", "title": None}}, "source.date"),
        ({"window": {"description": "x", "first": "2023-10-05"}}, "both first and last"),
        ({"window": {"description": "x", "first": "2023-10-05", "last": "2023-10-01"}}, "is before first"),
    ],
)
def test_faulty_claim_is_refused_with_its_reason(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        Baseline.load(write(tmp_path, **changes))
