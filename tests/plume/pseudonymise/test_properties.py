"""What holds for any text: masking twice is masking once, offsets are the input's, nothing raises.

And no way of writing a number hides it.
"""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plume.pseudonymise import Pseudonymiser

RULES = Pseudonymiser()
FEW = settings(derandomize=True, max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))

PIECES = st.sampled_from(
    [
        "Bonjour, ",
        "je m'appelle ",
        "Mme ",
        "Zineb Ouahabi",
        "m. le goff",
        "06 39 98 12 34",
        "zoe.t@example.org",
        " à ",
        "12 rue des Lilas, 35000 Rennes",
        "[USAGER]",
        "[",
        "]",
        "né le 3 mars 1951",
        "n° de dossier 4417 882 K",
        " chez ",
        "1 85 05 78 006 084 36",
        "FR76 3000 6000 0112 3456 7890 189",
        "https://ex.fr/u?id=123456",
        "\n",
        "\u00a0",
        " ",
        "ÉLODIE",
        "la CAF de l'Isère",
        "e\u0301",
        "\u200d",
        "👩‍👧",
        "\u202e",
        "\ud83d",
        "\x00",
        "٠١٢٣٤٥٦٧٨٩",
        "İ",
        "ß",
        "ﬁ",
    ]
)
TEXTS = st.one_of(
    st.lists(PIECES, max_size=14).map("".join),
    st.text(st.characters(), max_size=120),
)


@FEW
@given(TEXTS)
def test_masking_twice_changes_nothing(text):
    once, _ = RULES.mask(text)
    assert RULES.mask(once)[0] == once


@FEW
@given(TEXTS)
def test_spans_index_the_input_in_order_and_rebuild_the_output(text):
    masked, spans = RULES.mask(text)
    assert all(0 <= s.start < s.end <= len(text) for s in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    # what is between the spans stands in the output, in the same order
    at = 0
    for start, end in zip([0, *(s.end for s in spans)], [*(s.start for s in spans), len(text)], strict=True):
        kept = text[start:end]
        at = masked.index(kept, at) + len(kept)
    assert at <= len(masked)


@FEW
@given(TEXTS, TEXTS, st.one_of(st.none(), st.text(max_size=20)))
def test_any_pair_is_masked(review, reply, pseudonym):
    done = RULES.pair(title=None, review=review, reply=reply, pseudonym=pseudonym)
    assert sum(done.counts.values()) == sum(done.layers.values())


NUMBERS = {
    "TEL": ["06 39 98 12 34", "01 99 00 45 67", "+33 6 39 98 12 34"],
    "NIR": ["1 85 05 78 006 084 36", "2 94 11 2A 004 123 07"],
    "IBAN": ["FR76 3000 6000 0112 3456 7890 189"],
    "NUMERO": ["4417882930"],
}
WRITINGS = {
    "as it is": lambda t: t,
    "no-break spaces": lambda t: t.replace(" ", "\u00a0"),
    "narrow spaces": lambda t: t.replace(" ", "\u202f"),
    "dots": lambda t: t.replace(" ", "."),
    "hyphens": lambda t: t.replace(" ", "-"),
    "nothing between": lambda t: t.replace(" ", ""),
    "full-width digits": lambda t: "".join(chr(0xFF10 + int(c)) if c in "0123456789" else c for c in t),
    "zero-width characters": lambda t: "\u200b".join(t),
    "soft hyphens": lambda t: t.replace(" ", " \u00ad"),
}


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("number", [n for kind in NUMBERS.values() for n in kind])
def test_no_way_of_writing_hides_a_number(number, writing):
    written = WRITINGS[writing](number)
    masked, _ = RULES.mask(f"Vous pouvez me joindre ou noter ceci : {written}, merci.")
    assert not any(c.isdigit() for c in masked), masked


@pytest.mark.parametrize(
    "text",
    [
        "mon tel : zéro six trente-neuf quatre-vingt-dix-huit douze trente-quatre",
        "appelez le 0.6.3.9.9.8.1.2.3.4 svp",
        "appelez le O6 39 98 12 34 svp",
        "appelez le (+33) 6 39 98 12 34 svp",
        "écrivez à zoe (point) t (arobase) example (point) org",
        "écrivez à zoe . t @ example . org",
    ],
)
def test_spelled_out_dotted_and_mistyped_contacts_are_found(text):
    assert RULES.find(text), text


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_unicode_forms_hide_no_name(form):
    text = unicodedata.normalize(form, "Merci à Mme Étiévant-Façade, née le 3 février 1951.")
    masked, _ = RULES.mask(text)
    assert "vant" not in masked
    assert "1951" not in masked
