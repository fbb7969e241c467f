"""One self-contained page about a run: what was found and why, in a file that needs no network and opens from disk.

`gathering` reads the store, `charts` draws, `page` puts both into ``parts/page.html.j2``. The same store gives the same
bytes. Values come from attackers: they reach the page as text alone, and its Content-Security-Policy lets nothing run
but our own script.
"""
