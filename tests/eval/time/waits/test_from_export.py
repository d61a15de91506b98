import datetime as dt

import pytest

from eval.time.waits import from_export
from plume.export.experience import Experience
from plume.export.reader import Unreadable

DAY = dt.date


def read_waits(records, *options, **named):
    """The waits of rows as the export writes them."""
    read = (record if isinstance(record, Unreadable) else Experience.of(record) for record in records)
    return from_export.read_waits(read, *options, **named)


def only(waits):
    """(start, reply or None, replied, timed) of the single wait."""
    assert len(waits) == 1
    reply = int(waits.reply[0])
    start = DAY.fromordinal(int(waits.start[0]))
    return start, DAY.fromordinal(reply) if reply else None, bool(waits.replied[0]), bool(waits.timed[0])


def test_clock_starts_at_publication(make_experience):
    row = make_experience(1, written="2023-01-01", published="2023-01-04T10:00:00+00:00", replied="2023-01-09")
    waits = read_waits([row])
    assert only(waits) == (DAY(2023, 1, 4), DAY(2023, 1, 9), True, True)
    assert (waits.counts["from_publication"], waits.counts["from_writing"]) == (1, 0)


def test_clock_falls_back_to_writing_and_says_so(make_experience):
    waits = read_waits([make_experience(1, written="2023-01-01", replied="09/01/2023")])
    assert only(waits)[:2] == (DAY(2023, 1, 1), DAY(2023, 1, 9))
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
    assert waits.replied.tolist() == [False, True]
    assert waits.timed.all()


def test_given_extraction_date_makes_later_dates_impossible(make_experience):
    rows = [
        make_experience(1, written="2023-01-01", replied="2032-01-05"),
        make_experience(2, written="2023-02-01"),
        make_experience(3, written="2023-05-01"),
    ]
    waits = read_waits(rows, DAY(2023, 3, 1))
    assert waits.extracted_on == DAY(2023, 3, 1)
    assert waits.counts["after_extraction"] == 2
    assert waits.timed.tolist() == [False, True]


def test_one_mistyped_year_among_many_dates_does_not_move_the_extraction(make_experience):
    rows = [make_experience(n, written=DAY(2023, 1, 1) + dt.timedelta(days=n)) for n in range(150)]
    rows.append(make_experience(200, written="2023-03-01", replied="2032-03-05"))
    waits = read_waits(rows)
    assert waits.extracted_on == DAY(2023, 1, 1) + dt.timedelta(days=149)
    assert waits.counts["after_extraction"] == 1


def test_dates_to_come_do_not_move_the_extraction_however_many(make_experience):
    rows = [make_experience(n, written=DAY(2023, 1, 1) + dt.timedelta(days=n)) for n in range(10)]
    rows += [make_experience(20 + n, written="2023-01-03", replied="2199-03-05") for n in range(3)]
    waits = read_waits(rows)
    assert waits.extracted_on == DAY(2023, 1, 10)
    assert waits.counts["after_extraction"] == 3


def test_placeholder_is_not_a_reply(make_experience):
    text = "Le service public concerné par votre témoignage n’est pas encore en mesure de vous répondre."
    row = make_experience(1, written="2023-01-01", replied="2023-01-03", reponse_structure_1=text)
    waits = read_waits([row])
    assert only(waits)[1:3] == (None, False)
    assert (waits.counts["placeholder"], waits.counts["replied"], waits.counts["date_without_reply"]) == (1, 0, 1)


def test_impossible_dates_are_counted_and_left_out(make_experience):
    rows = [
        make_experience(1, written="2023-02-01", replied="2023-01-01"),
        make_experience(2, written="2023-02-01", replied="bientôt"),
        make_experience(3, written="hier", replied="2023-02-03"),
    ]
    waits = read_waits(rows)
    assert waits.counts["reply_before_start"] == waits.counts["unreadable_reply"] == waits.counts["no_start"] == 1
    assert not waits.timed.any()
    assert not waits.reply.any()


def test_what_is_no_experience_is_counted_once_and_left_out(make_experience):
    row = make_experience(1, written="2023-01-01", replied="2023-01-09")
    rejected = make_experience(2, written="2023-01-01", motif_de_rejet="Hors charte")
    waits = read_waits([row, dict(row), rejected, Unreadable(4, "unreadable_record", "")])
    assert len(waits) == 1
    counted = {k: waits.counts[k] for k in ("unreadable", "duplicate", "rejected", "experiences")}
    assert counted == {"unreadable": 1, "duplicate": 1, "rejected": 1, "experiences": 3}


def test_publication_before_writing_is_counted_and_kept(make_experience):
    waits = read_waits([make_experience(1, written="2023-02-01", published="2023-01-30", replied="2023-02-03")])
    assert waits.counts["published_before_written"] == 1
    assert only(waits)[0] == DAY(2023, 1, 30)


def test_reply_without_date_is_neither_answered_on_a_day_nor_waiting(make_experience):
    row = make_experience(1, written="2023-01-01", replied="2023-01-02", date_de_premiere_reponse=None)
    waits = read_waits([row])
    assert only(waits)[1:] == (None, True, False)
    assert waits.counts["undated_reply"] == 1


def test_reply_on_the_day_of_publication_waits_zero_days(make_experience):
    start, reply, *_ = only(read_waits([make_experience(1, written="2023-01-01", replied="2023-01-01")]))
    assert reply == start


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
    assert waits.reply.tolist() == [DAY(2023, 1, 5).toordinal()] * 2 + [0]
    assert waits.counts["shared_date"] == 2
    assert waits.counts["replied"] + waits.counts["placeholder"] + waits.counts["unanswered"] == waits.counts["waits"]


def test_adopted_reply_without_text_counts_as_answered(make_experience):
    row = make_experience(1, written="2023-01-01", replied="2023-01-05", reponse_structure_1=None)
    row["statut_reponse_structure_1"] = "Réponse adoptée"
    assert only(read_waits([row]))[2]


@pytest.mark.parametrize("status", ["Réponse non publiée", "Réponse en attente de validation"])
def test_reply_that_was_never_published_is_none(make_experience, status):
    row = make_experience(1, written="2023-01-01", replied="2023-01-05", reponse_structure_1=None)
    row["statut_reponse_structure_1"] = status
    assert not only(read_waits([row]))[2]


def test_dated_reply_counts_where_the_export_has_neither_status_nor_text(make_experience):
    row = make_experience(1, written="2023-01-01", replied="2023-01-05", reponse_structure_1=None)
    row["statut_reponse_structure_1"] = None
    assert only(read_waits([row]))[1] == DAY(2023, 1, 5)


def test_flags_votes_and_similarity_are_read_and_the_absent_is_unknown(make_experience):
    rows = [
        make_experience(
            1,
            written="2023-01-01",
            replied="2023-01-05",
            aide_ia_proposee_reponse_structure_1="O",
            taux_de_similarite_reponse_ia_structure_1="86",
            vote_de_l_agent_reponse_ia_structure_1="pas utile",
            evaluation_reponse_structure_1_par_auteur="utile",
        ),
        make_experience(2, written="2023-01-01"),
    ]
    waits = read_waits(rows)
    assert waits.offered.tolist() == [1, -1]
    assert waits.vote.tolist() == [1, -1]
    assert waits.agent_vote.tolist() == [0, -1]
    assert waits.similarity[0] == 86
    assert waits.similarity[1] != waits.similarity[1]


def test_a_text_in_the_place_of_a_name_is_not_kept(make_experience):
    waits = read_waits([make_experience(1, written="2023-01-01", structure="Bonjour, je vous écris. " * 20)])
    assert waits.names == (("CAF", "(nom illisible)"),)


def test_a_person_in_the_place_of_a_name_is_masked(make_experience):
    waits = read_waits([make_experience(1, written="2023-01-01", structure="CAF - Mme Jeanne Dupont 06 39 98 12 34")])
    assert waits.names == (("CAF", "CAF - Mme [TIERS] [TEL]"),)


def test_words_of_the_reviews_asked_for_are_counted(make_experience):
    waits = read_waits([make_experience(7, written="2023-01-01", description="un deux trois")], pairs=["7-1", "8-1"])
    assert waits.review_words_of == {"7-1": 3}


def test_no_readable_date_at_all(make_experience):
    assert read_waits([make_experience(1, written="hier")]) is None


@pytest.mark.parametrize(
    ("fields", "rejected"),
    [
        ({"motif_de_rejet": "Hors charte"}, True),
        ({"motif_de_rejet": "Aucun"}, False),
        ({"motif_de_rejet": "Sans objet"}, False),
        ({"statut_de_l_experience": "Expérience rejetée"}, True),
        ({"statut_de_l_experience": "Expérience avec réponse", "etat_experience": "Traitées"}, False),
    ],
)
def test_who_is_rejected_waits_for_nothing_as_in_the_corpus(make_experience, fields, rejected):
    rows = [make_experience(1, written="2023-01-01", **fields), make_experience(2, written="2023-01-01")]
    assert len(read_waits(rows)) == 2 - rejected
