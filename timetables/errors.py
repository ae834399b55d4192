"""What can go wrong with a file of a timetable, by what a person can do about it."""

from settings.errors import SchoolfilterError


class BadTable(SchoolfilterError):  # noqa: N818 - reads as what it is: "except BadTable"
    """A table was not taken, not a line of it; the message tells every bad line."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class BadCalendarFile(SchoolfilterError):  # noqa: N818 - reads as what it is: "except BadCalendarFile"
    """The file is no iCalendar file that can be read."""
