"""The program ``pml``: as ``python -m procmon_pml``, and as ``pml`` where Python puts its scripts."""

import sys

from ._native import program


def main() -> int:
    """Runs the program with the arguments of this process; gives the exit status."""
    return program(["pml", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
