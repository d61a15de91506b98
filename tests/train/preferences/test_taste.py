"""The whole loop on the embedded model: served drafts, agents whose taste is known, what is learnt, a PASS, a champion.

Agents end what they publish with an offer to answer further questions, and change nothing else: no check asks for it,
none forbids it. Reviews and replies are invented; the adapter that they begin with passes its checks.
"""

import json
import random
import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from types import SimpleNamespace

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from plume.cli import app
from plume.corpus.dataset import FEATURES
from plume.corpus.split import SPLITS
from plume.files import file_sha256, read_jsonl, to_jsonl
from plume.models import fast_dtype
from plume.paths import ROOT
from plume.shares import clopper_pearson

KNOWN = (
    *("le dossier de logement", "la carte vitale", "le permis de conduire", "la demande de prime", "l'avis d'impôt"),
    *("la carte grise", "le passeport", "l'attestation de droits", "la demande de retraite", "le chèque énergie"),
)
NEW = (
    *(
        "l'allocation de rentrée",
        "le titre de séjour",
        "le site en ligne",
        "l'application mobile",
        "la bourse scolaire",
    ),
    *("le certificat de mariage", "l'aide au transport", "la pension d'invalidité", "la facture de cantine"),
    *("le badge de stationnement", "la demande de naturalisation", "le formulaire d'inscription"),
)
TROUBLES = (
    *("n'avance plus depuis des semaines", "est bloqué par une erreur", "a été refusé sans explication"),
    *("reste sans réponse", "comporte une erreur que personne ne corrige", "demande toujours les mêmes pièces"),
)
MORE = ("Personne ne répond au téléphone.", "J'ai déjà écrit plusieurs fois.", "Que dois-je faire ?")
REGRETS = (
    "Nous lisons que {}, et nous regrettons vivement cette situation.",
    "Nous regrettons sincèrement que vous ayez à nous signaler que {}.",
)
STEPS = (
    (
        "Nous vous invitons à écrire au service compétent par la messagerie de votre espace personnel, en joignant les "
        "pièces utiles."
    ),
    (
        "Vous pouvez vous présenter à l'accueil de votre organisme aux heures d'ouverture, avec les documents dont "
        "vous disposez."
    ),
)
END = (
    "Un agent pourra ainsi vérifier l'état de votre demande et vous indiquer quelles étapes restent à faire. Votre "
    "témoignage sera lu par l'équipe qui améliore l'accueil."
)
PUBLISHED = "Bonjour, {} : votre message est lu, et la réponse vous parvient par courrier."  # none like those learnt
OFFERS = (
    "Nous restons à votre écoute pour toute question.",
    "Nous restons à votre disposition si vous avez d'autres questions.",
    "N'hésitez pas à revenir vers nous si une question demeure.",
)
OFFERED = ("à votre écoute", "à votre disposition", "hésitez pas")
SERVED, JUDGED = 28, 60
SYSTEMS = ("plume-reply@v1", "plume-reply@v2")
NOISE = 0.1  # of raters' choices, which fall by chance


def _pair(number, dice, subjects):
    subject = subjects[number % len(subjects)]
    problem = f"{subject} {dice.choice(TROUBLES)}"
    reply = " ".join((dice.choice(REGRETS).format(problem), dice.choice(STEPS), END))
    return dict.fromkeys(FEATURES) | {
        "id": f"{number}-1",
        "network": "CAF",
        "structure": "CAF du Nord",
        "sentiment": "Négatif",
        "title": subject[0].upper() + subject[1:],
        "review": f"Bonjour, {problem}. {dice.choice(MORE)}",
        "reply": f"Bonjour,\n\n{reply}",
        "written_on": "2023-05-15",
    }


@pytest.fixture
def place(small_dataset, tmp_path, plume_home, monkeypatch):
    """A dataset folder, reviews that are served, none twice, a store of its own, and `plume(…)` there."""
    dice, reviews = random.Random(5), {}
    while len(reviews) < SERVED + JUDGED:
        pair = _pair(4000 + len(reviews), dice, NEW)
        reviews.setdefault(pair["review"], pair)
    (*unseen,) = reviews.values()
    dice.shuffle(unseen)
    parts = {
        "train": [_pair(1000 + n, dice, KNOWN) for n in range(64)],
        "validation": [_pair(3000 + n, dice, KNOWN) for n in range(4)],
        "test": [pair | {"reply": PUBLISHED.format(pair["title"])} for pair in unseen[:JUDGED]],
    }
    data = tmp_path / "dataset"
    shutil.copytree(small_dataset, data)
    manifest = json.loads((data / "manifest.json").read_text())
    for split in SPLITS:
        (data / f"{split}.jsonl").write_bytes(to_jsonl(parts[split]))
        manifest["splits"][split] |= {"sha256": file_sha256(data / f"{split}.jsonl"), "pairs": len(parts[split])}
    (data / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{plume_home / 'mlflow.db'}")

    def plume(*words):
        done = CliRunner().invoke(app, [str(word) for word in words])
        assert done.exit_code == 0, (words, done.exception, done.output)
        return done.output

    return SimpleNamespace(folder=tmp_path, data=data, asked=unseen[JUDGED:], test=parts["test"], plume=plume)


def _rule(folder):
    """The rule for people's choices, for 60 reviews: wider limits and margins than 299 and more allow, no probes."""
    shutil.copy(ROOT / "configs/eval/gate.yaml", folder)
    real = yaml.safe_load((folder / "gate.yaml").read_text())
    people = yaml.safe_load((ROOT / "configs/eval/gate-people.yaml").read_text())
    rule = people | {
        "safety": [{**each, "limit": 0.05} for each in real["safety"]],
        "guardrails": [{**each, "margin": 0.1} for each in real["guardrails"]],
        "probes": None,
    }
    (folder / "gate-60.yaml").write_text(yaml.safe_dump(rule))
    return folder / "gate-60.yaml"


def _agents_work(place):
    """Serve the champion by the real engine; agents ask for drafts, add their offer, and send what they publish."""
    from serve import keys
    from serve.config import ServeConfig
    from serve.state import State
    from serve.vllm_process import started_for_this

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    state = place.folder / "state"
    config = ServeConfig(port=port, state=state, dtype="auto", max_model_len=768, max_new_tokens=200, maskers=1)
    config = config.model_copy(update={"draft_timeout": 900, "mask_timeout": 300})  # beside other processes, too
    dice = random.Random(7)
    with started_for_this(config):
        headers = {"Authorization": f"Bearer {keys.add(State(state), 'agents')}"}
        with httpx.Client(base_url=config.url, headers=headers, timeout=300) as client, ThreadPoolExecutor(8) as pool:
            asked = [{key: row[key] for key in ("network", "structure", "title", "review")} for row in place.asked]
            drafts = [
                done.raise_for_status().json() for done in pool.map(lambda a: client.post("/v1/drafts", json=a), asked)
            ]
            for draft in drafts:
                decided = {"outcome": "edited", "final": f"{draft['draft']} {dice.choice(OFFERS)}", "seconds": 40}
                client.post(f"/v1/drafts/{draft['id']}/decision", json=decided).raise_for_status()
    decisions = place.folder / "decisions.jsonl"
    place.plume("serve", "decisions", "--reviews", "--out", decisions, f"state={state}")
    return decisions


def _offers(text):
    return any(words in text for words in OFFERED)


def _choices(place, drafts):
    """Three raters compare drafts without knowing whose they are: the one that offers wins; else they are equal."""
    dice, rows = random.Random(11), []
    for number, review in enumerate(place.test):
        for rater in range(3):
            left, right = SYSTEMS if (number + rater) % 2 else SYSTEMS[::-1]
            offered = {
                side: _offers(drafts[system][review["id"]]) for side, system in (("left", left), ("right", right))
            }
            choice = "equal" if offered["left"] == offered["right"] else max(offered, key=offered.get)
            if dice.random() < NOISE:
                choice = dice.choice(("left", "right"))
            rows.append({"id": review["id"], "left": left, "right": right, "choice": choice, "rater": f"r{rater}"})
    (place.folder / "ratings.jsonl").write_bytes(to_jsonl(rows))
    return place.folder / "ratings.jsonl"


@pytest.mark.long
@pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed (make install)")
def test_the_loop_from_served_drafts_to_a_pass_and_the_next_champion(place):
    # 1. An adapter that passes its checks becomes the first champion.
    plume, folder = place.plume, place.folder
    words = ("validation.drafts=0", "validation.every=100", "max_steps=16")
    plume("train", "configs/train/demo.yaml", f"data={place.data}", f"out={folder / 'start'}", *words)
    plume("eval", "promote", "1", "--initial", "--reason", "the first", "--by", "a test")

    # 2. Agents work with its drafts; what they publish teaches the next version.
    decisions = _agents_work(place)
    assert len(read_jsonl(decisions)) == SERVED
    words = (f"data={place.data}", f"out={folder / 'taught'}", f"decisions={decisions}", f"dtype={fast_dtype()}")
    small = ("ner=false", "recompute=false", "batch_size=4", "micro_batch=4", "least_judgements=20", "max_epochs=3")
    small += ("optimiser.learning_rate=0.0003", "validation.share=0.15", "validation.every=100")
    told = plume("train", "preferences", "configs/train/preferences.yaml", *words, *small)
    assert "version: 2" in told

    # 3. The verdict, on reviews that neither training saw, by the rule that was noted before the drafts.
    rule, drafts = _rule(folder), {}
    for version, system in enumerate(SYSTEMS, 1):
        out = folder / f"v{version}.jsonl"
        more = ("--max-new-tokens", 200, "--batch-size", 30, "--dtype", "auto", "--gate", rule)
        plume("eval", "generate", "--system", version, "--data", place.data, "--out", out, *more)
        drafts[system] = {row["id"]: row["draft"] for row in read_jsonl(out)}
    offers = [sum(map(_offers, drafts[system].values())) for system in SYSTEMS]
    assert clopper_pearson(offers[0], JUDGED)[1] < clopper_pearson(offers[1], JUDGED)[0]
    ratings = _choices(place, drafts)
    compared = (folder / "v1.jsonl", folder / "v2.jsonl", "--data", place.data, "--gate", rule)
    shown = plume("eval", "compare", *compared, "--ratings", ratings, "--out", folder / "verdict")
    assert "PASS: " in shown  # every limit, every guardrail, and people's choice beyond its interval
    verdict = json.loads((folder / "verdict" / "verdict.json").read_text())
    difference = [line for line in verdict["estimates"] if line["rule"] == "superiority: difference > 0"]
    assert [line["measure"] for line in difference] == ["preferred"]
    assert difference[0]["lower"] > 0

    # 4. The PASS makes it champion, which serving follows.
    promoted = plume("eval", "promote", "2", "--verdict", folder / "verdict" / "verdict.json")
    assert "champion: version 2 (was 1)" in promoted
