"""The installer: all or nothing, keeps what people made, and says in four languages what it does.

It runs for real under `--root`, with stand-ins for Python, systemd and the clock, so that each step can fail.
"""

import os
import re
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from settings.load import load

ROOT = Path(__file__).parents[2]
INSTALLER = ROOT / "deploy/install.sh"
SCRIPTS = sorted((ROOT / "deploy").glob("*.sh"))

STAND_INS = {
    # A Python whose environments hold stand-ins of pip and of the program itself.
    "python3": """#!/bin/sh
case "$1 $2" in
    "-m venv") ;;
    *) exit 0 ;;
esac
[ -e "$STAND_INS/fail-venv" ] && exit 1
mkdir -p "$3/bin"
cp "$STAND_INS/venv-python" "$3/bin/python"
cp "$STAND_INS/venv-schoolfilter" "$3/bin/schoolfilter"
""",
    "venv-python": """#!/bin/sh
echo "pip $*" >>"$STAND_INS/calls"
[ ! -e "$STAND_INS/fail-pip" ]
""",
    "venv-schoolfilter": """#!/bin/sh
echo "schoolfilter $*" >>"$STAND_INS/calls"
case "$*" in
    *" config check")
        if [ -e "$STAND_INS/fail-config" ]; then echo "server.listen: expected ADDRESS:PORT" >&2 && exit 1; fi
        ;;
    *" init")
        [ ! -e "$STAND_INS/fail-init" ] || exit 1
        [ -e "$TARGET/var/lib/schoolfilter/policy.db" ] || echo "policy 1" >"$TARGET/var/lib/schoolfilter/policy.db"
        mkdir -p "$TARGET/var/lib/schoolfilter/lists"
        echo "compiled by $(readlink -f "$(dirname "$0")/..")" >"$TARGET/var/lib/schoolfilter/lists/new"
        mv "$TARGET/var/lib/schoolfilter/lists/new" "$TARGET/var/lib/schoolfilter/lists/current"
        ;;
esac
""",
    "systemctl": """#!/bin/sh
echo "systemctl $*" >>"$STAND_INS/calls"
case "$*" in
    "is-active --quiet schoolfilter") [ -e "$STAND_INS/active" ] ;;
    "stop schoolfilter") rm -f "$STAND_INS/active" ;;
    "disable --now --quiet schoolfilter") rm -f "$STAND_INS/active" ;;
    "start schoolfilter")
        touch "$STAND_INS/active"
        # The version that is started changes the policy file; a bad one does so and then never answers.
        echo "changed by $(readlink "$TARGET/opt/schoolfilter/venv")" >>"$TARGET/var/lib/schoolfilter/policy.db"
        if [ ! -e "$STAND_INS/fail-start" ]; then
            mkdir -p "$TARGET/var/lib/schoolfilter/run"
            touch "$TARGET/var/lib/schoolfilter/run/listening.json"
        fi
        ;;
esac
""",
    "journalctl": "#!/bin/sh\necho 'the last words of the service'\n",
    "sleep": "#!/bin/sh\n",
    "date": """#!/bin/sh
echo x >>"$STAND_INS/installs"
printf '20260902T0000%02dZ\\n' "$(wc -l <"$STAND_INS/installs")"
""",
}


@dataclass(frozen=True, slots=True)
class Machine:
    """A folder that the installer takes for a machine."""

    root: Path
    stand_ins: Path

    def install(self, *options: str, language: str = "en_US.UTF-8") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", str(INSTALLER), "--root", str(self.root), *options],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={
                "PATH": f"{self.stand_ins}:{os.environ['PATH']}",
                "STAND_INS": str(self.stand_ins),
                "TARGET": str(self.root),
                "LC_ALL": language,
            },
        )

    def fail_at(self, step: str) -> None:
        (self.stand_ins / f"fail-{step}").touch()

    @property
    def calls(self) -> list[str]:
        return (self.stand_ins / "calls").read_text("utf-8").splitlines()

    @property
    def is_active(self) -> bool:
        return (self.stand_ins / "active").exists()

    def file(self, path: str) -> Path:
        return self.root / path

    def everything(self) -> dict[str, str]:
        """Return all files, folders and links below the root, with what they hold."""
        return {
            str(path.relative_to(self.root)): str(path.readlink())
            if path.is_symlink()
            else "folder"
            if path.is_dir()
            else path.read_text("utf-8")
            for path in sorted(self.root.rglob("*"))
        }


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    stand_ins = tmp_path / "stand-ins"
    stand_ins.mkdir()
    for name, text in STAND_INS.items():
        (stand_ins / name).write_text(text, "utf-8")
        (stand_ins / name).chmod(0o755)
    root = tmp_path / "machine"
    for folder in ("run/systemd/system", "etc/systemd/system", "opt", "var/lib", "usr/local/bin"):
        (root / folder).mkdir(parents=True)
    return Machine(root, stand_ins)


def test_first_install_puts_everything_in_its_place(machine: Machine) -> None:
    done = machine.install()
    assert done.returncode == 0, done.stderr
    release = machine.file("opt/schoolfilter/releases/20260902T000001Z")
    assert machine.file("opt/schoolfilter/venv").readlink() == release / "venv"
    assert not (release / "source").exists()
    assert machine.file("usr/local/bin/schoolfilter").stat().st_mode & 0o111 == 0o111
    unit = (ROOT / "deploy/schoolfilter.service").read_text("utf-8")
    assert machine.file("etc/systemd/system/schoolfilter.service").read_text("utf-8") == unit
    settings = load(machine.file("etc/schoolfilter/schoolfilter.toml"), {})
    assert settings.paths.state == machine.file("var/lib/schoolfilter")
    assert settings.school.language == "en"
    assert stat.S_IMODE(machine.file("etc/schoolfilter/schoolfilter.toml").stat().st_mode) == 0o640
    assert stat.S_IMODE(machine.file("etc/schoolfilter").stat().st_mode) == 0o755
    assert stat.S_IMODE(machine.file("var/lib/schoolfilter").stat().st_mode) == 0o700
    assert machine.calls[-4:-1] == [
        "systemctl daemon-reload",
        "systemctl enable --quiet schoolfilter",
        "systemctl start schoolfilter",
    ]
    assert machine.calls[-1].endswith(" doctor")
    assert machine.is_active


def test_libraries_are_installed_by_digest_and_nothing_else_is_fetched(machine: Machine) -> None:
    machine.install()
    first, second = (call for call in machine.calls if call.startswith("pip ") and " install " in call)
    assert f"--require-hashes -r {ROOT}/deploy/requirements.lock" in first
    assert "--no-index --no-deps --no-build-isolation" in second


def test_upgrade_keeps_settings_policy_and_the_version_before(machine: Machine) -> None:
    machine.install()
    config, policy = (
        machine.file(path) for path in ("etc/schoolfilter/schoolfilter.toml", "var/lib/schoolfilter/policy.db")
    )
    config.write_text("# a teacher's own\n", "utf-8")
    policy.write_text("policy of a year\n", "utf-8")
    for _ in range(2):
        assert machine.install().returncode == 0
    assert config.read_text("utf-8") == "# a teacher's own\n"
    assert policy.read_text("utf-8").startswith("policy of a year\n")
    assert (
        machine.file("var/lib/schoolfilter/backup/20260902T000002Z/policy.db").read_text("utf-8")
        == "policy of a year\n"
    )
    kept = sorted(path.name for path in machine.file("opt/schoolfilter/releases").iterdir())
    assert kept == ["20260902T000002Z", "20260902T000003Z"]
    # Each version compiles the lists before it starts: it may not read the index of the one before.
    assert sum(call.endswith(" init") for call in machine.calls) == 3


@pytest.mark.parametrize("step", ["venv", "pip", "config", "init", "start"])
def test_first_install_that_fails_leaves_no_trace(machine: Machine, step: str) -> None:
    before = machine.everything()
    machine.fail_at(step)
    done = machine.install()
    assert done.returncode != 0
    assert "It failed at: " in done.stderr
    assert "No trace is left." in done.stderr
    assert machine.everything() == before
    assert not machine.is_active


@pytest.mark.parametrize("step", ["venv", "pip", "config", "init", "start"])
def test_upgrade_that_fails_puts_the_version_before_back_with_its_policy(machine: Machine, step: str) -> None:
    machine.install()
    machine.file("etc/systemd/system/schoolfilter.service").write_text("the unit before\n", "utf-8")
    machine.file("usr/local/bin/schoolfilter").write_text("the command before\n", "utf-8")
    before = machine.everything()
    machine.fail_at(step)
    done = machine.install()
    assert done.returncode != 0
    assert "The version before this one is in use again" in done.stderr
    after = {path: held for path, held in machine.everything().items() if not path.startswith("var/lib/schoolfilter/")}
    assert after == {path: held for path, held in before.items() if not path.startswith("var/lib/schoolfilter/")}
    first_started = f"changed by {machine.file('opt/schoolfilter/releases/20260902T000001Z/venv')}"
    policy = machine.file("var/lib/schoolfilter/policy.db").read_text("utf-8").splitlines()
    assert set(policy[1:]) == {first_started}, "the bad version's changes are gone"
    index = machine.file("var/lib/schoolfilter/lists/current").read_text("utf-8")
    assert index == f"compiled by {machine.file('opt/schoolfilter/releases/20260902T000001Z/venv')}\n"
    assert machine.is_active


def test_the_cause_of_a_failure_is_shown(machine: Machine) -> None:
    machine.fail_at("config")
    assert "server.listen: expected ADDRESS:PORT" in machine.install().stderr
    (machine.stand_ins / "fail-config").unlink()
    machine.fail_at("start")
    assert "the last words of the service" in machine.install().stderr


def test_dry_run_changes_nothing_and_names_each_step(machine: Machine) -> None:
    before = machine.everything()
    done = machine.install("--dry-run")
    assert done.returncode == 0, done.stderr
    assert machine.everything() == before
    for word in ("requirements.lock", "write_config", "filter init", "systemctl start schoolfilter"):
        assert word in done.stdout


def test_without_systemd_files_are_installed_and_nothing_is_started(machine: Machine) -> None:
    machine.file("run/systemd/system").rmdir()
    done = machine.install()
    assert done.returncode == 0, done.stderr
    assert machine.file("opt/schoolfilter/venv").is_symlink()
    assert not machine.file("etc/systemd/system/schoolfilter.service").exists()
    assert not any(call.startswith("systemctl") for call in machine.calls)


def test_uninstall_asks_first(machine: Machine) -> None:
    machine.install()
    before = machine.everything()
    done = machine.install("--uninstall")
    assert done.returncode == 1
    assert "Nothing was changed." in done.stderr
    assert machine.everything() == before


def test_uninstall_keeps_what_people_made_unless_purged(machine: Machine) -> None:
    machine.install()
    assert machine.install("--uninstall", "--yes").returncode == 0
    assert not machine.is_active
    assert not machine.file("opt/schoolfilter").exists()
    assert not machine.file("usr/local/bin/schoolfilter").exists()
    assert not machine.file("etc/systemd/system/schoolfilter.service").exists()
    assert machine.file("var/lib/schoolfilter/policy.db").exists()
    assert machine.file("etc/schoolfilter/schoolfilter.toml").exists()
    assert machine.install("--uninstall", "--purge", "--yes").returncode == 0
    assert not machine.file("var/lib/schoolfilter").exists()
    assert not machine.file("etc/schoolfilter").exists()


def test_uninstall_gives_systemd_resolved_its_port_back(machine: Machine) -> None:
    machine.install()
    stub_off = machine.file("etc/systemd/resolved.conf.d/schoolfilter.conf")
    stub_off.parent.mkdir()
    stub_off.write_text("[Resolve]\nDNSStubListener=no\n", "utf-8")
    machine.file("etc/resolv.conf").symlink_to("/run/systemd/resolve/resolv.conf")
    assert machine.install("--uninstall", "--yes").returncode == 0
    assert not stub_off.exists()
    assert str(machine.file("etc/resolv.conf").readlink()) == "/run/systemd/resolve/stub-resolv.conf"
    assert machine.calls[-1] == "systemctl restart systemd-resolved"


@pytest.mark.parametrize("options", [["--wrong"], ["--purge"]])
def test_misuse_ends_with_status_2_before_anything_happens(machine: Machine, options: list[str]) -> None:
    before = machine.everything()
    assert machine.install(*options).returncode == 2
    assert machine.everything() == before


@pytest.mark.parametrize(
    ("locale", "words"),
    [("ru_RU.UTF-8", "Установлено"), ("kk_KZ", "Орнатылды"), ("ky_KG", "Орнотулду"), ("C", "Installed")],
)
def test_speaks_the_language_of_the_system(machine: Machine, locale: str, words: str) -> None:
    assert words in machine.install(language=locale).stdout


SENTENCE = re.compile(r"""\b(?:say|stop|ask|begin) (?:'([^']+)'|"((?:[^"$\\])+)")""")


def test_every_sentence_has_its_translations() -> None:
    sentences = {single or double for single, double in SENTENCE.findall(INSTALLER.read_text("utf-8"))}
    assert len(sentences) > 20
    for sentence in sentences:
        for language in ("ru", "kk", "ky"):
            translated = subprocess.run(
                ["sh", "-c", '. "$0"; translate "$1" "$2"', str(ROOT / "deploy/words.sh"), language, sentence],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.strip()
            assert translated != sentence, (language, sentence)
            assert translated.count("%s") == sentence.count("%s"), (language, sentence)


def test_shellcheck_finds_nothing() -> None:
    judged = subprocess.run(
        ["shellcheck", "--external-sources", *map(str, SCRIPTS)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert judged.returncode == 0, judged.stdout


def _pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", lock.read_text("utf-8"), re.MULTILINE))


def test_schools_get_the_versions_that_were_tested() -> None:
    tested, installed = _pins(ROOT / "requirements.lock"), _pins(ROOT / "deploy/requirements.lock")
    assert installed.items() <= tested.items()
    text = (ROOT / "deploy/requirements.lock").read_text("utf-8")
    assert text.count(" \\\n    --hash=sha256:") >= len(installed)


def test_the_lock_holds_what_pyproject_asks_for() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    wanted = re.findall(
        r'^    "([a-z0-9-]+)>=', project.partition("\ndependencies = [")[2].partition("]\n")[0], re.MULTILINE
    )
    assert len(wanted) >= 5
    assert set(wanted) <= set(_pins(ROOT / "deploy/requirements.lock"))


def test_the_installer_copies_every_package() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    packages = re.findall(r'^    "([a-z]+)",', project.partition("\npackages = [")[2].partition("]\n")[0], re.MULTILINE)
    copied = re.search(r"for part in (.*); do", INSTALLER.read_text("utf-8"))
    assert copied
    assert set(packages) <= set(copied[1].split())
