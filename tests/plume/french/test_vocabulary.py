import re

import pytest

from plume.checks.case import VOCABULARY
from plume.french import vocabulary


@pytest.mark.parametrize("path", sorted(vocabulary.HERE.glob("*.t*")), ids=lambda path: path.name)
def test_a_list_says_its_source_and_holds_nothing_twice(path) -> None:
    if path.suffix == ".tsv":
        found = [tuple(row.values()) for row in vocabulary.rows(path.stem)]
    else:
        found = list(vocabulary.terms(path.stem))
    assert found
    assert len(found) == len(set(found))


def test_a_list_without_its_source_is_refused(tmp_path) -> None:
    (tmp_path / "kings.txt").write_text("clovis\n")
    with pytest.raises(ValueError, match="# Source"):
        vocabulary.terms("kings", tmp_path)


def test_terms_are_folded_for_lookups_and_kept_as_written() -> None:
    assert "décision" in vocabulary.terms("file_nouns", VOCABULARY)
    assert "decision" in vocabulary.folded("file_nouns", VOCABULARY)


def test_a_column_is_chosen_by_what_its_rows_hold() -> None:
    assert vocabulary.column("civilities", "form", civility="maître") == ("Me", "maître")


def test_alternatives_take_the_longest_first() -> None:
    assert re.match(vocabulary.any_of(["fils", "fil", "petit fils"]), "fils")[0] == "fils"
    assert vocabulary.any_of(["petit fils", "m."]) == "(?:petit fils|m\\.)"
