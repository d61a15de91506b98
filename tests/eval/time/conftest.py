import datetime as dt
import json

import pytest

from eval.time.simulated.world import PILOT, World

SECRET = "phrase-que-nul-ne-doit-lire"


def experience(number, *, written, published=None, replied=None, structure="CAF de l'Essonne", **fields):
    """One flat row of an export with one structure; its reply exists iff `replied` is given, unless said otherwise."""
    return {
        "id_experience": str(number),
        "titre": f"{SECRET} titre",
        "description": f"{SECRET} avis",
        "pseudonyme_usager": f"{SECRET} pseudonyme",
        "ecrit_le": str(written),
        "date_de_publication": str(published) if published else None,
        "date_de_premiere_reponse": str(replied) if replied else None,
        "intitule_typologie_1": "CAF",
        "intitule_structure_1": structure,
        "statut_reponse_structure_1": "Réponse apportée" if replied else "En attente de réponse",
        "reponse_structure_1": f"{SECRET} Bonjour, votre dossier est suivi par nos services." if replied else None,
        "evaluation_reponse_structure_1_par_auteur": None,
        **fields,
    }


def rows_of(drawn):
    """The rows of a drawn world, as a file of one network holds them."""
    made = []
    for i, (structure, day, delay, answered, flag, vote) in enumerate(
        zip(drawn.structure, drawn.day, drawn.delay, drawn.answered, drawn.offered, drawn.vote, strict=True)
    ):
        written = PILOT + dt.timedelta(days=int(day))
        made.append(
            experience(
                i,
                written=written,
                published=written,
                replied=written + dt.timedelta(days=int(delay)) if answered else None,
                structure=f"CAF {structure}",
                aide_ia_proposee_reponse_structure_1="O" if flag else "N",
                taux_de_similarite_reponse_ia_structure_1=str(40 + i % 61) if flag and answered else None,
                evaluation_reponse_structure_1_par_auteur={1: "utile", 0: "pas utile"}.get(int(vote)),
            )
        )
    # The file's latest date is the day of extraction.
    last = PILOT + dt.timedelta(days=drawn.world.after - 1)
    return [*made, experience(len(made), written=last, published=last)]


@pytest.fixture
def make_experience():
    return experience


@pytest.fixture(scope="session")
def world():
    """The class World: `world(effect=0.5).draw(seed)`."""
    return World


@pytest.fixture
def write_export(tmp_path):
    def write(rows, name="export.json"):
        path = tmp_path / name
        path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
        return path

    return write
