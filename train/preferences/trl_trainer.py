"""trl's DPO and KTO as plume's loop asks them: the loss of some rows, and how likely the model finds a text.

trl keeps a frozen copy of the adapter beside it, named "ref": the reference is where learning starts, computed in the
same call and the same precision, so the loss of the first step is exactly that of a model which prefers nothing.
"""

from contextlib import nullcontext
from typing import Any

import torch

from train.preferences.config import PreferencesConfig
from train.preferences.samples import Row

REFERENCE, ADAPTER = "ref", "default"  # trl's and PEFT's names of the two adapters
_RECOMPUTE = {"use_reentrant": False}


class Losses:
    """Computes losses of rows by trl's trainer. Makes no step: order, optimiser and checkpoints are plume's own."""

    def __init__(self, model: Any, tokenizer: Any, rows: list[Row], config: PreferencesConfig) -> None:
        from transformers import PrinterCallback

        import datasets

        trainer, arguments, collator = _classes(config)
        given = arguments(**_arguments(config))
        given._n_gpu = 1  # one process computes on one GPU, however many it sees
        self._collate = collator(pad_token_id=tokenizer.pad_token_id)
        self._trainer = trainer(
            model=model,
            args=given,
            train_dataset=datasets.Dataset.from_list(rows[:1]),  # it is the loop that gives the rows
            data_collator=self._collate,
            processing_class=tokenizer,
        )
        self._trainer.remove_callback(PrinterCallback)
        self._anchored = config.anchored
        self.model = self._trainer.model
        if config.recompute:  # transformers would do so where its own loop begins
            self.model.gradient_checkpointing_enable(_RECOMPUTE)
        self.device = next(self.model.parameters()).device

    def of(self, rows: list[Row], *, anchor: float | None = None) -> tuple[torch.Tensor, dict[str, float]]:
        """Compute the mean loss of some rows, and what trl tells of them: rewards, margins, log-probabilities.

        `anchor` stands for the config's, where the rows are a part of a step.
        """
        if self._anchored and anchor is not None:
            self._trainer.loss_weights = [1.0, anchor]
        batch = {name: value.to(self.device) for name, value in self._collate(rows).items()}
        loss = self._trainer.compute_loss(self.model, batch)
        told: dict[str, float] = {}
        self._trainer.log(told)
        return loss, told

    @torch.no_grad()
    def log_probability(self, prompt: list[int], completion: list[int], *, reference: bool = False) -> float:
        """Compute the log-probability (nats) of a whole text after its prompt, by the model or by the reference."""
        from trl.trainer.utils import use_adapter

        ids = torch.tensor([prompt + completion], device=self.device)
        labels = ids.clone()
        labels[:, : len(prompt)] = -100
        with use_adapter(self.model, REFERENCE) if reference else nullcontext():
            out = self.model(input_ids=ids, labels=labels, fused_lm_head=True, use_cache=False)
        return float(out.log_probs.sum())

    def finish(self) -> Any:
        """Take the reference away; give the model with the adapter that has learnt."""
        self.model.delete_adapter(REFERENCE)
        return self.model


def _classes(config: PreferencesConfig) -> tuple[Any, Any, Any]:
    """Give trl's trainer, its arguments' type and its collator."""
    import trl
    from trl.trainer.dpo_trainer import DataCollatorForPreference
    from trl.trainer.kto_trainer import DataCollatorForUnpairedPreference

    if config.method == "dpo":
        return _given_tokens(trl.DPOTrainer), trl.DPOConfig, DataCollatorForPreference
    return _given_tokens(trl.KTOTrainer), trl.KTOConfig, DataCollatorForUnpairedPreference


def _given_tokens(trainer: Any) -> Any:
    """A trainer that takes plume's token ids as they are: trl would tokenise texts by its own reading of a template."""
    return type(trainer.__name__, (trainer,), {"_prepare_dataset": lambda _, dataset, *__: dataset})


def _arguments(config: PreferencesConfig) -> dict[str, Any]:
    anchored = {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, config.anchor]} if config.anchored else {}
    return anchored | {
        "output_dir": str(config.out),
        "beta": config.beta,
        "max_length": None,  # what is too long was left out
        "seed": config.seed,
        "bf16": False,  # no autocast: the base is in its precision, the adapter in float32
        "use_cpu": not torch.cuda.is_available(),
        "gradient_checkpointing": config.recompute,
        "gradient_checkpointing_kwargs": _RECOMPUTE,
        "disable_tqdm": True,
        "report_to": [],
        "save_strategy": "no",
    }
