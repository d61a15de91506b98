"""Recall on names by case and origin: generated sentences whose names and turns of phrase nothing was learnt from.

    .venv/bin/python benchmarks/stress_names.py [--per-cell 300] [--untuned] [--show 20]

A name counts as found when each of its letters is masked. Rows are origins of the name, columns cases.
"""

import argparse
import random
from collections import Counter, defaultdict

from plume.command import say
from plume.corpus.pseudonymise import Pseudonymiser, sentences
from plume.corpus.pseudonymise.ner import load_ner

TEMPLATES = (
    "au bout du fil {P} m'a promis un rappel qui n'est jamais venu",
    "Je tiens à saluer {F}, dont le calme m'a rassurée.",
    "Mon épouse {F} a déposé la demande en février.",
    "Reçu par {F} au bureau des étrangers, rien à signaler.",
    "Monsieur {N} ne connaît pas la procédure.",
    "Le courrier était adressé à {F} et non à moi.",
    "{F} mérite une prime, vraiment.",
    "Pourquoi {F} ne me rappelle-t-elle pas ?",
    "Bien cordialement, {F}",
)
# First names and surnames, written down for this test.
ORIGINS = {
    "maghrébine": (
        "Yacine Nawel Abdelkader Fatiha Mourad Soraya Hicham Zohra Tarek Lamia Djamel Khadija",
        "Benhamou Bouzidi Cherkaoui Haddouche Mansouri Belkacem Ouahabi Zerrouki Slimani Tahraoui Guendouz Ferhat",
    ),
    "turque": (
        "Emre Ayşe Mehmet Zeynep Hakan Elif Serkan Gülsen Osman Derya Burak Nazlı",
        "Yılmaz Demirtaş Kaya Öztürk Çelik Arslan Doğan Koçak Şahin Aydın Kılıç Erdoğdu",
    ),
    "d'Afrique subsaharienne": (
        "Mamadou Aminata Ousmane Fatoumata Kouadio Adjoua Cheikh Ndeye Oumar Bintou Koffi Awa",
        "Traoré Diallo Ouédraogo Coulibaly Ndiaye Koné Mbappé Sissoko Nguema Kouassi Diabaté Tchoumi",
    ),
    "d'Asie": (
        "Thi Minh Xuan Linh Wei Jing Phuong Quoc Anh Mei Sokha Bopha",
        "Nguyen Tran Pham Huynh Zhang Chen Wang Vuong Sokhom Dang Truong Liu",
    ),
    "ibérique": (
        "João Inês Joaquim Conceição Álvaro Pilar Paulo Rosario Manuela Duarte Iker Ximena",
        "Ferreira Da Silva Carvalho Gonçalves Oliveira Rodríguez Fernández Teixeira Pereira Vázquez Etxeberria Nogueira",
    ),
    "slave": (
        "Oleksandr Iryna Dmitri Svetlana Tomasz Agnieszka Bogdan Milica Piotr Ludmila Zoran Katarzyna",
        "Kowalczyk Shevchenko Ivanova Nowak Petrović Wiśniewski Kuznetsov Dvořák Bondarenko Jovanović Zieliński Popescu",
    ),
    "bretonne et basque": (
        "Gwenaël Enora Yannick Maïwenn Erwan Soazig Ronan Nolwenn Beñat Maialen Peio Itziar",
        "Le Goff Kervella Tanguy Quéméneur Le Bras Guivarc'h Etcheverry Irigoyen Kerneis Le Dantec Salaün Harispe",
    ),
    "des Antilles": (
        "Gladys Jocelyn Marie-Aimée Rosalie Ludovic Josette Fabrice Ghislaine Éliane Jean-Robert Murielle Aristide",
        "Célestine Marie-Joseph Alcindor Sainte-Rose Nestoret Bellerose Zobda Cadasse Louisy Montabord Jean-Baptiste Lurel",
    ),
}
CASES = {"titre": str, "minuscules": str.lower, "capitales": sentences.same_length_upper}


def cells(per_cell: int) -> dict[tuple[str, str], list[sentences.Labelled]]:
    """(origin, case) -> labelled sentences."""
    draw = random.Random(7)  # noqa: S311
    firsts, lasts = sentences.names(1)
    common = sentences.names(1, least_first=5000, least_last=3000)
    lists = {"française fréquente": common, "INSEE, toutes": (firsts, lasts)}
    for origin, (first, last) in ORIGINS.items():
        lists[origin] = (first.split(" "), last.replace("Da ", "Da_").replace("Le ", "Le_").split(" "))
    found = {}
    for origin, (first, last) in lists.items():
        fill = {
            "P": lambda first=first: draw.choice(first),
            "N": lambda last=last: draw.choice(last).replace("_", " "),
            "F": lambda first=first, last=last: f"{draw.choice(first)} {draw.choice(last).replace('_', ' ')}",
        }
        rows = [sentences.fill_in(TEMPLATES[i % len(TEMPLATES)], fill) for i in range(per_cell)]
        for case, cased in CASES.items():
            found[origin, case] = [(cased(text), spans) for text, spans in rows if len(cased(text)) == len(text)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-cell", type=int, default=306)
    parser.add_argument("--untuned", action="store_true", help="the recogniser as it was published")
    parser.add_argument("--show", type=int, default=0, help="print so many missed names")
    arguments = parser.parse_args()
    pseudonymiser = Pseudonymiser(load_ner(tuned=not arguments.untuned))
    hits: dict[tuple[str, str], Counter] = defaultdict(Counter)
    missed = []
    for (origin, case), rows in cells(arguments.per_cell).items():
        for (text, wanted), spans in zip(rows, pseudonymiser.find_many([t for t, _ in rows]), strict=True):
            masked = {i for s in spans for i in range(s.start, s.end)}
            for start, end, _ in wanted:
                found = all(i in masked for i in range(start, end) if text[i].isalnum())
                hits[origin, case][found] += 1
                if not found:
                    missed.append((case, text))
    origins = list(dict.fromkeys(origin for origin, _ in hits))
    say(f"{'origine du nom':26}" + "".join(f"{case:>13}" for case in CASES) + f"{'toutes':>13}")

    def share(pick) -> str:
        total = sum((hits[cell] for cell in hits if pick(cell)), Counter())
        return f"{total[True] / total.total():>8.3f}/{total.total():<4}"

    for origin in origins:
        cases = (share(lambda cell, case=case, origin=origin: cell == (origin, case)) for case in CASES)
        say(f"{origin:26}" + "".join(cases) + share(lambda cell, origin=origin: cell[0] == origin))
    say(f"{'toutes':26}" + "".join(share(lambda c, case=case: c[1] == case) for case in CASES) + share(lambda c: True))
    for case, text in random.Random(1).sample(missed, min(arguments.show, len(missed))):  # noqa: S311
        say(f"  {case}: {text}")


if __name__ == "__main__":
    main()
