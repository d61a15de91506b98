"""Several processes are one run: the same losses, equal shares, one voice, one end."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from math import log, sqrt
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from plume.errors import EnvironmentMissing, PlumeError
from plume.paths import ROOT
from train import checkpoint, processes
from train.batches import cut, group, share_out
from train.config import TrainConfig
from train.launch import _tell
from train.next_step import packed_ahead, validation_share
from train.speed import Cost

RECIPE = "configs/train/openhermes2-lora.yaml"
MISTRAL_7B = Cost(body=6_979_321_856, head=131_080_192, attention_width=32 * 4096)


# Shares of equal cost.


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(1, 1000), max_size=40), st.integers(1, 9))
def test_each_sample_has_one_process_and_none_has_much_more_than_its_share(costs, count):
    shares = share_out(costs, count)
    assert sorted(i for share in shares for i in share) == list(range(len(costs)))
    assert shares == share_out(costs, count)
    # Whoever got the last sample had least before: at most the mean of the others, and that one sample.
    fullest = max(sum(costs[i] for i in share) for share in shares)
    assert fullest <= sum(costs) / count + max(costs, default=0) * (1 - 1 / count) + 1e-6


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(11, 400), min_size=1, max_size=40), st.integers(10, 900), st.integers(1, 5))
def test_groups_of_all_processes_hold_each_sample_once_within_the_budget(lengths, budget, count):
    groups = [members for of_one in cut(lengths, lengths, 10, budget, count) for members in of_one]
    assert sorted(i for members in groups for i in members) == list(range(len(lengths)))
    assert all(10 + sum(lengths[i] - 10 for i in g) <= budget or len(g) == 1 for g in groups)
    assert cut(lengths, lengths, 10, budget) == [group(lengths, 10, budget)]


def test_the_longest_samples_are_exchanged_where_dealing_alone_is_uneven():
    """Dealt to whoever has least: 8 + 5 + 4 and 7 + 6 + 5 - no; 8 5 4 = 17 beside 7 6 = 13. One exchange: 15 and 15."""
    loads = [sum((8, 7, 6, 5, 4)[i] for i in share) for share in share_out([8, 7, 6, 5, 4], 2)]
    assert sorted(loads) == [15, 15]


def test_where_dealing_is_even_no_exchange_is_looked_for(monkeypatch):
    monkeypatch.setattr("train.batches._exchanges", lambda *_: pytest.fail("millions, of a validation split"))
    assert [len(share) for share in share_out([3.0, 2.0, 1.0] * 100, 3)] == [100, 100, 100]


@pytest.mark.parametrize("budget", [2048, 4096, 16_384])  # the recipe's is the card's; the last takes all in one row
@pytest.mark.parametrize("spread", [0.5, 0.9])
def test_more_processes_make_a_step_of_the_recipe_faster(budget, spread):
    """Cost of all steps on one process, by that of the fullest of several. The prefix is paid in every row.

    On 8 processes at most 7.13 of rows of 16,384 tokens: 32 pairs' own tokens and 8 prefixes instead of 1.
    """
    recipe, prefix, draw = TrainConfig.load(RECIPE), 263, random.Random(0)
    lognormal = lambda mean: draw.lognormvariate(log(mean) - log(1 + spread**2) / 2, sqrt(log(1 + spread**2)))  # noqa: E731
    taken = dict.fromkeys((1, 2, 4, 8), 0.0)
    for _ in range(100):
        prompts = [prefix + min(max(20, round(lognormal(233))), 1200) for _ in range(recipe.batch_size)]
        lengths = [prompt + min(max(30, round(lognormal(217))), 580) for prompt in prompts]
        costs = [MISTRAL_7B.of_sample(*each, prefix) for each in zip(lengths, prompts, strict=True)]
        for count in taken:
            taken[count] += max(
                sum(MISTRAL_7B.of_sample(prefix, prefix, 0) + sum(costs[i] for i in members) for members in groups)
                for groups in cut(lengths, costs, prefix, budget, count)
            )
    assert taken[1] / taken[2] >= 1.85
    assert taken[1] / taken[4] >= 3.6
    assert taken[1] / taken[8] >= 6.8


def test_validation_is_shared_out_whole_or_capped_the_same_each_time(
    tiny_mistral, small_dataset, tmp_path, monkeypatch
):
    from plume.models import Base, load_tokenizer
    from plume.prompt import load_prompt
    from train.samples import load_samples

    def config(**validation):
        base = {"model": str(tiny_mistral)}
        return TrainConfig(data=small_dataset, out=tmp_path, base=base, prompt="short-1", validation=validation)

    samples = load_samples(config(), load_tokenizer(Base(model=str(tiny_mistral))), load_prompt("short-1"))
    labels = lambda batches: sorted(n for batch in batches for n in batch.labels.tolist())  # noqa: E731
    (whole,), (one,) = (validation_share(samples, config(**more), MISTRAL_7B) for more in ({}, {"max_pairs": 1}))
    assert (whole.samples, one.samples) == (3, 1)
    assert labels(validation_share(samples, config(max_pairs=1), MISTRAL_7B)) == labels([one])
    monkeypatch.setattr(processes, "count", lambda: 2)
    shares = []
    for rank in (0, 1):
        monkeypatch.setattr(processes, "rank", lambda rank=rank: rank)
        shares.append(validation_share(samples, config(), MISTRAL_7B))
    assert all(shares)
    assert labels(shares[0] + shares[1]) == labels([whole])


# The next step, packed meanwhile.


def test_a_step_is_packed_during_the_one_before_and_nothing_is_left_running():
    asked, threads = {number: threading.Event() for number in range(4)}, threading.active_count()

    def pack(number):
        asked[number].set()
        return number

    with packed_ahead(pack, 1, 3, torch.device("cpu")) as packed:
        assert packed(1) == 1
        assert asked[2].wait(60)
        assert packed(2) == 2
    assert not asked[0].is_set()
    assert not asked[3].is_set()  # the run ends before
    assert threading.active_count() == threads


def test_what_packing_raises_stops_the_run_and_an_interruption_waits_for_nothing():
    before = threading.active_count()

    def pack(number):
        raise LookupError(f"row {number}")

    with pytest.raises(LookupError, match="row 5"), packed_ahead(pack, 5, 9, torch.device("cpu")) as packed:
        packed(5)
    with pytest.raises(KeyboardInterrupt), packed_ahead(pack, 5, 9, torch.device("cpu")):
        raise KeyboardInterrupt
    assert threading.active_count() == before


# One run in two processes.


@pytest.fixture(scope="module")
def two(run, home):
    """The run of `trained` in two processes, into a store that nobody has opened yet: they must not both create it."""
    store = f"sqlite:///{home / 'fresh.db'}"
    options = {"out": home / "two", "checkpoint_every": 4, "register_version": "false", "tracking_uri": store}
    run("--processes", "2", **options)
    return options


def _same(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        for name in ("loss", "validation_loss"):
            assert b.get(name, 0) == pytest.approx(a.get(name, 0), rel=1e-5)
        assert b["trained_tokens"] == a["trained_tokens"]


def test_two_processes_train_and_validate_as_one(trained, two, steps_of):
    """13 pairs in steps of 4: the gradients add up to those of one; in an epoch's last step one process is idle."""
    _same(steps_of(trained[0]), steps_of(two["out"]))
    first, other = checkpoint.load(two["out"])["random"]
    assert not torch.equal(first["cpu"], other["cpu"])


def _back_to_the_middle(out: Path) -> None:
    """As if it had been killed after its fourth step."""
    (out / checkpoint.PREVIOUS).replace(out / checkpoint.LATEST)
    begun = json.loads((out / "run.json").read_text())
    (out / "run.json").write_text(json.dumps(begun | {"finished": False}))


def test_one_process_goes_on_where_two_were(trained, two, train_here, steps_of, capsys):
    _back_to_the_middle(two["out"])
    train_here(resume=True, **two)
    told = "training: 2 processes until now, 1 from here on: the same pairs in each step\n"
    assert told in capsys.readouterr().err
    _same(steps_of(trained[0]), steps_of(two["out"]))


@pytest.mark.long
def test_two_processes_go_on_where_one_was(trained, train_here, run, home, steps_of):
    options = {"out": home / "one-then-two", "checkpoint_every": 4, "register_version": "false"}
    train_here(**options)
    _back_to_the_middle(options["out"])
    _, err = run("--processes", "2", "--resume", **options)
    assert "training: 1 process until now, 2 from here on: the same pairs in each step\n" in err
    _same(steps_of(trained[0]), steps_of(options["out"]))


def test_checkpoints_of_before_have_the_random_numbers_of_the_first_process(trained, tmp_path):
    state = torch.load(trained[0] / checkpoint.LATEST, weights_only=True)
    (own,) = state.pop("random")
    for gpus in ([], [torch.ones(3), torch.zeros(3)]):
        torch.save(state | {"rng": own["cpu"], "cuda_rng": gpus}, tmp_path / checkpoint.LATEST)
        (read,) = checkpoint.load(tmp_path)["random"]
        assert torch.equal(read["cpu"], own["cpu"])
        assert read["cuda"].tolist() == [1, 1, 1] if gpus else "cuda" not in read


# They refuse and end together.

TWO = """
import os
from train.processes import *
join()
for refuser in (0, 1):
    try:
        with together():
            if rank() == refuser:
                raise InputError("no such layer")
    except (InputError, SystemExit) as told:
        print(told)
try:
    check_alike({"config": "the same", "dataset": f"{rank()}"})
except InputError as told:
    print(told)
tensors = [torch.full((2, 1), rank() + 1.0), torch.full((3,), 10.0 * rank())]
add_up(tensors)
print([tensor.tolist() for tensor in tensors])
copy_from_first(mine := [torch.full((2,), rank() + 1.0)])
torch.manual_seed(7)
seed_apart(7, 0)
print(mine[0].tolist(), of_first(rank()), all_told(torch.rand(1).item()) == [torch.rand(1).item()] * 2)
print(len(set(all_told(torch.rand(1).item()))), flush=True)
if rank() == 1:
    leave_last_words(2, "CUDA error (step 37)")
    leave_last_words(1, "which follows from it")
    os._exit(2)
for others_are_waited_for in (unless_left_alone, together):
    try:
        with others_are_waited_for():
            add_up(tensors)
    except InputError as told:
        print(told)
"""


def test_what_one_process_refuses_or_suffers_the_first_says_and_what_they_compute_adds_up():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", TWO],
            cwd=ROOT,
            env={**os.environ, **address, "WORLD_SIZE": "2", "RANK": rank},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]
    first, other = (process.communicate(timeout=120)[0].splitlines() for process in both)
    added = ["[[[3.0], [3.0]], [10.0, 10.0, 10.0]]", "[1.0, 1.0] 0 False", "2"]
    assert first == [
        "no such layer",
        "process 1: no such layer",
        "process 1 has another dataset than this one; start all with the same",
        *added,
        *["process 1: CUDA error (step 37)"] * 2,
    ]
    assert other == ["2", "2", "process 0 has another dataset than this one; start all with the same", *added]


def test_the_other_processes_of_torchrun_refuse_in_silence(tmp_path):
    """Each would say the same; and the first that leaves ends them all, which is to be the one that speaks."""
    for rank, lines in (("0", 1), ("1", 0)):
        environment = {**os.environ, "RANK": rank, "TORCHELASTIC_RUN_ID": "none"}
        process = subprocess.Popen(
            [sys.executable, "-m", "train", RECIPE, f"data={tmp_path}", "base.model=/nowhere"],
            cwd=ROOT,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        if rank == "1":  # it waits until torchrun ends it
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=4)
            process.terminate()
        _, err = process.communicate(timeout=60)
        assert len(err.splitlines()) == lines, err


@pytest.mark.parametrize(
    ("code", "joined", "said", "ends"),
    [
        (2, True, "plume train: CUDA error (step 37)\n", [(2, "CUDA error (step 37)")]),
        (2, True, "", ["waits"]),  # what it refuses with all the others: the first one says it
        (2, False, "plume train: no such config\n", ["waits"]),
        (None, True, "", []),  # it has done its share
    ],
)
def test_what_befalls_one_process_alone_is_passed_on_once_all_have_begun(monkeypatch, capsys, code, joined, said, ends):
    from train import __main__ as module

    def leaves(*_):
        sys.stderr.write(f"UserWarning: of a library\n{said}")
        raise SystemExit(code)

    done = []
    monkeypatch.setattr(module, "run", leaves)
    monkeypatch.setattr(module, "_has_joined", lambda: joined)
    monkeypatch.setattr(module.time, "sleep", lambda _: done.append("waits"))
    monkeypatch.setattr(processes, "leave_last_words", lambda *last: done.append(last))
    with pytest.raises(SystemExit):
        module._run_silently()
    assert (done, capsys.readouterr().err) == (ends, "")


def test_what_stops_all_processes_at_once_is_said_though_torchrun_ends_the_first(monkeypatch):
    """The others leave sooner: torchrun's SIGTERM is not to make an interruption of it."""
    monkeypatch.setattr(processes, "count", lambda: 2)
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(PlumeError, match="the loss is nan"), processes.unless_left_alone():
            raise PlumeError("the loss is nan")
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_more_processes_than_gpus_are_refused_by_each_so_by_the_first(monkeypatch):
    for name, value in {"WORLD_SIZE": "3", "LOCAL_WORLD_SIZE": "3", "LOCAL_RANK": "0", "RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(EnvironmentMissing, match="3 processes on this machine, which has 2 GPUs: start no more"):
        processes.join()


@pytest.mark.parametrize(
    ("codes", "ends", "told"),
    [
        (
            {0: 1, 1: -signal.SIGKILL},
            PlumeError,
            r"process 1 of 2 has ended without a word, .* --resume .* \(SIGKILL\)",
        ),
        ({0: 2, 1: -signal.SIGTERM}, SystemExit, "^2$"),
        ({0: 130, 1: -signal.SIGTERM}, KeyboardInterrupt, None),
        ({1: 3}, SystemExit, "^3$"),
    ],
)
def test_processes_that_ended_are_one_line_or_have_said_theirs(codes, ends, told):
    with pytest.raises(ends, match=told):
        _tell(2, codes)


def test_the_launcher_hears_how_processes_ended_from_torchrun_alone(monkeypatch, capsys):
    from torch.distributed import run as torchrun
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    from train.launch import LAUNCHED, launch

    started = []

    def fails(arguments):
        started.append(arguments)
        failed = {1: ProcessFailure(local_rank=1, pid=1, exitcode=-signal.SIGKILL, error_file="<N/A>")}
        raise ChildFailedError("train", failed)

    monkeypatch.setattr(torchrun, "run", fails)
    for variable in (LAUNCHED, "OMP_NUM_THREADS", "PYTHONSAFEPATH"):
        monkeypatch.setenv(variable, "1")
    with pytest.raises(PlumeError, match=r"process 1 of 2 .* \(SIGKILL\)"):
        launch(2, [RECIPE, "data=a b", "--resume"])
    assert started[0].nproc_per_node == "2"
    assert [started[0].training_script, *started[0].training_script_args] == ["train", RECIPE, "data=a b", "--resume"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.long
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_ends_all_in_one_line(command, home, wait_for_step, victim):
    folder = home / f"victim-{victim}"
    launcher = command("--processes", "2", out=folder, max_epochs=1000, register_version="false")
    wait_for_step(folder, 3, launcher)
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
    ranks = {_rank(Path(f"/proc/{child}/environ")): int(child) for child in children}
    os.kill(ranks[str(victim)], signal.SIGKILL)
    _, err = launcher.communicate(timeout=120)
    assert launcher.returncode == 1
    lines = [line for line in err.splitlines() if not line.startswith("training: ")]
    assert len(lines) == 1, err
    assert f"process {victim} of 2 has ended without a word" in lines[0]
    assert not any(Path(f"/proc/{child}/environ").exists() for child in ranks.values())


def _rank(environment: Path) -> str:
    return dict(each.partition("=")[::2] for each in environment.read_text().split("\0")).get("RANK", "")
