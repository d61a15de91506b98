"""Drafts that cite passages of sources: what they misquote is found, what they say in their own words is not."""

import importlib.util
import sys

import pytest

from plume.checks import check
from plume.checks.case import Case
from plume.checks.cited import facts
from plume.checks.registry import CHECKS
from plume.checks.rule_told import is_rule_told
from plume.checks.withhold import withhold
from plume.contacts import Directory
from plume.files import read_jsonl
from plume.passages import citations
from plume.paths import ROOT
from plume.prompt import load_prompt

DIRECTORY = Directory.load()
PASSAGES = (
    {
        "title": "Permis de conduire perdu",
        "where": ["Duplicata"],
        "text": "La demande se fait uniquement en ligne, sur https://permis-exemple.ants.gouv.fr. Le timbre "
        "coûte 25 €. La déclaration de perte permet de conduire pendant 2 mois. Si le permis est "
        "retrouvé ensuite, il n'est plus valable. La taxe est de 11 € pour un scooter et de 48 € pour "
        "une voiture. Le formulaire est le cerfa n° 14881. L'absence de réponse vaut rejet de la "
        "demande.",
        "url": "https://www.service-public.fr/particuliers/vosdroits/F1",
        "updated_on": "2026-02-01",
    },
    {
        "title": "Contester une amende",
        "where": ["Délai"],
        "text": "L'amende forfaitaire se conteste dans les 45 jours, par lettre recommandée (article 529-2 du code de "
        "procédure pénale). Le numéro à composer est le 0 811 10 10 10. Le paiement vaut reconnaissance, sauf si une "
        "consignation est versée. Le tribunal siège le 12 mars 2027.",
        "url": "https://www.service-public.fr/particuliers/vosdroits/F2",
        "updated_on": "2026-02-01",
    },
)
REVIEW = "J'ai perdu mon permis le 3 mai, on me réclame 90 € d'amende et personne ne répond depuis 6 semaines !"


def _case(draft: str, review: str = REVIEW, sources=PASSAGES, version: str = "v3") -> Case:
    prompt = load_prompt(version).text({"network": "ANTS", "review": review, "sources": [*sources]})
    return Case.of(f"Bonjour [USAGER], {draft}", review, prompt, DIRECTORY, None)


def _rules(draft: str, **given) -> tuple[str, ...]:
    return CHECKS["sources"].ask(_case(draft, **given)).rules


@pytest.mark.parametrize(
    "draft",
    [
        "le timbre vaut vingt-cinq euros [1].",
        "la déclaration de perte permet de rouler pendant soixante jours. [1] Nous restons à votre écoute.",
        "la taxe approche 50 € pour une voiture [1].",
        "vous payez 48 € pour une voiture, contre 11 € pour un scooter [1].",
        "le cerfa 14881 est à remplir [1], et l'amende se conteste sous 45 jours, comme le dit l'article 529-2 [2].",
        "deux démarches sont à faire en ligne, sur https://permis-exemple.ants.gouv.fr[1].",
        "sans réponse, la demande est réputée rejetée [1].",
        "payer vaut reconnaissance, à moins d'avoir versé une consignation [2].",
        "le timbre coûte 25 €, et l'amende se conteste dans les 45 jours [1, 2].",
        "votre amende de 90 € et vos six semaines d'attente vous pèsent.",
        "nous regrettons cette attente.",
        "le permis perdu depuis le 3 mai ne sera plus valable si vous le retrouvez [1].",
        "le timbre coûte 25 € [1]. Ces 25 € se règlent une fois.",
    ],
)
def test_what_a_passage_says_may_be_told_in_other_words(draft: str) -> None:
    assert _rules(draft) == ()


@pytest.mark.parametrize(
    ("draft", "rule"),
    [
        ("le timbre coûte 35 € [1].", "altered"),
        ("la déclaration permet de conduire pendant trois mois [1].", "altered"),
        ("le cerfa n° 14811 est à remplir [1].", "altered"),
        ("composez le 0 811 01 10 10 [2].", "altered"),
        ("c'est l'article 529-12 du code de procédure pénale qui le dit [2].", "altered"),
        ("le tribunal siège le 22 mars 2027 [2].", "altered"),
        ("la demande se fait sur https://www.permis-perdu.fr [1].", "altered"),
        ("l'amende se conteste dans les 45 jours [1].", "uncited"),
        ("l'amende se conteste dans les 45 jours.", "uncited"),
        ("le timbre coûte 25 € [3].", "no-passage"),
        ("un photographe agréé évite le rejet du cliché par la plateforme nationale [1].", "hollow"),
        ("vous payez 11 € pour une voiture et 48 € pour un scooter [1].", "swapped"),
        ("si vous le retrouvez ensuite, le permis reste valable [1].", "reversed"),
        ("l'absence de réponse vaut acceptation de la demande [1].", "reversed"),
        ("la demande se fait en ligne ou à la préfecture [1].", "reversed"),
        ("le paiement vaut reconnaissance, même si une consignation est versée [2].", "reversed"),
    ],
)
def test_what_a_draft_misquotes_is_found(draft: str, rule: str) -> None:
    assert f"sources.{rule}" in _rules(draft)


def test_nothing_is_asked_where_no_passage_is_shown() -> None:
    for given in ({"version": "v2"}, {"sources": ()}):
        answer = CHECKS["sources"].ask(_case("le timbre coûte 35 € [1].", **given))
        assert answer[:2] == (True, "sans objet : aucune source montrée")


def test_facts_say_where_they_stand() -> None:
    told = facts(_case("comptez 25 € [1], 90 € et 45 jours [1], puis 77 €."))
    assert [(one.text, one.in_given, {*one.passages}, {*one.cited}) for one in told] == [
        ("25 €", False, {1}, {1}),
        ("90 €", True, set(), {1}),
        ("45 jours", False, {2}, {1}),
        ("77 €", False, set(), {1}),
    ]


def test_a_citation_is_a_slot_only_where_no_passage_is_shown() -> None:
    assert CHECKS["placeholders"].ask(_case("voyez [1].")).passed
    assert not CHECKS["placeholders"].ask(_case("voyez [1].", version="v2")).passed
    assert not CHECKS["placeholders"].ask(_case("voyez [NOM] [1].")).passed


def test_citations_are_no_words() -> None:
    body = "mot " * 138 + "mot [1][2]."  # with the greeting, 141 tokens
    assert CHECKS["length"].ask(_case(body)).detail.startswith("141 mots")


def test_a_short_review_cuts_nothing_out_of_the_passages() -> None:
    passage = {"title": "Oui", "text": "Oui : écrivez à oui@exemple.gouv.fr ou appelez le 0 811 10 10 10.", "url": None}
    case = _case("écrivez à oui@exemple.gouv.fr ou au 0 811 10 10 10 [1].", review="oui", sources=[passage])
    assert CHECKS["contacts"].ask(case).passed
    assert (
        not CHECKS["contacts"].ask(_case("écrivez à non@exemple.gouv.fr [1].", review="oui", sources=[passage])).passed
    )


def test_serving_withholds_no_link_of_a_passage() -> None:
    case = _case("la demande se fait sur https://permis-exemple.ants.gouv.fr [1] ou sur https://permis-faux.fr [1].")
    text, withheld = withhold(case.draft, review=REVIEW, prompt=case.prompt, directory=DIRECTORY)
    assert "https://permis-exemple.ants.gouv.fr [1]" in text
    assert [one.placeholder for one in withheld] == ["[URL]"]


def test_the_other_checks_take_a_shown_passage_as_given_and_nothing_else() -> None:
    case = _case("le timbre coûte 25 € et se paie dans les deux mois, sous 45 jours pour l'amende [1][2].")
    prompt = case.prompt
    said = {one.check: one.passed for one in check(case.draft, review=REVIEW, prompt=prompt, directory=DIRECTORY)}
    assert said["amounts"]
    assert said["deadlines"]
    other = check(case.draft.replace("25 €", "26 €"), review=REVIEW, prompt=prompt, directory=DIRECTORY)
    assert not {one.check: one.passed for one in other}["amounts"]


def test_several_numbers_in_one_citation() -> None:
    assert [numbers for _, _, numbers in citations("a [1] b [1][2] c [1, 2] d [2 et 3] [USAGER]")] == [
        *((1,), (1,), (2,), (1, 2), (2, 3))
    ]


def test_the_gold_set_of_sources() -> None:
    spec = importlib.util.spec_from_file_location("benchmark_citations", ROOT / "benchmarks" / "citations.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    for name, missed, stopped in (("cited", 1, 0), ("cited-second", 4, 1), ("cited-fourth", 7, 0)):
        counts = module.count(read_jsonl(module.GOLD.with_name(f"{name}.jsonl")))
        assert len(counts.missed) <= missed, name
        assert len(counts.stopped) <= stopped, name


TAX = {
    "title": "Titre de séjour",
    "text": "Le renouvellement se demande dans les 8 mois. Une taxe de 180 € s'ajoute aux 225 € dus, sauf pour les "
    "réfugiés. L'échéancier ne dépasse pas 12 mensualités. La réduction s'applique aux étudiants.",
    "url": None,
    "updated_on": "2026-02-19",
}


@pytest.mark.parametrize(
    ("draft", "rules"),
    [
        ("vous devez 405 € en tout [1].", ()),
        ("vous devez 415 € en tout [1].", ("sources.altered",)),
        ("le paiement s'étale sur une année [1].", ()),
        ("le paiement s'étale sur deux ans [1].", ("sources.altered",)),
        ("depuis le 3 mai, cela vous mène au 3 janvier [1].", ()),
        ("depuis le 3 mai, cela vous mène au 3 février [1].", ("sources.altered",)),
        ("le paiement a lieu le 19 de chaque mois [1].", ("sources.altered",)),  # the day of the sheet's update
        ("la taxe est due, y compris pour les réfugiés [1].", ("sources.reversed",)),
    ],
)
def test_what_follows_from_a_passage_by_one_step_is_known(draft: str, rules: tuple[str, ...]) -> None:
    assert _rules(draft, sources=[TAX]) == rules
    assert rules or all(
        CHECKS[name].ask(_case(draft, sources=[TAX])).passed for name in ("amounts", "dates", "deadlines")
    )


def test_a_rule_that_a_passage_tells_is_no_promise() -> None:
    told = "la réduction s'appliquera aux étudiants, et la taxe de renouvellement aux réfugiés [1]."
    for draft, is_rule in ((told, True), (told.replace(" [1]", ""), False), (told.replace("la", "notre", 1), False)):
        assert is_rule_told(_case(draft, sources=[TAX]), "réduction s'appliquera") is is_rule


@pytest.mark.parametrize(
    ("passage", "sound", "wrong"),
    [
        ("La copie est délivrée sans frais.", "aucun frais ne vous sera demandé", "la copie est payante"),
        (
            "L'accord du conjoint est obligatoire.",
            "il faut l'accord du conjoint",
            "le conjoint n'a pas à être d'accord",
        ),
        ("Le silence vaut rejet.", "sans réponse, c'est non", "sans réponse, la demande est acceptée"),
        ("Le recours ne suspend pas la décision.", "le recours est sans effet suspensif", "le recours est suspensif"),
        ("La prime n'est pas imposable.", "la prime n'est pas à déclarer", "la prime est imposable"),
        ("L'aide ne peut être cumulée avec la bourse.", "il faut choisir", "l'aide s'ajoute à la bourse"),
        (
            "Le permis n'est plus valable après un an.",
            "passé un an, il ne vaut plus rien",
            "il reste valable après un an",
        ),
    ],
)
def test_a_rule_may_be_told_in_other_words_and_not_be_turned_round(passage: str, sound: str, wrong: str) -> None:
    shown = [{"title": "Règle", "text": f"{passage} Un conseiller vous répond.", "url": None}]
    assert _rules(f"{sound} [1].", sources=shown) == ()
    assert _rules(f"{wrong} [1].", sources=shown) == ("sources.reversed",)


@pytest.mark.parametrize(
    ("draft", "rules"),
    [
        (
            "le médiateur saisit la commission de surendettement, gratuite pour les débiteurs [1].",
            ("sources.hollow", "sources.misplaced"),
        ),
        ("le médiateur saisit la commission de surendettement, gratuite pour les débiteurs [2].", ()),
        ("gardez vos courriers, ouvrez-les, rangez-les, photographiez-les : le dossier de loyer suffit [1].", ()),
        ("on ne peut déposer que deux dossiers.", ("sources.uncited",)),
        ("le loyer se paie chaque trimestre, soit tous les trois mois [1].", ()),
        ("il faut l'habiter neuf mois dans l'année, neuf mois sur douze [1].", ()),
        ("quatre pièces sont à joindre : bail, quittance, assurance et état des lieux [1].", ()),
        ("elle est ouverte jusqu'à 25 ans [1].", ()),
        ("il vous faut :\n- payer dans les 8 jours ;\n- le bail [1].", ()),  # a list is cited once
        ("le loyer est à payer dans les six semaines [1].", ("sources.altered",)),  # which is what the citizen waited
    ],
)
def test_a_claim_stands_in_the_passage_that_it_cites(draft: str, rules: tuple[str, ...]) -> None:
    rent = "Le loyer est trimestriel et se paie dans les 8 jours. Le dossier de loyer comporte le bail. Il faut "
    rent += "habiter le logement 9 mois par an. L'aide est ouverte aux moins de 26 ans."
    debt = "Le médiateur peut saisir la commission de surendettement. Elle est gratuite pour les débiteurs."
    shown = [{"title": "Loyer", "text": rent, "url": None}, {"title": "Dettes", "text": debt, "url": None}]
    assert _rules(draft, sources=shown) == rules
