"""``anomembed similar``: values that keep the company of one."""

from pathlib import Path
from typing import Annotated

import typer

from anomembed.cli import options as o

Token = Annotated[
    str, typer.Argument(metavar="COLUMN=VALUE", help="A value, such as merchant=Acme; a number is found by its bin.")
]
MapFile = Annotated[
    Path | None, typer.Option("--map", metavar="FILE", help="Draw the column's values on a map, as .png or .svg.")
]


@o.with_settings("store")
def similar(
    token: Token,
    model: o.ModelId = None,
    *,
    given: o.Given,
    map_file: MapFile = None,
    force: o.Force = False,
    form: o.OutputFormat = o.TABLE,
) -> None:
    """Show the values that occur with the same others as a given one, and what both go with.

    Example: anomembed similar "merchant=Scarlet Lantern Fuel"
    """
    from anomembed.cli.printing import print_answer
    from anomembed.config import make_config
    from anomembed.investigate.likeness import draw_likeness
    from anomembed.write.likeness import find_similar
    from anomembed.write.map import check_map_path
    from anomembed.write.reading import open_to_read

    store_path = make_config(given).store.path
    if map_file:
        check_map_path(map_file, store_path, force=force)
    with open_to_read(store_path) as store:
        found = find_similar(store, token, model_id=model)
        if map_file:
            draw_likeness(store, token, found["token"].to_list(), model, map_file)
    print_answer(found, form)
