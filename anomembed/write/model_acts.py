"""What people do with the models of a store: list and compare them, go back to an earlier one, and remove old ones."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from anomembed.errors import StoreError
from anomembed.read.roles.role import Role
from anomembed.write.acts import add_act
from anomembed.write.store import Store

WITHDRAWN, PRUNED = "withdrawn", "pruned"
PARTS = ("model_parts", "tokens", "pairs", "losses")  # tables with what a model consists of
LIST = """
    SELECT model_id, coalesce(any_value(state), 'ready') AS state, fitted_at, models.source, n_reference,
        count(run_id) AS n_runs, coalesce(sum(n_scored), 0)::BIGINT AS n_scored,
        coalesce(sum(n_flagged), 0)::BIGINT AS n_flagged
    FROM models LEFT JOIN runs USING (model_id)
    GROUP BY model_id, fitted_at, models.source, n_reference ORDER BY model_id"""
DIFFERENCE = """
    WITH one AS (FROM tokens WHERE model_id = $one), other AS (FROM tokens WHERE model_id = $other),
    sizes AS (
        SELECT max(n_reference) FILTER (WHERE model_id = $one) AS n_one,
            max(n_reference) FILTER (WHERE model_id = $other) AS n_other
        FROM models),
    shares AS (
        SELECT coalesce(one.column_name, other.column_name) AS column_name, coalesce(one.token, other.token) AS token,
            coalesce(one.n_records, 0) / n_one AS share, coalesce(other.n_records, 0) / n_other AS other_share,
            round(list_cosine_similarity(one.embedding, other.embedding), 4) AS similarity
        FROM one FULL JOIN other ON one.column_name = other.column_name AND one.token = other.token CROSS JOIN sizes)
    SELECT column_name, token, share, other_share, if(isnan(similarity), NULL, similarity) AS similarity FROM shares
    WHERE share <> other_share ORDER BY abs(share - other_share) DESC, column_name, token LIMIT $most"""


def list_models(store: Store) -> pl.DataFrame:
    """Return the models, with how many runs each made and what these flagged."""
    return store.frame(LIST)


def describe_model(store: Store, model_id: int) -> dict[str, Any]:
    """Return what a store knows about a model.

    Raises
    ------
    StoreError
        When there is no such model.
    """
    model_id = store.find_model(model_id)
    row = store.rows(
        "SELECT coalesce(state, 'ready'), CAST(fitted_at AS VARCHAR), source, n_reference, config, roles, summary, "
        "versions FROM models WHERE model_id = ?",
        [model_id],
    )[0]
    config, roles, summary, versions = (json.loads(text) for text in row[4:])
    return {
        "model_id": model_id,
        "state": row[0],
        "fitted_at": row[1],
        "source": row[2],
        "n_reference": row[3],
        "fit_where": config["source"].get("fit_where"),
        "detector": summary["detector"],
        "columns": ", ".join(f"{role['column']} ({role['role']})" for role in roles),
        "notes": "; ".join(summary["notes"]),
        "versions": ", ".join(f"{name} {number}" for name, number in versions.items()),
    }


def compare_models(store: Store, one: int, other: int, most: int) -> pl.DataFrame:
    """Return the values whose share of the reference differs most between two models.

    Parameters
    ----------
    store : Store
        An open store.
    one, other : int
        Ids of the models.
    most : int
        Values to return.

    Returns
    -------
    pl.DataFrame
        ``column_name``, ``token``, ``share``, ``other_share`` and ``similarity`` of its two embeddings: 1 where it
        occurs with the same others; null where one model does not have it.
    """
    given = {"one": _with_parts(store, one), "other": _with_parts(store, other), "most": most}
    return store.frame(DIFFERENCE, given)


def _with_parts(store: Store, model_id: int) -> int:
    if model_state(store, store.find_model(model_id)) == PRUNED:
        raise StoreError(f"model {model_id} in {store.path} was pruned: nothing of it is left to compare")
    return model_id


def unit_of(roles: Iterable[Mapping[str, Any]]) -> str:
    """Return what a model judges, in the plural, by the roles that are kept of it: ``records`` or ``sequences``."""
    return "sequences" if any(role["role"] == Role.EVENT for role in roles) else "records"


def model_state(store: Store, model_id: int) -> str | None:
    """Return whether a model was withdrawn or pruned; None when it may be chosen."""
    state = store.rows("SELECT state FROM models WHERE model_id = ?", [model_id])[0][0]
    return None if state is None else str(state)


def revert(store: Store, model_id: int, *, findings: bool) -> tuple[list[int], int]:
    """Go back to a model: those of the same source that are newer are chosen no more.

    Parameters
    ----------
    store : Store
        An open store.
    model_id : int
        The model to go back to; it may have been withdrawn itself.
    findings : bool
        Withdraw findings all of whose flags are by the models that go, too.

    Returns
    -------
    gone : list of int
        The models that go.
    n_findings : int
        Findings withdrawn.

    Raises
    ------
    StoreError
        When there is no such model, or it was pruned.
    """
    _with_parts(store, model_id)
    newer = "model_id > $model AND state IS NULL AND source = (SELECT source FROM models WHERE model_id = $model)"
    with store.transaction():
        gone = [
            row[0] for row in store.rows(f"SELECT model_id FROM models WHERE {newer} ORDER BY 1", {"model": model_id})
        ]
        store.rows(f"UPDATE models SET state = '{WITHDRAWN}' WHERE {newer}", {"model": model_id})
        store.rows("UPDATE models SET state = NULL WHERE model_id = ?", [model_id])
        withdrawn = _withdraw_findings(store, gone) if findings else []
        add_act(store, "revert", because=f"to model {model_id} from {', '.join(map(str, gone)) or 'none'}")
    return gone, len(withdrawn)


def _withdraw_findings(store: Store, models: list[int]) -> list[str]:
    """Close findings of which only some models made flags, without a word: alerts not told yet are not told."""
    only = (
        "SELECT finding_id FROM finding_flags JOIN runs USING (run_id) GROUP BY finding_id "
        "HAVING bool_and(list_contains(?, model_id))"
    )
    gone = f"UPDATE findings SET is_open = false WHERE is_open AND finding_id IN ({only})"
    rows = store.rows(f"{gone} RETURNING finding_id", [models])
    ids = [row[0] for row in rows]
    store.rows(
        "DELETE FROM deliveries WHERE told_at IS NULL AND alert_id IN "
        "(SELECT alert_id FROM alerts WHERE list_contains(?, finding_id))",
        [ids],
    )
    return ids


def prune(store: Store, keep: int) -> list[int]:
    """Remove all but the newest models of each source; the rows of their runs, scores and flags stay.

    Parameters
    ----------
    store : Store
        An open store.
    keep : int
        Models of each source to keep, besides which withdrawn ones go first.

    Returns
    -------
    list of int
        The models of which only the row in ``models`` is left.
    """
    ranked = "row_number() OVER (PARTITION BY source ORDER BY state IS NOT NULL, model_id DESC)"
    chosen = (
        f"SELECT model_id FROM (SELECT *, {ranked} AS place FROM models WHERE state IS DISTINCT FROM '{PRUNED}') "
        "WHERE place > ? ORDER BY model_id"
    )
    with store.transaction():
        gone = [row[0] for row in store.rows(chosen, [keep])]
        for table in PARTS:
            store.rows(f"DELETE FROM {table} WHERE list_contains(?, model_id)", [gone])
        store.rows(f"UPDATE models SET state = '{PRUNED}' WHERE list_contains(?, model_id)", [gone])
    return gone
