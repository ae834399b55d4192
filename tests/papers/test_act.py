"""The act of a check of access history as poppler and zbar read it."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from papers.act import Act, LiveTest, Probed, act_pdf
from papers.dates import written_day
from papers.frame import grouped
from papers.incident_words import rule_words
from papers.numbered import paper_code
from papers.period import Figures
from papers.policy_words import level_words
from policy.subjects import title_of
from tests.papers.reports import ACT, ALARM, INCIDENT, INCIDENTS, NUMBERED
from tests.papers.sheets import boxes_of, codes_of, squeezed, text_of
from translations import _


def said(act: Act, tongue: str = "en") -> str:
    """Return the text of the printed act without white space."""
    return squeezed(text_of(act_pdf(act, tongue)))


SOUND = replace(ACT, test=replace(ACT.test, tested=ACT.test.tested[:2]))
"""Nothing is wrong."""


def asked(**changes: Any) -> Act:
    """Return that act of a commission that says something else of its check."""
    return replace(SOUND, asked=replace(SOUND.asked, **changes))


def test_an_act_of_a_period_in_which_the_journal_was_begun_says_since_when_there_are_figures() -> None:
    begun = "The journal was begun on 9 October 2026; figures begin with this day"
    assert squeezed(begun) in said(replace(ACT, begun=date(2026, 10, 9)))
    assert "Thejournalwasbegun" not in said(ACT)


def test_the_act_holds_everything_in_each_language(tongue: str) -> None:
    text = said(ACT, tongue)
    expected = [
        ACT.paper.school,
        "3/2026",
        written_day(ACT.asked.first, tongue),
        written_day(ACT.asked.last, tongue),
        *(each.name for each in ACT.asked.commission),
        "deputy director",
        _("Member of the commission"),
        "45",
        "1 234 567",
        "98 765",
        *(rule_words(each.rule) for each in ACT.incidents),
        "2026-11-0001",
        *(each.said for each in ACT.proofs),
        "431",
        *(each.title for each in (*ACT.groups, *ACT.rooms)),
        *(level_words(level) for level in ("high", "open", "off", "medium")),
        *(each.id for each in ACT.index.lists),
        ACT.index.digest,
        ACT.test.server,
        *(each.name for each in ACT.test.tested),
        title_of("adult", tongue),
        title_of("youtube", tongue),
        NUMBERED.head,
        NUMBERED.trail,
        grouped(NUMBERED.key),
        _("Responsible person"),
    ]
    assert [each for each in expected if squeezed(each) not in text] == []


@pytest.mark.parametrize(
    ("act", "told", "untold"),
    [
        (ACT, ["SOMETHING IS WRONG", "See: test of sample names", "4; wrong: 1; unknown, for no answer came: 1"], []),
        (ACT, ["youtube.example.orgclosedopenWRONG", "example.netopenno answer from outsideunknown"], []),
        (SOUND, ["kitap.kzopenopenas expected", "Pupils (medium: blocked"], ["SOMETHING", "WRONG"]),
        (SOUND, ["because the filter let them through: 1.", "cannot be complete"], []),
        (SOUND, ["through: 1."], ["closed them already"]),
        (
            replace(SOUND, incidents=(replace(INCIDENTS[3], shut=True), INCIDENTS[3])),
            ["let them through: 1.", "though the filter closed them already: 1."],
            [],
        ),
        (SOUND, ["Sites blocked by hand 17", "Terrorism, Adult content. At certain hours also: Games."], []),
        (SOUND, ["Rooms and lessons restrict it"], ["Under supervision only"]),
        (SOUND, ["With the program schoolfilter.", "No. 45 of 28 September 2026"], []),
        (asked(method="By eye."), ["1. How it was checked By eye. 2."], ["With the program"]),
        (asked(found="All is well."), ["What the commission found All is well."], []),
        (asked(order_number="", order_day=None), [], ["appointed"]),
        (asked(commission=()), ["Member of the commission"], ["deputy"]),
        (
            replace(SOUND, proofs=(replace(ACT.proofs[0], sound=False, said="broken at record 7"), *ACT.proofs[1:])),
            ["SOMETHING IS WRONG", "See: Journal of access", "NOT WHOLE broken at record 7"],
            [],
        ),
        (replace(SOUND, test=LiveTest("", "", "", ())), ["The server did not run"], ["Expected", "SOMETHING"]),
        (replace(SOUND, alarms=(ALARM,)), [ALARM.what, "Nobody has settled this"], ["no alarm"]),
        (
            replace(SOUND, alarms=(replace(ALARM, settled=date(2026, 11, 13), by="aigul", found="The wind"),)),
            [ALARM.what, "Settled on 13 Nov 2026 by aigul: The wind"],
            ["Nobody has settled"],
        ),
        (
            replace(SOUND, incidents=(), figures=Figures(0, 0, {}, {}, (), ()), last_day=None, listed=0, rooms=()),
            ["There was no incident.", "Last order of the director none", "Queries 0", "Blocked 0 (–)", "through: 0."],
            ["by severity", "Outside lessons"],
        ),
        (replace(SOUND, last_number=""), ["without a number, of 3 November 2026"], []),
    ],
)
def test_the_act_says_what_there_is_and_nothing_of_what_there_is_not(
    act: Act, told: list[str], untold: list[str]
) -> None:
    text = said(act)
    assert [each for each in told if squeezed(each) not in text] == []
    assert [each for each in untold if squeezed(each) in text] == []


def test_each_member_has_a_line_to_sign_and_many_of_them_fit() -> None:
    members = [replace(ACT.asked.commission[0], name=f"Member {count:02d}", office="") for count in range(20)]
    text = said(asked(commission=members))
    assert [each.name for each in members if text.count(squeezed(each.name)) != 2] == []
    assert text.count("signaturename") == 21


def test_hundreds_of_names_and_incidents_are_printed_each_once() -> None:
    tested = [Probed("adult", f"n{count:03d}.example.org", "closed", "closed", agrees=True) for count in range(300)]
    incidents = [replace(INCIDENT, id=f"2026-11-{count:04d}") for count in range(1, 400, 2)]
    text = said(replace(ACT, test=replace(ACT.test, tested=tested), incidents=incidents))
    assert [each.name for each in tested if text.count(each.name) != 1] == []
    assert "0397,0399" in text


def test_long_names_stay_within_their_columns() -> None:
    name = "n" * 63 + "." + "m" * 63 + ".example.org"
    tested = replace(ACT.test.tested[0], name=name)
    pdf = act_pdf(replace(ACT, test=replace(ACT.test, tested=(tested,), group="Ж" * 100)), "en")
    assert squeezed(name) in squeezed(text_of(pdf))
    assert max(end for _word, _begin, end in boxes_of(pdf)) < 595 - 40


def test_the_code_holds_number_and_heads(tmp_path: Path) -> None:
    assert codes_of(act_pdf(ACT, "kk"), tmp_path) == [paper_code(ACT.paper)]
