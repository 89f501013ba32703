"""`python -m autodata.cli`."""

from autodata.cli import main

main()
