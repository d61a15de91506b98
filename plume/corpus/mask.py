"""Mask chunks of pairs; `plume.corpus.processes` does it in several processes."""

from functools import cache

from plume.corpus.pairs import Quarantined, Selection, UnmaskedPair
from plume.corpus.similar import band_keys
from plume.corpus.spool import Spooled
from plume.pseudonymise import SUSPICION, Masked, Pseudonymiser

Chunk = list[tuple[int, UnmaskedPair]]
Done = list[tuple[int, Spooled | Quarantined]]


def mask(chunk: Chunk, ner: bool, select: Selection) -> Done:
    """Mask the texts of pairs; nothing of the raw texts goes on."""
    done: Done = []
    for (seq, pair), masked in zip(chunk, _masked([pair for _, pair in chunk], pseudonymiser(ner)), strict=True):
        values = pair.values
        if isinstance(masked, str):
            told = Quarantined(values["id"], "not_masked", masked, values["network"], values["structure"])
            done.append((seq, told))
            continue
        if (suspected := masked.layers.get(SUSPICION)) and select.residual_suspicion == "quarantine":
            told = f"{suspected} places beside the masks may be parts of an identifier"
            done.append(
                (seq, Quarantined(values["id"], "residual_suspicion", told, values["network"], values["structure"]))
            )
            continue
        values = values | {"title": masked.title, "review": masked.review, "reply": masked.reply}
        facts = {
            "masked": masked.counts,
            "layers": masked.layers,
            "other": {"closings": int(bool(pair.closing)), "unlisted": int(bool(pair.unlisted_contacts))},
        }
        bands = [band_keys(text, select.near_duplicate) for text in (masked.reply, masked.review)]
        done.append((seq, Spooled(values, *bands, facts, masked.age_band)))
    return done


def _masked(pairs: list[UnmaskedPair], by: Pseudonymiser) -> list[Masked | str]:
    """Give what the pseudonymiser makes of each pair, or why it could not: one text must not stop an export."""
    raw = [
        {**{name: pair.values[name] for name in ("title", "review", "reply")}, "pseudonym": pair.pseudonym}
        for pair in pairs
    ]
    try:
        return list(by.pairs(raw))
    except Exception as error:  # errors are values where a batch must go on
        if len(pairs) == 1:  # the type alone: a message may quote the text
            return [f"the pseudonymiser failed on it ({type(error).__name__})"]
        return [told for pair in pairs for told in _masked([pair], by)]


@cache
def pseudonymiser(ner: bool) -> Pseudonymiser:
    """Load the one of this process, once."""
    from plume.pseudonymise.recogniser.ner import load_ner

    return Pseudonymiser(load_ner() if ner else None)
