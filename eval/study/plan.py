"""Run `plume eval study plan`: how many agents and reviews, then the study's folder and the hash of its rules."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from eval.study.config import StudyConfig
from eval.study.items import Candidates, Drawn, by, draw
from eval.study.power import Power, chosen, finals_wanted, find_designs
from eval.study.preregistration import (
    CONFIG,
    ITEMS,
    POWER,
    PREREGISTRATION,
    VERSION,
    Preregistration,
    Primary,
    Quality,
    write_preregistration,
)
from eval.study.records import write_items
from plume.command import say
from plume.errors import InputError
from plume.files import file_sha256, telling, write
from plume.output import STUDY, building
from plume.page.numbers import number, percent, points

SENSITIVITY = (30.0, 120.0)


def plan(config: StudyConfig, found: Candidates) -> str:
    """Make the folder of a study on these candidates; give the digest of preregistration.json. Raises InputError."""
    config = _within(config, len(found.pairs))
    designs = find_designs(config)
    design = chosen(config, designs)
    _print_table(config, designs)
    if design is None:
        raise InputError(
            f"no design that was tried shows an effect of {config.effect:g} with a power of {config.power:.0%}; try "
            "more agents (agent_choices), a larger effect, or take a design as it is: agents=N items=N"
        )
    drawn = draw(found, design.items, config)
    digest = _write_folder(config, design, designs, found, drawn)
    _print_plan(config, design, drawn, digest)
    return digest


def _within(config: StudyConfig, there: int) -> StudyConfig:
    """Leave out the numbers of reviews that the dataset cannot give. Raises InputError."""
    wanted = [config.items] if config.items else [n for n in config.item_choices if n <= there]
    if not wanted or wanted[0] > there:
        raise InputError(
            f"{config.data}: {there} test reviews have a draft of every system and none like it in training, "
            f"{config.items or config.item_choices[0]} are wanted; generate their drafts, or give items=N"
        )
    return config.model_copy(update={"item_choices": tuple(wanted)})


def _write_folder(config: StudyConfig, design: Power, designs: Sequence[Power], found: Candidates, drawn: Drawn) -> str:
    """Write the study's folder, preregistration.json last; give its digest. Raises InputError."""
    with (
        telling(config.out, "make room or mend that; the same command then goes on"),
        building(config.out, STUDY) as folder,
    ):
        write_items(folder / ITEMS, drawn.items)
        resolved = config.model_copy(update={"agents": design.agents, "items": design.items})
        write(folder / CONFIG, resolved.to_yaml())
        write(folder / POWER, json.dumps(_power(config, design, designs, drawn), ensure_ascii=False, indent=1) + "\n")
        return write_preregistration(folder, _decided(resolved, design, found, file_sha256(folder / ITEMS)))


def _power(config: StudyConfig, design: Power, designs: Sequence[Power], drawn: Drawn) -> dict[str, Any]:
    """Describe what was simulated and what was drawn: how the numbers came about."""

    def told(power: Power) -> dict[str, Any]:
        shares = {
            of: dict(zip(("power", "lower", "upper"), power.share(of), strict=True)) for of in ("time", "quality")
        }
        return {**asdict(power), **shares}

    return {
        "chosen": told(design),
        "designs": [told(power) for power in designs],
        "assumed": config.assumed.model_dump(),
        "items": {
            "drawn": len(drawn.items),
            "left_out": dict(drawn.left_out),
            "drafts_with_marks": drawn.withheld,
            **{name: by(drawn.items, name) for name in ("network", "sentiment")},
        },
    }


def _decided(config: StudyConfig, design: Power, found: Candidates, items_sha256: str) -> Preregistration:
    effect, margin = number(config.effect, 2), points(config.quality_margin, 0, signed=False)
    time = (
        "Partir d’un brouillon change le temps actif par réponse : le rapport des temps, avec brouillon sur sans, "
        f"est inférieur à 1 (effet attendu : {effect} ; intervalle bilatéral à {percent(config.confidence, 0)})."
    )
    quality = (
        "La réponse écrite à partir d’un brouillon n’est pas moins bonne, jugée à l’aveugle : la part des duels "
        f"qu’elle gagne, égalités comptées pour moitié, n’est pas inférieure à 50 % de {margin} ou plus (borne "
        f"unilatérale à {percent(config.confidence, 0)})."
    )
    return Preregistration(
        version=VERSION,
        made_on=datetime.now(UTC).isoformat(timespec="seconds"),
        hypotheses=(time, quality),
        primary=Primary(hypothesis=time),
        quality=Quality(hypothesis=quality, margin=config.quality_margin),
        effect=config.effect,
        power=config.power,
        confidence=config.confidence,
        agents=design.agents,
        items=design.items,
        comparisons=config.comparisons if len(found.systems) > 1 else 0,
        finals=config.finals,
        idle_seconds=config.idle_seconds,
        sensitivity=SENSITIVITY,
        seed=config.seed,
        items_sha256=items_sha256,
        split=config.split,
        systems={name: drafts.sha256 for name, drafts in found.systems.items()},
        writing_system=next(iter(found.systems)),
        model=MODEL,
        exclusions=EXCLUSIONS,
    )


MODEL = (
    "Logarithme du temps actif, modèle linéaire mixte : bras (avec ou sans brouillon), période et position dans la "
    "séance ; effets aléatoires de l’agent, de son gain propre avec brouillon, et de l’avis. "
    "Part des duels gagnés : modèle linéaire mixte ; effets aléatoires de l’avis, de la personne qui juge, de celles "
    "qui ont écrit, et de leur gain propre avec brouillon."
)
EXCLUSIONS = (
    "Une réponse qui n’a pas été envoyée n’a pas de temps ; toutes celles qui ont été envoyées comptent.",
    "Une réponse envoyée sans aucun temps actif est écartée des temps ; le nombre en est donné.",
    "Un agent qui part avant la fin est gardé avec ce qu’il a envoyé ; le diagramme de flux le compte.",
)


# --- what the command prints


def _print_table(config: StudyConfig, designs: Sequence[Power]) -> None:
    say(f"{'agents':>6}{'reviews each':>14}{'replies':>9}{'hours':>7}   {'power, time':<18}{'power, quality':<18}")
    for design in designs:
        hours = design.writings * config.assumed.minutes / 60
        cells = "".join(f"{_share(design, of):<18}" for of in ("time", "quality"))
        say(f"{design.agents:>6}{design.items:>14}{design.writings:>9}{hours:>7.0f}   {cells.rstrip()}")
    say(
        f"each from {designs[0].n} simulated studies, with 95 % Monte-Carlo intervals; "
        f"time: a ratio of {config.effect:g}, quality: not worse by {config.quality_margin:g}"
    )


def _share(design: Power, of: str) -> str:
    share, lower, upper = (100 * each for each in design.share(of))
    return f"{share:.0f} % ({lower:.0f}–{upper:.0f})"


def _print_plan(config: StudyConfig, design: Power, drawn: Drawn, digest: str) -> None:
    say(
        f"chosen: {design.agents} agents, {design.items} reviews each; simulated anew, {design.n} studies: "
        f"time {_share(design, 'time')}, quality {_share(design, 'quality')}"
    )
    if design.share("time")[0] < config.power:
        say(f"- the power for time is below the {config.power:.0%} that were wanted: more agents, or a larger effect")
    if design.share("quality")[0] < config.power:
        wanted = finals_wanted(config, design)
        mend = f"finals={wanted} would reach it" if wanted else "more agents or a larger quality_margin would reach it"
        mend = mend if config.finals else "finals=0 asks nobody to judge final replies"
        say(f"- the power for quality is below {config.power:.0%}; {mend}")
    told = [f"{n} {network}" for network, n in by(drawn.items, "network").items()]
    say(f"reviews: {', '.join(told)}; drafts with a mark where serving withholds something: {drawn.withheld}")
    for reason, n in drawn.left_out.items():
        say(f"- left out: {n}, {reason}")
    say(f"{config.out / PREREGISTRATION}")
    say(f"SHA-256: {digest}")
    say(
        "keep this hash where nobody can change it before anyone writes: e-mail it today to the data-protection "
        "officer and to whoever will read the result; plume eval study analyse tells whether the rules are still these"
    )
    say(f"next: plume eval study serve {config.out}")
