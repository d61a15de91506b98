"""One notion of empty, of yes and no, of numbers, in every reader; what is not understood is counted by column."""

import json
from collections import Counter

import pytest

from eval.time.waits.from_export import read_waits
from plume.contacts import Directory
from plume.corpus.pairs import Selection, UnmaskedPair, outcomes
from plume.export.columns import CELLS, Columns
from plume.export.reader import read_experiences
from plume.export.values import READERS, department, is_empty, percent, vote, whole, yes_or_no

EMPTY = ["", " ", "NaN", "nan", "None", "NULL", "null", "N/A", "<NA>", "NaT", "#N/A", "\\N", " NULL ", "-", "undefined"]


def record(number: int = 1, **fields: object) -> dict[str, object]:
    return {
        "id_experience": number,
        "titre": "Attente",
        "description": "J'ai attendu deux heures au guichet sans que personne ne me dise pourquoi.",
        "ecrit_le": "2024-01-02",
        "date_de_publication": "2024-01-03",
        "date_de_premiere_reponse": "2024-01-09",
        "intitule_typologie_1": "CAF",
        "intitule_structure_1": "CAF du Nord",
        "reponse_structure_1": "Bonjour, merci beaucoup de votre avis ; nous regrettons vivement l'attente subie "
        "au guichet ce jour-là.",
        "statut_reponse_structure_1": "Réponse apportée",
    } | fields


@pytest.fixture
def read(tmp_path):
    """read(*records) -> the rows, and the columns that were met."""

    def call(*records):
        path, columns = tmp_path / "export.json", Columns()
        path.write_text(json.dumps(records), encoding="utf-8")
        return list(read_experiences(path, columns)), columns

    return call


@pytest.mark.parametrize("text", EMPTY)
def test_what_a_program_writes_for_nothing_is_nothing(text, read):
    assert is_empty(text)
    (row,), _ = read(record(titre=text, intitule_structure_2=text, reponse_structure_2=text, intitule_typologie_3=text))
    assert row.title is None
    assert [answer.number for answer in row.answers] == [1]


def test_nan_without_quotation_marks_is_nothing(tmp_path):
    path = tmp_path / "export.json"
    path.write_text('[{"id_experience": 8.0, "description": "Un avis.", "ecrit_le": "2024-01-02", "titre": NaN}]')
    (row,) = read_experiences(path)
    assert (row.id, row.title) == ("8", None)


@pytest.mark.parametrize("text", ["Nan", "Nil", "Na", "nil"])
def test_a_pseudonym_may_look_like_nothing(text, read):
    (row,), _ = read(record(pseudonyme_usager=text))
    assert row.pseudonym == text
    assert read(record(pseudonyme_usager="NaN"))[0][0].pseudonym is None


@pytest.mark.parametrize(
    ("yes", "no"),
    [("O", "N"), ("oui", "non"), (True, False), ("true", "FALSE"), (1, 0), ("1.0", "0.0"), ("Vrai", "Faux")],
)
def test_yes_and_no_are_read_alike_by_the_corpus_and_by_the_time_analysis(yes, no, read):
    column = "aide_ia_proposee_reponse_structure_1"
    rows, columns = read(record(1, **{column: yes}), record(2, **{column: no}))
    assert not columns.misread
    pairs = [p for row in rows for p in outcomes(row, 1, Selection(), Directory.load(), lambda _: False)]
    assert [p.values["ai_offered"] for p in pairs if isinstance(p, UnmaskedPair)] == [True, False]
    assert list(read_waits(rows).offered) == [1, 0]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *[("59.0", "59"), ("59,0", "59"), ("6", "06"), ("1.0", "01"), ("075", "75"), ("2a", "2A"), ("971.0", "971")],
        *[("Nord", None), ("59000", None), ("0", None), ("00", None), ("59.5", None)],
    ],
)
def test_departments_that_a_spreadsheet_changed(text, code):
    assert department(text) == code


def test_numbers_votes_and_answers():
    assert [whole(text) for text in ("8662947.0", "12", "1.5", "a.0", "1,000")] == (
        ["8662947", "12", "1.5", "a.0", "1,000"]  # a thousand is no id of another experience
    )
    assert [percent(text) for text in ("49,5 %", "100", "0", "nan", "inf", "120", "-1", "", None)] == (
        [49.5, 100, 0, None, None, None, None, None, None]
    )
    assert [vote(text) for text in ("Utile", "pas  utile", "Inutile", "peut-être", None)] == (
        ["utile", "pas utile", "pas utile", None, None]
    )
    assert [yes_or_no(text) for text in ("peut-être", "2", None)] == [None, None, None]


TYPED = [column for column, cell in CELLS.items() if cell.kind not in ("text", "name", "words")]


def test_a_column_is_read_under_a_name_of_its_own_in_a_way_that_is_known():
    assert {cell.kind for cell in CELLS.values()} <= set(READERS)
    assert len({(cell.structure, cell.name) for cell in CELLS.values()}) == len(CELLS)
    names = [{cell.name for cell in CELLS.values() if bool(cell.structure) is of_an_answer} for of_an_answer in (0, 1)]
    assert not names[0] & names[1]  # a pair takes them from both


def test_every_value_that_is_there_and_not_understood_is_counted_by_column(read):
    """Each typed column, with a value of no meaning: none is dropped without a word, by any reader."""
    odd = record(1, **dict.fromkeys(TYPED, "quelque chose d'autre"))
    rows, columns = read(odd, record(2), odd | {"id_experience": 3})
    assert columns.misread == Counter(dict.fromkeys(TYPED, 2))
    assert len(rows) == 3


def test_a_text_in_the_place_of_a_name_is_counted_by_column(read):
    [row], columns = read(record(1, intitule_structure_1="mot " * 100))
    assert columns.misread == {"intitule_structure_1": 1}
    assert (row.answers[0].network, row.answers[0].structure, row.answers[0].illegible) == ("CAF", None, (1,))


def test_what_stands_in_every_column_of_the_real_export_is_understood(real_export):
    columns = Columns()
    assert len(list(read_experiences(real_export, columns))) == 58
    assert not columns.misread
