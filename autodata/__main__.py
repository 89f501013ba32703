"""`python -m autodata`."""

from autodata.cli import main

main()
