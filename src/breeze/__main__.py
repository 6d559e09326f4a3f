"""`python -m breeze`: the command `breeze`."""

from breeze.surfaces.cli import main

if __name__ == "__main__":
    main()
