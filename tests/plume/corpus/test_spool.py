"""The working store: caps, splits and near-duplicates as SQL decides them, held against brute force."""

import json
import random
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from plume.corpus.pairs import Quarantined
from plume.corpus.similar import band_keys
from plume.corpus.split import SPLITS, Splitting, experience_of, fraction
from plume.corpus.spool import Spool, Spooled
from plume.french.similar import similarity

THRESHOLD = 0.8


def spooled(pair_id: str, *, review: str = "", reply: str = "", day: str = "2024-01-01", **values) -> Spooled:
    values = {"id": pair_id, "review": review or f"avis {pair_id}", "reply": reply or f"réponse {pair_id}"} | values
    values |= {"written_on": day, "network": "CAF", **{k: values.get(k) for k in ("structure", "department")}}
    keys = [band_keys(values[name], THRESHOLD) for name in ("reply", "review")]
    return Spooled(values, *keys, {"masked": {}}, values.pop("age_band", None))


@pytest.fixture
def spool(tmp_path: Path):
    with Spool(tmp_path) as spool:
        yield spool


def fill(spool: Spool, pairs: list[Spooled]) -> None:
    for pair in pairs:
        spool.add(spool.next_seq(), pair)


def decide(spool: Spool, shares: Splitting, *, per_structure: int = 3, in_all: int = 30) -> dict[str, list[dict]]:
    spool.cap_near_duplicates(THRESHOLD, per_structure, in_all)
    spool.assign_splits(shares)
    spool.part_near_duplicates(THRESHOLD)
    spool.settle()
    return {split: [json.loads(line) for line, _ in spool.lines(split)] for split in SPLITS}


def split_of(split: dict[str, list[dict]]) -> dict[str, str]:
    return {pair["id"]: name for name, pairs in split.items() for pair in pairs}


# --- splits


def days(count: int, start: int = 0) -> list[Spooled]:
    """`count` experiences, one a day."""
    return [
        spooled(f"{1000 + i}-1", day=f"2023-{1 + i // 28:02d}-{1 + i % 28:02d}") for i in range(start, start + count)
    ]


def test_test_holds_the_most_recent(spool):
    fill(spool, days(100))
    split = decide(spool, Splitting(test=0.2, validation=0.1))
    assert [p["id"] for p in split["test"]] == [f"{n}-1" for n in range(1080, 1100)]
    assert 3 < len(split["validation"]) < 18


def test_the_order_of_the_export_changes_no_split(tmp_path):
    found = []
    for name, pairs in (("a", days(60)), ("b", days(60)[::-1])):
        (tmp_path / name).mkdir()
        with Spool(tmp_path / name) as spool:
            fill(spool, pairs)
            found.append(split_of(decide(spool, Splitting())))
    assert found[0] == found[1]


def test_no_experience_moves_between_train_and_validation_when_others_arrive(tmp_path):
    found = []
    for count in (100, 300):
        (tmp_path / str(count)).mkdir()
        with Spool(tmp_path / str(count)) as spool:
            fill(spool, days(count))
            found.append(split_of(decide(spool, Splitting())))
    before, after = found
    assert all(after[e] == s for e, s in before.items() if s != "test")
    assert all(after[e] != "test" for e in before)


def test_the_share_of_test_is_rounded_up_and_counts_experiences(spool):
    fill(spool, [spooled(f"{n}-{s}", day=f"2024-01-0{n}") for n in range(1, 7) for s in (1, 2, 3)])
    split = decide(spool, Splitting(test=0.2, validation=0))
    assert {experience_of(p["id"]) for p in split["test"]} == {"5", "6"}
    assert (len(split["test"]), len(split["train"]), split["validation"]) == (6, 12, [])


def test_one_day_is_cut_by_the_hash_not_by_the_order(spool):
    fill(spool, [spooled(f"{i}-1", day="2024-05-05") for i in range(50)])
    test = {experience_of(p["id"]) for p in decide(spool, Splitting())["test"]}
    assert test == set(sorted(map(str, range(50)), key=fraction)[-10:])


def test_rows_leave_in_the_order_in_which_they_came(spool):
    """Masking in several processes brings pairs back later than the rows that were left out at once."""
    seqs = [spool.next_seq() for _ in range(6)]
    for seq in (2, 4, 6):
        spool.add(seq, Quarantined(f"q{seq}", "no_reply", "status: none"))
    for seq in (1, 3, 5):
        spool.add(seq, spooled(f"{seq}-1", day="2024-01-01"))
    assert seqs == [1, 2, 3, 4, 5, 6]
    split = decide(spool, Splitting(test=0.9))
    assert [p["id"] for p in split["test"]] == ["1-1", "3-1", "5-1"]
    assert [json.loads(line)["id"] for line in spool.quarantine()] == ["q2", "q4", "q6"]


def test_an_id_is_repeated_from_its_second_time_on(spool):
    assert [spool.is_repeated(e) for e in ("7", "8", "7", "7")] == [False, False, True, True]


# --- near-duplicates

BOILERPLATE = (
    "Bonjour, nous vous remercions pour votre témoignage et regrettons sincèrement les difficultés que vous avez "
    "rencontrées ; nos équipes travaillent chaque jour à réduire les délais et vous invitent à consulter votre espace"
)


def test_boilerplate_is_capped_in_a_structure_and_in_all(spool):
    pairs = [
        spooled(f"{100 * s + n}-1", reply=f"{BOILERPLATE} {n}", structure=f"CAF {s}")
        for s in range(4)
        for n in range(10)
    ]
    fill(spool, [*pairs, spooled("9-1", structure="CAF 1")])
    split = decide(spool, Splitting(test=0.01, validation=0), per_structure=3, in_all=8)
    kept = [p for pairs in split.values() for p in pairs if p["reply"].startswith("Bonjour")]
    left_out = [json.loads(line) for line in spool.quarantine()]
    assert len(kept) + sum(q["reason"] == "near_duplicate_of_test" for q in left_out) == 8
    assert max(Counter(p["structure"] for p in kept).values()) <= 3
    assert Counter(q["reason"] for q in left_out)["near_duplicate_reply"] == 40 - 8
    assert {q["detail"].split(" has")[0] for q in left_out} >= {"its structure", "the corpus"}
    assert "9-1" in split_of(split)


def test_what_stays_of_boilerplate_does_not_depend_on_the_order(tmp_path):
    pairs = [spooled(f"{n}-1", reply=f"{BOILERPLATE} {n}", structure="CAF") for n in range(12)]
    kept = []
    for name, given in (("a", pairs), ("b", pairs[::-1])):
        (tmp_path / name).mkdir()
        with Spool(tmp_path / name) as spool:
            fill(spool, given)
            figures = spool.cap_near_duplicates(THRESHOLD, 3, 30)
            spool.settle()
            kept.append({f"{n}-1" for n in range(12)} - {json.loads(line)["id"] for line in spool.quarantine()})
    assert kept[0] == kept[1] == {f"{n}-1" for n in sorted(range(12), key=lambda n: fraction(str(n)))[:3]}
    assert figures == {"clusters": 1, "pairs": 12, "largest": 12}


def corpus(seed: int, size: int = 300) -> list[Spooled]:
    """Texts of 12 to 60 words, half of them made from an earlier one by changing up to four words."""
    draw = random.Random(seed)
    vocabulary = [f"mot{i}" for i in range(400)]
    texts: dict[str, list[list[str]]] = {"review": [], "reply": []}

    def text(kind: str) -> str:
        known = texts[kind]
        if known and draw.random() < 0.5:
            words = list(draw.choice(known))
            for at in draw.choices(range(len(words)), k=draw.randrange(5)):
                words[at] = draw.choice(vocabulary)
        else:
            words = draw.choices(vocabulary, k=draw.randrange(12, 60))
        known.append(words)
        return " ".join(words)

    return [
        spooled(
            f"{n}-{s}",
            review=text("review"),
            reply=text("reply"),
            day=f"2024-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}",
            structure=f"CAF {draw.randrange(5)}",
        )
        for n in range(size)
        for s in range(1, draw.choice([2, 2, 3]))
    ]


@pytest.mark.parametrize("seed", range(3))
def test_no_near_duplicates_stand_in_two_splits(spool, seed):
    """Every pair of pairs is compared: with a recall of 0.9994 at the threshold, the few hundred here must be found."""
    pairs = corpus(seed)
    fill(spool, pairs)
    split = decide(spool, Splitting(test=0.2, validation=0.2), in_all=10)
    left_out = Counter(json.loads(line)["reason"] for line in spool.quarantine())
    assert sum(map(len, split.values())) + left_out.total() == len(pairs)
    assert min(left_out[r] for r in ("near_duplicate_of_test", "near_duplicate_of_validation")) > 5
    assert all(len(part) > 20 for part in split.values())
    for one, other in combinations(SPLITS, 2):
        for a in split[one]:
            for b in split[other]:
                for text in ("review", "reply"):
                    assert similarity(a[text], b[text]) < THRESHOLD, (a["id"], b["id"], text)


def test_nothing_is_left_out_that_resembles_nothing(spool):
    """Left out of training is only what does resemble a held-out pair, by the exact similarity."""
    pairs = corpus(7)
    fill(spool, pairs)
    spool.assign_splits(Splitting(test=0.2, validation=0.2))
    before = {split: [json.loads(line) for line, _ in spool.lines(split)] for split in SPLITS}
    spool.part_near_duplicates(THRESHOLD)
    spool.settle()
    values = {p.values["id"]: p.values for p in pairs}
    quarantine = [json.loads(line) for line in spool.quarantine()]
    assert quarantine
    for row in quarantine:
        held = before[row["reason"].removeprefix("near_duplicate_of_")]
        mine = values[row["id"]]
        assert any(similarity(mine[t], other[t]) >= THRESHOLD for other in held for t in ("review", "reply"))


# --- k


def test_k_counts_experiences_that_share_what_points_at_a_person(spool):
    fill(
        spool, [spooled(f"{n}-1", structure="CAF", department="59", age_band="60-69" if n else None) for n in range(6)]
    )
    fill(spool, [spooled("7-1", structure="CAF", department="62"), spooled("7-2", structure="CAF", department="62")])
    fill(spool, [spooled(f"{n}-1", structure="CAF", department=None) for n in range(20, 29)])
    fill(spool, [spooled("30-1", structure=None, department="59")])
    without, with_age = spool.k_anonymity(age=False), spool.k_anonymity(age=True)
    assert without == {
        "smallest": 1,
        "groups": 2,
        "below_5": {"pairs": 2, "share": 0.25},
        "incomplete": 10,  # nine without a department do not hide one another
        "histogram": {"1": 1, "2-4": 0, "5-9": 1, "10+": 0},
    }
    assert (with_age["groups"], with_age["below_5"]["pairs"]) == (3, 3)
