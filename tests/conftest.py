"""What the tests of every stage share: the two exports, a home of their own, the command line, a tiny OpenHermes."""

import asyncio
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from plume.corpus import documents
from plume.corpus.dataset import FEATURES, PASSAGE, read_split
from plume.corpus.split import SPLITS
from plume.doctor import chromium
from plume.files import sha256, to_jsonl
from plume.paths import ROOT

SAMPLE = ROOT / "datasets" / "sample" / "export.json"
REAL = ROOT.parent / "shared" / "spplus" / "export_sample.json"

# Tests that share an engine, a trained run or a guard stay in one process; what takes longest begins first. Every other
# file is a group of its own.
GROUPS = {
    "tests/serve/test_desk.py": "engine",
    "tests/serve/test_load.py": "engine",
    "tests/serve/test_notebook.py": "engine",
    "tests/serve/test_vllm.py": "engine",
    "tests/notebooks": "notebooks",
    "tests/train": "train",
    "tests/invariants": "invariants",
    "tests/serve/guard": "guard",
    "tests/eval/test_pages_in_chromium.py": "browser",
    "tests/plume/acceptance/test_page.py": "browser",
    "tests/plume/corpus/test_privacy.py": "browser",
    "tests/plume/page/test_local_app.py": "browser",
    "tests/eval/browse": "browser",
    "tests/eval/study": "browser",
    "tests/serve/desk": "browser",
}

Cli = Callable[..., subprocess.CompletedProcess[str]]


def _group(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    return next((name for start, name in GROUPS.items() if file.startswith(start)), file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long groups first; the order within a group stays."""
    order = list(GROUPS.values())
    items.sort(key=lambda item: order.index(name) if (name := _group(item.nodeid)) in order else len(order))


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist, without which there is one process
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Send a group's tests to one process (`-n 2 --no-loadscope-reorder`)."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    return Groups(config, log)


@pytest.fixture(scope="session")
def sample_export() -> Path:
    """The invented export that the project carries."""
    return SAMPLE


@pytest.fixture(scope="session")
def real_export() -> Path:
    """Real records, kept beside the clone and never in it."""
    if not REAL.is_file():
        pytest.skip("no real export beside the clone (../shared/spplus/export_sample.json)")
    return REAL


@pytest.fixture(scope="session")
def embedded_model() -> Path:
    """The folder of the clone that holds the embedded model, unpacked once a machine."""
    from plume.models import Base, resolve

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUME_HOME", str(ROOT / "var"))
        return Path(resolve(Base()))


@pytest.fixture
def plume_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedded_model: Path) -> Path:
    """A PLUME_HOME of the test's own, with the clone's unpacked models and gold figures."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(embedded_model.parent, target_is_directory=True)
    (ROOT / "var" / "gold").mkdir(parents=True, exist_ok=True)
    (home / "gold").symlink_to(ROOT / "var" / "gold", target_is_directory=True)
    monkeypatch.setenv("PLUME_HOME", str(home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return home


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow store without an experiment of plume's, to be copied: making its tables takes two seconds."""
    import mlflow

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    uri = f"sqlite:///{path}"
    mlflow.MlflowClient(uri, registry_uri=uri).search_experiments()
    return path


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run `plume ARGS…` as users do, in a process of its own: `cli("data", "build", …, cwd=…, timeout=…, env={…})`."""

    def call(*args: object, cwd: Path = ROOT, timeout: float = 300, env: dict[str, str] | None = None):
        command = [sys.executable, "-m", "plume.cli", *(str(a) for a in args)]
        return subprocess.run(
            command, cwd=cwd, env=os.environ | (env or {}), capture_output=True, text=True, timeout=timeout
        )

    return call


@pytest.fixture
def refused(cli: Cli) -> Callable[..., str]:
    """Run `plume ARGS…`, assert that it refuses as it must (exit 2, one line, no traceback), and return the line.

    Lines of progress may come before it.
    """

    def call(*args: object, code: int = 2, **options) -> str:
        done = cli(*args, **options)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        *told, line = done.stderr.strip().splitlines()
        assert all(re.search(r": \d+(?:/\d+)?(?:,|$)| \.\.\.$| s\)$", each) for each in told), done.stderr
        return line

    return call


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One Chromium for all pages: the Browser of `tests/browser.py`."""
    program = chromium()
    if not program:
        pytest.skip("needs Debian's chromium: apt-get install chromium")
    spec = importlib.util.spec_from_file_location("plume_test_browser", Path(__file__).with_name("browser.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    opened = module.Browser(program, tmp_path_factory.mktemp("chromium"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def _chromium() -> Iterator[tuple[Any, Callable[[bool], None]]]:
    """One Chromium, driven by Playwright, for all pages that people work in; and what wakes it for a test.

    Between its calls Playwright leaves its event loop marked as the thread's: other tests could not run theirs.
    """
    program = chromium()
    if not program:
        pytest.skip("needs Debian's chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    playwright = sync_playwright().start()
    loop = asyncio.get_running_loop()

    def wake(yes: bool) -> None:
        asyncio._set_running_loop(loop if yes else None)

    yield playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"]), wake
    wake(True)
    playwright.stop()
    wake(False)


@pytest.fixture
def new_page(_chromium: tuple[Any, Callable[[bool], None]]) -> Iterator[Callable[..., Any]]:
    """new_page(viewport=…, …): a page in a context of its own, as of another person.

    At the end no page may have asked another host for anything, broken its content security policy, or raised an error.
    """
    opened, wake = _chromium
    contexts, wrong = [], []

    def make(**options: Any) -> Any:
        context = opened.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        page.on("request", lambda asked: None if _local(asked.url) else wrong.append(asked.url))
        return page

    wake(True)
    try:
        yield make
        for context in contexts:
            context.close()
    finally:
        wake(False)
    assert not wrong


def _local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "http://localhost:", "data:", "blob:", "about:"))


@pytest.fixture
def chromium_page(new_page: Callable[..., Any]) -> Any:
    """A page of Playwright's, 1280 wide."""
    return new_page()


@pytest.fixture(scope="session")
def assert_accessible() -> Callable[[Any], None]:
    """assert_accessible(page): axe-core finds nothing in what is shown, and nothing is wider than its window."""
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()

    def check(page: Any) -> None:
        page.wait_for_load_state()
        found = axe.run(page)
        assert not found.violations_count, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url

    return check


@pytest.fixture
def served() -> Iterator[Callable[[Any], str]]:
    """served(app): its address, while the test lasts; a real server in a thread."""
    from plume.page.local_app import listening, serving

    with ExitStack() as stack:

        def serve(app: Any) -> str:
            opened, address = stack.enter_context(listening("127.0.0.1", 0))
            server = serving(app)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
            thread.start()
            stack.callback(thread.join)
            stack.callback(setattr, server, "should_exit", True)
            return address

        yield serve


@pytest.fixture(scope="session")
def tiny_mistral(make_tiny_mistral: Callable[..., Path]) -> Path:
    """A random MistralForCausalLM of 2 layers, shaped like OpenHermes 2: vocabulary, special tokens, sliding window."""
    return make_tiny_mistral()


@pytest.fixture(scope="session")
def make_tiny_mistral(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """make_tiny_mistral(hidden_size=64): the folder of such a model, with 4 heads."""
    return lambda hidden_size=64: _tiny_mistral(tmp_path_factory, hidden_size)


def _tiny_mistral(tmp_path_factory: pytest.TempPathFactory, hidden_size: int) -> Path:
    import mistral_common
    import torch
    from transformers import LlamaTokenizer, MistralConfig, MistralForCausalLM

    source = tmp_path_factory.mktemp("mistral-v1")
    shutil.copy(Path(mistral_common.__file__).parent / "data" / "tokenizer.model.v1", source / "tokenizer.model")
    tokenizer = LlamaTokenizer.from_pretrained(str(source))
    tokenizer.add_special_tokens(
        {"eos_token": "<|im_end|>", "pad_token": "</s>", "additional_special_tokens": ["<|im_start|>"]}
    )
    assert len(tokenizer) == 32002
    assert tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|im_start|>", "</s>", "<s>"]) == [32000, 32001, 2, 1]
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 32000, 2)

    config = MistralConfig(
        vocab_size=32002,
        hidden_size=hidden_size,
        intermediate_size=2 * hidden_size,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        sliding_window=64,
        bos_token_id=1,
        eos_token_id=32000,
        pad_token_id=2,
        use_cache=False,  # as in the published config
    )
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny-mistral")
    MistralForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


SUBJECTS = ["ma carte grise", "le guichet", "une attestation", "mon rendez-vous", "le formulaire", "la hotline"]


def _pair(i: int) -> dict[str, object]:
    subject = SUBJECTS[i % len(SUBJECTS)]
    pair = dict.fromkeys(FEATURES)
    return pair | {
        "id": f"{900 + i}-1",
        "network": "CAF",
        "structure": "CAF du Nord",
        "sentiment": "Négatif",
        "title": subject.capitalize(),
        "review": f"Bonjour, {subject} pose problème depuis {i + 2} semaines. " * (1 + i % 3),
        "reply": f"Bonjour, nous regrettons que {subject} vous ait demandé tant de temps. " * (1 + i % 2),
        "written_on": f"2023-0{1 + i % 9}-15",
    }


@pytest.fixture(scope="session")
def small_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset folder made by hand, without the pseudonymiser: 13 training, 3 validation and 3 test pairs."""
    folder = tmp_path_factory.mktemp("dataset")
    pairs = [_pair(i) for i in range(19)]
    parts = {"train": pairs[:13], "validation": pairs[13:16], "test": pairs[16:]}
    splits = {}
    for name in SPLITS:
        data = to_jsonl(parts[name])
        (folder / f"{name}.jsonl").write_bytes(data)
        splits[name] = {"pairs": len(parts[name]), "from": None, "to": None, "sha256": sha256(data)}
    manifest = {
        "source": {"name": "by-hand.json", "sha256": "0" * 64},
        "versions": {"plume": "test", "ner": None},
        "counts": {
            "experiences": 19,
            "rows": 19,
            "pairs": 19,
            "quarantined": 0,
            "quarantine": {},
            "masked": {},
            "closings_removed": 0,
        },
        "splits": splits,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "README.md").write_text(documents.card(manifest), encoding="utf-8")
    return folder


PASSAGES = [
    dict.fromkeys(PASSAGE)
    | {
        "id": f"F{n}#1",
        "title": f"Fiche {n}",
        "where": ["Coût"],
        "text": text,
        "url": f"https://www.service-public.fr/particuliers/vosdroits/F{n}",
        "updated_on": "2025-03-04",
        "licence": "Licence Ouverte 2.0",
    }
    for n, text in enumerate(("Le duplicata coûte 13,76 €.", "Le délai est de 15 jours.", "La taxe est de 40 €."), 1)
]


@pytest.fixture(scope="session")
def sourced_dataset(small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small dataset, as if it were built with sources: every pair has the three of `PASSAGES`."""
    folder = Path(shutil.copytree(small_dataset, tmp_path_factory.mktemp("sourced") / "data"))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for split in SPLITS:
        pairs = [pair | {"sources": PASSAGES} for pair in read_split(folder, split)]
        (folder / f"{split}.jsonl").write_bytes(data := to_jsonl(pairs))
        told = manifest["splits"][split]
        told |= {"unsourced_sha256": told["sha256"], "sha256": sha256(data), "with_sources": len(pairs)}
    manifest["sources"] = {"name": "fiches", "sha256": "e" * 64, "passages": 3, "updated_on": "2025-03-04", "most": 3}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder
