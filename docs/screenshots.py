"""Take the pictures of README from pages that plume makes here, of invented data.

    python docs/screenshots.py [report.png time.png]

Needs Chromium. `report.png`: a verdict on 840 reviews and drafts put together from the sample export's sentences.
`time.png`: what `plume eval time` says of a simulated export, whose effect is known.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from benchmarks.compare import write_dataset, write_drafts  # noqa: E402

WIDTH, MOST = 1100, 1400  # CSS pixels; a page is cut before the last heading that begins above MOST


def plume(*arguments: object, codes: tuple[int, ...] = (0,)) -> None:
    """Run a plume command in this clone."""
    command = [sys.executable, "-m", "plume.cli", *map(str, arguments)]
    if (code := subprocess.run(command, cwd=ROOT, check=False).returncode) not in codes:
        sys.exit(code)


def report(folder: Path) -> Path:
    """Compare two invented systems: the challenger forgets its greeting less often."""
    data = folder / "data"
    data.mkdir()
    pairs = write_dataset(data, 840, 2000)
    drafts = [folder / "exemple-a.jsonl", folder / "exemple-b.jsonl"]
    for seed, (path, share) in enumerate(zip(drafts, (0.5, 0.2), strict=True)):
        write_drafts(path, pairs, share, seed)
    plume("eval", "compare", *drafts, "--data", data, "--out", folder / "verdict", codes=(0, 10, 20))
    return folder / "verdict" / "report.html"


def waits(folder: Path) -> Path:
    """Estimate the effect on an export in which the pilot divides the wait by 1.5."""
    plume("eval", "simulate", folder / "export.json")
    plume("eval", "time", folder / "export.json", "--out", folder / "time")
    return folder / "time" / "time.html"


PICTURES = {"report.png": report, "time.png": waits}


def take(page: Path, to: Path) -> None:
    """Picture the beginning of a page."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": 900})
        tab.goto(page.as_uri())
        begins = tab.evaluate("[...document.querySelectorAll('h2')].map(e => e.getBoundingClientRect().top)")
        height = max(begin for begin in begins if begin <= MOST) - 40
        tab.screenshot(path=to, full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": height})
        browser.close()
    with Image.open(to) as picture:
        small = picture.convert("RGB").quantize(32)
    small.save(to, optimize=True)


def main() -> None:
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    for name in sys.argv[1:] or PICTURES:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["PLUME_HOME"] = str(Path(folder, "home"))
            take(PICTURES[name](Path(folder)), ROOT / "docs" / name)


if __name__ == "__main__":
    main()
