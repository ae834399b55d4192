"""The policy of a moment for machines."""

from datetime import UTC

from cli.matrix_state import PolicyThen
from policy.calendar_bodies import KINDS
from policy.groups import Group
from policy.matrix import EVERYONE, Fact, Topic, cell
from policy.names import display_name
from policy.services import SERVICES_BY_ID
from policy.subjects import SUBJECT_IDS


def policy_json(found: PolicyThen, group: str | None) -> dict[str, object]:
    """Return the policy, or what of it concerns one group."""
    said: dict[str, object] = {
        "at": found.moment.astimezone(UTC).isoformat(timespec="seconds"),
        "default_group": found.default_group,
        "groups": [_group(found, each) for each in found.groups if group in (None, each.id)],
        "blocks": [
            {
                "name": key.item,
                "display": display_name(key.item),
                "group": key.holder or None,
                "reason": fact.value,
                **_origin(fact),
            }
            for key, fact in found.of(Topic.BLOCK).items()
            if group is None or key.holder in (EVERYONE, group)
        ],
    }
    if group is not None:
        return said
    return said | {
        "rooms": [_room(found, id_) for id_ in found.ids("room")],
        "devices": len(found.ids("device")),
        "calendar": {kind: len(found.ids(kind)) for kind in KINDS},
        "list": {"names": len(found.of(Topic.LISTED)), "orders": len(found.orders), "head": found.head},
    }


def fact_json(fact: Fact | None) -> dict[str, object] | None:
    """Return a fact with what it rests on."""
    return None if fact is None else {"value": fact.value, **_origin(fact)}


def _group(found: PolicyThen, group: Group) -> dict[str, object]:
    own = {key.item: fact_json(fact) for key, fact in found.of(Topic.GROUP, group.id).items()}
    return {
        "id": group.id,
        **own,
        "default": group.id == found.default_group,
        "cells": {id_: cell(group, id_) for id_ in SUBJECT_IDS},
        "blocked": [
            {
                "id": key.item,
                "kind": "service" if key.item in SERVICES_BY_ID else "category",
                "hours": fact.value,
                **_origin(fact),
            }
            for key, fact in found.of(Topic.SUBJECT, group.id).items()
        ],
        "safe_search": [
            {"engine": key.item, "mode": fact.value, **_origin(fact)}
            for key, fact in found.of(Topic.SAFE_SEARCH, group.id).items()
        ],
        "networks": [{"network": key.item, **_origin(fact)} for key, fact in found.of(Topic.NETWORK, group.id).items()],
    }


def _room(found: PolicyThen, id_: str) -> dict[str, object]:
    facts = found.of("room", id_)
    said = {key.item: fact.value for key, fact in facts.items()}
    return {"id": id_, **said, **_origin(next(iter(facts.values())))}


def _origin(fact: Fact) -> dict[str, object]:
    origin = fact.origin
    return {"since": origin.since.isoformat(), "by": origin.by, "document": origin.document}
