"""Every shape in which an export arrives gives the same rows; what is damaged costs itself alone. Invented texts."""

import csv
import gzip
import io
import json

import pytest

from plume.errors import InputError
from plume.export.columns import Columns, slug_of
from plume.export.reader import Unreadable, read_records, read_rows
from plume.export.source import CHUNK, Progress

LABELS = {
    "id_experience": "ID expérience",
    "ecrit_le": "Écrit le",
    "pseudonyme_usager": "Pseudonyme usager",
    "description": "Description",
    "intitule_structure_1": "Intitulé structure 1",
    "reponse_structure_1": "Réponse structure 1",
    "date_de_premiere_reponse": "Date de premiere réponse",
}
ROWS = [
    {
        "id_experience": str(n),
        "ecrit_le": f"2024-01-{n:02d}",
        "pseudonyme_usager": "Lune « 7 »",
        "description": f'Un avis ; avec "guillemets",\n\n{n} lignes et des accents : très déçu, cœur.',
        "intitule_structure_1": "Mairie",
        "reponse_structure_1": None if n == 2 else "Bonjour,\nNous regrettons cette attente.",
        "date_de_premiere_reponse": "05/02/2024",
    }
    for n in range(1, 6)
]


def as_csv(rows: list[dict], *, quoting: int = csv.QUOTE_MINIMAL, delimiter: str = ";", labels: dict = LABELS) -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator="\r\n")
    writer.writerow(labels.values())
    writer.writerows([[row[name] or "" for name in labels] for row in rows])
    return file.getvalue()


SHAPES = {
    "array": lambda rows: json.dumps(rows),
    "array, indented": lambda rows: json.dumps(rows, indent=2, ensure_ascii=False),
    "arrays one after the other": lambda rows: json.dumps(rows[:2]) + json.dumps(rows[2:]),
    "arrays with commas": lambda rows: json.dumps(rows[:2]) + ",\n" + json.dumps(rows[2:]) + "\n",
    "an object a line": lambda rows: "\n".join(json.dumps(row) for row in rows),
    "an array, then objects": lambda rows: json.dumps(rows[:3]) + "\n" + "\n".join(map(json.dumps, rows[3:])),
    "array with a byte-order mark": lambda rows: "\ufeff" + json.dumps(rows),
    "a page of the API": lambda rows: json.dumps({"total_count": len(rows), "results": rows}),
    "pages of the API": lambda rows: "\n".join(
        json.dumps({"results": part, "next": "https://x.fr/?offset=2"}, indent=1) for part in (rows[:2], rows[2:])
    ),
    "a page of the API's first version": lambda rows: json.dumps(
        {"nhits": 5, "records": [{"recordid": "a", "fields": row, "record_timestamp": "2024-01-01"} for row in rows]}
    ),
    "a page of the API's second version": lambda rows: json.dumps(
        {"total_count": 5, "records": [{"links": [], "record": {"id": "a", "fields": row}} for row in rows]}
    ),
    "CSV": as_csv,
    "CSV, all quoted": lambda rows: as_csv(rows, quoting=csv.QUOTE_ALL),
    "CSV with a byte-order mark": lambda rows: "\ufeff" + as_csv(rows),
    "CSV with commas": lambda rows: as_csv(rows, delimiter=","),
    "CSV with tabs": lambda rows: as_csv(rows, delimiter="\t"),
    "CSV under the API's slugs": lambda rows: as_csv(rows, labels={name: name for name in LABELS}),
    "CSV that ends without a line end": lambda rows: as_csv(rows).rstrip("\r\n"),
    "CSV, columns in another order": lambda rows: as_csv(rows, labels=dict(reversed(LABELS.items()))),
}


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_rows_whatever_the_file_is_called(write, shape, zipped):
    content = SHAPES[shape](ROWS).encode()
    rows = list(read_rows(write(gzip.compress(content) if zipped else content, "export.txt")))
    assert rows == ROWS


def test_a_gzip_of_several_members_is_read_to_its_end(write):
    content = json.dumps(ROWS).encode()
    rows = list(read_rows(write(gzip.compress(content[:100]) + gzip.compress(content[100:]))))
    assert rows == ROWS


@pytest.mark.parametrize("shape", ["array", "array, indented", "an object a line", "CSV"])
def test_a_file_of_many_chunks_is_read_record_by_record(write, shape):
    """Records lie across the ends of chunks wherever they fall."""
    many = [{**ROWS[0], "id_experience": str(n), "description": f"é{n} " * (n % 700)} for n in range(1, 3000)]
    content = SHAPES[shape](many)
    assert len(content) > 3 * CHUNK
    progress, shares, seen = Progress(), [], []
    for row in read_rows(write(content), progress=progress):
        seen.append(row["id_experience"])
        shares.append(progress.share)
    assert seen == [row["id_experience"] for row in many]
    assert shares[0] < 0.5 < shares[-1] == 1.0
    assert shares == sorted(shares)


# --- stray line ends, stray quotation marks


HEADER = "ID expérience;Écrit le;Titre;Description;Réponse structure 1\n"


def csv_rows(write, body: str) -> list:
    return list(read_rows(write(HEADER + body)))


def test_a_row_that_stray_line_ends_broke_is_glued(write):
    rows = csv_rows(write, "1;2024-01-01;Titre;Début\nsuite\n\nfin;Bonjour\n2;2024-01-02;T;D;R\n")
    assert [row["id_experience"] for row in rows] == ["1", "2"]
    assert rows[0]["description"].split() == ["Début", "suite", "fin"]
    assert rows[0]["reponse_structure_1"] == "Bonjour"


def test_stray_line_ends_beside_quoted_ones(write):
    [row] = csv_rows(write, '1;2024-01-01;Un\ntitre;"Un avis ;\nen deux lignes";"Bonjour,\n1;2024 lignes"\n')
    assert row["description"] == "Un avis ;\nen deux lignes"
    assert row["reponse_structure_1"] == "Bonjour,\n1;2024 lignes"
    assert row["titre"].split() == ["Un", "titre"]


LABELLED = {"I": "ID expérience", "W": "Écrit le", "T": "Titre", "D": "Description", "R": "Réponse structure 1"}


@pytest.mark.parametrize("order", ["IWTDR", "TIWDR", "DRIW", "DRTWI", "WIDRT", "RDTIW", "IDWR"])
@pytest.mark.parametrize("broken", ["D", "R"])
def test_stray_line_ends_are_mended_whatever_the_order_of_the_columns(write, order, broken):
    cells = [
        {"I": str(n), "W": f"2024-01-0{n}", "T": f"Titre {n}", "D": f"Avis {n}", "R": f"Bonjour {n}"} for n in (1, 2, 3)
    ]
    cells[1][broken] += "\nsuite\n\nfin"
    lines = [";".join(row[letter] for letter in order) for row in cells]
    rows = list(read_rows(write("\n".join([";".join(LABELLED[letter] for letter in order), *lines]) + "\n")))
    assert [row["id_experience"] for row in rows] == ["1", "2", "3"]
    for row, given in zip(rows, cells, strict=True):
        assert (row["description"].split(), row["reponse_structure_1"].split()) == (
            given["D"].split(),
            given["R"].split(),
        )


def test_one_bad_row_costs_no_other_where_the_id_is_not_first(write):
    bad = ["T;2;2024-01-02;trop peu", 'T;2;2024-01-02;"jamais fermée;R', "T;2;2024-01-02;D;R;trop;de;cellules"]
    for row in bad:
        header = ";".join(LABELLED[letter] for letter in "TIWDR")
        rows = list(read_rows(write(f"{header}\nT;1;2024-01-01;D;R\n{row}\nT;3;2024-01-03;D;R\n")))
        assert [r["id_experience"] for r in rows if not isinstance(r, Unreadable)] == ["1", "3"], row
        assert len(rows) == 3, row


@pytest.mark.parametrize(
    "bad",
    [
        '2;2024-01-02;T;"Une citation jamais fermée;R',
        '2;2024-01-02;"T;D;R',
        "2;2024-01-02;T;trop;de;cellules;ici",
        "2;2024-01-02;trop peu",
    ],
)
def test_one_bad_row_costs_no_other(write, bad):
    rows = csv_rows(write, f"1;2024-01-01;T;D;R\n{bad}\n3;2024-01-03;T;D;R\n4;2024-01-04;T;D;R\n")
    told = [row for row in rows if isinstance(row, Unreadable)]
    read = [row["id_experience"] for row in rows if not isinstance(row, Unreadable)]
    assert len(rows) == 4
    assert read == ["1", "3", "4"]
    assert [(row.line, row.reason) for row in told] == [(3, "unreadable_record")]
    assert not any(word in told[0].detail for word in ("citation", "cellules", "trop"))  # no text of a citizen


def test_quotation_marks_inside_a_text_do_no_harm(write):
    rows = csv_rows(write, '1;2024-01-01;T;Un écran de 5" neuf;R\n2;2024-01-02;T;"Il a dit ""non""";R\n')
    assert rows[0]["description"] == 'Un écran de 5" neuf'
    assert rows[1]["description"] == 'Il a dit "non"'
    [row] = csv_rows(write, '1;2024-01-01;T;"Un "mot" cité" mal;R\n')
    assert "mot" in row["description"]
    assert row["reponse_structure_1"] == "R"


def test_empty_cells_beyond_the_header_are_nothing(write):
    [row] = csv_rows(write, "1;2024-01-01;T;D;R;;\n")
    assert row["reponse_structure_1"] == "R"


# --- JSON that is damaged


def test_a_broken_record_costs_itself_alone(write):
    for shape in ("array", "array, indented", "an object a line"):
        content = SHAPES[shape](ROWS)
        at = content.index('"id_experience": "3"')
        broken = content[: at + 30] + '"' + content[at + 30 :]
        rows = list(read_rows(write(broken)))
        assert [isinstance(row, Unreadable) for row in rows] == [False, False, True, False, False], shape
        assert "not valid JSON" in rows[2].detail
        assert rows[3:] == ROWS[3:]


def test_the_first_and_the_last_record_may_be_the_broken_ones(write):
    good = [json.dumps(row) for row in ROWS]
    for at in (0, 4):
        records = [*good[:at], good[at].replace(":", "", 1), *good[at + 1 :]]
        rows = list(read_rows(write("[" + ",\n".join(records) + "]")))
        assert [isinstance(row, Unreadable) for row in rows] == [n == at for n in range(5)]


def test_what_is_no_object_is_told(write):
    rows = list(read_rows(write(json.dumps([ROWS[0], 7, None, ["x"], "texte", ROWS[1]]))))
    assert [type(row) for row in rows] == [dict, *[Unreadable] * 4, dict]
    assert [row.detail.split(": ")[1].split(",")[0] for row in rows[1:5]] == ["a int", "a NoneType", "a list", "a str"]


def test_a_record_without_a_required_field_is_told_by_its_name(write):
    lacking = {name: value for name, value in ROWS[1].items() if name != "description"}
    rows = list(read_rows(write(json.dumps([ROWS[0], lacking]))))
    assert rows[0] == ROWS[0]
    assert (rows[1].reason, rows[1].detail) == ("missing_field", "line 1 has no field description")


def test_a_bare_line_end_inside_a_text_is_one(write):
    [row] = read_rows(write('[{"id_experience": 1, "ecrit_le": "2024-01-01", "description": "deux\nlignes"}]'))
    assert row["description"] == "deux\nlignes"


# --- bytes


# --- columns


@pytest.mark.parametrize(
    ("label", "slug"),
    [
        ("ID expérience", "id_experience"),
        ("Id de l'expérience", "id_experience"),
        ("IDENTIFIANT EXPÉRIENCE", "id_experience"),
        (" Écrit le ", "ecrit_le"),
        ("Ã‰crit le", "ecrit_le"),
        ("E\u0301crit le", "ecrit_le"),
        ("Date de premiere réponse", "date_de_premiere_reponse"),
        ("Date de la première réponse", "date_de_premiere_reponse"),
        ("Date de 1ère réponse", "date_de_premiere_reponse"),
        ("Simplicité/Complexité", "simplicite_complexite"),
        ("Intitulé structure n°2", "intitule_structure_2"),
        ("Structure 3", "intitule_structure_3"),
        ("Réponse de la structure 1", "reponse_structure_1"),
        ("Taux de similarité réponse IA structure 1", "taux_de_similarite_reponse_ia_structure_1"),
        ("Évaluation réponse structure 2 par l'auteur", "evaluation_reponse_structure_2_par_auteur"),
        ("Code INSEE du département de l'usager", "code_insee_departement_usager"),
        ("Une colonne œuvrée", "une_colonne_oeuvree"),
    ],
)
def test_labels_of_all_years_become_the_apis_slugs(label, slug):
    assert slug_of(label) == slug


def test_of_two_spellings_of_a_column_the_first_that_holds_something_counts(write):
    row = ROWS[0] | {"ID expérience": "9", "Pseudonyme": "Autre", "pseudonyme_usager": None}
    [read] = read_rows(write(json.dumps([row])))
    assert (read["id_experience"], read["pseudonyme_usager"]) == ("1", "Autre")


def test_unknown_columns_are_counted_and_what_they_hold_is_not_kept(write):
    columns = Columns()
    rows = [ROWS[0] | {"Nom réel": "Zoé Tournesol", "vide": ""}, ROWS[1] | {"Nom réel": "Ali"}]
    assert list(read_rows(write(json.dumps(rows)), columns)) == ROWS[:2]
    assert columns.unknown == {"nom_reel": 2}


def test_thousands_of_unknown_columns_do_not_fill_memory():
    columns = Columns()
    for n in range(5000):
        columns.row({f"colonne {n}": "x"})
    assert sum(columns.unknown.values()) == 5000
    assert len(columns.unknown) <= 101


def test_lines_are_those_of_the_file(write):
    assert [r.line for r in read_records(write(as_csv(ROWS)))] == [2, 6, 9, 13, 17]
    assert [r.line for r in read_records(write("\n".join(map(json.dumps, ROWS))))] == [1, 2, 3, 4, 5]


RECORD = {"id_experience": "5", "titre": "Titre", "description": "Bonjour à tous", "ecrit_le": "2024-01-02"}
CSV = "ID expérience;Titre;Description;Ecrit le\n5;Titre;Bonjour à tous;2024-01-02\n"


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\n" + CSV,
        '"sep=;"\n' + CSV,
        "sep=,\n" + CSV.replace(";", ","),
        "sep=\t\n" + CSV.replace(";", "\t"),
        "sep = ;\n" + CSV,
        "sep=;;;;\n" + CSV,
        CSV.replace("Ecrit le", 'Écran 12" (pouces);Ecrit le').replace(";2024", ";;2024"),
        CSV.replace("Ecrit le", '12";Ecrit le').replace(";2024", ';5";2024'),
        CSV.replace("Ecrit le", '"Ecrit\nle"'),
        CSV.replace("Titre;D", '"Titre\n(facultatif)";D'),
        CSV + "\x1a",
        CSV + "\0" * 500,
        "\0\0" + CSV,
        "\ufeff" + CSV + "\ufeff",
        json.dumps([RECORD]) + "\0" * 900,
        json.dumps([RECORD]) + "\r\n\x1a",
        "\ufeff" + json.dumps([RECORD]) + "\n\ufeff",
        json.dumps({"data": [RECORD], "links": {"next": None}, "meta": {"page": 1, "page_size": 20, "total": 1}}),
        json.dumps({"meta": {"page": 1, "total": 1}, "links": {"prev": None}, "data": [RECORD]}, indent=1),
        json.dumps({"nhits": 1, "parameters": {"rows": 10}, "facet": ["a", "b"], "records": [RECORD]}),
        json.dumps({"link": "x" * 900, "data": [RECORD]}),
        json.dumps(RECORD).replace('"ecrit_le"', '"ecrit_le": "NaN", "ecrit_le"'),
        json.dumps(RECORD).replace('"ecrit_le"', '"ecrit_le": NaN, "ecrit_le"'),
        json.dumps({"data": [RECORD], "facets": [{"deep": [1, {"er": "]}"}]}], "total_count": 1}),
        json.dumps(RECORD).replace('"titre"', '"titre": "Titre", "titre": null, "x"'),
    ],
)
def test_what_is_not_truncated_is_read(content, write):
    """What joins, pads or wraps files is no damage, and what says nothing does not hide what does."""
    (row,) = read_rows(write(content))
    assert (row["id_experience"], row["titre"], row["description"]) == ("5", "Titre", "Bonjour à tous")


@pytest.mark.parametrize("rest", ['"links": {"next": "x"}, "meta": {"page": 1, "total": 58}', '"total_count": 58'])
def test_a_part_of_the_export_is_refused_as_a_part(rest, write):
    with pytest.raises(InputError, match=r"1 of 58 records; download the whole export"):
        list(read_rows(write(f'{{"data": [{json.dumps(RECORD)}], {rest}}}')))


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        ('{"type": "FeatureCollection", "features": []}', "1 records seen; of an experience's columns they have none"),
        ('[{"titre": "a"}, {"titre": "b", "nom": "c"}]', "2 records seen; of an experience's columns they have titre"),
        ("a;b\n1;2\n", "2 of a header's columns in its first line"),
        ("sep=;\n", "0 of a header's columns"),
    ],
)
def test_a_refusal_says_what_was_seen_and_not_truncated(content, seen, write):
    with pytest.raises(InputError) as refused:
        list(read_rows(write(content)))
    assert seen in str(refused.value)
    assert "truncated" not in str(refused.value)
