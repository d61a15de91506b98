"""What plume puts in place of transformers' modules computes what they compute, and keeps less of it."""

import copy

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, Qwen2Config
from transformers.models.llama import modeling_llama as llama
from transformers.models.qwen2.modeling_qwen2 import Qwen2ForCausalLM

from train import attention, cpu_attention, fused, lora, products
from train.batches import Layout

ROUNDING = {torch.float32: 1e-6, torch.bfloat16: 1e-2}
SIZES = {"hidden_size": 48, "intermediate_size": 96, "num_attention_heads": 6, "num_key_value_heads": 2}


@pytest.fixture(params=ROUNDING, ids=str)
def dtype(request):
    return request.param


def _both(make, given, dtype):
    """(output, gradient of what was given) of transformers' module and of ours over the same weights."""
    torch.manual_seed(0)
    theirs = make().to(dtype).requires_grad_(False)
    ours = copy.deepcopy(theirs)
    assert fused.use(ours) == 1
    results = []
    for module in (theirs, ours):
        x = given.to(dtype).clone().requires_grad_()
        out = module(x)
        out.backward(torch.linspace(-1, 1, out.numel(), dtype=dtype).view_as(out))
        results.append((out.detach(), x.grad))
    return results


def _norm():
    module = llama.LlamaRMSNorm(48)
    torch.nn.init.normal_(module.weight)
    return module


def test_the_norm_is_transformers_with_its_gradient(dtype):
    torch.manual_seed(1)
    (out, grad), (our_out, our_grad) = _both(_norm, torch.randn(1, 7, 48), dtype)
    for ours, theirs in ((our_out, out), (our_grad, grad)):
        assert (ours - theirs).norm() <= ROUNDING[dtype] * theirs.norm()


def test_the_rotation_is_transformers_with_its_gradient(dtype):
    torch.manual_seed(2)
    embedding = llama.LlamaRotaryEmbedding(LlamaConfig(**SIZES))
    x = torch.randn(1, 9, 6, 8).to(dtype)
    cos, sin = embedding(x, torch.arange(9)[None] * 31)
    results = []
    for rotate in (
        lambda t: llama.apply_rotary_pos_emb(t, t, cos, sin, 2)[0],
        lambda t: fused.Rotation.apply(t, cos, sin),
    ):
        given = x.clone().requires_grad_()
        out = rotate(given)
        out.backward(x.flip(1))
        results.append((out.detach(), given.grad))
    for ours, theirs in zip(results[1], results[0], strict=True):
        assert (ours - theirs).norm() <= ROUNDING[dtype] * theirs.norm()


def _layers(config, dtype=torch.float32):
    """transformers' layer with an adapter, and ours over the same weights; the angles of nine tokens."""
    torch.manual_seed(0)
    theirs = llama.LlamaDecoderLayer(config, 0).to(dtype).requires_grad_(False)
    for norm in (theirs.input_layernorm, theirs.post_attention_layernorm):
        torch.nn.init.normal_(norm.weight)
    adapter = LoraConfig(r=8, target_modules="all-linear", init_lora_weights=False)
    theirs = get_peft_model(theirs, adapter, autocast_adapter_dtype=True)
    ours = copy.deepcopy(theirs)
    ours.base_model.model.self_attn.config._attn_implementation = attention.NAME
    attention.register()
    lora.use(ours)
    fused.use(ours)
    return theirs.base_model.model, ours.base_model.model


@pytest.mark.parametrize(
    "config", [{}, {"sliding_window": 3}, {"hidden_act": "gelu"}], ids=["llama", "a window that no Llama has", "gelu"]
)
def test_a_layer_is_transformers_with_its_gradients(config, dtype):
    config = LlamaConfig(**SIZES, **config, num_hidden_layers=2, attn_implementation="sdpa")
    x = torch.randn(1, 9, 48).to(dtype)
    angles = llama.LlamaRotaryEmbedding(config)(x, torch.arange(9)[None])
    results = []
    for layer, words in zip(_layers(config, dtype), ({}, {"layout": Layout(0, ((0, 9),))}), strict=True):
        given = x.clone().requires_grad_()
        out = layer(given, position_embeddings=angles, **words)
        out.backward(x.flip(1))
        results.append([out.detach(), given.grad, *(p.grad for p in layer.parameters() if p.requires_grad)])
    for theirs, ours in zip(*results, strict=True):
        assert (ours - theirs).norm() <= 2 * ROUNDING[dtype] * theirs.norm()


def test_the_last_layer_computes_after_attention_what_is_learnt_and_nothing_else():
    config = LlamaConfig(**SIZES, num_hidden_layers=1, attn_implementation="sdpa")
    x, targets = torch.randn(1, 9, 48), torch.tensor([4, 5, 7])
    words = {"position_embeddings": llama.LlamaRotaryEmbedding(config)(x, torch.arange(9)[None])}
    layer, layout = _layers(config)[1], Layout(0, ((0, 9),))
    whole = layer(x, layout=layout, **words)
    some = layer(x, layout=layout, targets=targets, **words)
    torch.testing.assert_close(some, whole[:, targets])
    assert some.shape[1] == 3


def test_modules_of_other_shapes_keep_their_own_forward():
    other = Qwen2ForCausalLM(Qwen2Config(**SIZES, num_hidden_layers=1, vocab_size=8))
    assert fused.use(other) == 0


def _kept(function, module):
    """Bytes that autograd keeps for the backward pass beside the module's weights, each storage once."""
    weights, kept = {p.untyped_storage()._cdata for p in module.parameters()}, {}

    def keep(tensor):
        kept[tensor.untyped_storage()._cdata] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = function()
    del out
    return sum(storage.nbytes() for key, storage in kept.items() if key not in weights)


def test_bfloat16_layers_keep_less_than_half():  # of samples so long that the softmax is made again
    torch.manual_seed(0)
    config = LlamaConfig(**SIZES, num_hidden_layers=1, vocab_size=8, attn_implementation="sdpa")
    layer = llama.LlamaDecoderLayer(config, 0).to(torch.bfloat16).requires_grad_(False)
    adapted = get_peft_model(layer, LoraConfig(r=8, target_modules="all-linear"), autocast_adapter_dtype=True)
    x = torch.randn(1, 1100, 48, dtype=torch.bfloat16, requires_grad=True)
    angles = llama.LlamaRotaryEmbedding(config)(x, torch.arange(1100)[None])
    theirs = _kept(lambda: layer(x, position_embeddings=angles), layer)
    attention.register()
    config._attn_implementation = attention.NAME
    lora.use(adapted)
    fused.use(layer)
    ours = _kept(lambda: layer(x, position_embeddings=angles, layout=Layout(0, ((0, 1100),))), layer)
    assert ours < theirs / 2


LAYOUTS = {
    "prefix": Layout(50, ((50, 90), (90, 330))),
    "none": Layout(0, ((0, 40), (40, 340))),
    "long": Layout(50, ((50, 90), (90, 1100))),  # whose softmax is made again
}


@pytest.mark.parametrize("window", [None, 30, 200])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_attention_on_a_cpu_is_torchs_a_sample_at_a_time(layout, window, dtype):
    torch.manual_seed(0)
    given = [torch.randn(heads, layout.tokens, 16).to(dtype) for heads in (6, 2, 2)]
    upstream = torch.randn(6, layout.tokens, 16).to(dtype)
    exact = _attended(
        lambda *t: attention._by_sample(*(x[None] for x in t), layout, 0.25, 0.0, window)[0].transpose(0, 1),
        [t.double() for t in given],
        upstream.double(),
    )
    ours = _attended(lambda *t: cpu_attention.attend(*t, layout, 0.25, window), given, upstream)
    for mine, theirs in zip(ours, exact, strict=True):
        assert (mine - theirs).norm() <= ROUNDING[dtype] * theirs.norm()


def _attended(attend, given, upstream):
    given = [t.clone().requires_grad_() for t in given]
    out = attend(*given)
    out.backward(upstream)
    return [out.detach(), *(t.grad for t in given)]


def _varlen(query, key, value, queries, keys, *_, scale, window_size, enable_gqa):
    """torch's varlen attention as its documentation describes it, in plain products, for a CPU."""
    out = []
    for at in range(len(queries) - 1):
        q, k, v = (
            t[int(b[at]) : int(b[at + 1])].transpose(0, 1) for t, b in ((query, queries), (key, keys), (value, keys))
        )
        k, v = (t.repeat_interleave(len(q) // len(t), 0) if enable_gqa else t for t in (k, v))
        behind = torch.arange(k.shape[1] - q.shape[1], k.shape[1])[:, None] - torch.arange(k.shape[1])
        hidden = (behind < 0) | ((behind > window_size[0]) if window_size[0] >= 0 else False)
        out.append(((q @ k.transpose(1, 2) * scale).masked_fill(hidden, -torch.inf).softmax(-1) @ v).transpose(0, 1))
    return torch.cat(out)


@pytest.mark.parametrize("window", [None, 30, 200])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_what_flash_attention_is_given_for_a_row_gives_what_the_cpu_computes(layout, window, monkeypatch):
    monkeypatch.setattr(attention, "varlen_attn", _varlen)
    torch.manual_seed(0)
    given = [torch.randn(heads, layout.tokens, 16, dtype=torch.float64) for heads in (6, 2, 2)]
    upstream = torch.randn(6, layout.tokens, 16, dtype=torch.float64)
    flash = lambda *t: attention.flash(*(x.transpose(0, 1) for x in t), layout, 0.25, window).transpose(0, 1)  # noqa: E731
    ours = _attended(flash, given, upstream)
    theirs = _attended(lambda *t: cpu_attention.attend(*t, layout, 0.25, window), given, upstream)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.gpu
@pytest.mark.parametrize("window", [None, 30, 200])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_gpus_kernels_are_what_the_cpu_computes(layout, window):
    torch.manual_seed(0)
    given = [torch.randn(heads, layout.tokens, 16).bfloat16() for heads in (6, 2, 2)]
    upstream = torch.randn(6, layout.tokens, 16).bfloat16()
    exact = _attended(
        lambda *t: cpu_attention.attend(*t, layout, 0.25, window), [t.double() for t in given], upstream.double()
    )
    flash = lambda *t: attention.flash(*(x.transpose(0, 1) for x in t), layout, 0.25, window).transpose(0, 1)  # noqa: E731
    for mine, theirs in zip(_attended(flash, [t.cuda() for t in given], upstream.cuda()), exact, strict=True):
        assert (mine.cpu() - theirs).norm() <= 1e-2 * theirs.norm()


@pytest.mark.gpu
def test_a_gpus_fused_functions_are_the_cpus():
    torch.manual_seed(0)
    x, grad, weight = torch.randn(5, 96), torch.randn(5, 48), torch.randn(48)
    cos, sin = torch.randn(5, 1, 8).sin(), torch.randn(5, 1, 8).cos()
    scale = fused._normed(grad, weight, 1e-6)[1]
    calls = [
        (fused._normed, grad, weight, 1e-6),
        (fused._norm_gradient, grad, x[:, :48], scale, weight),
        (fused._rotated, grad.view(5, 6, 8), cos, sin),
        (fused._gated, x),
        (fused._gated_again, x, grad),
    ]
    for function, *given in calls:
        ours = function(*(t.cuda() if isinstance(t, torch.Tensor) else t for t in given))
        torch.testing.assert_close(ours, function(*given), check_device=False, rtol=1e-5, atol=1e-5)


def test_masks_are_made_once_for_a_row_and_its_layers():
    layout = Layout(40, ((40, 90), (90, 140)))
    given = [torch.randn(heads, layout.tokens, 16) for heads in (6, 2, 2)]
    for window in (None, 30):
        cpu_attention._hidden.cache_clear()
        for _ in range(4):
            cpu_attention.attend(*given, layout, 0.25, window)
        assert cpu_attention._hidden.cache_info().misses <= 3  # the prefix, and one of each sample
    attention._flash_plan.cache_clear()
    plans = {id(attention._flash_plan(layout, torch.device("cpu"))) for _ in range(4)}
    assert len(plans) == 1


def test_weights_side_by_side_are_the_layers_own_and_take_no_memory_twice():
    torch.manual_seed(0)
    linears = [torch.nn.Linear(8, out, bias=False).requires_grad_(False) for out in (4, 6, 2)]
    before = torch.cat([linear.weight for linear in linears])
    joined = products.side_by_side(linears)
    assert torch.equal(joined, before)
    assert {linear.weight.untyped_storage().data_ptr() for linear in linears} == {joined.untyped_storage().data_ptr()}
    assert products.side_by_side(linears).data_ptr() == joined.data_ptr()
    linears[1].weight.data = torch.zeros(6, 8)  # moved elsewhere, as `model.cuda()` does
    assert torch.equal(products.side_by_side(linears)[4:10], torch.zeros(6, 8))
