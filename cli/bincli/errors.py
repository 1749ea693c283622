"""What can go wrong in a command through no fault of the program."""


class CommandError(Exception):
    """The command can't do what was asked; the message says what was wrong and what to do. Ends with exit code 1."""
