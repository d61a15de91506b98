"""The pseudonymiser on invented sentences: what is masked, what stays, and what holds for any text."""

import pytest

from plume.contacts import Directory
from plume.pseudonymise import PLACEHOLDER, PLACEHOLDERS, Span, find_identifiers
from plume.pseudonymise.catalogue import RANK
from plume.pseudonymise.identifiers.contacts import is_public_email
from plume.pseudonymise.propagate import replace_pseudonym
from plume.pseudonymise.recogniser.ner import sentence_places
from plume.pseudonymise.recogniser.word_frequencies import Frequencies
from plume.pseudonymise.spans import merge, subtract, trim


def found(text: str) -> list[tuple[str, str]]:
    return [(span.type, text[span.start : span.end]) for span in find_identifiers(text)]


# What a sentence holds, between ⟦ ⟧: written in place so that the expected span cannot drift.
POSITIVE = [
    ("EMAIL", "Écrivez à ⟦lea.morvan@exemple.fr⟧ svp"),
    ("EMAIL", "mon mail : ⟦lea.morvan (arobase) exemple point fr⟧"),
    ("EMAIL", "mon mail ⟦lea.morvan @ exemple . fr⟧"),
    ("EMAIL", "C'est ⟦prenom.nom@finistere.gouv.fr⟧ qui m'a répondu"),
    ("URL", "voir ⟦https://www.exemple.com/photos/lea⟧."),
    ("URL", "ma page ⟦facebook.com/lea.morvan.9⟧"),
    ("URL", "le lien ⟦https://www.caf.fr/suivi?token=abcdef⟧ ne marche pas"),
    ("TEL", "joignable au ⟦06 39 98 11 22⟧ le soir"),
    ("TEL", "joignable au ⟦06.39.98.11.22⟧"),
    ("TEL", "joignable au ⟦06/39/98/11/22⟧"),
    ("TEL", "joignable au ⟦0639981122⟧."),
    ("TEL", "depuis Rabat ⟦+212 661 23 45 67⟧"),
    ("TEL", "au ⟦+33 (0)6 39 98 11 22⟧"),
    ("TEL", "au ⟦zéro six trente-neuf quatre-vingt-dix-huit onze vingt-deux⟧"),
    ("NIR", "n° de sécu ⟦1 71 03 35 238 019 55⟧"),
    ("NIR", "n° de sécu ⟦171033523801912⟧ (clé fausse)"),
    ("NIR", "assurée sous le ⟦2 90 01 2A 004 117 23⟧"),
    ("IBAN", "virement sur ⟦FR76 3000 6000 0112 3456 7890 189⟧"),
    ("IBAN", "virement sur ⟦BE68539007547034⟧ à Bruxelles"),
    ("IBAN", "viré sur la carte terminant par ⟦7034⟧"),
    ("FISCAL", "mon numéro fiscal est le ⟦30 12 345 678 901⟧"),
    ("SIRET", "mon entreprise, SIRET ⟦732 829 320 00074⟧"),
    ("ALLOCATAIRE", "Allocataire n° ⟦7654321 K⟧ depuis mai"),
    ("FRANCE_TRAVAIL", "mon identifiant France Travail : ⟦7654321X⟧"),
    ("DOSSIER", "ma demande ⟦AB-4471-2290⟧ est bloquée"),
    ("DOSSIER", "dossier n° ⟦2023/004512⟧ en attente"),
    ("TITRE", "mon passeport ⟦19CK48213⟧ a été perdu"),
    ("TITRE", "mon numéro d'étranger ⟦7703123456⟧"),
    ("PLAQUE", "ma voiture ⟦GH-417-KL⟧ est vendue"),
    ("PLAQUE", "l'ancienne plaque ⟦417 BZM 29⟧"),
    ("NUMERO", "on m'a donné le ⟦48213977⟧ au guichet"),
    ("ADRESSE", "J'habite ⟦14 bis rue du Vieux-Puits⟧ depuis mai"),
    ("ADRESSE", "j'habite ⟦14 rue des peupliers⟧ et rien"),
    ("ADRESSE", "au ⟦3 allée Jean Giono, bâtiment B⟧"),
    ("CP_VILLE", "courrier perdu, ⟦29270 Carhaix-Plouguer⟧"),
    ("HOPITAL", "hospitalisée à la ⟦clinique des Cèdres⟧ en mars"),
    ("ECOLE", "ma fille est au ⟦collège Louise Michel⟧ cette année"),
    ("DATE_NAISSANCE", "né le ⟦14/11/1962⟧ et toujours rien"),
    ("DATE_NAISSANCE", "née en ⟦novembre 1962⟧ à l'étranger"),
    ("AGE", "ma mère de ⟦87 ans⟧ ne peut pas se déplacer"),
    ("AGE", "J'ai ⟦58 ans⟧ et aucun droit"),
    ("SANTE", "je suis ⟦diabétique⟧ et seul"),
    ("PSEUDO", "écrivez-moi sur insta ⟦@lea_m29⟧"),
    ("PERSONNE", "Mme ⟦Lebrun⟧ m'a bien reçue"),
    ("PERSONNE", "mme ⟦lebrun⟧ ma bien recu"),
    ("PERSONNE", "MME ⟦LEBRUN⟧ M'A BIEN REÇUE"),
    ("PERSONNE", "M. ⟦Petit⟧ m'a bien reçue"),
    ("PERSONNE", "M.⟦Lebrun⟧ m'a bien reçue"),
    ("PERSONNE", "M. ⟦de La Tourelle⟧ m'a bien reçue"),
    ("PERSONNE", "Je m'appelle ⟦Ewenn Quillivéré⟧ et j'attends"),
    ("PERSONNE", "Mon mari ⟦Gaspard⟧ attend sa pension"),
    ("PERSONNE", "Mon conseiller ⟦Boubacar Sidibé⟧ est absent"),
    ("PERSONNE", "C'est long.\nCordialement,\n⟦Solveig Aubanel⟧"),
    ("PERSONNE", "j'ai parlé à ⟦Nathalie⟧ hier"),
    ("PERSONNE", "mon mari ⟦pierre⟧ est décédé en juin"),
    ("PERSONNE", "La famille ⟦Leroy⟧ n'a toujours pas de logement."),
    ("PERSONNE", "le docteur ⟦petit⟧ m'a vu cinq minutes"),
    ("PERSONNE", "bien cordialement ⟦kervella⟧"),
    ("PERSONNE", "L'agent ⟦J.-P. Kerouanton⟧ a refusé"),
    ("PERSONNE", "MME ⟦LEBRUN CLAIRE⟧"),
    ("PERSONNE", "M. ⟦PETIT Franck⟧ m'a reçu"),
    ("PERSONNE", "Monsieur ⟦PETIT⟧, votre dossier est complet"),
    ("PERSONNE", "MADAME ⟦PETIT⟧ EST DÉSAGRÉABLE"),
    ("PERSONNE", "Nom : DUPONT Prénom : ⟦CLAIRE⟧"),
    ("PERSONNE", "nom : ⟦grand⟧ prénom : noël"),
    ("PERSONNE", "signé : ⟦aubanel claire⟧"),
    ("PERSONNE", "cordialement marie ⟦petit⟧".replace("marie ⟦", "⟦marie ")),
    ("PERSONNE", "le docteur ⟦petit⟧ m'a vu"),
    ("PERSONNE", "le dr. ⟦martin⟧ m'opère demain"),
    ("PERSONNE", "ma conseillère ⟦claire petit⟧ est partie"),
    ("PERSONNE", "Mme ⟦Rose Avril⟧ a été patiente"),
    ("PERSONNE", "au nom de ⟦Beau Christian⟧ depuis mai"),
    ("PERSONNE", "monsieur ⟦le gall⟧ n'a rien dit"),
    ("PERSONNE", "M. ⟦de la Motte-Kerouanton⟧ a tout expliqué"),
    ("PERSONNE", "la mère de ⟦Théophraste⟧ attend"),
    ("PERSONNE", "Merci de votre réponse.\n\n⟦RTB⟧"),
    ("PERSONNE", "Merci de votre réponse.\n⟦R. T.-B.⟧ "),
]


@pytest.mark.parametrize(("kind", "marked"), POSITIVE)
def test_rules_mask(kind, marked):
    text = marked.replace("⟦", "").replace("⟧", "")
    wanted = marked[marked.index("⟦") + 1 : marked.index("⟧")]
    assert (kind, wanted) in found(text)


NEGATIVE = [
    "Appelez le 3646, le 39 60 ou le 0 809 401 401 de 8h30 à 17h00.",
    "Composez le +33 1 84 90 36 46 depuis l'étranger.",
    "Tout est sur https://www.service-public.fr/particuliers/vosdroits/F14929 et sur ameli.fr.",
    "Écrivez à contact@ants.gouv.fr ou à pref-etrangers@nord.gouv.fr.",
    "J'ai payé 1 234 567,89 euros, puis 125 000 € le 12/03/2024.",
    "La loi n° 2018-727 du 10 août 2018 et l'article L. 161-17-2 du code.",
    "Le formulaire Cerfa n° 14011*03 est introuvable.",
    "Cela fait 20 ans que je cotise et 3 ans que j'attends.",
    "On part à la retraite à 62 ans ou à 64 ans.",
    "J'ai 42 ans de carrière et 168 trimestres.",
    "Madame, Monsieur, je vous prie d'agréer mes salutations.",
    "Madame la Directrice et Monsieur le Préfet n'ont pas répondu.",
    "MERCI À LA CAF, À LA CPAM ET À FRANCE TRAVAIL POUR LEUR ACCUEIL",
    "La CARSAT, la MSA, l'URSSAF et le CROUS se renvoient la balle.",
    "Nos bureaux se trouvent au 4 rue de la Gare, 08000 Charleville-Mézières.",
    "Veuillez envoyer votre courrier à la CPAM, 2 avenue du Port, 76029 Le Havre Cedex.",
    "Le lycée professionnel de mon fils est en travaux.",
    "on me demande un papier, on me le rend, on me rappelle",
    "Ouvert 24h/24 et 7j/7, du lundi au vendredi, 8h30-12h00/13h30-17h00.",
    "J'ai attendu de 2019 à 2023, soit 4 ans et 2 mois.",
    "Bonjour,\n\nNous sommes ravis de votre message.",
    "À transmettre à la\nCAF",
    "Il faut demander au contrôleur d'expliquer, au directeur d'accorder, à l'agente d'escale.",
    "Veuillez agréer, Madame, Monsieur, l'expression de mes sentiments.",
    "Monsieur le consul, madame l'ambassadrice et Monsieur le Trésorier-payeur n'ont pas répondu.",
    "MONSIEUR LE MAIRE EST CONTENT DE LUI",
    "Merci.\nCordialement,\nVotre Urssaf",
    "Merci.\nCordialement,\nVos conseillers de la Caf",
    "Très sincèrement, du fond du cœur.",
    "Madame, petit rappel, la réponse est claire.",
    "Bonjour, Petit souci avec la connexion.",
    "La Caf ne change rien.",
    "Répondez-moi,\nSVP",
    "Sincèrement bluffé par la rapidité du service.",
    "Salutations distinguées",
    "La signature électronique est refusée.\nSignature électronique refusée trois fois.",
    "Mon docteur traitant est parti, un monsieur gentil et courtois m'a aidé.",
    "Le maire et le préfet de la Manche n'ont pas répondu.",
    "Je suis Français et j'attends.",
    "Le standard de la sous-préfecture (04 99 00 11 22) répond le matin.",
    "Composez le 01 99 00 33 44, accueil du rectorat.",
    "Le greffe du tribunal est fermé.",
    "L'antenne de quartier a fermé.",
    "Le dossier est à remettre au 3 rue du Marché, 48000 Mende, contre un récépissé.",
    "On nous a reçus au 7 avenue du Stade, locaux de la Caf.",
    "Écrivez à dpd@mairie-exemple.fr pour vos données.",
    "L'article 25 de la loi organique n° 2011-333 le prévoit.",
]


@pytest.mark.parametrize("text", NEGATIVE)
def test_what_points_to_nobody_stays(text, full):
    assert found(text) == []
    assert [(s.type, text[s.start : s.end]) for s in full.find(text)] == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Accueillie par Xabina Etcheto en dix minutes", "Xabina Etcheto"),
        ("ACCUEILLIE PAR SOLVEIG AUBANEL EN DIX MINUTES", "SOLVEIG AUBANEL"),
        ("accueillie par solveig aubanel en dix minutes", "solveig aubanel"),
        ("On m'a confondu avec Ngozi Adeyemi, qui habite ailleurs", "Ngozi Adeyemi"),
    ],
)
def test_the_recogniser_finds_names_in_any_case(full, text, name):  # it may take one for a city
    start = text.index(name)
    assert any(s.start <= start and start + len(name) <= s.end for s in full.find(text))


def test_the_recogniser_leaves_public_bodies_and_masks_cities(full):
    masked, _ = full.mask(
        "La Caf de Montauban et la préfecture de Montauban, comme celle de Périgueux, se renvoient mon dossier."
    )
    assert "Montauban" not in masked
    assert "Périgueux" not in masked
    assert "Caf" in masked
    assert "préfecture" in masked


@pytest.mark.parametrize(
    "text",
    [
        "au\u00a006\u00a039\u202f98\u00a011\u00a022",
        "J’habite\u00a014\u00a0bis\u00a0rue du Vieux‑Puits",
        "M.\u00a0Lebrun m’a reçue",
        "au ０６ ３９ ９８ １１ ２２",
    ],
)
def test_typography_hides_nothing(rules, text):
    masked, spans = rules.mask(text)
    assert len(spans) == 1
    assert not any(word in PLACEHOLDER.sub("", masked) for word in ("0", "０", "rue", "Lebrun"))


def test_a_failed_checksum_classifies_and_never_clears():
    valid, invalid = "171033523801955", "171033523801900"
    assert found(f"le {valid}")[0][0] == "NIR"
    assert found(f"le {invalid}") == [("NIR", invalid)]
    assert found("le 73282932000099")[0][0] in ("SIRET", "NUMERO")


def test_the_context_tells_a_fiscal_number_from_a_nir():
    number = "1 71 03 35 238 019"
    assert found(f"mon numéro fiscal {number}") == [("FISCAL", number)]
    assert found(f"mon numéro de sécurité sociale {number}") == [("NIR", number)]


def test_public_mailboxes_and_personal_ones_below_a_public_domain():
    directory = Directory.load()
    assert is_public_email("contact@ants.gouv.fr", directory)
    assert not is_public_email("prenom.nom@ants.gouv.fr", directory)
    assert not is_public_email("contact@exemple.fr", directory)


# --- the pair ------------------------------------------------------------------------------------------------------


def pair(pseudonymiser, review, reply="", title="", pseudonym=None):
    return pseudonymiser.pair(title=title, review=review, reply=reply, pseudonym=pseudonym)


def test_a_person_has_one_placeholder_in_the_whole_pair(rules):
    masked = pair(
        rules,
        "Mme Lebrun et M. Carvalho m'ont aidée. Merci à madame LEBRUN !",
        "Bonjour, lebrun et Carvalho vous remercient.",
        title="Merci Mme Lebrun",
    )
    assert masked.title == "Merci Mme [AGENT_1]"
    assert masked.review == "Mme [AGENT_1] et M. [AGENT_2] m'ont aidée. Merci à madame [AGENT_1] !"
    assert masked.reply == "Bonjour, [AGENT_1] et [AGENT_2] vous remercient."
    assert masked.counts == {"AGENT": 6}


def test_propagation_ignores_case_and_accents(rules):
    masked = pair(rules, "Mme Héritier-Lévêque m'a reçue.", "heritier-leveque est en congé, HÉRITIER-LÉVÊQUE aussi.")
    assert masked.reply == "[AGENT_1] est en congé, [AGENT_1] aussi."


def test_values_are_propagated_too(rules):
    masked = pair(rules, "Mon dossier n° 20240017 est bloqué.", "Le 20240017 est traité, votre 20240017-B aussi.")
    assert "20240017" not in masked.reply


@pytest.mark.parametrize(
    ("pseudonym", "reply", "wanted"),
    [
        ("Zaza", "Bonjour Zaza,\nNous vous remercions.", "Bonjour [USAGER],\nNous vous remercions."),
        ("zaza", "Bonjour ZAZA, merci.", "Bonjour [USAGER], merci."),
        ("Vérovéro", "Bonjour verovero,", "Bonjour [USAGER],"),
        ("Kik34", "Bonjour Kik34, merci Kik34.", "Bonjour [USAGER], merci [USAGER]."),
        ("merci", "Bonjour merci, merci de votre message.", "Bonjour [USAGER], merci de votre message."),
        ("pluie", "Bonjour pluie, la pluie a cessé.", "Bonjour [USAGER], la pluie a cessé."),
        ("Lucile Kervadec", "Bonjour Madame Kervadec,", "Bonjour Madame [USAGER],"),
        ("Dudu 71", "Bonjour  Dudu 71,", "Bonjour  [USAGER],"),
        ("...", "Bonjour, merci...", "Bonjour, merci..."),
        (None, "Bonjour, merci.", "Bonjour, merci."),
        ("", "Bonjour, merci.", "Bonjour, merci."),
    ],
)
def test_the_pseudonym_becomes_usager(rules, pseudonym, reply, wanted):
    assert pair(rules, "Un avis.", reply, pseudonym=pseudonym).reply == wanted


@pytest.mark.parametrize("pseudonym", ["Lucile)", "lucile (maman de 2)", "Lulu [29]", "zoé :)"])
def test_a_pseudonym_that_ends_in_a_bracket_is_replaced_whole(rules, pseudonym):
    assert (
        pair(rules, "Un avis.", f"Bonjour {pseudonym}, merci.", pseudonym=pseudonym).reply == "Bonjour [USAGER], merci."
    )


def test_an_everyday_word_that_somebody_is_called_by_is_found_again_with_a_capital(rules):
    masked = pair(
        rules, "M. Petit a dit non, puis Petit a dit oui : un petit oui.", "Nous en parlons à Petit, un Petit mot."
    )
    assert masked.review == "M. [AGENT_1] a dit non, puis [AGENT_1] a dit oui : un petit oui."
    assert masked.reply == "Nous en parlons à [AGENT_1], un Petit mot."


def test_the_pseudonym_is_masked_in_the_review_too(rules):
    masked = pair(rules, "Je suis Zaza et j'attends.", "Bonjour Zaza,", pseudonym="Zaza")
    assert masked.review == "Je suis [USAGER] et j'attends."


def test_roles_come_from_the_speaker_and_the_words_around(rules):
    masked = pair(
        rules,
        "Ma fille Lilwenn a vu votre agent M. Carvalho.\nCordialement, Solveig Aubanel",
        "Bonjour Madame Aubanel, M. Carvalho recevra Lilwenn.\nCordialement, Nathalie Garrec",
    )
    assert masked.review == "Ma fille [TIERS_1] a vu votre agent M. [AGENT_1].\nCordialement, [USAGER]"
    assert masked.reply == "Bonjour Madame [USAGER], M. [AGENT_1] recevra [TIERS_1].\nCordialement, [AGENT_2]"


def test_what_was_typed_in_brackets_is_escaped(rules):
    masked = pair(rules, "Appelez [TEL] ou [agent_1], pas [moi].", "Voir [DOSSIER].")
    assert masked.review == "Appelez (TEL) ou (agent 1), pas [moi]."
    assert masked.reply == "Voir (DOSSIER)."
    assert masked.counts == {}


def test_empty_texts(rules):
    masked = rules.pair(title=None, review="", reply=None, pseudonym=None)
    assert (masked.title, masked.review, masked.reply, masked.counts) == ("", "", "", {})


def test_counts_are_the_placeholders_written(full):
    masked = pair(full, "Je suis au 06 39 98 11 22 ou au 06 39 98 11 23, Mme Lebrun le sait.", "Merci.")
    written = PLACEHOLDER.findall(masked.title + masked.review + masked.reply)
    assert sum(masked.counts.values()) == len(written) == 3
    assert masked.counts == {"AGENT": 1, "TEL": 2}


def test_every_type_has_a_priority_and_a_placeholder():
    assert set(RANK) - {"PERSONNE"} == PLACEHOLDERS - {"USAGER", "AGENT", "TIERS"}
    assert all(PLACEHOLDER.fullmatch(f"[{kind}]") for kind in PLACEHOLDERS)
    assert not PLACEHOLDER.fullmatch("[PERSONNE]")


# --- spans ---------------------------------------------------------------------------------------------------------


def test_merge_gives_up_no_character_and_keeps_the_more_precise_type():
    name, address = Span(12, 20, "PERSONNE", "ner"), Span(5, 15, "ADRESSE", "rule")
    assert merge([name, address]) == [Span(5, 20, "ADRESSE", "rule")]
    assert merge([Span(0, 2, "AGE", "rule"), Span(2, 4, "AGE", "rule")]) == [
        Span(0, 2, "AGE", "rule"),
        Span(2, 4, "AGE", "rule"),
    ]


def test_subtract_leaves_what_is_outside():
    kept = [Span(3, 5, "KEEP", ""), Span(8, 20, "KEEP", "")]
    assert subtract([Span(0, 10, "VILLE", "ner")], kept) == [Span(0, 3, "VILLE", "ner"), Span(5, 8, "VILLE", "ner")]
    assert subtract([Span(9, 12, "VILLE", "ner")], kept) == []


def test_trim_keeps_the_dot_of_an_initial():
    assert trim("(Gaspard T.)", Span(0, 12, "PERSONNE", "")) == Span(1, 11, "PERSONNE", "")
    assert trim(" Lebrun. ", Span(0, 9, "PERSONNE", "")) == Span(1, 7, "PERSONNE", "")
    assert trim(" ... ", Span(0, 5, "PERSONNE", "")) is None


def test_true_case_keeps_the_length_and_knows_names_from_words():
    frequencies = Frequencies(["merci", "Merci", "Didier", "pour", "patience"])
    assert frequencies.true_case("MERCI DIDIER POUR KERVALLAN") == "merci Didier pour Kervallan"
    assert frequencies.true_case("STRAẞE ŉ ﬁn") == "STRAẞE ŉ ﬁn" or len(frequencies.true_case("STRAẞE ŉ ﬁn")) == 11


def test_a_capital_that_no_list_of_words_holds_is_a_name_in_a_french_sentence():
    common = ["merci", "pour", "avec", "tout", "est", "bonjour", "simple", "la"]
    frequencies = Frequencies([*common, *(f"x{i}" for i in range(20_000))])

    def found(text):
        return [text[span.start : span.end] for span in frequencies.unheard_of(text)]

    assert found("avec Mbelwé tout est simple") == ["Mbelwé"]
    assert found("merci pour la Cafat") == found("avec Bonojur") == found("mit Ihren Zahlungsnachweis bitte") == []


# --- what holds for any text ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "pseudonym", "expected"),
    [
        (
            "Bonjour Al,\n\nAlors votre dossier et l'allocation.",
            "Al",
            "Bonjour [USAGER],\n\nAlors votre dossier et l'allocation.",
        ),
        ("Bonjour zaza92, merci. Zaza92 a raison.", "Zaza92", "Bonjour [USAGER], merci. [USAGER] a raison."),
        ("Bonjour, la réponse est e.", "e", "Bonjour, la réponse est e."),
        ("Bonjour Jean-Michel59,", None, "Bonjour Jean-Michel59,"),
    ],
)
def test_a_pseudonym_is_replaced_where_the_citizen_is_called_by_it(text, pseudonym, expected):
    assert replace_pseudonym(text, pseudonym) == expected


@pytest.mark.parametrize(
    "text", ["Bonjour… Merci !! Au revoir.", "M. Durand est venu. Il attend...", "a..... b", "." * 50]
)
def test_sentences_hold_every_word_of_the_text(text):
    found = [text[start:end] for start, end in sentence_places(text)]
    assert [c for part in found for c in part if c.isalnum()] == [c for c in text if c.isalnum()]
