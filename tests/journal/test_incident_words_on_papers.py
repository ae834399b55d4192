"""Papers have words for all that the journal knows: papers/ itself does not know the journal."""

from collections.abc import Iterator

import pytest

from journal.incidents import Rule, State
from journal.notifying.contacts import Role
from papers.incident_words import role_words, rule_title, state_words
from translations import language, use


@pytest.fixture(autouse=True)
def russian() -> Iterator[None]:
    """Speak Russian: an English word may be the one that is kept in records."""
    before = language()
    use("ru")
    yield
    use(before)


@pytest.mark.parametrize("rule", Rule)
def test_rules_have_words(rule: Rule) -> None:
    assert rule_title(rule) != rule.value


@pytest.mark.parametrize("state", State)
def test_states_have_words(state: State) -> None:
    assert state_words(state) != state.value


@pytest.mark.parametrize("role", Role)
def test_roles_have_words(role: Role) -> None:
    assert role_words(role) != role.value
