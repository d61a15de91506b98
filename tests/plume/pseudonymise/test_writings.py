"""However it is written: separators, digits, markup and spelling that look as usual to a reader hide nothing."""

import unicodedata

import pytest

from plume.pseudonymise import Pseudonymiser

RULES = Pseudonymiser()
PHONE = "06 71 24 88 03"
_ONE = "·•'’=~+^#&»→♥…$\"・📞\\\n\t\u3164\u2800"
SEPARATORS = [*_ONE, "\r\n", "...", "><", "}{", "__", "--", " — ", " ;\n", " • ", "     "]
DIGITS = {
    "circled": "⓪①②③④⑤⑥⑦⑧⑨",
    "negative circled": "⓿❶❷❸❹❺❻❼❽❾",
    "superscript": "⁰¹²³⁴⁵⁶⁷⁸⁹",
    "subscript": "₀₁₂₃₄₅₆₇₈₉",
    "mathematical": "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
    "Arabic": "٠١٢٣٤٥٦٧٨٩",
    "keycaps": [f"{digit}\ufe0f\u20e3" for digit in range(10)],
}


def masked(text: str) -> str:
    """The text masked, once it is seen that what is masked indexes the text as given and that twice is once."""
    done, spans = RULES.mask(text)
    assert RULES.mask(done)[0] == done
    at, pieces = 0, []
    for span in spans:
        pieces.append(text[at : span.start])
        at = span.end
    assert all(piece in done for piece in [*pieces, text[at:]])
    return done


@pytest.mark.parametrize("separator", SEPARATORS)
def test_nothing_between_its_digits_hides_a_phone(separator):
    done = masked(f"Mon numéro : {PHONE.replace(' ', separator)} merci")
    assert not any(c.isdigit() for c in done), done
    assert done.endswith("] merci")


@pytest.mark.parametrize("kind", DIGITS)
def test_no_kind_of_digit_hides_a_phone(kind):
    written = "".join(DIGITS[kind][int(c)] if c.isdigit() else c for c in PHONE)
    assert masked(f"Tél. {written} le soir") == "Tél. [TEL] le soir"


# What must go stands between ⟦ ⟧.
HIDDEN = [
    "au ⟦06.71•24/88\n03⟧ merci",
    "au ⟦06'71 24'88 03⟧",
    "au ⟦0 6 • 7 1 • 2 4 • 8 8 • 0 3⟧",
    "au ⟦+33•6•71•24•88•03⟧",
    "au ⟦+32·475·12·34·56⟧",
    "mobile ⟦6·71·24·88·03⟧",
    "tél. ⟦25·14·68⟧ à Nouméa",
    "c'est ⟦zero six septante et un vingt-quatre huitante huit zero trois⟧",
    "le ⟦zéro-six/nonante-deux/vingt-quatre/octante-huit/zéro-trois⟧",
    "IBAN ⟦FR76·3000·6000·0112·3456·7890·189⟧",
    "sécu ⟦1=71=03=35=238=019=55⟧",
    "dossier n° ⟦4417·882·930⟧",
    "ma voiture ⟦AB·123·CD⟧",
    "né le ⟦03·07·1958⟧ à l'étranger",
    "mail : ⟦lea.morvan/at/exemple.fr⟧",
    "mail : ⟦lea.morvan |at| exemple |dot| fr⟧",
    "mail : ⟦lea.morvan«at»exemple.fr⟧",
    "mail : ⟦lea/point/morvan/arobase/exemple/point/fr⟧",
    "mail : ⟦lea.morvan&#64;exemple.fr⟧",
    "mail : ⟦lea.morvan at gmail⟧",
    "depuis ⟦2a01:e0a:1f3:9bc0:4d2:77ff:fe10:22ab⟧ hier",
    "depuis ⟦fe80::1ff:fe23:4567:890a⟧ hier",
    "mon IP ⟦82.64.2.9⟧ est bannie",
    "à ⟦47.69871, -3.24512⟧ exactement",
    "lat ⟦48,11342 long -1,68201⟧",
    "à ⟦48°06'48.3\"N 1°40'55.2\"O⟧ exactement",
    "ma maison : ⟦8FW4V75V+8Q⟧ svp",
    "ma maison : ⟦9g8f+5wq⟧ svp",
    "Merci à <b>⟦Solène</b> <i>Quéméneur⟧</i>",
    "Mme <strong>⟦Ker</strong>vella⟧ m'a reçue",
    "<td>Nom</td><td>⟦Kervella⟧</td>",
    "<nom>⟦Kervella⟧</nom>",
    "Mme **⟦Kervella⟧** m'a reçue",
    "Mme&nbsp;⟦Kervella⟧ m'a reçue",
    "Mon nom est ⟦K E R V E L L A⟧ et j'attends",
    "ça s'écrit ⟦k-e-r-v-e-l-l-a⟧ et non",
    "Mme ⟦L.E.B.O.R.G.N.E⟧ a refusé",
    "ça s'écrit ⟦o u a z z a n i⟧",
    "le dossier ⟦Kerboriou⟧ est perdu",
    "dossier ⟦KERBORIOU⟧",
    "les dossiers ⟦Kerboriou⟧ et ⟦Morvan⟧.",
]


@pytest.mark.parametrize("marked", HIDDEN)
def test_what_is_written_oddly_is_masked(marked):
    text = marked.replace("⟦", "").replace("⟧", "")
    masked(text)
    found = RULES.find(text)
    at = -1
    for place in marked.split("⟦")[1:]:
        wanted = place.split("⟧")[0]
        at = text.index(wanted, at + 1)
        letters = [i for i in range(at, at + len(wanted)) if text[i].isalnum() and f"<{wanted}" != wanted]
        inside = {i for span in found for i in range(span.start, span.end)}
        assert inside.issuperset(letters), RULES.mask(text)[0]


@pytest.mark.parametrize(
    "text",
    [
        "Il y a 12 dossiers, 24 pièces, 36 mois et 48 euros.",
        "01/02/2023 - 03/04/2023 : rien",
        "Ouvert le 05/12 08:30-12:00 et 13:30-17:00",
        "Total : 1 234,56 € + 789,10 € = 2 023,66 €",
        "100 + 250 + 300 + 450 = 1100",
        "0,5 % + 1,25 % = 1,75 %, des taux de 12,345 % et 1,678 %",
        "10\n20\n30\n40\n50",
        "en 2021·2022·2023",
        "zéro réponse, six mois, douze appels, vingt mails",
        "le 08'15 et le 09'30",
        "Forfait 24H+24, CAF+APL",
        "S.N.C.F. et U.R.S.S.A.F. répondent",
        "N U L !!! B R A V O",
        "permis A, B, C, D, E",
        "<b>Important</b> : <i>lire</i> <u>tout</u>",
        "le dossier Parcoursup est perdu, le dossier MDPH est complet",
        "dossier Urgent ! dossier Incomplet, dossier Numérique.",
        "J'ai acheté chez leboncoin.fr un vélo",
        "Rien n'arrive jusque chez elle. Me voilà à attendre",
    ],
)
def test_what_only_looks_like_it_stays(text):
    assert RULES.find(text) == []


def test_a_pseudonym_is_found_whatever_the_form_of_its_accents():
    pairs = [
        RULES.pair(
            title=None,
            review=unicodedata.normalize(of_text, "Signé Bérénice-du-Léman, merci."),
            reply=unicodedata.normalize(of_text, "Bonjour Bérénice-du-Léman, nous lisons votre avis."),
            pseudonym=unicodedata.normalize(of_name, "Bérénice-du-Léman"),
        )
        for of_text in ("NFC", "NFD")
        for of_name in ("NFC", "NFD")
    ]
    assert {pair.reply.split(",")[0] for pair in pairs} == {"Bonjour [USAGER]"}
    assert all("[USAGER]" in pair.review for pair in pairs)
