"""A packed row with a shared prefix is exactly its samples computed one by one by transformers and PEFT.

The reference knows nothing of plume's code: a sample alone, eager attention, PEFT's layers, all logits, torch's loss.
Tolerances: float32, losses 1e-5 and gradients 1e-4 relative (norm of the difference over norm); bfloat16, 1 % and 6 %.
"""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from peft.tuners.lora import Linear

from plume.models import Base, load_model, load_tokenizer
from plume.prompt import load_prompt
from train import adapter
from train.batches import Layout, micro_batches, pack
from train.config import TrainConfig
from train.samples import load_samples
from train.step import backward, token_losses, trainable


@pytest.fixture(scope="module")
def tiny_llama(tiny_mistral, tmp_path_factory):
    """Llama as SmolLM2 is: tied embeddings, grouped queries, no sliding window."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny-llama")
    AutoTokenizer.from_pretrained(tiny_mistral).save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=32002,
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=6,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        pad_token_id=2,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=["mistral", "llama"])
def setting(request, tiny_mistral, tiny_llama, small_dataset, tmp_path_factory):
    """(make model in a dtype, 8 rows). The tiny Mistral's window of 64 is shorter than its samples."""
    folder = tiny_mistral if request.param == "mistral" else tiny_llama
    out = tmp_path_factory.mktemp("run")

    def config(dtype):
        return TrainConfig(
            data=small_dataset,
            out=out,
            base=Base(model=str(folder)),
            prompt="short-1",
            dtype=dtype,
            lora={"rank": 8, "rslora": request.param == "llama"},
        )

    def model(dtype):
        torch.manual_seed(0)
        made = adapter.attach(load_model(config(dtype).base, dtype), config(dtype)).train()
        with torch.no_grad():  # LoRA starts with B = 0, where half of the gradients vanish
            for parameter in trainable(made):
                parameter.add_(torch.randn_like(parameter) * 0.02)
        return made

    samples = load_samples(config("float32"), load_tokenizer(config("float32").base), load_prompt("short-1"))
    rows = list(samples.train)[:8]
    assert len({len(r["input_ids"]) for r in rows}) > 2
    if request.param == "mistral":
        assert model("float32").config.sliding_window < min(len(r["input_ids"]) for r in rows)
    return model, rows


@pytest.fixture(scope="module")
def model(setting):
    return setting[0]("float32")


@pytest.fixture(scope="module")
def rows(setting):
    return setting[1]


def _reference(model, rows):
    """Losses of the trained tokens by sample, and the gradients of their mean, by transformers and PEFT."""
    fused = [(module, module.__dict__.pop("forward")) for module in model.modules() if "forward" in module.__dict__]
    core = model.get_base_model().model
    assert {Linear, type(core.layers[0]), type(core.norm)} <= {type(module) for module, _ in fused}
    model.get_base_model().set_attn_implementation("eager")
    model.zero_grad()
    losses = []
    for row in rows:
        ids = torch.tensor([row["input_ids"]])
        logits = model(input_ids=ids, use_cache=False).logits[0].float()
        start = row["prompt_length"]
        losses.append(F.cross_entropy(logits[start - 1 : -1], ids[0, start:], reduction="none"))
    torch.cat(losses).mean().backward()
    gradients = [p.grad.clone() for p in trainable(model)]
    model.get_base_model().set_attn_implementation("plume")
    for module, forward in fused:
        module.forward = forward
    return [x.detach() for x in losses], gradients


def _ours(model, batches, device="cpu"):
    model.zero_grad()
    loss, count = backward(model, batches, device)
    return loss.item(), count, [p.grad.clone() for p in trainable(model)]


def _apart(ours, theirs):
    """Norm of the difference over the norm, the largest of all parameters."""
    return max(((a - b).norm() / b.norm()).item() for a, b in zip(ours, theirs, strict=True))


def test_shared_is_what_transformers_computes_one_by_one(model, rows):
    losses, gradients = _reference(model, rows)
    batch = pack(rows)
    assert batch.layout.prefix > 50
    torch.testing.assert_close(token_losses(model, batch).detach(), torch.cat(losses), rtol=1e-5, atol=1e-5)
    loss, count, ours = _ours(model, [batch])
    assert count == sum(len(x) for x in losses)
    assert loss == pytest.approx(torch.cat(losses).mean().item(), rel=1e-5)
    assert _apart(ours, gradients) < 1e-4


def test_shared_in_bfloat16_is_what_transformers_computes_within_rounding(setting):
    make, rows = setting
    model = make("bfloat16")
    assert all(p.dtype == torch.float32 for p in trainable(model))  # small updates are not rounded away
    losses, gradients = _reference(make("float32"), rows)
    loss, _, ours = _ours(model, [pack(rows)])
    unshared_loss, _, unshared = _ours(model, [pack(rows, share=False)])
    assert loss == pytest.approx(torch.cat(losses).mean().item(), rel=0.01)
    assert loss == pytest.approx(unshared_loss, rel=0.01)
    assert _apart(ours, gradients) < 0.06
    assert _apart(ours, unshared) < 0.06


@pytest.mark.parametrize("share", [True, False])
def test_flex_attention_is_what_one_call_a_sample_computes(model, rows, share):
    """Forward only: torch has no backward pass of FlexAttention on CPUs."""
    batch = pack(rows, share=share)
    with torch.no_grad():
        expected = token_losses(model, batch)
        model.get_base_model().set_attn_implementation("plume_flex")
        losses = token_losses(model, batch)
        model.get_base_model().set_attn_implementation("plume")
    torch.testing.assert_close(losses, expected, rtol=1e-5, atol=1e-5)
    assert not torch.equal(losses, expected)  # it is another kernel


@pytest.mark.gpu
def test_flex_attention_has_the_gradients_of_one_call_a_sample(model, rows):
    model = model.cuda()
    by_sample = _ours(model, [pack(rows)], "cuda")[2]
    model.get_base_model().set_attn_implementation("plume_flex")
    flex = _ours(model, [pack(rows)], "cuda")[2]
    model.get_base_model().set_attn_implementation("plume")
    model.cpu()
    assert _apart(flex, by_sample) < 1e-3  # products of TF32 in the kernel


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_gradients_do_not_depend_on_the_cut(model, rows, size, share):
    """1 × 8 = 8 × 1 = 4 × 2 = 2 × 4, and 3 + 3 + 2: the last, smaller window weighs by its tokens."""
    loss, count, whole = _ours(model, [pack(rows)])
    cut = [pack(rows[i : i + size], share=share) for i in range(0, 8, size)]
    cut_loss, cut_count, gradients = _ours(model, cut)
    assert cut_count == count
    assert cut_loss == pytest.approx(loss, rel=1e-5)
    assert _apart(gradients, whole) < 1e-4


def test_no_sample_sees_another(model, rows):
    """Another text in one sample leaves every other sample's losses as they were, bit for bit."""
    batch, changed = pack(rows), pack(rows)
    start, end = batch.layout.bounds[3]
    changed.input_ids[0, start:end] = (changed.input_ids[0, start:end] + 7) % 30000
    counts = [len(r["input_ids"]) - r["prompt_length"] for r in rows]
    before, after = (token_losses(model, b).detach().split(counts) for b in (batch, changed))
    assert not torch.equal(before[3], after[3])
    for i in (0, 1, 2, 4, 5, 6, 7):
        assert torch.equal(before[i], after[i])


def test_the_prefix_is_learnt_through_by_every_sample_and_samples_by_none_but_themselves(model, rows):
    """The gradient of one sample's loss reaches the prefix and itself, and is exactly zero everywhere else."""
    batch = pack(rows[:4])
    core = model.get_base_model().model
    embedded = core.embed_tokens(batch.input_ids).detach().requires_grad_()
    hidden = core(inputs_embeds=embedded, position_ids=batch.position_ids, use_cache=False, layout=batch.layout)[0]
    start, end = batch.layout.bounds[1]
    hidden[0, start:end].square().sum().backward()
    touched = embedded.grad[0].abs().sum(-1) > 0
    assert touched[start:end].all()
    assert touched[: batch.layout.prefix].any()
    touched[start:end] = False
    touched[: batch.layout.prefix] = False
    assert not touched.any()


def test_no_gradient_of_a_whole_row_is_written_for_each_sample(model, rows):
    """Slices of a row do so, in the square of its samples: 2.5 TB a step of the recipe."""
    seen, left = set(), [token_losses(model, pack(rows)).grad_fn]
    while left:
        node = left.pop()
        if node is not None and node not in seen:
            seen.add(node)
            left += [following for following, _ in node.next_functions]
    names = [node.name() for node in seen]
    assert names.count("_AttentionBackward") == model.config.num_hidden_layers
    assert "SliceBackward0" not in names


def test_every_sample_learns_its_end_of_turn_and_something_more(model, rows):
    for batch in micro_batches(rows, 500):
        ends = [end for _, end in batch.layout.bounds]
        assert isinstance(batch.layout, Layout)
        # the position before each sample's last token is a target, and its label is the end of the turn
        at = [batch.targets.tolist().index(end - 2) for end in ends]
        assert batch.labels[at].tolist() == [32000] * len(ends)
        assert len(batch.labels) > len(ends)
