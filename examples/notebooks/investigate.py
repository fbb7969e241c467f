"""A marimo notebook on a store: its runs, what they flagged and why, in SQL, and the charts of the page.

    pip install marimo
    marimo edit examples/notebooks/investigate.py -- --store anomembed.duckdb

`marimo run` in place of `marimo edit` shows it without its code. It only reads, but while it is open no run can write
to the store: of a store that a monitor writes to, open the copy that `[store] snapshot = true` leaves beside it.
"""

import marimo

app = marimo.App(width="medium", app_title="anomembed")


@app.cell
def _():
    from pathlib import Path

    import duckdb
    import marimo as mo

    from anomembed.report.drawing import draw_run
    from anomembed.report.gathering import gather
    from anomembed.write.models import load_model
    from anomembed.write.reading import open_to_read

    path = Path(mo.cli_args().get("store") or "anomembed.duckdb")
    return duckdb, draw_run, gather, load_model, mo, open_to_read, path


@app.cell
def _(draw_run, gather, load_model, open_to_read, path):
    def charts_of(run_id):
        """Draw the charts of a run's page."""
        with open_to_read(path) as opened:
            run = gather(opened, run_id)
            model = None if run.run["is_pruned"] else load_model(opened, run.run["model_id"])
            return draw_run(opened, model, run)

    return (charts_of,)


@app.cell
def _(duckdb, path):
    store = duckdb.connect()
    store.execute("ATTACH '{}' AS anomembed (READ_ONLY)".format(str(path).replace("'", "''")))
    store.execute("USE anomembed")
    return (store,)


@app.cell
def _(mo, store):
    runs = mo.sql("FROM runs WHERE failure IS NULL ORDER BY run_id DESC", engine=store)
    return (runs,)


@app.cell
def _(mo, runs):
    rows = runs.select("run_id", "source", "scored_at").iter_rows()
    names = {f"run {run_id} of {source}, {at:%Y-%m-%d %H:%M}": run_id for run_id, source, at in rows}
    chosen = mo.ui.dropdown(names, value=next(iter(names)), label="What was judged:")
    chosen
    return (chosen,)


@app.cell
def _(chosen, mo, store):
    flags = mo.sql(
        f"""
        SELECT rank, key, tail_probability, view, reason FROM flags
        WHERE run_id = {chosen.value} ORDER BY rank, key
        """,
        engine=store,
        output=False,
    )
    table = mo.ui.table(flags, selection="single", initial_selection=[0] if len(flags) else None, page_size=10)
    mo.vstack([mo.md("## What does not fit\n\nChoose one to see why."), table])
    return flags, table


@app.cell
def _(chosen, mo, store, table):
    key = table.value["key"][0] if len(table.value) else ""
    why = store.sql("FROM why(?, of_run := ?)", params=[key, chosen.value]).pl()
    mo.vstack([mo.md(f"## Why {key}"), why])
    return (why,)


@app.cell
def _(chosen, mo, store):
    reasons = mo.sql(
        f"""
        SELECT count(*) AS n_flags, min(tail_probability) AS tail, min_by(reason, rank) AS reason FROM flags
        WHERE run_id = {chosen.value} GROUP BY coalesce(nullif(finding, ''), reason) ORDER BY min(rank)
        """,
        engine=store,
    )
    return (reasons,)


@app.cell
def _(charts_of, chosen, mo):
    charts = charts_of(chosen.value)
    mo.vstack([mo.vstack([mo.md(f"### {chart.title}"), mo.image(chart.light, alt=chart.text)]) for chart in charts])
    return (charts,)


if __name__ == "__main__":
    app.run()
