"""`python -m unetzoo` is the command `unetzoo`."""

from unetzoo.cli import main

main()
