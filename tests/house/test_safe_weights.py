"""No file that plume reads can run code: weights are safetensors, state is read as data alone, no model brings code."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PICKLES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def unsafe(source: str) -> list[str]:
    """Name what in a file's code would run what it reads."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [f"import {a.name}" for a in node.names if a.name.partition(".")[0] in PICKLES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in PICKLES:
            found.append(f"from {node.module}")
        elif isinstance(node, ast.Call):
            given = {k.arg: k.value.value if isinstance(k.value, ast.Constant) else "…" for k in node.keywords}
            called = ast.unparse(node.func)
            found += [f"{name}=" for name in ("trust_remote_code", "allow_pickle") if given.get(name, False)]
            if called.endswith("torch.load") and given.get("weights_only") is not True:
                found.append("torch.load without weights_only=True")
            if called.endswith(".from_pretrained") and "Model" in called and not given.get("use_safetensors", True):
                found.append("use_safetensors=False")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "--trust-remote-code" in node.value:
            found.append("--trust-remote-code")
    return found


def test_nothing_that_is_read_can_run_code():
    tops = ("plume", "train", "eval", "serve", "benchmarks", "docs")
    files = [path for top in tops for path in (ROOT / top).rglob("*.py")]
    found = {str(path.relative_to(ROOT)): unsafe(path.read_text(encoding="utf-8")) for path in files}
    assert len(found) > 300
    assert not {path: what for path, what in found.items() if what}


def test_no_configuration_trusts_a_models_code():
    written = [path for top in ("configs", "serve/render/templates") for path in (ROOT / top).rglob("*.*")]
    assert written
    assert not [path for path in written if "trust" + "-remote-code" in path.read_text().replace("_", "-")]


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("import pickle", 1),
        ("from joblib import load", 1),
        ("torch.load(path)", 1),
        ("torch.load(path, weights_only=False)", 1),
        ("torch.load(path, weights_only=True)", 0),
        ("AutoModel.from_pretrained(path, trust_remote_code=True)", 1),
        ("AutoModel.from_pretrained(path, trust_remote_code=False)", 0),
        ("AutoModelForCausalLM.from_pretrained(path, use_safetensors=False)", 1),
        ("numpy.load(path, allow_pickle=asked)", 1),
        ("command += ['--trust-remote-code']", 1),
    ],
)
def test_what_would_run_code_is_seen(source, count):
    assert len(unsafe(source)) == count
