"""Numbered papers to print, each with everything that can stand on it."""

from datetime import date, datetime

from papers.briefing import BriefingSheet
from papers.handover import (
    HandedContact,
    HandedIncident,
    HandedInspector,
    HandedKeys,
    HandedLevel,
    HandedPaper,
    HandedState,
    HandoverAct,
)
from papers.journal_sheet import JournalSheet, SheetIncident, SheetNote, SheetTold
from papers.numbered import Numbered
from papers.parents import ParentsPage
from papers.period import Index, ListLine
from papers.referral import Referral, ReferredSite
from policy.categories import BY_ID
from tests.papers.sheets import ALMATY, DIGEST, FINGERPRINT, SHEET

SCHOOL = SHEET.school
HEAD = "1042:3e23e8160039594a"
TRAIL = "57:ca978112ca1bbdca"
DEVICE = "SHA256:0fLQ9lO2kWkQqMgZl5pXb8d7xT1v3mQyJcHnUeRsA4o"
"""The fingerprint of the machine's key."""


def numbered(kind: str) -> Numbered:
    """Return what the third paper of a kind carries."""
    return Numbered(SCHOOL, kind, 3, HEAD, TRAIL, datetime(2026, 12, 2, 9, 30, tzinfo=ALMATY), DEVICE)


INCIDENT = SheetIncident(
    id="2026-11-0007",
    record=1040,
    first=datetime(2026, 11, 17, 10, 15, tzinfo=ALMATY),
    last=datetime(2026, 11, 17, 10, 41, tzinfo=ALMATY),
    room="Информатика кабинеті 214",
    device="pc-214-07",
    group="7 «Ә» сынып",
    lesson="7-b, Informatics",
    rule="deliberate-attempt",
    severity="harmful",
    category="adult",
    site="",
    queries=37,
    names=5,
    asked=(),
    told=(SheetTold(datetime(2026, 11, 17, 10, 42, tzinfo=ALMATY), "class-teacher", arrived=True),),
    notes=(
        SheetNote(
            datetime(2026, 11, 18, 14, 0, tzinfo=ALMATY),
            "Р. Сейітова",
            "Spoke with the pupil",
            "Parents were told",
            record=1044,
            corrects=0,
        ),
    ),
    state="reviewed",
)

CORRECTION = SheetNote(
    datetime(2026, 11, 20, 9, 0, tzinfo=ALMATY),
    "Р. Сейітова",
    "It was the teacher's demonstration",
    "",
    record=1049,
    corrects=1044,
)
REPORTED = SheetIncident(
    id="2026-11-0008",
    record=1043,
    first=datetime(2026, 11, 18, 9, 0, tzinfo=ALMATY),
    last=datetime(2026, 11, 18, 9, 0, tzinfo=ALMATY),
    room="",
    device="",
    group="",
    lesson="",
    rule="report",
    severity="",
    category="",
    site="bad.example.org",
    queries=0,
    names=0,
    asked=(),
    told=(SheetTold(datetime(2026, 11, 18, 9, 1, tzinfo=ALMATY), "responsible", arrived=False),),
    notes=(CORRECTION,),
    state="new",
    reporter="Омаров Б.",
    remark="рулетка в рекламе",
)

JOURNAL = JournalSheet(
    numbered("journal"), 2026, 11, finished=True, begun=None, with_names=False, incidents=(INCIDENT, REPORTED)
)

CLOSED = tuple(BY_ID)
BRIEFING = BriefingSheet(
    numbered("briefing"),
    group="7 «Ә» сынып",
    room="Информатика кабинеті 214",
    topic="Cyberbullying",
    only_list=False,
    closed=CLOSED[:16],
    at_times=CLOSED[16:],
    contact="+7 700 000 00 00",
)
PARENTS = ParentsPage(
    numbered("parents"),
    closed=CLOSED[:14],
    partly=CLOSED[14:],
    only_list=True,
    allowed_too=True,
    retention_days=90,
    anonymise_days=30,
    contact="school@example.org",
)
REFERRAL = Referral(
    numbered("referral"),
    date(2026, 11, 1),
    date(2026, 11, 30),
    (
        ReferredSite("bad.example.org", "bad.example.org", date(2026, 11, 3), "gambling", 2, date(2026, 11, 4)),
        ReferredSite("xn--e1afmkfd.example.net", "пример.example.net", date(2026, 11, 5), "", 1, None),
        ReferredSite("worse.example.org", "worse.example.org", date(2026, 11, 9), "", 0, date(2026, 11, 9)),
    ),
)

HANDOVER = HandoverAct(
    numbered("handover"),
    outgoing="Сейітова Р. Ә.",
    incoming="Үсөнов Б. К.",
    order="45",
    day=date(2026, 12, 1),
    keys=HandedKeys(FINGERPRINT, signed=True, device="SHA256:ZGV2aWNlIGtleSBvZiB0aGUgc2Nob29sJ3Mgc2VydmVy"),
    inspectors=(HandedInspector("Inspector of the department", date(2027, 1, 31)),),
    contacts=(HandedContact("Класс жетекшісі 7 «Ә»", "class-teacher"),),
    state=HandedState(
        version="0.1.0",
        addresses=("192.0.2.53:53", "[2001:db8::53]:53"),
        state_folder="/var/lib/schoolfilter",
        os_user="schoolfilter",
        lists=Index(
            "20261201T070000Z",
            DIGEST,
            (
                ListLine("ut1-adult", "adult", 4_600_000, DIGEST, date(2026, 12, 1)),
                ListLine("starter-games", "games", 1200, DIGEST, None),
            ),
            services=80,
            service_rules=2400,
        ),
        groups=(HandedLevel("Pupils", "medium", ""), HandedLevel("Teachers", "open", "")),
        rooms=(HandedLevel("Кабинет 214", "high", "off"), HandedLevel("Library", "", "")),
        devices=31,
        orders=12,
        last_order="12",
        last_order_day=date(2026, 11, 20),
        entries=48,
        requests=(7, 9),
    ),
    incidents=(HandedIncident("2026-11-0007", "deliberate-attempt", "told", date(2026, 11, 17)),),
    papers=(
        HandedPaper("monthly-report", 10, date(2026, 11, 24), "monthly-report-2026-010-kk.pdf", DIGEST),
        HandedPaper("act", 1, date(2026, 10, 15), "act-2026-001-kk.pdf", DIGEST),
    ),
)
