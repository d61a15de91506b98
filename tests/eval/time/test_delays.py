import datetime as dt

from eval.time.delays import read_waits

DAY = dt.date


def only(waits):
    assert len(waits.records) == 1
    return waits.records[0]


def test_clock_starts_at_publication(make_experience):
    row = make_experience(1, written="2023-01-01", published="2023-01-04T10:00:00+00:00", replied="2023-01-09")
    waits = read_waits([row])
    assert (only(waits).start, only(waits).replied_on) == (DAY(2023, 1, 4), DAY(2023, 1, 9))
    assert (waits.counts["from_publication"], waits.counts["from_writing"]) == (1, 0)


def test_clock_falls_back_to_writing_and_says_so(make_experience):
    waits = read_waits([make_experience(1, written="2023-01-01", replied="09/01/2023")])
    assert (only(waits).start, only(waits).replied_on) == (DAY(2023, 1, 1), DAY(2023, 1, 9))
    assert waits.counts["from_writing"] == 1
    assert waits.missing == ("date_de_publication",)
    assert waits.has_delays


def test_unanswered_waits_until_the_latest_date_of_the_file(make_experience):
    rows = [
        make_experience(1, written="2023-01-01"),
        make_experience(2, written="2023-01-02", replied="2023-03-01"),
    ]
    waits = read_waits(rows)
    assert waits.extracted_on == DAY(2023, 3, 1)
    assert not waits.extraction_given
    assert [(wait.replied, wait.timed) for wait in waits.records] == [(False, True), (True, True)]


def test_given_extraction_date_makes_later_dates_impossible(make_experience):
    rows = [
        make_experience(1, written="2023-01-01", replied="2032-01-05"),
        make_experience(2, written="2023-02-01"),
        make_experience(3, written="2023-05-01"),
    ]
    waits = read_waits(rows, DAY(2023, 3, 1))
    assert waits.extracted_on == DAY(2023, 3, 1)
    assert waits.counts["after_extraction"] == 2
    assert [wait.timed for wait in waits.records] == [False, True]


def test_placeholder_is_not_a_reply(make_experience):
    text = "Le service public concerné par votre témoignage n’est pas encore en mesure de vous répondre."
    row = make_experience(1, written="2023-01-01", replied="2023-01-03", reponse_structure_1=text)
    waits = read_waits([row])
    assert not only(waits).replied
    assert only(waits).replied_on is None
    assert (waits.counts["placeholder"], waits.counts["replied"], waits.counts["date_without_reply"]) == (1, 0, 1)


def test_impossible_dates_are_counted_and_left_out(make_experience):
    rows = [
        make_experience(1, written="2023-02-01", replied="2023-01-01"),
        make_experience(2, written="2023-02-01", replied="bientôt"),
        make_experience(3, written="hier", replied="2023-02-03"),
    ]
    waits = read_waits(rows)
    assert waits.counts["reply_before_start"] == waits.counts["unreadable_reply"] == waits.counts["no_start"] == 1
    assert not any(wait.timed for wait in waits.records)


def test_reply_without_date_is_neither_answered_on_a_day_nor_waiting(make_experience):
    row = make_experience(1, written="2023-01-01", replied="2023-01-02", date_de_premiere_reponse=None)
    waits = read_waits([row])
    assert only(waits).replied
    assert not only(waits).timed
    assert waits.counts["undated_reply"] == 1


def test_reply_on_the_day_of_publication_waits_zero_days(make_experience):
    wait = only(read_waits([make_experience(1, written="2023-01-01", replied="2023-01-01")]))
    assert wait.replied_on == wait.start


def test_several_structures_share_the_first_reply_date_and_the_silent_one_still_waits(make_experience):
    row = make_experience(
        1,
        written="2023-01-01",
        replied="2023-01-05",
        intitule_structure_2="MSA",
        reponse_structure_2="Bonjour, nous avons bien lu votre message.",
        intitule_structure_3="Mairie",
        statut_reponse_structure_3="En attente de réponse",
    )
    waits = read_waits([row])
    assert [wait.replied_on for wait in waits.records] == [DAY(2023, 1, 5), DAY(2023, 1, 5), None]
    assert waits.counts["shared_date"] == 2
    assert waits.counts["replied"] + waits.counts["placeholder"] + waits.counts["unanswered"] == waits.counts["waits"]


def test_adopted_reply_without_text_counts_as_answered(make_experience):
    row = make_experience(1, written="2023-01-01", replied="2023-01-05", reponse_structure_1=None)
    row["statut_reponse_structure_1"] = "Réponse adoptée"
    assert only(read_waits([row])).replied


def test_no_readable_date_at_all(make_experience):
    assert read_waits([make_experience(1, written="hier")]) is None
