"""``python -m refexec``: the command line."""

from refexec.cli import main

if __name__ == "__main__":
    main(prog_name="refexec")
