"""Write docs/tour.md: one invented review on its whole way through plume, with what the code really gives.

    python docs/tour.py

The tests run it on folders that they have made already. No model runs here: both drafts are written by hand.
"""

import json
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from plume.checks import check
from plume.contacts import Directory
from plume.corpus.build import DataConfig, build
from plume.corpus.dataset import read_split
from plume.files import read_jsonl, to_jsonl
from plume.paths import ROOT
from plume.prompt import load_prompt
from plume.pseudonymise import Pseudonymiser

PAGE = ROOT / "docs" / "tour.md"
SAMPLE = ROOT / "datasets" / "sample" / "export.json"
GATE = ROOT / "configs" / "eval" / "gate.yaml"
EXPERIENCE = "8916161"  # of it, the first structure's reply
COLUMNS = ("id_experience", "pseudonyme_usager", "ecrit_le", "intitule_structure_1", "titre")
KEYS = ("id", "network", "structure", "sentiment", "title", "written_on", "published_on", "replied_on", "ai_offered")
TOLD = {True: "holds", False: "broken", None: "not enough evidence"}

PARAGRAPHS = {  # of two drafts, one bad on purpose
    "champion": (
        "Bonjour [USAGER],",
        (
            "Nous regrettons cette attente, que vous décrivez avec précision. Votre dossier sera traité avant le "
            "30 septembre et le versement interviendra sous huit jours. Pour toute question, vous pouvez appeler le "
            "01 99 00 45 45."
        ),
        "Cordialement,\nLe service client",
    ),
    "challenger": (
        "Bonjour [USAGER],",
        (
            "Vous attendez depuis longtemps une réponse claire, et chaque organisme vous renvoie vers un autre : nous "
            "comprenons votre inquiétude et nous regrettons cette situation."
        ),
        (
            "Nous ne pouvons pas consulter votre dossier depuis cette plateforme. Pour garder une trace écrite, vous "
            "pouvez écrire depuis la messagerie de votre espace personnel, en précisant que vous êtes sans ressources. "
            "Le service social peut aussi vous recevoir et étudier avec vous les aides possibles."
        ),
        "Votre témoignage nous est utile et nous vous remercions d'avoir pris le temps de le partager.",
    ),
}
DRAFTS = {arm: "\n\n".join(paragraphs) for arm, paragraphs in PARAGRAPHS.items()}


def tour(data: Path, times: dict[str, Any], verdict: dict[str, Any]) -> str:
    """Return the page, from the sample's dataset folder, its times, and the verdict of `compare_by_hand`."""
    row = next(row for row in json.loads(SAMPLE.read_text(encoding="utf-8")) if row["id_experience"] == EXPERIENCE)
    pair = next(pair for pair in read_split(data, "test") if pair["id"] == f"{EXPERIENCE}-1")
    level = [line for line in times["estimates"] if (line["quantity"], line["comparison"]) == ("rmst_30", "level")]
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)  # noqa: S701
    environment.filters["quoted"] = quoted
    return environment.from_string(PAGE.with_suffix(".md.j2").read_text(encoding="utf-8")).render(
        columns=COLUMNS,
        row=row,
        spans=Pseudonymiser(None, Directory.load()).find(row["description"]),
        keys=KEYS,
        pair=pair,
        messages=load_prompt("v1").messages(pair),
        drafts=DRAFTS,
        findings={arm: failed(draft, pair) for arm, draft in DRAFTS.items()},
        verdict=verdict,
        told=TOLD,
        waits=[line for line in level if line["group"] in ("all", "before", "after")],
        claim=times["claims"][0],
    )


def quoted(text: str) -> str:
    """A text as a quotation, in lines of at most 100 characters."""
    lines = (textwrap.wrap(line, 98, break_on_hyphens=False) or [""] for line in text.strip().splitlines())
    return "\n".join(f"> {line}".rstrip() for wrapped in lines for line in wrapped)


def failed(draft: str, pair: dict[str, Any]) -> list[str]:
    """Return the gating checks that a draft fails, with what they quote."""
    read = load_prompt("v1").text(pair)
    found = check(draft, review=pair["review"], prompt=read, directory=Directory.load(), sentiment=pair["sentiment"])
    return [f"{one.check}: {one.detail}" for one in found if one.gating and not one.passed]


def compare_by_hand(data: Path, folder: Path) -> dict[str, Any]:
    """Return the verdict of `plume eval compare` on two systems that write one draft each, whatever they are asked."""
    from eval.compare import compare
    from eval.drafts import tie

    split = json.loads((data / "manifest.json").read_text(encoding="utf-8"))["splits"]["test"]["sha256"]
    for arm, draft in DRAFTS.items():
        rows = [{"id": pair["id"], "system": arm, "draft": draft} for pair in read_jsonl(data / "test.jsonl")]
        system = {"name": arm, "base": {"model": "by hand"}, "adapter_sha256": None, "prompt": "v1"}
        about = {"fingerprint": "by hand", "data": {"split": "test", "sha256": split}}
        rows, meta = tie(rows, {"system": system, "decoding": {"strategy": "greedy"}, **about})
        (folder / f"{arm}.jsonl").write_bytes(to_jsonl(rows))
        (folder / f"{arm}.meta.json").write_text(json.dumps(meta), encoding="utf-8")
    compare(*(folder / f"{arm}.jsonl" for arm in DRAFTS), data, GATE, folder / "verdict")
    return json.loads((folder / "verdict" / "verdict.json").read_text(encoding="utf-8"))


def main() -> None:
    from eval.time.run import run

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(SAMPLE, folder / "data", DataConfig(ner=False), workers=1)
        times = run(SAMPLE, folder / "time", draws=200)
        PAGE.write_text(tour(folder / "data", times, compare_by_hand(folder / "data", folder)), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")


if __name__ == "__main__":
    main()
