import datetime as dt
import json

import numpy as np
import pytest

PILOT = dt.date(2023, 10, 5)
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


@pytest.fixture
def make_experience():
    return experience


@pytest.fixture
def write_export(tmp_path):
    def write(rows, name="export.json"):
        path = tmp_path / name
        path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def simulate():
    """Rows whose delays are lognormal, seen on the last day: `scale_after` is the median after the pilot's start."""

    def rows(*, n_before, n_after, days_before=365, days_after=60, scale=10.0, scale_after=10.0, sigma=1.2, seed=7):
        random = np.random.default_rng(seed)
        extracted_on = PILOT + dt.timedelta(days=days_after - 1)
        made = []
        for first, days, median, n in (
            (-days_before, days_before, scale, n_before),
            (0, days_after, scale_after, n_after),
        ):
            starts = random.integers(first, first + days, size=n)
            waits = random.lognormal(np.log(median), sigma, size=n).astype(int)
            for start, wait in zip(starts.tolist(), waits.tolist(), strict=True):
                written = PILOT + dt.timedelta(days=start)
                replied = written + dt.timedelta(days=wait)
                made.append(
                    experience(
                        len(made),
                        written=written,
                        published=written,
                        replied=replied if replied <= extracted_on else None,
                        structure=f"CAF {random.integers(40)}",
                    )
                )
        # The file's latest date is the day of extraction.
        made.append(experience(len(made), written=extracted_on, published=extracted_on))
        return made

    return rows
