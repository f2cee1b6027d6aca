"""The command line of a checkout, as `python cli.py list`; an installed zoo has the command `zoo`."""

from zoo.cli import main

if __name__ == "__main__":
    main()
