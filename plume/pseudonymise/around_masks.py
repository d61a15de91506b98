"""Rules see whatever is masked as one same sign, so that they find in a masked text what they found in the raw one."""

from collections.abc import Callable, Iterable, Sequence

from plume.pseudonymise.spans import Span

_SIGN = "[§]"


def find_around_masks(text: str, masked: Sequence[Span], find: Callable[[str], Iterable[Span]]) -> list[Span]:
    """What `find` finds in `text` when each of the `masked` spans reads "[§]"; offsets are those of `text`.

    Without this, a placeholder's own word ("[DOSSIER]") or the mere absence of a value could let a rule find more in a
    text that is masked a second time.
    """
    if not masked:
        return list(find(text))
    pieces, starts, ends, position = [], [], [], 0
    for span in [*sorted(masked), Span(len(text), len(text), "", "")]:
        pieces.append(text[position : span.start])
        starts += range(position, span.start)
        ends += range(position + 1, span.start + 1)
        if span.start < span.end:
            pieces.append(_SIGN)
            starts += [span.start] * len(_SIGN)
            ends += [span.end] * len(_SIGN)
        position = span.end
    return [s._replace(start=starts[s.start], end=ends[s.end - 1]) for s in find("".join(pieces))]
