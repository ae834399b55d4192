"""The patterns of gambling names: clones are caught, names that only look alike stay open."""

import gzip
import re

import pytest

from blocklists.patterns import Patterns, fault_of, size_of
from blocklists.rules import Scope
from blocklists.sources import Source
from blocklists.starters import starter_sources
from tests.blocklists.lists_folder import DATA
from tests.blocklists.packaged import rules_of

LIST = next(source for source in starter_sources() if source.id == "starter-gambling-names")
LOCAL = next(source for source in starter_sources() if source.id == "starter-gambling-local")

_OPEN = """
    olimpbeton.kz olimp-beton.kz olympbeton.kg vulkan24.kz vulkan-online.kz vulkan24-shina.kz aviator-beton.kz
    aviatorbeton.kz alphabetaviator.kz alphabet-aviator.kz aviator-mostbeton.kz aviatorwindows.kz betonmobile.kz
    mostbeton.kz most-beton.kz mostbetonstroy.kz betonkz.kz kstbeton.kz alphabet.kz alfabet.kz better.kz debet.kg
    beta.kz betashar.kz betpakdala.kz betkey.kz tibet.kz diabet.kz bethoven.kz elizabet.kz bet.edu.kg bet.kz
    kazbet.kz aq-bet.kz kazin.kz kazinfo.kz kazinsys.kz kazintercom.kz kazinform.kz kazinoil.kz kazinoprom.kz
    kazinox.kz kazinvest.kz lovidostavka.kz dostavka.kz do-stavka.kz postavka.kz vystavka.kz zastavka.kz
    rollstavni.kz stavka.kz olimp.kz olimpiada.kz olympiada.kz olimpiad.kz olimp.edu.kz olympia.kz olympic.kz
    olimpic.kz kdlolymp.kz olimpsport.kz olimp-edu.kz olimpapp.kz aviator.kz aviators.kz aviator-school.kz aviata.kz
    aviatorclub.kz aviator-film.kz 1window.kz 1-window.kz 1wincor.com windows.kz winlinewindow.kz pin.kz pincode.kz
    pin-code.kz pinup-studio.kz pin-up-beauty.kz pinupstyle.com pin-up.com pinscher.kz pinco-pallino.it slot.kz
    timeslot.kz timeslots.com.kg autoslot.kz slotmachining.com lotosbc.kz lotos.kz loto.kg lotosinternat.kz joker.kz
    fortuna.kz jet.com.kz jetlogistic.kz jetour-auto.kz volcano-kazakhstan.kz vulkan.kz vulkan-shina.kz vulcan.kz
    vulkanizaciya.kz pokerface.kz fototovar.kz ototovar.kz nomad.kz loft.kz glory.kz volna.com.kz sports.kz
    sportmaster.kz sportarena.kz prosports.kz melbeton.kz melbet-on.com leonbeton.kz telefonbeton.kz fonbeton.kz
    arcada.kz champion.kz crash.kz casa-more.kz bingo.kz ruletka.kz roulette.com joingame.kz games.daryn.kz
    daryn-olimp.kz pari.kz lotos-kz.kz most.kz mostbed.kz betonpm.kz pm-beton.kz ramen.kz antikazino.kz
    stop-casino.kz stopcasino.org gamblersanonymous.org begambleaware.org nogambling.kz macao.kz dragon.kz
    zerkalo.kz fresh-zerkalo.kz legoclub.kz leon.kz leonardohobby.kz glorious.kz winter.kz twin.kz darwin.kz
    1winter.kz xbetter.com mostbest.com utmostbetter.com most-better.com mosbeth.com almostbetter.com beta.1x.se
    magazinok.ru azino.kz azinovation.com kazanino.ru kasinova.ru casinova.com
"""
OPEN = _OPEN.split()
"""Invented and real names of honest kinds: concrete (beton), companies of Kazakhstan (kazin…), deliveries (dostavka),
olympiads, clubs of aviators, one-stop offices (1window), salons (pin-up), help for gamblers."""

_CLONES = """
    1xbet-kz2026.kz 1x-bet.kz onexbet.kg 1xslots-kz.kz 1xstavka.kz 1win-kz.kz 1win777.kz 1-win.com.kz
    1wins-casino.kg 1vin-kazino.kz 1winkazakhstan.kz mostbet-kg.kg mostbet777.kz m0stbet.kz most-bet.kz
    mostbetonline.kz mostbet-onlain.kz mosbet-casino.kz mostbetkyrgyzstan.kg melbet-kz.kz melbet.kg
    mel-bet-casino.kz pinup2026.kz pin-up-kz.kz pin-ap.kz pinap-kazino.kz pinup-bet.org.kz pin-up-kazahstan.kz
    pin-up777.kz play-pin-up.kz pincokazino.kz pinco-kz.kz pinco7.kz vavada-kz.kz vavada777.kg vavada-zerkalo.com.kz
    kazino.kz kazino-vulkan.kz kazinokz.kz onlainkazino.kz online-kazino.kg kasino-online.kz cazino777.kz
    cassino-kz.kz casin0-kz.kz kaz1no.kz igrovye-avtomaty.kz igrovyeavtomaty-777.kz bukmeker.kz
    bukmekerskaya-kontora.kz bookmaker-bonus.kz stavki-na-sport.kz sport-stavki.kz stavka-bet.kz pm-stavka2.kz
    parimatch-kz.kz parimatch777.kg pari-match.kz fonbet-kz.kz betandreas.kz bet-andreas777.kz betwinner-kz.kz
    leonbets-kz.kz winline-kz.kz olimpbet-app.kz olimp-casino777.kz olympbet.kz olimp-bk.kz bk-olimp.kz
    olimp-bonus.kz olimp-kazino.kg aviator-game.kz aviator-igra.kz aviator-slot.kz aviatorbet.kz igra-aviator.kz
    1win-aviator.kz aviator-spribe.kz lucky-jet.kz luckyjet-game.kg plinko.kz plinko-game.kz plinko-casino.kz
    lotoclub777.kz loto-club.kz slots.kz slots-kz.kz slot-online.kz slotcity.kz mega-slots.kz pokerdom.kz
    pokerdom-kz.kg poker-online.kz poker.kz pokerok-kz.kz bet365.kz 22bet.kz 20bet-kz.kz 888bet.kz sportbet.kz
    spinbetter777.kz jvspin.kz azino777.kz vulkan-vegas.kz vulkan-platinum.kz volna-vhod.kz izzi-zerkalo.kz
    sweet-bonanza.kz gates-of-olympus.kz chicken-road-game.kz crash-game.kz dragonmoney.kz crash-gambling.kz
    sultangames.kz totalizator.kz totobet.kz slotgacor.edu.kg judi-online.kg betmania777.kz ubet7.kz kazino-pinup.kz
    roxkazino.com.kz aviator1win.kz cas1no.kz leebet-kz.kz pin-up-avtomaty.kz pin-up-registration.kz pin-upp.kz
    ramenbet.kz starda-kz.kz stavka-na-sport.kz mostbett.kz moctbet.kz pari-bet.kz pm-bet.kz winline-bet.kz
    igrovoy-avtomat.kz sloty-online.kz prognozy-na-sport.kz loto-kz.kz satti-zhuldyz.kz lottery.kz vawada.kz
    sykaaa.kz
"""
CLONES = _CLONES.split()
"""Names made as their makers make them: brand, word, country, year, digits for letters, Russian spelling."""


class Judge:
    """Says of a name whether the list closes it."""

    def __init__(self, source: Source) -> None:
        rules = rules_of(source)
        assert all(rule.scope is Scope.PATTERN for rule in rules)
        self.blocks = Patterns([rule.name for rule in rules if not rule.allows])
        self.allows = Patterns([rule.name for rule in rules if rule.allows])

    def closes(self, name: str) -> bool:
        return bool(self.blocks.found_in(name)) and not self.allows.found_in(name)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(LIST)


@pytest.mark.parametrize("name", OPEN)
def test_a_look_alike_stays_open(judge: Judge, name: str) -> None:
    assert not judge.closes(name)


@pytest.mark.parametrize("name", CLONES)
def test_a_clone_is_caught(judge: Judge, name: str) -> None:
    assert judge.closes(name)


@pytest.mark.parametrize("name", ["mostbet-casino.kz", "kazino.kz", "1xbet-kz.kz"])
def test_a_clone_is_caught_with_all_below_it(judge: Judge, name: str) -> None:
    assert judge.closes(f"www.{name}")
    assert judge.closes(f"m.play.{name}")


def test_each_pattern_is_small_and_none_is_tried_on_every_name() -> None:
    rules = rules_of(LIST)
    assert [rule.line for rule in rules if fault_of(rule.name) or size_of(rule.name) > 1_000] == []
    assert Patterns([rule.name for rule in rules]).tried_on_all() == []


def test_each_pattern_catches_something_that_the_others_do_not_or_is_an_exception() -> None:
    """A pattern that no test needs has no right to be here."""
    rules = [rule for rule in rules_of(LIST) if not rule.allows]
    known = [*CLONES, *(rule.name for rule in rules_of(LOCAL))]
    used = {number for name in known for number in Patterns([rule.name for rule in rules]).found_in(name)}
    assert [rule.written for number, rule in enumerate(rules) if number not in used] == []


def names_in(path: str) -> list[str]:
    data = (DATA / path).read_bytes()
    text = (gzip.decompress(data) if path.endswith(".gz") else data).decode("utf-8", "replace").lower()
    lines = [line.split("\t")[0].split()[-1] for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [line.removeprefix("*.") for line in lines]


GAMBLING_SEEN = re.compile(
    r"bet|casin|kazin|cazin|kasin|slot|1-?win|pin-?up|olimp-|olymp-|bkolimp|loto|lotto|poker|bookmaker|vavada|pinco|avia|"
    r"winline|vegas|vhod|dragongold|jvspin|tennisi|parimatch|lucky-jet"
)
"""What the names of gambling in the traces of .kz and .kg have in them, as read through by hand."""


@pytest.mark.skipif(not DATA.exists(), reason="the real lists are not part of the repository")
class TestRealNames:
    def test_the_clones_that_were_seen_are_caught_without_their_list(self, judge: Judge) -> None:
        seed = names_in("lists/local/kz-kg-gambling-seed.domains")
        assert [name for name in seed if not judge.closes(name)] == ["olimpkz.kz", "youwin.kz"]  # the list has these

    @pytest.mark.parametrize(
        ("path", "share"), [("lists/ut1/gambling.domains.gz", 1.0), ("lists/hagezi/gambling.wildcard.txt.gz", 0.85)]
    )
    def test_what_public_lists_know_of_kz_and_kg_is_caught(self, judge: Judge, path: str, share: float) -> None:
        names = [name for name in names_in(path) if name.endswith((".kz", ".kg"))]
        assert len(names) >= 70
        assert sum(map(judge.closes, names)) >= share * len(names)

    @pytest.mark.parametrize(
        "path",
        [
            "traces/umbrella-top20k-banded.tsv.gz",
            "traces/majestic-top10k.txt.gz",
            "traces/local-ru.txt.gz",
            "traces/local-uz.txt",
            "lists/ut1/press.domains.gz",
            "lists/ut1/liste_bu.domains",
            "lists/ut1/sports.domains",
            "lists/ut1/child.domains",
            "lists/ut1/download.domains.gz",
        ],
    )
    def test_honest_lists_hold_no_name_that_is_caught_but_gambling(self, judge: Judge, path: str) -> None:
        caught = [name for name in names_in(path) if judge.closes(name)]
        assert [name for name in caught if not GAMBLING_SEEN.search(name)] == []

    def test_of_the_names_of_kazakhstan_and_kyrgyzstan_only_gambling_is_caught(self, judge: Judge) -> None:
        names = names_in("traces/local-kz-kg.tsv.gz")
        seed = set(names_in("lists/local/kz-kg-gambling-seed.domains"))
        caught = {name for name in names if judge.closes(name)} - seed
        assert caught == {
            "bookmaker-promo.com.kz",
            "bookmaker-ratings.kz",
            "dragongold88.com.kz",
            "glory-vhod.kz",
            "izzi-cazino.kz",
            "legzo-cazino-kaz.kz",
        }
