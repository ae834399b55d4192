"""What is wrong with a ledger, in words, each time with the next step."""

from policy.ledger import Fault, Finding
from translations import _


def describe(finding: Finding) -> str:
    """Say what is wrong with which order, and what to do next."""
    return _words(finding).format(number=finding.sequence, detail=finding.detail)


def _words(finding: Finding) -> str:
    match finding.fault:
        case Fault.FORM:
            return _(
                "Ledger, no. {number}: this is not written as an order ({detail}). It and what follows do not count. "
                "To put back what was verified before, and keep this aside as evidence: schoolfilter orders restore"
            )
        case Fault.DIGEST:
            return _(
                "Ledger, no. {number}: changed after it was entered, text and digest differ. It and what follows do "
                "not count. "
                "To put back what was verified before, and keep this aside as evidence: schoolfilter orders restore"
            )
        case Fault.SEQUENCE:
            return _(
                "Ledger, no. {number}: no. {detail} stands in its place, something was taken out, put in or moved. "
                "What follows does not count. "
                "To put back what was verified before, and keep this aside as evidence: schoolfilter orders restore"
            )
        case Fault.PREVIOUS:
            return _(
                "Ledger, no. {number}: it does not follow the order before it, which was exchanged later. It and what "
                "follows do not count. "
                "To put back what was verified before, and keep this aside as evidence: schoolfilter orders restore"
            )
        case Fault.SIGNATURE:
            return _(
                "Ledger, no. {number}: the director's signature of this text is missing or false. It and what follows "
                "do not count. "
                "To put back what was verified before, and keep this aside as evidence: schoolfilter orders restore"
            )
        case Fault.KEY:
            return _key_words(finding)
        case Fault.PIN:
            return _pin_words(finding)
        case Fault.UNSIGNED:
            return _(
                "Ledger, no. {number}: an order on paper that no signature of the director confirms. From there on "
                "orders do not count ({detail} in all). Let the director sign the next order: that confirms them."
            )
        case Fault.MISSING:
            return _(
                "Ledger, no. {number}: expected an order with the digest {detail}, and it is not there. The end of the "
                "ledger was cut off, or it was exchanged as a whole. "
                "To put back what was verified before, and keep this aside as evidence: schoolfilter orders restore"
            )


def _key_words(finding: Finding) -> str:
    if finding.detail:
        return _(
            "Ledger, no. {number}: signed with the key {detail}, which was not in force. It and what follows do not "
            "count. Ask the director. If the key is not the director's: schoolfilter orders restore"
        )
    return _(
        "Ledger, no. {number}: the first key is named once, and before it nothing can be signed. It and what follows "
        "do not count. Ask the director. If it is not the director's: schoolfilter orders restore"
    )


def _pin_words(finding: Finding) -> str:
    if finding.sequence:
        return _(
            "Ledger, no. {number}: the director's key is replaced by {detail}, which the settings do not name. It and "
            "what follows do not count. If the director did this, put the new fingerprint into the settings as "
            "approval.director_key. If not: schoolfilter orders restore"
        )
    if finding.detail:
        return _(
            "The settings name the director's key {detail}, and the ledger rests on no such key. Compare the settings "
            "(approval.director_key, else the file director.pub) with the fingerprint on the director's paper. If they "
            "are right: schoolfilter orders restore"
        )
    return _(
        "The settings name no key of the director, so that no order counts. Make the key with `schoolfilter orders key "
        "create`, or put the fingerprint on the director's paper into the settings as approval.director_key."
    )
