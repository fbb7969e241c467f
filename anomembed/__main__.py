"""``python -m anomembed`` is the command ``anomembed``."""

from anomembed.cli import main

main()
