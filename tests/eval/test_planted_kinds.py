"""Challengers 8 points better that also say, in a few drafts, what no draft may: no verdict passes one, each says why.

Drafts are the sound ones of datasets/gold and the sample's replies; `planted.tsv` holds what is planted, by kind, and
was written before its author read the rules. A kind without words of its own (`copied`) is made here.
"""

import csv
import itertools
import json
import random
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest

from eval.compare import compare
from eval.drafts import tie
from eval.measures import COPYING, RESPECT, find
from eval.probes import beside, read_probes
from eval.score import score
from plume import checks
from plume.contacts import Directory
from plume.files import file_sha256, read_jsonl, sha256, to_jsonl
from plume.french.text import count_words
from plume.paths import ROOT

pytestmark = pytest.mark.long

GATE = ROOT / "configs" / "eval" / "gate.yaml"
PROBES = ROOT / "datasets" / "probes" / "probes.jsonl"
N = 400
BAD, MENDED, BROKEN = 160, 40, 8  # the champion fails on 40 %; the challenger mends 10 % and breaks 2 %: 8 points
ROOM = 118  # words of a draft that has room for a sentence more
FEW, SOME = 8, 20  # planted: 2 % of what is not tolerated once, 5 % of the rest
NOT_ONCE = {"address", "contact", "repeated", "person", "english"}
ANSWER = (
    "Bonjour, nous avons bien lu votre avis. Nous regrettons les difficultés que vous décrivez. Vous pouvez consulter "
    "votre espace personnel ou demander un rendez-vous à l'accueil."
)
REPLY = "Bonjour, merci de votre avis numéro {}, que nous avons lu et transmis aux équipes de l'accueil."


PLANTED_TSV = Path(__file__).with_name("planted.tsv")


def read_planted(path=PLANTED_TSV):
    """kind -> its rows: expected checks, text, and what the review says first (of a probe, its id)."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    kinds = defaultdict(list)
    for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
        kinds[row["kind"]].append(row | {"expects": row["expects"].split()})
    return dict(kinds)


def _passes(review, draft, felt):
    found = checks.check(draft, review=review, prompt="", directory=Directory.load(), sentiment=felt)
    return all(f.passed for f in found if f.gating)


@cache
def sound():
    """Reviews of the gold sets with a draft that passes every check; a greeting is given, a signature is taken away."""
    found = {}
    for file in sorted((ROOT / "datasets" / "gold").glob("drafts*.jsonl")):
        for row in read_jsonl(file):
            if row["prompt"] or not {*row["fails"]} <= {"greeting", "signature"}:
                continue
            draft = row["draft"]
            made = (draft, f"Bonjour,\n\n{draft}", draft.rpartition("\n")[0].strip(), draft[: _ends(draft)[-2]])
            fit = (text for text in made if _passes(row["review"], text, row["sentiment"]))
            if text := next(fit, None):
                found.setdefault(row["review"], (row["review"], text, row["sentiment"]))
    return [*found.values()]


def _ends(draft):
    """Where sentences end, the last one included."""
    return [0, *(m.end() for m in re.finditer(r"[.!?](?=\s)", draft.rstrip())), len(draft.rstrip())]


PLANTED = read_planted()


class Ground:
    """400 reviews with sound drafts, a champion that fails on 40 %, and challengers to plant something in."""

    def __init__(self, folder, seed, planted=None):
        self.folder, self.draw, self.planted = folder, random.Random(seed), planted or PLANTED
        self.chosen = self.draw.sample(sound(), N)
        order = self.draw.sample(range(N), N)
        self.bad, self.good = order[:BAD], order[BAD:]
        self.told = {}  # number -> the row whose review sentence this review begins with
        free = (i for i in self.good[BROKEN:] if count_words(self.chosen[i][1]) <= ROOM)
        for kind in [kind for kind, rows in self.planted.items() if rows[0]["review"] and kind != "probe"]:
            for row in self._rows(kind, SOME):
                self.told[next(free)] = row
        self.plain = [*free]
        self.data = folder / "data"
        self.data.mkdir()
        self.pairs = [self._pair(i) for i in range(N)]
        self.copied = self.draw.sample(self.plain, SOME)
        train = [
            {"id": f"{9000 + i}-1", "review": f"Avis {i} d'un autre usager.", "reply": self.chosen[i][1]}
            for i in self.copied
        ]
        splits = {"train": train, "validation": [], "test": self.pairs}
        for name, pairs in splits.items():
            (self.data / f"{name}.jsonl").write_bytes(to_jsonl(pairs))
        digests = {name: {"sha256": sha256(to_jsonl(pairs))} for name, pairs in splits.items()}
        (self.data / "manifest.json").write_text(json.dumps({"splits": digests}))
        self.champion = self.write("champion", {})

    def _rows(self, kind, many):
        rows = self.planted[kind]
        return self.draw.sample(rows, min(many, len(rows))) + self.draw.choices(rows, k=max(0, many - len(rows)))

    def _pair(self, i):
        review, _, felt = self.chosen[i]
        first = self.told[i]["review"] + " " if i in self.told else ""
        place = {"network": ("CAF", "Préfectures", "Impôts")[i % 3], "structure": "Accueil", "title": "Ma démarche"}
        return {"id": f"{i:04d}-1", **place, "sentiment": felt, "review": first + review, "reply": REPLY.format(i)}

    def spoilt(self, i):
        """The sound draft with an everyday fault: no greeting, cut short, or its last sentence again and again."""
        draft, ends = self.chosen[i][1], _ends(self.chosen[i][1])
        return (draft[ends[1] :].strip(), draft[: ends[2]], draft + draft[ends[-2] :] * 4)[i % 3]

    def with_words(self, i, row):
        """The sound draft with what is planted: in its place, after its last sentence, or between two."""
        if row["kind"] == "generic":
            return row["text"]
        draft, ends = self.chosen[i][1], _ends(self.chosen[i][1])
        at = ends[-1] if row["kind"] in ("signed", "obeys") else self.draw.choice(ends[2:])
        return f"{draft[:at]} {row['text']}{draft[at:]}"

    def drafts_of(self, kind):
        """number -> draft of a challenger that is 8 points better even where all that is planted counts as failed."""
        mended, broken = self.bad[: MENDED + (SOME if kind != "better" else 0)], self.good[:BROKEN]
        texts = {i: self.chosen[i][1] for i in mended} | {i: self.spoilt(i) for i in broken}
        where = [i for i, row in self.told.items() if row["kind"] == kind]
        if where:
            texts |= {i: self.with_words(i, self.told[i]) for i in where[: FEW if kind in NOT_ONCE else SOME]}
        elif kind in self.planted and kind != "probe":
            free = [i for i in self.plain if kind != "congratulate" or self.pairs[i]["sentiment"] == "Négatif"]
            rows = self._rows(kind, FEW if kind in NOT_ONCE else SOME)
            texts |= {
                i: self.with_words(i, row) for i, row in zip(self.draw.sample(free, len(rows)), rows, strict=True)
            }
        return texts

    def write(self, name, texts, obeyed=()):
        """Write drafts: the champion's but for `texts`; and of the probes, with `obeyed` rows."""
        faulty = {i: self.spoilt(i) for i in self.bad}
        rows = [{"id": pair["id"], "system": name} for pair in self.pairs]
        for i, row in enumerate(rows):
            # What is copied word for word is the champion's only where it is planted.
            own = self.chosen[i][1] if name == "copied" or i not in self.copied else _reworded(self.chosen[i][1])
            row["draft"] = texts.get(i, faulty.get(i, own))
        meta = {
            "system": {"name": name, "base": {"model": "none"}, "adapter_sha256": None, "prompt": "v1"},
            "decoding": {"strategy": "greedy"},
            "fingerprint": "same",
            "data": {"split": "test", "sha256": sha256(to_jsonl(self.pairs))},
        }
        shown = {row["review"]: row["text"] for row in obeyed}
        probed = [
            {"id": probe["id"], "system": name, "draft": shown.get(probe["id"], ANSWER)}
            for probe in read_probes(PROBES)
        ]
        path = self.folder / f"{name}.jsonl"
        answered = meta | {"data": {"split": "probes", "sha256": file_sha256(PROBES)}}
        for file, drafts, described in ((path, rows, meta), (beside(path), probed, answered)):
            tied, sealed = tie(drafts, described)
            file.write_bytes(to_jsonl(tied))
            file.with_suffix(".meta.json").write_text(json.dumps(sealed))
        return path

    def judge(self, kind):
        """Compare the challenger with this planted; kind "better" has nothing."""
        obeyed = self._rows("probe", 5) if kind == "probe" else ()
        challenger = self.write(kind, self.drafts_of(kind), obeyed)
        verdict = compare(self.champion, challenger, self.data, GATE, self.folder / "verdicts" / kind)
        reasons = [r.replace("\u00a0", " ").replace("\u202f", " ") for r in verdict.reasons]
        return SimpleNamespace(outcome=verdict.outcome, reasons=reasons)

    def named(self, kind):
        """What a reason must name: the label of one of the checks that are expected to see it."""
        names = {name for row in self.planted.get(kind, ()) for name in row["expects"]}
        if kind == "copied":
            return [find(COPYING).label]
        if kind == "probe":
            return [find("probes:injection").label, find("probes:french").label]
        return [find(RESPECT if name == RESPECT else f"check:{name}").label for name in names]


def _reworded(draft):
    """The same with its sentences in turn about, so that no long run of words stays."""
    ends = _ends(draft)
    said = [draft[a:b].strip() for a, b in itertools.pairwise(ends)]
    return " ".join([said[0], *reversed(said[1:])])


@pytest.fixture(scope="module")
def ground(tmp_path_factory, request):
    """One seed's ground, its champion scored; checks, which are pure, answer the same draft from memory."""
    asked = cache(lambda draft, review, prompt, felt: _check(draft, review, prompt, felt))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            checks, "check", lambda draft, *, review, prompt, sentiment, **_: asked(draft, review, prompt, sentiment)
        )
        made = Ground(tmp_path_factory.mktemp("ground"), request.param)
        patch.setenv("PLUME_HOME", str(made.folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        score(made.champion, made.data, made.champion.with_suffix(".scores.jsonl"))
        yield made


_real = checks.check


def _check(draft, review, prompt, felt):
    return _real(draft, review=review, prompt=prompt, directory=Directory.load(), sentiment=felt)


seeds = pytest.mark.parametrize("ground", range(4), indirect=True)


@seeds
def test_the_better_one_passes(ground):
    verdict = ground.judge("better")
    assert verdict.outcome == "PASS", verdict.reasons


@seeds
@pytest.mark.parametrize("kind", [*PLANTED, "copied"])
def test_what_is_planted_is_stopped_and_named(ground, kind):
    verdict = ground.judge(kind)
    assert verdict.outcome != "PASS"
    assert any(label in reason for label in ground.named(kind) for reason in verdict.reasons), verdict.reasons
