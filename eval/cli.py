"""Define the commands `plume eval …`: drafts, scores, a verdict, the alias that serving follows, the time saved."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NoReturn

import typer

from eval.browse import PORT
from eval.cli_desk import Data, Force
from eval.cli_desk import app as desk
from plume.command import LazyGroup, say


class Rooms(LazyGroup):
    stages: ClassVar[dict[str, str]] = {"study": "eval.study.cli:app"}


app = typer.Typer(
    cls=Rooms,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Drafts, scores, verdict and promotion; the time saved.",
)

app.add_typer(desk)  # without a name: its commands stand beside these

Engine = Literal["transformers", "vllm"]
Api = Literal["completions", "chat"]
Precision = Literal["auto", "float32", "bfloat16"]
EXIT = {"PASS": 0, "FAIL": 10, "INCONCLUSIVE": 20}


@app.command()
def generate(
    system: Annotated[
        str,
        typer.Option(
            help="base, an adapter folder, a version or alias of plume-reply, a YAML file, or endpoint: "
            "a model of which only the server knows more than the name."
        ),
    ],
    data: Data,
    out: Annotated[Path, typer.Option(help="drafts.jsonl to write, or to go on with.")],
    prompt: Annotated[str | None, typer.Option(help="Prompt version, by default the adapter's (base: v1).")] = None,
    examples: Annotated[
        int | None, typer.Option(min=0, max=20, help="Similar past replies of the same network to show.")
    ] = None,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    max_new_tokens: Annotated[int, typer.Option(min=1)] = 320,
    repetition_penalty: Annotated[
        float,
        typer.Option(
            min=1, max=2, help="Above 1, what prompt or draft hold already is less likely; as plume serve has it."
        ),
    ] = 1.0,
    context: Annotated[
        int | None, typer.Option(min=16, help="Tokens of prompt and draft; by default the base's, at most 4096.")
    ] = None,
    backend: Annotated[Engine, typer.Option(help="What runs the model here, if no endpoint does.")] = "transformers",
    batch_size: Annotated[int, typer.Option(min=1, help="Drafts at once, with transformers.")] = 16,
    dtype: Annotated[
        Precision | None,
        typer.Option(
            help="By default bfloat16 on a GPU, float32 on a CPU; auto: bfloat16 on a processor with units for it, too."
        ),
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="OpenAI-compatible server to ask: http://HOST:PORT/v1.")] = None,
    model: Annotated[
        str | None, typer.Option(help="What the server calls the model; by default what plume serve calls the system.")
    ] = None,
    api: Annotated[
        Api | None, typer.Option(help="What to send: token ids to completions (the default), or messages to chat.")
    ] = None,
    key_env: Annotated[str, typer.Option(help="Environment variable that holds the server's key.")] = "PLUME_API_KEY",
    concurrency: Annotated[int, typer.Option(min=1, help="Requests to the server at once.")] = 8,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds for one request; a draft gets five times that.")
    ] = 120,
    reuse: Annotated[
        list[Path] | None, typer.Option(help="Other drafts.jsonl whose drafts to take where the same.")
    ] = None,
    gate: Annotated[
        Path | None, typer.Option(help="The rule that will judge them: its digest is noted before the first draft.")
    ] = None,
    probes: Annotated[
        bool,
        typer.Option("--probes", help="Draft the probes too (hidden instructions): OUT's name with .probes.jsonl."),
    ] = False,
    probe_sample: Annotated[
        int | None, typer.Option(min=1, help="Draft only so many probes, for a try: a verdict wants all of them.")
    ] = None,
    fairness: Annotated[
        bool,
        typer.Option(
            "--fairness", help="Draft reviews with swapped names, genders, towns, registers: .fairness.jsonl."
        ),
    ] = False,
    force: Force = False,
) -> None:
    """Write a system's draft for every review of a split. Run again after an interruption or a failure, it goes on."""
    from eval.inputs import to_generate, to_probe
    from eval.systems import REMOTE, resolve
    from plume.errors import InputError
    from plume.paths import in_clone

    if system == REMOTE and not (endpoint and model):
        raise InputError("--system endpoint: name the server and its model with --endpoint URL --model NAME")
    gate = gate and in_clone(gate)
    to_generate(data, split, out, gate)  # before the slow imports
    sample = probe_sample or (0 if probes else None)
    if sample is not None:
        to_probe(out, gate, sample)
    resolved = resolve(system, prompt=prompt, examples=examples, model=model)
    if endpoint and dtype:
        raise InputError("--dtype is for a model that runs here; the server computes in its own")
    if endpoint:
        from eval.backends.endpoint import Endpoint

        served = model or resolved.served_name
        if not served:
            raise InputError(f"--system {system}: say with --model what the server calls it")
        api = api or ("chat" if system == REMOTE else "completions")
        chosen = Endpoint(
            endpoint, served, api=api, key_env=key_env, concurrency=concurrency, timeout=timeout, limit=5 * timeout
        )
    elif model or api:
        raise InputError("--model and --api are for a server: name it with --endpoint URL")
    elif backend == "vllm":
        from eval.backends.vllm_offline import VllmOffline

        chosen = VllmOffline()
    else:
        from eval.backends.in_process import InProcess

        chosen = InProcess(batch_size)
    from eval.generate import Decoding
    from eval.generate import generate as generate_drafts

    new = generate_drafts(
        resolved,
        data,
        out,
        Decoding(max_new_tokens=max_new_tokens, repetition_penalty=repetition_penalty, dtype=dtype),
        split=split,
        backend=chosen,
        context=context,
        reuse=reuse or (),
        gate=gate,
        probes=sample,
        fairness=fairness,
        force=force,
    )
    say(f"{out}: {resolved.name}, prompt {resolved.prompt.version}, {new} new drafts")


@app.command()
def score(
    drafts: Annotated[Path, typer.Argument(help="drafts.jsonl")],
    data: Data,
    out: Annotated[Path, typer.Option(help="scores.jsonl to write.")],
    force: Force = False,
) -> None:
    """Score drafts with plume's four metric modules: chrF, ROUGE, edit rate, reply checks."""
    from eval.inputs import to_score

    to_score(drafts, data, out, force=force)  # before the slow imports
    from eval.score import score as score_drafts

    score_drafts(drafts, data, out, force=force)


@app.command()
def compare(
    champion: Annotated[Path, typer.Argument(metavar="CHAMPION_DRAFTS")],
    challengers: Annotated[list[Path], typer.Argument(metavar="CHALLENGER_DRAFTS [MORE_DRAFTS]...")],
    data: Data,
    out: Annotated[
        Path, typer.Option(help="Folder for verdict.json and report.html; of several challengers, one below for each.")
    ],
    gate: Annotated[Path, typer.Option(help="The rule.")] = Path("configs/eval/gate.yaml"),
    ratings: Annotated[
        list[Path] | None,
        typer.Option(help="ratings.jsonl: which of the two drafts people preferred; may be repeated."),
    ] = None,
    trained_on: Annotated[
        list[Path] | None, typer.Option(help="Another dataset folder that an adapter was trained on; may be repeated.")
    ] = None,
    force: Force = False,
) -> None:
    """May the challenger replace the champion? Exit code 0 PASS, 10 FAIL, 20 INCONCLUSIVE, 2 cannot say.

    Of several challengers: 0 if one passes, 10 if all fail, else 20; ranking.html and ranking.json rank all systems.
    """
    from eval.inputs import to_compare
    from plume import tracking
    from plume.paths import in_clone

    gate = in_clone(gate)
    files = {"ratings": ratings or (), "trained_on": trained_on or ()}
    if len(challengers) > 1:
        _compare_several(champion, challengers, data, gate, out, **files, force=force)
    (challenger,) = challengers
    to_compare(champion, challenger, data, gate, out, **files, force=force)  # before slow imports
    tracking.connect(create=tracking.is_default())  # before the work: its ledger must be there
    from eval.compare import compare as compare_drafts
    from eval.mlflow_runs import log_comparison, train_splits_of

    verdict = compare_drafts(champion, challenger, data, gate, out, **files, look_up=train_splits_of, force=force)
    log_comparison(verdict, champion, challenger, data, gate, out)
    say(f"{verdict.outcome}: {out / 'verdict.json'}, {out / 'report.html'}")
    for reason in verdict.reasons:
        say(f"- {reason}")
    raise typer.Exit(EXIT[verdict.outcome])


def _compare_several(
    champion: Path, challengers: list[Path], data: Path, gate: Path, out: Path, **given: Any
) -> NoReturn:
    """Judge and log each challenger, say the outcomes and the ranks, and leave with the exit code."""
    from eval.inputs import to_compare_several
    from plume import tracking

    to_compare_several(champion, challengers, data, gate, out, **given)  # before slow imports
    tracking.connect(create=tracking.is_default())
    from eval.compare_several import compare_several, outcome_of
    from eval.mlflow_runs import log_comparison, train_splits_of

    judged = compare_several(champion, challengers, data, gate, out, **given, look_up=train_splits_of)
    for one in judged:
        log_comparison(one.verdict, champion, one.drafts, data, gate, one.folder)
        say(f"{one.verdict.outcome}: {one.folder / 'verdict.json'}: {one.verdict.reasons[0]}")
    outcome = outcome_of(judged)
    say(f"{outcome}: {out / 'ranking.json'}, {out / 'ranking.html'}")
    raise typer.Exit(EXIT[outcome])


@app.command()
def browse(
    named: Annotated[
        list[Path],
        typer.Argument(metavar="VERDICT|DRAFTS...", help="Folder of a verdict, or drafts.jsonl; several systems."),
    ],
    data: Annotated[
        Path | None, typer.Option(help="Dataset folder that the drafts answer; a verdict knows its own.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 for one that is free.")] = PORT,
    notes: Annotated[
        Path | None, typer.Option(help="File for your notes, by default beside the verdict or the drafts.")
    ] = None,
) -> None:
    """Read all items side by side in a browser: filters, word differences, findings in the text, notes, CSV."""
    from eval.browse.app import browse as serve_pages

    serve_pages(named, data, notes, port)


@app.command()
def memory(
    run: Annotated[Path, typer.Argument(help="Folder of a training run with canaries: its out=.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for memory.json and memory.html, by default RUN/memory.")
    ] = None,
    alternatives: Annotated[
        int, typer.Option(min=15, max=100_000, help="Random secrets that each canary is ranked among.")
    ] = 127,
    data: Annotated[
        Path | None, typer.Option(help="Dataset folder whose privacy.html shows it, by default the run's.")
    ] = None,
    force: Force = False,
) -> None:
    """What a shadow run retained of planted secrets: exposure and extraction, beside the base model."""
    from eval.memory.run import memory as measure

    measure(run, out=out, alternatives=alternatives, data=data, force=force)


@app.command()
def promote(
    version: Annotated[str, typer.Argument(help="Version of plume-reply.")],
    verdict: Annotated[Path | None, typer.Option(help="verdict.json of a comparison with the champion.")] = None,
    initial: Annotated[bool, typer.Option("--initial", help="Set the first champion.")] = False,
    override: Annotated[bool, typer.Option("--override", help="Go against the verdict.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why; kept as a tag.")] = None,
    by: Annotated[str | None, typer.Option(help="Who decides; kept as a tag.")] = None,
) -> None:
    """Make a version the champion, which serving follows."""
    from eval.promote import check_request, say_sources
    from eval.promote import promote as move_alias
    from plume import tracking

    check_request(version, verdict=verdict, initial=initial, override=override, reason=reason, by=by)
    tracking.connect(create=False)
    number, former = move_alias(version, verdict=verdict, initial=initial, override=override, reason=reason, by=by)
    say(f"champion: version {number}" + (f" (was {former})" if former else " (the first)"))
    if told := say_sources(str(number)):
        say(told)


@app.command()
def challenge(
    version: Annotated[str | None, typer.Argument(help="Version of plume-reply.")] = None,
    none: Annotated[bool, typer.Option("--none", help="Take the alias away.")] = False,
) -> None:
    """Give a version the alias `challenger`: serving tries it on the share challenger_weight of the conversations."""
    from eval.promote import challenge as move_alias
    from eval.promote import say_sources
    from plume import registry, tracking
    from plume.errors import InputError

    if (version is None) != none:
        raise InputError("challenge: give a VERSION, or --none to take the alias away")
    if version:
        registry.check_reference(version)
    tracking.connect(create=False)
    number = move_alias(version)
    if number is None:
        say("challenger: none; a server that has one goes on with it until its next sync with challenger_weight=0")
        return
    say(f"challenger: version {number}; try it with: plume serve sync challenger_weight=0.1")
    if told := say_sources(str(number)):
        say(told)


@app.command()
def time(
    export: Annotated[Path, typer.Argument(help="The platform's export.")],
    out: Annotated[Path, typer.Option(help="Folder for time.json and time.html.")],
    claims: Annotated[Path, typer.Option(help="The pilot's claims.")] = Path("configs/baselines/pilot-2023.yaml"),
    constants: Annotated[Path, typer.Option(help="Constants of the modelled minutes.")] = Path(
        "configs/eval/time.toml"
    ),
    decisions: Annotated[
        Path | None, typer.Option(help="decisions.jsonl: what agents did with drafts, with seconds where timed.")
    ] = None,
    study: Annotated[
        Path | None,
        typer.Option(help="study.json: minutes with a draft and without, which replace the modelled ones."),
    ] = None,
    pilot_start: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day of the pilot, by default the claims file's."),
    ] = None,
    extracted_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of the export, by default its latest date.")
    ] = None,
    draws: Annotated[int, typer.Option(min=200, help="Resamples of the structures.")] = 1000,
    force: Force = False,
) -> None:
    """What the pilot changes: citizens' wait, satisfaction, draft reuse, agents' minutes, beside the pilot's claims."""
    from eval.inputs import to_time

    files = {"claims": claims, "constants_file": constants, "decisions": decisions, "study": study}
    to_time(export, out, **files, force=force)
    from eval.mlflow_runs import log_time
    from eval.time.run import run
    from plume import tracking

    tracking.connect(create=tracking.is_default())  # before the work: its ledger must be there
    result = run(
        export,
        out,
        **files,
        pilot_start=pilot_start and pilot_start.date(),
        extracted_on=extracted_on and extracted_on.date(),
        draws=draws,
        force=force,
    )
    log_time(result, out)
    say(f"{out / 'time.html'}, {out / 'time.json'}")
    for column in result["missing_columns"]:
        say(f"- absent or empty: {column}")
    for column, n in result["not_understood"].items():
        say(f"- there and not understood: {column}, {n} records")
    for claim in result["claims"]:
        say(f"- {claim['id']}: {claim['outcome']}")
    if result["simulated"]:
        say(result["simulated"]["line"])


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(metavar="OUT.json", help="Export to write; its truth goes beside it.")],
    experiences: Annotated[int, typer.Option(help="How many.")] = 6000,
    divided_by: Annotated[float, typer.Option(help="What the pilot divides the wait by; 1: nothing.")] = 1.5,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 0,
) -> None:
    """Invent an export with a known effect on the wait, to see what `plume eval time` makes of it."""
    from eval.time.simulated.export import simulate as write_export
    from eval.time.simulated.truth import truth_file

    write_export(out, experiences=experiences, divided_by=divided_by, seed=seed)
    say(f"{out}: {experiences} invented experiences; the truth: {truth_file(out)}")
