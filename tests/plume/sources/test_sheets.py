"""A sheet of service-public.fr becomes blocks under its headings; what is no sheet, or cannot be read, says why."""

import itertools
import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import date

import pytest
from lxml import etree

from plume.sources import sheets
from plume.sources.cut import Block, passages
from plume.sources.sheets import Refused

TODAY = date(2026, 11, 30)


def read(data, name="F1", unknown=None):
    return sheets.read(data, name, TODAY, Counter() if unknown is None else unknown)


def blocks(xml, body):
    return read(xml(body)).blocks


def test_what_a_sheet_says_of_itself(xml):
    read_sheet = read(xml(attributes='spUrl="https://www.service-public.gouv.fr/particuliers/vosdroits/F1"'))
    assert read_sheet._replace(blocks=()) == (
        *("F1", "sheet", "Carte perdue", (), "https://www.service-public.gouv.fr/particuliers/vosdroits/F1"),
        *("particuliers", None, None, "2026-03-01", "Licence Ouverte 2.0"),
    )


@pytest.mark.parametrize(
    ("audience", "url"),
    [
        ("Particuliers", "https://www.service-public.fr/particuliers/vosdroits/F1"),
        ("Professionnels", "https://entreprendre.service-public.fr/vosdroits/F1"),
    ],
)
def test_the_address_is_made_from_the_id_where_the_sheet_gives_none_of_the_state(xml, audience, url):
    for own in ("", 'spUrl="https://service-public.fr.example/F1"', 'spUrl="javascript:alert(1)"'):
        found = read(xml(audience=audience, attributes=own))
        assert (found.url, found.audience) == (url, audience.lower())


def test_headings_and_cases_lead_to_a_block_from_the_outside_in(xml):
    body = """<Introduction><Texte><Paragraphe>Au début.</Paragraphe></Texte></Introduction>
      <ListeSituations affichage="onglet"><Situation><Titre>Vous êtes majeur</Titre><Texte>
        <Chapitre><Titre><Paragraphe>Que faire ?</Paragraphe></Titre><Paragraphe>Demandez.</Paragraphe>
          <BlocCas><Cas><Titre>En France</Titre><BlocCas><Cas><Titre>En mairie</Titre>
            <Paragraphe>Prenez rendez-vous.</Paragraphe></Cas></BlocCas></Cas></BlocCas></Chapitre>
      </Texte></Situation></ListeSituations>"""
    assert blocks(xml, body) == (
        Block((), "Au début."),
        Block(("Vous êtes majeur", "Que faire ?"), "Demandez."),
        Block(("Vous êtes majeur", "Que faire ?", "En France", "En mairie"), "Prenez rendez-vous."),
    )


def test_a_line_is_one_text_whatever_stands_in_it(xml):
    body = (
        "<Texte><Paragraphe>Avant le 1<Exposant>er</Exposant> mai, payez <Valeur>3 750 €</Valeur><MiseEnEvidence/> "
        '<MiseEnEvidence>au <LienIntra LienID="R1">guichet</LienIntra></MiseEnEvidence>, ou '
        '<LienExterne URL="https://ants.gouv.fr">en ligne</LienExterne>.</Paragraphe></Texte>'
    )
    assert blocks(xml, body) == (
        Block((), "Avant le 1er mai, payez 3 750 € au guichet, ou en ligne (https://ants.gouv.fr)."),
    )


def test_items_are_parted_and_a_note_begins_with_its_title(xml):
    body = """<Texte><Paragraphe>Joignez :</Paragraphe><Liste type="puce">
      <Item><Paragraphe>une photo</Paragraphe></Item>
      <Item><Paragraphe>un justificatif,</Paragraphe></Item><Item><Paragraphe>votre carte</Paragraphe></Item></Liste>
      <ASavoir><Titre>À savoir</Titre><Paragraphe>C'est gratuit.</Paragraphe></ASavoir>
      <Rappel><Paragraphe>Gardez une copie.</Paragraphe></Rappel></Texte>"""
    assert [block.text for block in blocks(xml, body)] == [
        *("Joignez :", "une photo ;", "un justificatif,", "votre carte."),
        *("À savoir : C'est gratuit.", "Rappel : Gardez une copie."),
    ]


def test_each_row_of_a_table_says_its_columns(xml):
    body = """<Texte><Tableau><Titre>Tarifs</Titre><Colonne type="header"/><Colonne/><Colonne/>
      <Rangée type="header"><Cellule/><Cellule><Paragraphe>Adulte</Paragraphe></Cellule>
        <Cellule><Paragraphe>Enfant</Paragraphe></Cellule></Rangée>
      <Rangée type="normal"><Cellule fusionVerticale="2"><Paragraphe>Zone 1</Paragraphe></Cellule>
        <Cellule><Paragraphe><Valeur>25 €</Valeur></Paragraphe></Cellule>
        <Cellule><Paragraphe>20 €</Paragraphe></Cellule></Rangée>
      <Rangée type="normal"><Cellule fusionHorizontale="2"><Paragraphe>Gratuit</Paragraphe></Cellule></Rangée>
      <Note>Prix de 2026</Note></Tableau></Texte>"""
    unknown = Counter()
    assert read(xml(body), unknown=unknown).blocks == (
        Block(("Tarifs",), "Zone 1 ; Adulte : 25 € ; Enfant : 20 €."),
        Block(("Tarifs",), "Zone 1 ; Adulte : Gratuit ; Enfant : Gratuit."),
        Block(("Tarifs",), "Prix de 2026"),
    )
    assert unknown == {"Note": 1}


def test_what_a_sheet_refers_to_is_named_with_its_address(xml):
    body = """<Texte><Paragraphe>Faites-le en ligne.</Paragraphe><ServiceEnLigne type="Téléservice" ID="R1"
        URL="https://ants.gouv.fr/perte"><Titre>Déclarer la perte</Titre>
        <Source ID="R2">ANTS</Source></ServiceEnLigne></Texte>
      <OuSAdresser ID="R3"><Titre>Caf</Titre><PivotLocal>caf</PivotLocal>
        <RessourceWeb URL="https://lannuaire.service-public.fr/navigation/caf"/></OuSAdresser>
      <Reference URL="https://legifrance.gouv.fr/x" type="Texte de référence">
        <Titre>Code civil : article 16</Titre></Reference>
      <VoirAussi><Fiche ID="F2"><Titre>Autre fiche</Titre></Fiche></VoirAussi>
      <Definition ID="R9"><Titre>Jour franc</Titre><Texte><Paragraphe>De 0 h à 24 h</Paragraphe></Texte></Definition>"""
    found = read(xml(body))
    assert found.network == "CAF"
    assert found.blocks == (
        Block((), "Faites-le en ligne."),
        Block((), "Téléservice : Déclarer la perte : ANTS (https://ants.gouv.fr/perte)."),
        Block(("Où s'adresser ?",), "Caf : https://lannuaire.service-public.fr/navigation/caf"),
        Block(("Textes de référence",), "Code civil : article 16 (https://legifrance.gouv.fr/x)."),
        Block(("Définitions",), "Jour franc : De 0 h à 24 h"),
    )


def test_services_of_two_networks_leave_a_sheet_without_one(xml):
    pivots = "".join(
        f"<OuSAdresser><PivotLocal>{code}</PivotLocal></OuSAdresser>" for code in ("caf", "msa", "inconnu")
    )
    assert read(xml(f"<Texte><Paragraphe>Oui.</Paragraphe></Texte>{pivots}")).network is None


def test_an_unknown_element_is_counted_and_its_text_kept_in_order(xml):
    body = """<Texte><Paragraphe>Un <Couleur>bleu</Couleur> vif.</Paragraphe><Encart><Titre>Nouveau</Titre>
        <Ligne>Premier.</Ligne><Ligne>Second <Couleur>rouge</Couleur>.</Ligne></Encart></Texte>
        <Bandeau>Dernier.</Bandeau>"""
    unknown = Counter()
    assert read(xml(body), unknown=unknown).blocks == (
        Block((), "Un bleu vif."),
        Block(("Nouveau",), "Premier."),
        Block(("Nouveau",), "Second rouge."),
        Block((), "Dernier."),
    )
    assert unknown == {"Couleur": 2, "Encart": 1, "Ligne": 2, "Bandeau": 1}


def test_a_namespace_of_its_own_changes_nothing(xml):
    body = "<Texte><Paragraphe>Le délai est de 26 jours.</Paragraphe></Texte>"
    named = b"\n" + xml(body).replace(b"<Publication ", b'<Publication xmlns="urn:schema:4" ')
    assert read(named) == read(xml(body))
    assert read(b"\xef\xbb\xbf\n" + xml(body)) == read(xml(body))  # as some editors save it


def test_what_holds_for_some_alone_says_for_whom(xml):
    body = """<Questionnaire><Question><Titre>Votre logement</Titre>
        <Choix><Titre>Locataire</Titre><IntituleSiSelectionne>Vous êtes locataire</IntituleSiSelectionne>
          <SiSelectionne><affecteVrai var="T1"/><affecteFaux var="T2"/></SiSelectionne></Choix>
        <Choix><Titre>Étranger</Titre><SiSelectionne><affecteVrai var="T3"/></SiSelectionne></Choix></Question>
        </Questionnaire>
      <Texte><FragmentConditionne><Condition><estVrai var="T1"/></Condition><Paragraphe>Donnez congé.</Paragraphe>
        </FragmentConditionne>
      <Chapitre><Titre>Enfants</Titre><TitreAlternatif>Si vous en avez</TitreAlternatif><Condition><estVrai var="T9"/>
        </Condition><Liste><Item><Condition><ou><estFaux var="T1"/><estVrai var="T3"/></ou></Condition>
        <Paragraphe>Inscrivez-les</Paragraphe></Item></Liste></Chapitre>
      <BlocCas><Cas><Titre>Je suis locataire</Titre><Condition><estVrai var="T1"/></Condition>
        <Paragraphe>Rendez les clés.</Paragraphe></Cas></BlocCas></Texte>"""
    unknown = Counter()
    assert read(xml(body), unknown=unknown).blocks == (
        Block(("Vous êtes locataire",), "Donnez congé."),
        Block(
            ("Enfants – Si vous en avez", "(sauf : Vous êtes locataire) ou Votre logement : Étranger"), "Inscrivez-les."
        ),
        Block(("Je suis locataire",), "Rendez les clés."),
    )
    assert not unknown


def test_a_floating_title_leads_to_what_follows_it(xml):
    body = """<Texte><Chapitre><Titre>Coût</Titre><Paragraphe>Variable.</Paragraphe><TitreFlottant><Paragraphe>Adulte
      </Paragraphe></TitreFlottant><Paragraphe>86 €</Paragraphe></Chapitre><Paragraphe>Fin.</Paragraphe></Texte>"""
    assert blocks(xml, body) == (
        Block(("Coût",), "Variable."),
        Block(("Coût", "Adulte"), "86 €"),
        Block((), "Fin."),
    )


def test_a_title_that_leads_to_nothing_is_not_lost(xml):
    body = """<Texte><BlocCas><Cas><Titre>Rien à faire</Titre></Cas></BlocCas><TitreFlottant>Bientôt</TitreFlottant>
      <TitreFlottant>Demain</TitreFlottant><Paragraphe>Venez.</Paragraphe><Liste><Titre>Pièces</Titre></Liste>
      <Attention><Titre>Fermé le lundi</Titre></Attention><Tableau><Titre>Tarifs</Titre></Tableau></Texte>"""
    assert blocks(xml, body) == (
        *(Block((), "Rien à faire"), Block((), "Bientôt"), Block(("Demain",), "Venez.")),
        *(Block(("Demain",), text) for text in ("Pièces.", "Fermé le lundi", "Tarifs")),
    )


def test_a_row_keeps_equal_cells_apart_and_a_heading_among_rows_leads_to_those_below(xml):
    def row(kind, *cells):
        return f'<Rangée type="{kind}">{"".join(f"<Cellule{cell}</Cellule>" for cell in cells)}</Rangée>'

    across = ' fusionHorizontale="3">'
    rows = (
        row("header", ">Âge", ' fusionHorizontale="2">Tarif') + row("normal", ">Adulte", ">8 €", ">8 €"),
        row("header", f"{across}Hors saison") + row("normal", ">Enfant", ">4 €", ">") + row("normal", f"{across}Fermé"),
        row("header", ">Lieu", ">Jour", ">Notes")
        + '<Rangée><Cellule>Gare</Cellule><Case URL="https://a.fr">lundi</Case>',
    )
    assert blocks(xml, f"<Texte><Tableau>{''.join(rows)}</Rangée></Tableau></Texte>") == (
        Block((), "Âge : Adulte ; Tarif : 8 € ; Tarif : 8 €."),
        Block(("Hors saison",), "Âge : Enfant ; Tarif : 4 €."),
        Block(("Hors saison",), "Fermé."),
        Block((), "Lieu : Gare ; Jour : lundi (https://a.fr)."),
        Block((), "Notes"),
    )


def test_a_row_too_long_for_a_passage_gives_each_cell_under_the_headings_of_row_and_column(xml):
    cells = "".join(f"<Cellule>{text}</Cellule>" for text in ("Caution", "Un mois. " * 40, "Deux mois. " * 40))
    body = f"""<Texte><Tableau><Rangée type="header"><Cellule/><Cellule>Nu</Cellule><Cellule>Meublé</Cellule></Rangée>
      <Rangée>{cells}</Rangée></Tableau></Texte>"""
    found = passages(read(xml(body)))
    assert {(*passage["where"], passage["text"][:9]) for passage in found} == {
        ("Caution", "Nu", "Un mois. "),
        ("Caution", "Meublé", "Deux mois"),
    }


def test_what_a_sheet_refers_to_keeps_the_headings_within_it_and_every_address(xml):
    body = """<LienExterneCommente URL="https://a.fr"><Commentaire>Lisez https://a.fr/aide</Commentaire>
        </LienExterneCommente>
      <Definition><Titre>Ayant droit</Titre><Texte><Chapitre><Titre>En cas de décès</Titre><Liste><Titre>Qui</Titre>
        <Item>Époux</Item><Item>Enfants</Item></Liste></Chapitre></Texte></Definition>"""
    assert blocks(xml, body) == (
        Block((), "Lisez https://a.fr/aide (https://a.fr)."),
        Block(("Définitions",), "Ayant droit : En cas de décès : Qui : Époux ; Enfants."),
    )
    long = passages(read(xml(f"<Definition><Titre>Caf</Titre><Texte>{'Elle aide. ' * 99}</Texte></Definition>")))
    assert len(long) > 1
    assert {tuple(passage["where"]) for passage in long} == {("Définitions", "Caf")}


def test_a_condition_is_said_by_all_answers_that_it_rests_on_or_as_one_without_words(xml):
    choices = "".join(
        f'<Choix><Titre>{said}</Titre><SiSelectionne><affecteVrai var="A"/></SiSelectionne></Choix>'
        for said in ("Oui", "Bientôt")
    )
    asked = f"<Questionnaire><Question><Titre>Êtes-vous parent ?</Titre>{choices}</Question></Questionnaire>"

    def where(condition):
        return blocks(xml, f"{asked}<Texte><Attention>{condition}<Paragraphe>Oui.</Paragraphe></Attention></Texte>")[
            0
        ].where

    said = "Êtes-vous parent ? Oui ou Êtes-vous parent ? Bientôt"
    assert where('<Condition><estVrai var="A"/></Condition>') == (said,)
    for other in ('<estVrai var="B"/>', '<estFaux var="B"/>', '<non><estVrai var="A"/></non>'):
        assert where(f"<Condition>{other}</Condition>") == ("selon votre situation",)
    assert where("") == ()


@pytest.mark.parametrize(
    ("root", "reason"),
    [
        ('<Publication ID="N1" type="Theme"/>', "node"),
        ('<Publication ID="F1" type="Dossier"/>', "node"),
        ('<ServiceComplementaire ID="R1" type="Formulaire"/>', "resource"),
        ("<CommentFaireSi/>", "index"),
        ('<Publication ID="F1" type="Recherche guidée"/>', "questionnaire"),
        ('<Publication ID="F1" type="Fiche', "damaged"),
        ('<Publication ID="F1" type="Fiche"/>', "damaged"),
        ("", "damaged"),
        ('<!DOCTYPE p [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><Publication ID="F1"/>', "damaged"),
        ('<!DOCTYPE p SYSTEM "file:///etc/passwd"><Publication ID="F1"/>', "damaged"),
        ('<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]><Publication ID="F1">&x;</Publication>', "damaged"),
    ],
)
def test_what_is_no_sheet_says_why(root, reason):
    found = read(root.encode())
    assert isinstance(found, Refused)
    assert found.reason == reason
    assert found.detail
    assert "\n" not in found.detail


def test_an_empty_sheet_says_so_unless_it_describes_itself(xml):
    assert read(xml("")).reason == "empty"
    described = xml("<Texte/>").replace(b"</dc:title>", b"</dc:title><dc:description>En bref.</dc:description>")
    assert read(described).blocks == (Block((), "En bref."),)


def test_a_sheet_that_is_no_longer_valid_is_told(xml):
    assert read(xml(attributes='statut="Archivé"')).reason == "expired"
    assert read(xml(date="modified 2020-01-01, valid until 2025-12-31")).detail == "valid until 2025-12-31"
    assert read(xml(attributes='dateFinValidite="2026-01-01T00:00:00"')).reason == "expired"
    assert read(xml(date="modified 2020-01-01, valid until 2027-12-31")).updated_on == "2020-01-01"


@pytest.mark.parametrize("date_", ["modified 0205-05-05", "modified 2031-01-01", "modified 2026-02-30", "hier", ""])
def test_a_date_that_cannot_be_is_none(xml, date_):
    assert read(xml(date=date_)).updated_on is None


def test_nesting_beyond_reason_is_damage_and_no_crash(xml):
    for depth in (200, 3000):
        found = read(xml("<Texte>" * depth + "fond" + "</Texte>" * depth))
        assert isinstance(found, Refused) or found.blocks == (Block((), "fond"),)


def words_of(data: bytes) -> Counter:
    """The words of a sheet's own text, as a plain walk gives them: all but what only names other sheets."""
    root = etree.fromstring(data)
    for name in ("FilDAriane", "Theme", "DossierPere", "VoirAussi", "QuestionReponse", "SurTitre", "Audience", "Canal"):
        for node in root.findall(name):
            root.remove(node)
    for node in [*root.iter("PivotLocal"), *(n for n in root if "purl.org" in n.tag)]:
        node.getparent().remove(node)
    return Counter(re.findall(r"\w+", " ".join(root.itertext()).lower().replace("1 er", "1er")))


def test_no_word_of_the_sample_is_lost(sample):
    files = sorted(sample.rglob("F*.xml"))
    assert len(files) == 24
    for path in files:
        found = passages(read(path.read_bytes(), path.stem))
        said = " ".join(" ".join([*passage["where"], passage["text"]]) for passage in found).lower()
        assert (
            not words_of(path.read_bytes())
            - Counter(re.findall(r"\w+", said))
            - Counter(
                {
                    word: 99
                    for passage in found
                    for head in passage["where"]
                    for word in re.findall(r"\w+", head.lower())
                }
            )
        ), path


def any_part(chance: random.Random, word: Callable[[], str], depth: int = 0) -> str:
    """Write an element as the format has it, with others in it in an odd but possible order; no word twice."""

    def more() -> str:
        deeper = "".join(any_part(chance, word, depth + 1) for _ in range(chance.randint(0, 2))) if depth < 4 else ""
        return deeper or f"<Paragraphe>{word()} <Valeur>{word()}</Valeur></Paragraphe>"

    def title() -> str:
        return chance.choice(["", f"<Titre>{word()}</Titre>", f"<Titre><Paragraphe>{word()}</Paragraphe></Titre>"])

    def row() -> str:
        cells = (chance.choice([word(), "", f"<Liste><Item>{word()}</Item></Liste>"]) for _ in "abc")
        kind = chance.choice(["header", "normal"])
        return f'<Rangée type="{kind}">{"".join(f"<Cellule>{cell}</Cellule>" for cell in cells)}</Rangée>'

    def link(tag: str, content: str) -> str:
        return f'<{tag} URL="https://{word()}">{content}</{tag}>'

    kind = chance.randrange(9)
    if kind == 0:
        return f"<Paragraphe>{word()} {link('LienExterne', word())} {more()} {word()}</Paragraphe>"
    if kind == 1:
        return f"<Liste>{title()}<Item>{more()}</Item><Item>{word()}</Item></Liste>"
    if kind == 2:
        return f"<Tableau>{title()}{''.join(row() for _ in range(5))}</Tableau>"
    if kind == 3:
        return f"<ASavoir>{title()}{more()}</ASavoir>"
    if kind == 4:
        cases = (f"<Cas>{title()}{chance.choice([more(), ''])}</Cas>" for _ in "ab")
        return f"<BlocCas>{''.join(cases)}</BlocCas>"
    if kind == 5:
        return f"<Chapitre>{title()}<TitreFlottant>{word()}</TitreFlottant>{chance.choice([more(), ''])}</Chapitre>"
    if kind == 6:
        return link("Definition", f"{title()}<Texte>{more()}{more()}</Texte>")
    if kind == 7:
        return f"<FragmentConditionne><Condition><estVrai var='A'/></Condition>{more()}</FragmentConditionne>"
    return f"<Nouveau>{title()}{more()} {word()}</Nouveau>"


@pytest.mark.parametrize("times", [150, pytest.param(3000, marks=pytest.mark.long)])
def test_no_word_is_lost_whatever_stands_in_what(xml, times):
    for seed in range(times):
        chance, written = random.Random(seed), itertools.count(1000)
        body = "".join(any_part(chance, lambda: f"m{next(written)}") for _ in range(4))  # noqa: B023
        found = passages(read(xml(f"<Texte>{body}</Texte>")))
        said = " ".join(" ".join([*passage["where"], passage["text"]]) for passage in found)
        assert set(re.findall(r"m\d{4}", body)) == set(re.findall(r"m\d{4}", said)), seed


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Damage a file as transfers, editors and later schemas do."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data))
        kind = chance.randrange(7)
        if kind == 0:
            data = data[:at]
        elif kind == 1:
            data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        elif kind == 2:
            data = data[:at] + data[at : at + 80] * 3 + data[at + 80 :]
        elif kind == 3:
            tags = re.findall(rb"<(\w+)", data) or [b"x"]
            data = data.replace(chance.choice(tags), b"Nouveau")
        elif kind == 4:
            data = data.replace(b"</Paragraphe>", b"<Gras>\xc3\xa9</Gras></Paragraphe>", 2)
        elif kind == 5:
            data = data[:at] + b"&inconnu;" + data[at:]
        else:
            data = re.sub(rb' ID="[^"]*"', b' ID=""', data, count=chance.randint(1, 2))
        data = data or b"<"
    return data


@pytest.mark.parametrize("times", [300, pytest.param(3000, marks=pytest.mark.long)])
def test_damaged_files_give_passages_or_a_reason(sample, times):
    files = [path.read_bytes() for path in sorted(sample.rglob("*.xml"))]
    outcomes = Counter()
    for seed in range(times):
        chance = random.Random(seed)
        found = read(mutate(chance.choice(files), chance))
        if isinstance(found, Refused):
            assert found.detail
            outcomes[found.reason] += 1
        else:
            assert passages(found)
            outcomes["passages"] += 1
    assert outcomes["passages"] > times // 10
    assert outcomes["damaged"] > times // 10
