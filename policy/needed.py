"""Names that lessons and devices need: they open whatever category a list has put them into."""

from dataclasses import dataclass

EDUCATION = "education"
"""Sites of schooling: the state's systems, textbooks, courses, reference works."""
DEVICES = "devices"
"""What devices need to work: connectivity checks, updates, certificates, time."""
APP_STORES = "app-stores"
"""Where programs come from. Needed by staff only: a pupil installs nothing at school (R1 3.3)."""

BUNDLES: tuple[str, ...] = (EDUCATION, DEVICES, APP_STORES)


@dataclass(frozen=True, slots=True)
class Needed:
    """A name of a bundle."""

    name: str
    subtree: bool
    """Whether it stands for all names below it, too."""
    bundle: str
