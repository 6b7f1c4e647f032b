"""`keyturn` and `python -m keyturn`."""

import sys

from keyturn.ground import prompt


def main() -> None:
    if sys.argv[1:] == prompt.WORDS:
        prompt.show()
    # Only now: this imports a good deal.
    from keyturn.cli.main import main as command_line

    command_line()


if __name__ == "__main__":
    main()
