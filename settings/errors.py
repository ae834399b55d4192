"""The root of all errors that a person is told about."""


class SchoolfilterError(Exception):
    """Something a person can put right. The message says what was expected, what was found and the next step.

    The command line prints the message without a trace and ends with status 1.
    """
