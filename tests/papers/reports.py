"""An act and a monthly report to print."""

from dataclasses import replace
from datetime import date, datetime

from papers.act import Act, Asked, LiveTest, Member, Probed, Proof, Restriction
from papers.monthly_report import (
    ChangeLine,
    Compared,
    Comparison,
    MonthlyReport,
    OrderLine,
    Requests,
)
from papers.period import AlarmLine, Figures, IncidentLine, Index, ListLine, Place
from tests.papers.numbered_papers import numbered
from tests.papers.sheets import ALMATY

NUMBERED = numbered("act")

FIGURES = Figures(
    queries=1_234_567,
    blocked=98_765,
    severities={"unlawful": 12, "harmful": 3_456, "unrelated": 45_678, "": 49_619},
    subjects={"level": 49_000, "games": 45_678, "adult": 3_456, "youtube": 619, "terrorism": 12},
    groups=(Place("Өспүрүмдөр, 5–9-класстар", 1_000_000, 90_000), Place("Teachers", 234_567, 8_765)),
    rooms=(Place("Informatics 214", 600_001, 70_000), Place("", 634_566, 28_765)),
)

INCIDENT = IncidentLine(
    id="2026-11-0001",
    day=date(2026, 11, 3),
    rule="deliberate-attempt",
    category="adult",
    where="Pupils, Informatics 214",
    queries=23,
    told=True,
    state="reviewed",
    measures=("Talked with the pupil and the parents",),
)

INCIDENTS = (
    INCIDENT,
    IncidentLine("2026-11-0002", date(2026, 11, 5), "at-risk", "self-harm", "Pupils", 3, True, "told", ()),
    IncidentLine("2026-11-0003", date(2026, 11, 9), "malware-beacon", "malware", "", 840, False, "new", ()),
    IncidentLine(
        "2026-11-0007", date(2026, 11, 20), "report", "", "", 0, False, "closed", ("Site blocked",), "Looked into"
    ),
)

ALARM = AlarmLine(datetime(2026, 11, 12, 3, 4, tzinfo=ALMATY), "segment-changed 20261112T000000-w0-0003.tsv")

LISTS = (
    ListLine("starter-adult", "adult", 4_321, "ca978112ca1bbdcafac231b39a23dc4d", date(2026, 11, 30)),
    ListLine("our-games", "games", 44, "3e23e8160039594a33894f6564e1b134", None),
)
INDEX = Index("20261130T010203Z", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", LISTS, 84, 900)

REPORT = MonthlyReport(
    paper=replace(NUMBERED, school="School No. 12", kind="monthly-report", number=11),
    first=date(2026, 11, 1),
    until=date(2026, 11, 30),
    begun=None,
    finished=True,
    figures=FIGURES,
    days=25,
    silent=(date(2026, 11, 1), date(2026, 11, 7), date(2026, 11, 8), date(2026, 11, 15), date(2026, 11, 29)),
    open_days=(),
    damaged=7,
    comparisons=(
        Comparison("days", "agrees", date(2026, 11, 30), only_blocked=False, differences=(), detail=""),
        Comparison("log", "agrees", date(2026, 11, 30), only_blocked=False, differences=(), detail=""),
    ),
    reconciled=True,
    files=31,
    broken="",
    incidents=INCIDENTS,
    requests=Requests(9, 6, 1, 1, 1),
    orders=(
        OrderLine("12", date(2026, 11, 3), ("kitap.kz", "okuu.example.org"), ()),
        OrderLine("", date(2026, 11, 17), (), ("old.example.org",)),
    ),
    changes=(
        ChangeLine(date(2026, 11, 4), date(2026, 11, 4), 1, "group changed", "protocol 3 of 2026-11-02"),
        ChangeLine(date(2026, 11, 9), date(2026, 11, 11), 40, "timetable: lesson added", "without a document"),
    ),
    lessons=61,
    briefings=4,
    index=INDEX,
    alarms=(ALARM,),
    psychologist="Two pupils, three talks each.",
    measures="",
)
"""A month that is over."""

DIFFERS = Comparison(
    "log",
    "differs",
    date(2026, 11, 30),
    only_blocked=False,
    differences=(
        Compared(date(2026, 11, 12), "queries", "", (50_123, 4_001), (50_124, 4_001)),
        Compared(None, "blocked", "games", (45_678, 45_678), (45_679, 45_679)),
        Compared(None, "room", "", (634_566, 28_765), (634_567, 28_765)),
    ),
    detail="",
)

ACT = Act(
    paper=NUMBERED,
    asked=Asked(
        first=date(2026, 10, 1),
        last=date(2026, 10, 31),
        order_number="45",
        order_day=date(2026, 9, 28),
        commission=(Member("Әбдіхалық Ұ. Һ.", "deputy director"), Member("Садыкова Г. Т.", "")),
        method="",
        found="",
    ),
    begun=None,
    figures=FIGURES,
    incidents=INCIDENTS,
    alarms=(),
    proofs=(
        Proof("journal", sound=True, said="4711 records, 700 signed heads"),
        Proof("log", sound=True, said="31 days, 12 GB"),
        Proof("audit", sound=True, said="215 changes"),
    ),
    listed=431,
    last_number="12",
    last_day=date(2026, 11, 3),
    blocked=17,
    groups=(
        Restriction("Pupils", "medium", supervised=True, closed=("terrorism", "adult"), at_times=("games",)),
        Restriction("Exams", "high", supervised=True),
        Restriction("Teachers", "open", supervised=False, closed=("terrorism",)),
    ),
    rooms=(
        Restriction("Informatics 214", "high", supervised=True, outside="off"),
        Restriction("Library", "", supervised=False),
    ),
    index=INDEX,
    test=LiveTest(
        "192.0.2.53:53",
        "Pupils",
        "medium",
        (
            Probed("listed", "kitap.kz", "open", "open", agrees=True),
            Probed("adult", "adult.example.org", "closed", "closed", agrees=True),
            Probed("youtube", "youtube.example.org", "closed", "open", agrees=False),
            Probed("neutral", "example.net", "open", "failed", agrees=None),
        ),
    ),
)
