"""What can go wrong with lists, by what a person can do about it."""

from settings.errors import SchoolfilterError


class ListError(SchoolfilterError):
    """A list or the folder of lists is not as it should be; the message names the next step."""


class FetchError(ListError):
    """A list could not be had from where it lives; what we had of it stays in force."""


class RefusedText(ListError):  # noqa: N818 - reads as what it is: "except RefusedText"
    """What came is not a usable list (a web page, nothing, far less than before); what we had stays in force."""


class BrokenIndex(ListError):  # noqa: N818 - reads as what it is: "except BrokenIndex"
    """The compiled index is damaged or of another machine or version; `lists refresh` compiles it again."""
