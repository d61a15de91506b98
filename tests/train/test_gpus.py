"""GPUs, known by the names that drivers give."""

import pytest
import torch

from train.gpus import GPUS, known
from train.speed import machine_limit


@pytest.mark.parametrize(
    ("name", "teraflops", "gigabytes"),
    [
        ("NVIDIA H100 80GB HBM3", 989, 80),
        ("NVIDIA H100 PCIe", 756, 80),
        ("NVIDIA H100 NVL", 836, 94),
        ("NVIDIA H200", 989, 141),
        ("NVIDIA H200 NVL", 836, 141),
        ("NVIDIA GH200 480GB", 989, 96),
        ("NVIDIA GH200 144G HBM3e", 989, 144),
        ("NVIDIA B200", 2250, 180),
        ("NVIDIA GB200", 2500, 186),
        ("NVIDIA A100-SXM4-40GB", 312, 40),
        ("NVIDIA A100-PCIE-40GB", 312, 40),
        ("NVIDIA A100-SXM4-80GB", 312, 80),
        ("NVIDIA A100 80GB PCIe", 312, 80),
        ("NVIDIA L4", 121, 24),
        ("NVIDIA L40", 181, 48),
        ("NVIDIA L40S", 362, 48),
        ("NVIDIA A10", 125, 24),
        ("NVIDIA A10G", 70, 24),
        ("NVIDIA RTX A6000", 154.8, 48),
        ("NVIDIA RTX 6000 Ada Generation", 364, 48),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", 503.8, 96),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", 438.9, 96),
        ("NVIDIA GeForce RTX 3090", 71, 24),
        ("NVIDIA GeForce RTX 4090", 165.2, 24),
        ("NVIDIA GeForce RTX 5090", 209.5, 32),
    ],
)
def test_a_gpu_is_known_by_the_name_that_torch_gives(name, teraflops, gigabytes):
    gpu = known(name)
    assert (gpu.flops, gpu.memory) == pytest.approx((teraflops * 1e12, gigabytes * 1e9))


@pytest.mark.parametrize(
    "name",
    [
        "Tesla T4",
        "Tesla V100-SXM2-32GB",
        "NVIDIA L400",
        "NVIDIA GeForce RTX 4090 Laptop GPU",
        "NVIDIA H100 MIG 1g.10gb",
        "NVIDIA GeForce RTX 3090 Ti",
        "NVIDIA GeForce RTX 4090 D",
    ],
)
def test_a_gpu_that_is_not_listed_is_not_taken_for_another(name):
    assert known(name) is None


def test_the_limit_of_an_unknown_gpu_is_no_number(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla T4")
    assert machine_limit.__wrapped__("cuda", "bfloat16") != machine_limit.__wrapped__("cuda", "bfloat16")
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA L40S")
    assert machine_limit.__wrapped__("cuda", "bfloat16") == 362e12


def test_every_row_is_named_once():
    assert len({gpu.name for gpu in GPUS}) == len(GPUS)
