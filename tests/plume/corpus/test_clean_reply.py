"""Cleaning: the debris of the platform's editor goes, every word stays. All texts here are invented."""

import re

import pytest

from plume.corpus.clean_reply import clean_reply
from plume.export.cleaning import clean, repair
from plume.export.reader import read_experiences

BODY = "Bonjour,\n\nVotre titre est prêt depuis lundi, il vous attend à la mairie."


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("a&nbsp;b\u00a0c&amp;nbsp;d&amp;amp;nbsp;e", "a b c d e"),
        ("&laquo;&nbsp;Espace&nbsp;&raquo; &eacute;t&#233; &#x27;", "« Espace » été '"),
        ("un\r\ndeux\rtrois\u2028quatre\x85cinq", "un\ndeux\ntrois\nquatre\ncinq"),
        ("un  deux\t trois \n   quatre  ", "un deux trois\nquatre"),
        ("un\r\n\r\n&nbsp;\r\n \r\n\r\ndeux", "un\n\ndeux"),
        ("mot\u200bs co\u00adupés\ufeff\x00", "mots coupés"),
        ("e&#769;te\u0301 e\u200b\u0301tÃ©", "été été"),
        ("&lt;b&gt; et 3 &lt; 4", "<b> et 3 < 4"),
        ("https://x.fr/?a=1&notice=2&copy=3 &foo; & co; &amp;", "https://x.fr/?a=1&notice=2&copy=3 &foo; & co; &"),
        ("", ""),
        (None, ""),
        ("&nbsp;\r\n&nbsp;", ""),
    ],
)
def test_entities_blanks_and_line_ends(raw, cleaned):
    assert clean(raw) == cleaned
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize(
    ("raw", "repaired"),
    [
        ("trÃ¨s bon accueil, lâ€™agent Ã©tait lÃ\u00a0", "très bon accueil, l’agent était là"),
        ("trÃƒÂ¨s dÃƒÂ©Ã§u", "très déçu"),
        ("cÅ“ur, Å’uvre, 10 â‚¬, Â«Â\u00a0ouiÂ\u00a0Â» â€“ fin", "cœur, Œuvre, 10 €, « oui » – fin"),
        ("tr&Atilde;&uml;s", "très"),
        ("Une partie est juste : déçu ; l'autre est cassÃ©e.", "Une partie est juste : déçu ; l'autre est cassée."),
        ("Ãªtre reÃ§u Ã  la mairie", "être reçu à la mairie"),
    ],
)
def test_text_that_was_decoded_wrongly_is_repaired(raw, repaired):
    assert clean(raw) == repaired
    assert clean(repaired) == repaired


@pytest.mark.parametrize(
    "text",
    [
        "L’ÂGE « à Paris »… à… où ?",
        "Ã",
        "São Paulo, Ångström, Ðuro",
        "é»… à“ ï",
        "COÛT : 10€ / Â 5",
        "naïve, aiguë, ÇA",
    ],
)
def test_text_that_was_decoded_well_is_not_touched(text):
    assert repair(text) == text


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        ("Bonjour,Nous vous remercions.", "Bonjour,\n\nNous vous remercions."),
        ("Madame, Monsieur,Nous vous remercions.", "Madame, Monsieur,\n\nNous vous remercions."),
        ("Bonjour Madame, Monsieur, Nous lisons.", "Bonjour Madame, Monsieur,\n\nNous lisons."),
        ("Bonjour Zoé ,nous vous remercions.", "Bonjour Zoé,\n\nnous vous remercions."),
        ("Bonjour, Nous vous remercions.", "Bonjour,\n\nNous vous remercions."),
        ("Bonjour Tom59,10/10, quel plaisir.", "Bonjour Tom59,\n\n10/10, quel plaisir."),
        ("Bonjour, merci de ce retour.", "Bonjour, merci de ce retour."),
        ("Bonjour,\r\nNous vous remercions.", "Bonjour,\nNous vous remercions."),
        ("Autant que possible.Nous restons là.", "Autant que possible. Nous restons là."),
        ("Est-ce réglé ?Dites-le nous !À bientôt", "Est-ce réglé ? Dites-le nous ! À bientôt"),
        ("C'est prêt (en mairie).L'agent attend.", "C'est prêt (en mairie). L'agent attend."),
        ("De 9 h à 11:30.Ou le soir.", "De 9 h à 11:30. Ou le soir."),
        ("Sur impots.gouv.frSi besoin, appelez.", "Sur impots.gouv.fr Si besoin, appelez."),
        ("À accueil@mairie.frPour finir, merci.", "À accueil@mairie.fr Pour finir, merci."),
        (
            "Voir https://www.x.gouv.fr/les-pointsVotre avis compte.",
            "Voir https://www.x.gouv.fr/les-points Votre avis compte.",
        ),
        ("Sont visés :le vol ;l'injure ;(la menace).", "Sont visés :le vol ; l'injure ; (la menace)."),
    ],
)
def test_lost_breaks_are_found_again(raw, body):
    assert clean_reply(raw) == (body, "")
    assert clean_reply(body) == (body, "")


@pytest.mark.parametrize(
    "text",
    [
        "Écrivez à S.N.C.F.Voyageurs ou sur www.Ameli.fr, c.-à-d. en ligne.",
        "Voir https://site.gouv.fr/MonEspace/LesAides.html et FranceConnect.",
        "Votre collaborateur.rice vous répond au 34.00, à 8.30.",
        "Le site service-public.fr/particuliers/vosdroits/F870 répond.",
        "L'article L.114-5 s'applique ; M.Dupont aussi.",
        "Ici, en cliquant, vous gagnez du temps.",
        "Madame, Monsieur,\n\nNous vous remercions.",
        "Bonjour, Madame Dupont, nous vous remercions.",
        "Cher Monsieur, Madame, nous vous lisons.",
    ],
)
def test_what_looks_like_a_lost_break_but_is_none_stays(text):
    assert clean_reply(text) == (text, "")


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        ("Suivez votre titre sur notre site en cliquant ICI.", "Suivez votre titre sur notre site."),
        ("Écrivez-nous en cliquant ici (objet : avis).", "Écrivez-nous (objet : avis)."),
        ("La notice est en ligne, en cliquant sur ICI. Merci.", "La notice est en ligne. Merci."),
    ],
)
def test_labels_of_links_that_the_export_lost_are_dropped(raw, body):
    assert clean_reply(raw) == (body, "")


@pytest.mark.parametrize(
    "text",
    [
        "Écrivez-nous en cliquant ici : https://www.caf.fr/contact.",
        "Répondez soit en cliquant ici, soit par courrier.",
        "En cliquant ici, vous ouvrez votre espace.",
        "Ouvrez l'onglet en cliquant sur « Mon profil ».",
    ],
)
def test_a_link_that_is_alive_or_carries_the_sentence_stays(text):
    assert clean_reply(text) == (text, "")


@pytest.mark.parametrize(
    "closing",
    [
        "Cordialement",
        "Cordialement,",
        "Bien cordialement,\nSandrine, pôle accueil",
        "Cordialement,\n\nLe service des titres\nMairie de Trifouillis\n01 23 45 67 89",
        "Bien à vous,\nHugo",
        "Sincèrement,\nla rédaction",
        "Avec nos salutations distinguées.",
        "Nous vous prions d'agréer, Madame, Monsieur, l'expression de nos salutations distinguées.",
        "Veuillez recevoir, Monsieur, l'assurance de notre considération distinguée.\nLe directeur",
        "Je vous prie de croire, Madame, en mes sentiments les meilleurs.",
        "L'équipe France Titres",
        "La direction de la caisse du Nord\nService qualité",
        "Cordialement,\n\nSandrine\nConseillère\nPôle accueil\nCaisse du Nord\n1 rue des Lilas\n59000 Lille\n01 23 45",
        "Restant à votre disposition, nous vous prions de croire en l'assurance de notre considération.",
        "Dans l'attente de vous lire, cordialement.",
        "Très bonne journée à vous,\nL'équipe",
        "Bonne journée.\nCordialement\nLa Caf",
        "Sandrine\nService relation usagers",
        "Sandrine, conseillère à la caisse du Nord",
        "Jean D.\nCaf de Paris",
        "Le pôle qualité",
        "Service relation usagers de la caisse du Nord",
        "Votre CPAM",
    ],
)
def test_closings_are_separated_from_the_body(closing):
    assert clean_reply(f"{BODY}\n\n{closing}") == (BODY, closing)
    assert clean_reply(f"{BODY}\r\n{closing}&nbsp;") == (BODY, closing)


@pytest.mark.parametrize("glue", ["", " "])
@pytest.mark.parametrize("closing", ["Cordialement", "Bien cordialement, le service.", "Bien à vous."])
def test_closings_on_the_last_line_of_the_body(glue, closing):
    assert clean_reply(f"{BODY}{glue}{closing}") == (BODY, closing)


@pytest.mark.parametrize(
    "line",
    [
        "L'équipe de service-public.fr vous remercie pour votre témoignage.",
        "Le service des titres reste joignable au 34 00.",
        "Votre caisse vous rappellera.",
        "Nous vous prions d'accepter nos excuses.",
        "Veuillez accepter nos excuses pour cette attente.",
        "Nous vous prions de recevoir nos regrets.",
        "Sincèrement désolés de cette attente, nous revoyons l'accueil.",
        "Vous avez été reçu cordialement, et nous en sommes heureux.",
        "Nous vous souhaitons une bonne journée.",
        "La CAF vous rappellera",
        "Martine vous attend au guichet.",
        "Service des titres : ouvert le lundi.",
    ],
)
def test_sentences_that_resemble_a_closing_stay(line):
    assert clean_reply(f"{BODY}\n\n{line}") == (f"{BODY}\n\n{line}", "")
    assert clean_reply(f"Bonjour,\n\n{line}\n\nIl est prêt.") == (f"Bonjour,\n\n{line}\n\nIl est prêt.", "")


@pytest.mark.parametrize(
    "text",
    [
        f"{BODY}\nVous pouvez joindre :\nLe service des titres\nLa mairie",
        f"{BODY}\n- Pôle accueil\n- Service des titres",
        f"{BODY}\nTrois lieux vous accueillent ;\nCentre du Nord\nCentre du Sud",
    ],
)
def test_a_list_of_services_is_no_signature(text):
    assert clean_reply(text) == (text, "")


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (
            "<p>Bonjour,</p><p>Votre titre est <b>prêt</b>.<br/>Merci.</p>",
            "Bonjour,\n\nVotre titre est prêt.\nMerci.",
        ),
        ("&lt;p&gt;Votre titre est prêt.&lt;/p&gt;", "Votre titre est prêt."),
        (
            '<div>Voir <a target="_blank" href="https://www.caf.fr/x">le site</a>.</div>',
            "Voir le site (https://www.caf.fr/x).",
        ),
        ('<a href="https://caf.fr">https://caf.fr</a> répond.', "https://caf.fr répond."),
        (
            '<span style="color:red">Il faut :</span><ul><li>un titre</li><li>une photo</li></ul>',
            "Il faut :\n\n- un titre\n\n- une photo",
        ),
        ("Le montant est <500 € et 3 < 4 > 2, <Nom> aussi.", "Le montant est <500 € et 3 < 4 > 2, <Nom> aussi."),
    ],
)
def test_tags_of_the_editor_are_taken_out_of_replies(raw, body):
    assert clean_reply(raw) == (body, "")
    assert clean_reply(body) == (body, "")


def test_a_formula_followed_by_substance_is_no_end():
    text = (
        f"{BODY}\n\nCordialement,\n\n"
        + "Nous ajoutons que les délais annoncés l'an dernier ont depuis changé deux fois. " * 2
    )
    assert clean_reply(text) == (text.strip(), "")


def test_a_reply_that_is_only_a_greeting_and_a_closing_keeps_the_greeting():
    assert clean_reply("Bonjour,\nCordialement") == ("Bonjour,", "Cordialement")
    assert clean_reply("Cordialement") == ("Cordialement", "")
    assert clean_reply("&nbsp;") == ("", "")


DROPPED = re.compile(r",?\s*en\s+cliquant\s+(?:sur\s+)?ici", re.IGNORECASE)


@pytest.mark.parametrize("name", ["sample_export", "real_export"])
def test_no_word_is_altered_and_cleaning_twice_changes_nothing(name, request):
    """On every text of both exports: blanks apart, only labels of dead links differ."""

    def letters(text: str) -> str:
        return re.sub(r"\s+", "", DROPPED.sub("", text))

    for row in read_experiences(request.getfixturevalue(name)):
        review = clean(row.review)
        assert clean(review) == review
        for answer in row.answers:
            once = clean(answer.reply)
            body, closing = clean_reply(answer.reply)
            same = clean(once) == once and letters(once) == letters(body + closing)
            assert same, f"experience {row.id}"  # never the text: it may be someone's
            assert clean_reply(body) == (body, ""), f"experience {row.id}"
            assert not re.search(r"&[a-z]+;|\u00a0|\r|^(?:Bonjour)[^,\n]{0,40},\S", body)
