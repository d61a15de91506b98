"""An analysis of time in MLflow: its estimates, its claims and both files. Ledger, never judge."""

from pathlib import Path

from plume import tracking


def log_time(result: dict, out: Path) -> str:
    """Log the rows of the whole export, the claims' outcomes and the two files; returns the run's id.

    A row is the metrics `<quantity>/<comparison>/<group>`, `….lower`, `….upper` and `….n`; networks, months and
    structures are in time.json, which is an artifact. Neither file holds any text of reviews or replies.
    """
    import mlflow

    with tracking.run(f"time {out.name}", kind="time") as active:
        tracking.log_params({f"{name}_sha256": digest for name, digest in result["inputs"].items()})
        tracking.log_params({key: result[key] for key in ("pilot_start", "extracted_on")})
        tracking.log_params({f"count.{name}": n for name, n in result["counts"].items()})
        mlflow.set_tags({f"claim.{claim['id']}": claim["outcome"] for claim in result["claims"]})
        if result["missing_columns"]:
            mlflow.set_tag("missing_columns", ", ".join(result["missing_columns"]))
        metrics = {}
        for row in (*result["estimates"], *result["active_minutes"]):
            if ":" in row["group"]:
                continue
            name = f"{row['quantity']}/{row['comparison']}/{row['group'].replace(', ', '_').replace(' ', '_')}"
            values = {name: row["estimate"], f"{name}.lower": row["lower"], f"{name}.upper": row["upper"]}
            metrics |= {key: value for key, value in values.items() if value is not None}
            metrics[f"{name}.n"] = row["n"]
        mlflow.log_metrics(metrics)
        for name in ("time.json", "time.html"):
            mlflow.log_artifact(str(out / name))
        return active.info.run_id
