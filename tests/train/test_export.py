"""`plume train export`: what leaves says what base + adapter say, or does not leave."""

import json
import shutil
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
import yaml
from huggingface_hub.utils import validate_repo_id
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from plume import lineage, registry, tracking
from plume.adapters import Adapter
from plume.cli import app
from plume.corpus import forget_versions
from plume.errors import InputError
from plume.exported import Exported, tag_of
from plume.files import folder_sha256
from plume.models import load_model
from plume.prompt import CHATML, load_prompt
from train import adapter as writing
from train.config import Lora, TrainConfig
from train.export import gguf_lora, hub, merged, parity
from train.export.run import export


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory, tiny_mistral):
    """A random LlamaForCausalLM in bfloat16 with tied embeddings, 3 layers, and the tokenizer of the tiny Mistral."""
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny-llama")
    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "vocab_size": 32002}
    heads = {"num_attention_heads": 8, "num_key_value_heads": 2, "tie_word_embeddings": True}
    torch.manual_seed(1)
    heads["rope_parameters"] = {"rope_type": "default", "rope_theta": 100000.0}
    model = LlamaForCausalLM(LlamaConfig(**sizes, **heads, bos_token_id=1, eos_token_id=32000, pad_token_id=2))
    model.to(torch.bfloat16).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny_mistral / name, folder)
    return folder


@pytest.fixture
def make(tmp_path, monkeypatch):
    """make(base, **lora) -> an adapter folder with random weights that move the base much, written as training does."""
    monkeypatch.setenv("PLUME_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def write(base, name="adapter", facts=(), **lora):
        folder = tmp_path / name
        folder.mkdir()
        lora = Lora(**({"rank": 8, "alpha": 16} | lora))
        config = TrainConfig(data=folder, out=folder, prompt="short-1", base={"model": str(base)}, lora=lora)
        torch.manual_seed(3)
        model = writing.attach(load_model(config.base, "bfloat16"), config)
        for called, weight in model.named_parameters():
            if "lora_B" in called:
                torch.nn.init.normal_(weight, std=0.3)
        told = {
            "dataset": {"splits": {"train": {"pairs": 3, "sha256": "0" * 64}}, "source": {"name": "essai 1.json"}},
            "samples": {"dropped": 0, "truncated": 0},
            "steps": 1,
            "tokens": 1,
            "trained_tokens": 1,
            "train_loss": 1.0,
            "validation_loss": None,
        }
        writing.write(folder, model, config, load_prompt("short-1"), CHATML, told | dict(facts))
        return folder

    return write


@pytest.fixture(params=["all of Mistral", "rsLoRA of Llama", "two layers of Mistral"])
def shape(request, tiny_mistral, tiny_llama):
    """A base with grouped queries, the Mistral's with a sliding window, and what of it is adapted, how."""
    return {
        "all of Mistral": (tiny_mistral, {}),
        "rsLoRA of Llama": (tiny_llama, {"rslora": True, "alpha": 8}),
        "two layers of Mistral": (tiny_mistral, {"target_modules": ["q_proj", "down_proj"]}),
    }[request.param]


def test_merged_weights_are_the_exact_sum_rounded_once(make, shape, tmp_path):
    base, lora = shape
    folder = make(base, **lora)
    out = tmp_path / "out"
    done = export(str(folder), "merged", out)
    assert done.dtype == "bfloat16"
    assert 0 < done.parity.largest <= done.parity.tolerance
    told, of_base = (json.loads((where / "config.json").read_text()) for where in (out, base))
    assert told["rope_theta"] == of_base["rope_parameters"]["rope_theta"]  # as transformers 4 reads it
    before, weights = load_file(base / "model.safetensors"), load_file(out / "model.safetensors")
    assert before.keys() == weights.keys()
    learnt, config = (
        load_file(folder / "adapter_model.safetensors"),
        json.loads((folder / "adapter_config.json").read_text()),
    )
    scaling = config["lora_alpha"] / (config["r"] ** 0.5 if config["use_rslora"] else config["r"])
    changed = 0
    for name, tensor in weights.items():
        start = f"base_model.model.{name.removesuffix('.weight')}"
        exact = before[name].double()
        if f"{start}.lora_A.weight" in learnt:
            a, b = (learnt[f"{start}.lora_{x}.weight"].double() for x in "AB")
            exact, changed = exact + scaling * b @ a, changed + 1
        assert tensor.dtype == torch.bfloat16
        # But for ties of the first rounding; PEFT's own merging rounds twice and is off in one of ten.
        assert (tensor != exact.to(torch.bfloat16)).float().mean() < 1e-3, name
    assert changed == len(learnt) // 2 > 0


def test_merged_folder_keeps_ids_template_and_end(make, tiny_mistral, tmp_path):
    """As vLLM and transformers load it: OpenHermes' ids, plume's template, a draft that ends at <|im_end|>."""
    from transformers import AutoTokenizer, GenerationConfig

    out = tmp_path / "out"
    export(str(make(tiny_mistral, qlora=True)), "merged", out)
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|im_start|>", "</s>", "<s>"]) == [32000, 32001, 2, 1]
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 32000, 2)
    assert tokenizer.chat_template == CHATML.template
    ends = GenerationConfig.from_pretrained(out)
    assert (ends.eos_token_id, ends.pad_token_id, ends.do_sample) == (32000, 2, False)
    config = json.loads((out / "config.json").read_text())
    assert (config["dtype"], config["use_cache"], config["sliding_window"]) == ("bfloat16", True, 64)
    assert json.loads((out / "training.json").read_text())["prompt"]["version"] == "short-1"
    card = (out / "README.md").read_text()
    assert "at most" in card
    assert "(QLoRA). It is merged onto the unquantised base" in " ".join(card.split())
    assert str(tmp_path) not in card
    assert str(tiny_mistral) not in card


def test_gguf_holds_the_adapter_in_llama_cpps_order(make, shape, tmp_path):
    base, lora = shape
    folder = make(base, **lora)
    out = tmp_path / "out"
    assert export(str(folder), "gguf", out).parity.largest <= parity.SAME
    reader = gguf.GGUFReader(next(out.glob("*.gguf")))
    told = {key: reader.get_field(key).contents() for key in ("general.type", "general.architecture", "adapter.type")}
    assert told == {"general.type": "adapter", "general.architecture": "llama", "adapter.type": "lora"}
    config = json.loads((folder / "adapter_config.json").read_text())
    # llama.cpp scales by alpha / rank
    alpha = config["lora_alpha"] * (config["r"] ** 0.5 if config["use_rslora"] else 1)
    assert reader.get_field("adapter.lora.alpha").contents() == pytest.approx(alpha, rel=1e-6)
    learnt = load_file(folder / "adapter_model.safetensors")
    tensors = {tensor.name: np.array(tensor.data) for tensor in reader.tensors}
    assert len(tensors) == len(learnt)
    heads = json.loads((base / "config.json").read_text())["num_attention_heads"]
    start = "base_model.model.model.layers.1.self_attn.q_proj"
    a, b = (learnt[f"{start}.lora_{x}.weight"].float().numpy() for x in "AB")
    assert (tensors["blk.1.attn_q.weight.lora_a"] == a).all()
    # Row 1 of a head is, in llama.cpp, the one that transformers rotates with row 0: half a head further.
    written, size = tensors["blk.1.attn_q.weight.lora_b"], len(b) // heads
    assert (written[[0, 1, 2, size, size + 1]] == b[[0, size // 2, 1, size, size + size // 2]]).all()
    modelfile = (out / "Modelfile").read_text()
    assert f"ADAPTER ./{next(out.glob('*.gguf')).name}" in modelfile
    assert 'PARAMETER stop "<|im_end|>"' in modelfile
    assert load_prompt("short-1").system in modelfile
    assert "hf download" not in (out / "README.md").read_text()  # the base is a folder


def test_hub_folder_says_what_the_hub_asks_and_nothing_of_this_machine(make, tiny_mistral, tmp_path):
    split = {"splits": {"train": {"pairs": 3, "sha256": "1" * 64}}}
    before = {"version": 1, "adapter_sha256": "a", "dataset": split, "run_id": "f01"}
    folder, out = make(tiny_mistral, facts={"run_id": "f00", "ancestors": [before]}), tmp_path / "out"
    with pytest.raises(InputError, match="--base-name OWNER/NAME"):
        export(str(folder), "hub", out)
    name = "teknium/OpenHermes-2-Mistral-7B"
    with pytest.raises(InputError, match="--licence apache-2"):
        export(str(folder), "hub", out, base_name="someone/else")
    assert export(str(folder), "hub", out, base_name=name).parity.largest <= parity.SAME
    header = yaml.safe_load((out / "README.md").read_text().split("---\n")[1])
    assert header["license"] == "apache-2.0"
    assert (header["base_model"], header["library_name"], header["language"]) == (name, "peft", "fr")
    assert header["pipeline_tag"] == "text-generation"
    validate_repo_id(header["datasets"][0])
    assert {path.name for path in out.iterdir()} == {
        *("adapter_config.json", "adapter_model.safetensors", "chat_template.jinja", "README.md", "training.json"),
        "exported.json",
    }
    for path in out.iterdir():
        assert str(tmp_path).encode() not in path.read_bytes(), path.name
        assert str(tiny_mistral).encode() not in path.read_bytes(), path.name
    told = json.loads((out / "training.json").read_text())
    assert "run_id" not in told
    assert told["ancestors"] == [{"version": 1, "adapter_sha256": "a", "dataset": split}]


@pytest.mark.parametrize("to", ["merged", "gguf", "hub"])
def test_an_export_that_was_altered_is_refused_and_removed(make, tiny_mistral, tmp_path, monkeypatch, to):
    module, out = {"merged": merged, "gguf": gguf_lora, "hub": hub}[to], tmp_path / "out"
    before = module.write

    def alter(where, *rest):
        before(where, *rest)
        if to == "gguf":
            with where.open("r+b") as file:
                file.seek(-8, 2)
                file.write(b"\0\0\1\0")
            return
        path = next(where.glob("*.safetensors"))
        tensors = load_file(path)
        next(iter(tensors.values()))[0, 0] += 0.01
        save_file(tensors, path, metadata={"format": "pt"})

    monkeypatch.setattr(module, "write", alter)
    with pytest.raises(InputError, match="was not read back as it was written; nothing was exported"):
        export(str(make(tiny_mistral)), to, out, base_name="teknium/OpenHermes-2-Mistral-7B")
    assert not list(tmp_path.glob("*out*"))


def test_weights_that_say_something_else_are_refused_and_removed(make, tiny_mistral, tmp_path, monkeypatch):
    """A sum that is wrong, and written as it is: only the log-probabilities tell."""
    before = merged.merge

    def half(model, dtype):
        for module in model.modules():
            if isinstance(module, gguf_lora.LoraLayer):
                module.scaling["default"] /= 2
        return before(model, dtype)

    monkeypatch.setattr(merged, "merge", half)
    with pytest.raises(InputError, match="does not say what base"):
        export(str(make(tiny_mistral)), "merged", tmp_path / "out")
    assert not list(tmp_path.glob("*out*"))


def test_what_must_not_leave_is_refused_before_anything_is_loaded(make, tiny_mistral, tiny_llama, tmp_path):
    out = tmp_path / "out"
    folder = make(tiny_mistral)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("…")
    with pytest.raises(InputError, match="is not empty"):
        export(str(folder), "merged", tmp_path / "full")
    with pytest.raises(InputError, match="which is read"):
        export(str(folder), "merged", folder / "out")
    shadow = make(tiny_mistral, "shadow", {"canaries": 8})
    with pytest.raises(InputError, match="--with-canaries"):
        export(str(shadow), "hub", out)
    assert export(str(shadow), "gguf", tmp_path / "asked", with_canaries=True)
    assert "shadow run" in (tmp_path / "asked" / "README.md").read_text()
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": str(tiny_llama)}))
    with pytest.raises(InputError, match="but the adapter was trained on"):
        export(str(folder), "merged", out)
    assert not out.exists()


def test_an_export_goes_where_a_link_leads_and_not_in_place_of_where_one_stands(
    make, tiny_mistral, tmp_path, monkeypatch
):
    folder, there = make(tiny_mistral), tmp_path / "there"
    there.mkdir()
    (tmp_path / "link").symlink_to(there)
    monkeypatch.chdir(there)
    with pytest.raises(InputError, match="the folder that you are in"):
        export(str(folder), "gguf", Path())
    monkeypatch.chdir(tmp_path)
    export(str(folder), "gguf", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (there / "exported.json").is_file()


def test_a_base_of_another_shape_is_refused(make, make_tiny_mistral, tiny_mistral, tmp_path):
    """The folder of the base holds another model by now."""
    base = shutil.copytree(tiny_mistral, tmp_path / "base")
    folder = make(base)
    shutil.rmtree(base)
    shutil.copytree(make_tiny_mistral(hidden_size=32), base)
    with pytest.raises(InputError, match="cannot be loaded"):
        export(str(folder), "merged", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_base_that_llama_cpp_orders_otherwise_is_refused(make, tiny_mistral, tmp_path):
    base = shutil.copytree(tiny_mistral, tmp_path / "base")
    folder = make(base)
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"model_type": "qwen2"}))
    with pytest.raises(InputError, match="is a qwen2"):
        export(str(folder), "gguf", tmp_path / "out")


@pytest.fixture
def registered(make, tiny_mistral, tmp_path):
    """A run of a store of its own, and its version 1 of plume-reply."""
    import mlflow

    uri = tracking.connect()
    with tracking.run("exported", kind="train") as run:
        mlflow.log_param("data", str(tmp_path / "data"))
        folder = make(tiny_mistral, facts={"run_id": run.info.run_id})
        mlflow.log_artifacts(str(folder), "adapter")
    registry.register(run.info.run_id, "adapter", {registry.ADAPTER_HASH: folder_sha256(folder)})
    yield folder
    mlflow.set_tracking_uri(None)
    assert uri


def test_a_version_is_exported_by_number_and_alias_and_its_digest_is_noted(registered, tmp_path):
    registry.set_alias("champion", 1, {})
    done = CliRunner().invoke(app, ["train", "export", "champion", "--to", "merged", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    told = Exported.load(tmp_path / "out")
    assert (told.to, told.version, told.adapter_sha256) == ("merged", 1, Adapter.load(registered).sha256)
    assert len(told.golden) == 4
    assert all(len(first) == 5 for _, first in told.golden)
    digest = folder_sha256(tmp_path / "out")
    assert registry.find_version("1").tags[tag_of(digest)] == digest


def test_what_an_erasure_named_is_not_exported(registered, tmp_path):
    named = forget_versions.Trained(1, (), True, "its train split is 0000")
    forget_versions.mark_forgotten([named])
    for reference in ("1", str(registered)):
        with pytest.raises(InputError, match=r"erased since .*: it does not leave"):
            export(reference, "gguf", tmp_path / "out")
    registry.tag(1, lineage.FORGOTTEN, "")
    (tmp_path / "data").mkdir()
    manifest = {"splits": {"train": {"sha256": "1" * 64}}, "history": ["0" * 64]}
    (tmp_path / "data" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="experiences that were erased from"):
        export("1", "gguf", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_transformers_orders_the_rows_back(tiny_llama):
    """Its order is that of llama.cpp's own converter, which wrote what it reads."""
    from transformers import AutoConfig
    from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

    config = AutoConfig.from_pretrained(tiny_llama)
    back = LlamaTensorProcessor(config.to_dict())
    for name, rows in (("blk.0.attn_q.weight", 64), ("blk.0.attn_k.weight", 16), ("blk.0.attn_v.weight", 16)):
        b = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3)
        assert (back.process(gguf_lora._neighbours(name, b, config), f"{name}.lora_b").weights == b).all()
