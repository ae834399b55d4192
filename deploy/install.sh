#!/bin/sh
# Installs schoolfilter on a Debian, Ubuntu or Raspberry Pi OS machine, or upgrades it and keeps all data.
#
#     sudo sh deploy/install.sh                  install or upgrade
#     sudo sh deploy/install.sh --yes            the same, without questions
#     sudo sh deploy/install.sh --uninstall      take it away, keep settings, policy and log
#     sudo sh deploy/install.sh --uninstall --purge    take everything away, the log too
#     sh deploy/install.sh --dry-run             only show what would be done
#     sh deploy/install.sh --root DIR            put the files under DIR and leave this machine alone
#
# What it makes:
#     /opt/schoolfilter/releases/…         the program, each version in a folder of its own
#     /opt/schoolfilter/venv               leads to the version in use
#     /usr/local/bin/schoolfilter          the command that people type
#     /etc/schoolfilter/schoolfilter.toml  the settings (never overwritten)
#     /var/lib/schoolfilter                policy, lists, query log (never overwritten)
#     a user "schoolfilter" and a systemd service of that name
#
# Everything is checked before anything is changed. If a step fails, what was changed is put back.
set -eu
umask 022

yes=no dry=no action=install purge=no root=""
while [ $# -gt 0 ]; do
    case "$1" in
        --yes) yes=yes ;;
        --dry-run) dry=yes ;;
        --uninstall) action=uninstall ;;
        --purge) purge=yes ;;
        --root)
            root=${2:?"expected a folder after --root"}
            case "$root" in /*) ;; *) root=$PWD/$root ;; esac
            shift
            ;;
        --help | -h)
            sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        *)
            echo "$0: expected --yes, --dry-run, --uninstall, --purge, --root DIR or --help, found $1" >&2
            exit 2
            ;;
    esac
    shift
done
if [ "$purge" = yes ] && [ "$action" = install ]; then
    echo "$0: --purge goes with --uninstall only" >&2
    exit 2
fi

source=$(cd "$(dirname "$0")/.." && pwd)
home=$root/opt/schoolfilter
link=$home/venv
release=$home/releases/$(date -u +%Y%m%dT%H%M%SZ)
state=$root/var/lib/schoolfilter
settings=$root/etc/schoolfilter
config=$settings/schoolfilter.toml
ready=$state/run/listening.json # the filter writes it when every address is open and every worker answers
command=$root/usr/local/bin/schoolfilter
unit=$root/etc/systemd/system/schoolfilter.service
stub_off=$root/etc/systemd/resolved.conf.d/schoolfilter.conf
resolv=$root/etc/resolv.conf
owner=schoolfilter

# ---------------------------------------------------------------- talking to the person

. "$source/deploy/words.sh"
tongue=${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}
if [ -z "$tongue" ] && [ -r /etc/default/locale ]; then
    tongue=$(sed -n 's/^LANG="\{0,1\}\([^"]*\).*/\1/p' /etc/default/locale)
fi
tongue=$(echo "$tongue" | cut -c 1-2)

say() { # say SENTENCE [VALUE…]
    sentence=$(translate "$tongue" "$1")
    shift
    # shellcheck disable=SC2059 # the sentence is one of ours, with a %s for each value
    printf "$sentence\n" "$@"
}
stop() { # say why, and end
    say "$@" >&2
    exit 1
}
ask() { # true if the person agrees
    if [ "$yes" = yes ] || [ "$dry" = yes ]; then return 0; fi
    say "$@"
    if [ ! -t 0 ]; then return 1; fi
    printf '[y/N, д/н, и/ж, о/ж] '
    read -r answer
    # No [brackets]: this shell compares bytes, and Cyrillic letters share their first one.
    case "$answer" in y* | Y* | д* | Д* | и* | И* | о* | О*) return 0 ;; *) return 1 ;; esac
}
begin() { # name the step that follows
    step=$(say "$1")
    echo "- $step"
}
run() { # do it, or with --dry-run only show it
    if [ "$dry" = yes ]; then echo "    $*"; else "$@"; fi
}

quietly() { "$@" >/dev/null; } # without its good news; errors are still seen

# ---------------------------------------------------------------- small helpers

has_systemd() { [ -d "$root/run/systemd/system" ] && command -v systemctl >/dev/null 2>&1; }
is_running() { has_systemd && systemctl is-active --quiet schoolfilter; }
as_owner() { # the filter's files are touched by the filter's own user only, never by root
    if [ -n "$root" ]; then
        "$@"
    else
        setpriv --reuid="$owner" --regid="$owner" --init-groups --no-new-privs -- env HOME="$state" "$@"
    fi
}
pip() { "$release/venv/bin/python" -m pip --quiet --disable-pip-version-check --no-input "$@"; }
filter() { as_owner "$release/venv/bin/schoolfilter" --config "$config" "$@"; } # the new version
point_to() { # make /opt/schoolfilter/venv lead to a version, in one indivisible step
    ln -sfn "$1/venv" "$link.new"
    mv -T "$link.new" "$link"
}
copy_policy() { # copy_policy FROM TO
    for file in "$1"/policy.db*; do as_owner cp -p "$file" "$2/"; done
}

# ---------------------------------------------------------------- putting back what was changed

# Each step notes here what it is about to change.
step="" old_release="" kept_policy="" finished=no
made_user=no made_state=no made_settings=no made_release=no freed_port=no switched=no was_running=no

put_back() {
    status=$?
    trap - EXIT
    if [ "$finished" = yes ] || [ "$dry" = yes ] || [ -z "$step" ]; then exit "$status"; fi
    set +e
    say 'It failed at: %s. What was changed is being put back.' "$step" >&2
    if [ "$switched" = yes ]; then
        if has_systemd; then systemctl stop schoolfilter; fi
        if [ -n "$old_release" ]; then
            point_to "$old_release"
            cp -p "$release/before/schoolfilter" "$command"
            cp -p "$release/before/schoolfilter.service" "$unit"
        else
            if has_systemd; then systemctl disable --quiet schoolfilter; fi
            rm -f "$link" "$command" "$unit"
        fi
        if [ -n "$kept_policy" ]; then
            as_owner rm -f "$state"/policy.db*
            copy_policy "$kept_policy" "$state"
            if [ -d "$kept_policy/lists" ]; then
                as_owner rm -rf "$state/lists"
                as_owner cp -al "$kept_policy/lists" "$state/lists"
            fi
        fi
        if has_systemd; then systemctl daemon-reload; fi
    fi
    if [ "$freed_port" = yes ]; then give_port_back; fi
    if [ "$was_running" = yes ]; then systemctl start schoolfilter; fi
    if [ "$made_release" = yes ]; then rm -rf "$release"; fi
    if [ "$made_settings" = yes ]; then rm -rf "$settings"; fi
    if [ "$made_state" = yes ]; then rm -rf "$state"; fi
    if [ "$made_user" = yes ]; then userdel "$owner"; fi
    rmdir "$home/releases" "$home" 2>/dev/null
    if [ -n "$old_release" ]; then
        say 'The version before this one is in use again; no data was lost.' >&2
    else
        say 'No trace is left. Correct what the lines above say and start again.' >&2
    fi
    exit "$status"
}
trap put_back EXIT
trap 'exit 130' INT TERM

give_port_back() { # undo what free_port did to systemd-resolved
    rm -f "$stub_off"
    if [ "$(readlink "$resolv")" = /run/systemd/resolve/resolv.conf ]; then
        ln -sfn /run/systemd/resolve/stub-resolv.conf "$resolv"
    fi
    if has_systemd; then systemctl restart systemd-resolved; fi
}

# ---------------------------------------------------------------- checks: nothing is changed yet

check_system() {
    kinds=""
    if [ -r /etc/os-release ]; then kinds=$(sed -n 's/^ID\(_LIKE\)\{0,1\}=//p' /etc/os-release | tr -d '"' | tr '\n' ' '); fi
    case " $kinds" in
        *" debian "* | *" ubuntu "* | *" raspbian "*) ;;
        *) stop 'Expected Debian, Ubuntu or Raspberry Pi OS, found: %s' "${kinds:-?}" ;;
    esac
    folder=$home
    while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
    free_mb=$(df -Pk "$folder" | awk 'NR == 2 { print int($4 / 1024) }')
    if [ "$free_mb" -lt 500 ]; then stop 'Expected 500 MB of free disk, found %s MB. Free some space and start again.' "$free_mb"; fi
    case "$(uname -m)" in
        x86_64 | aarch64) ;; # all libraries come ready-made for these
        *) say 'Note: on %s some parts are compiled here; if that fails:  sudo apt-get install build-essential python3-dev' "$(uname -m)" ;;
    esac
}

find_python() { # sets $python; offers to install what the system lacks
    python=""
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
    packages=""
    if [ -n "$python" ]; then
        "$python" -c 'import ensurepip, venv' 2>/dev/null || packages=" $python-venv"
    elif ! command -v python3 >/dev/null 2>&1; then
        packages=" python3 python3-venv"
    elif apt-cache show python3.11-venv >/dev/null 2>&1; then
        packages=" python3.11 python3.11-venv" # Ubuntu 22.04 has both beside its own 3.10
    else
        stop 'Expected Python 3.11 or newer, found %s, and this system offers no newer one. Next step: Debian 12 or Ubuntu 24.04.' \
            "$(python3 --version)"
    fi
    # Present on all but the barest systems: time zones, and whom to trust for TLS.
    if [ ! -e /usr/share/zoneinfo/Asia/Almaty ]; then packages="$packages tzdata"; fi
    if [ ! -e /etc/ssl/certs/ca-certificates.crt ]; then packages="$packages ca-certificates"; fi
    packages=${packages# }
    if [ -z "$packages" ]; then return 0; fi
    if [ "$packages" = "$asked_for" ]; then stop 'Nothing was changed. Next step:  sudo apt-get install %s' "$packages"; fi
    if ! ask 'Missing: %s. Install with apt-get?' "$packages"; then
        stop 'Nothing was changed. Next step:  sudo apt-get install %s' "$packages"
    fi
    asked_for=$packages
    run apt-get update -qq
    # shellcheck disable=SC2086 # a list of packages is meant
    run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
    if [ "$dry" = yes ]; then python=${python:-python3}; else find_python; fi
}
asked_for=""

port_53() { # who holds it: "free", "resolved" (systemd-resolved's stub), another program's name, or "?"
    # Trying to take it is the one sure way to know; the addresses are those of the settings, if there are any yet.
    # Without the right to try (--dry-run) it counts as free.
    if "$python" -c '
import errno, pathlib, socket, sys, tomllib
try:
    listen = tomllib.loads(pathlib.Path(sys.argv[1]).read_text("utf-8"))["server"]["listen"]
except (OSError, ValueError, LookupError):
    listen = ["0.0.0.0:53"]
for host, _, port in (address.rpartition(":") for address in listen):
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind == socket.SOCK_STREAM))
            if s.family == socket.AF_INET6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                s.bind((host.strip("[]"), int(port)))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    sys.exit(1)
' "$config"; then
        echo free
    elif grep -qi ' 3500007F:0035 ' /proc/net/udp; then # 127.0.0.53, port 53, as the kernel writes it
        echo resolved
    else
        name=$(ss -H -lntup 'sport = :53' 2>/dev/null | sed -n 's/.*(("\([^"]*\)".*/\1/p' | head -n 1) || name=""
        echo "${name:-?}"
    fi
}
check_port() {
    holder=free
    if [ -n "$root" ] || is_running; then return 0; fi
    holder=$(port_53)
    case "$holder" in
        free) ;;
        resolved)
            if ! ask "Port 53 is taken by systemd-resolved's local stub. Switch the stub off? (This machine keeps its DNS.)"; then
                stop 'Nothing was changed. Start again with --yes to agree that port 53 is freed.'
            fi
            ;;
        *)
            stop 'Port 53 is taken by another program: %s. Nothing was changed. Next step: stop that program (sudo systemctl disable --now %s), then start again.' \
                "$holder" "$holder"
            ;;
    esac
}

# ---------------------------------------------------------------- the steps

build_release() { # the new version, in a folder of its own, beside the one in use
    made_release=yes
    run mkdir -p "$release/source" "$release/before"
    run "$python" -m venv "$release/venv"
    # Exactly the locked versions, each file checked by its digest.
    run pip install --no-deps --require-hashes -r "$source/deploy/requirements.lock"
    # Our own package is built from a copy: nothing of root's is left in the folder you unpacked.
    for part in pyproject.toml README.md LICENSE approval blocklists cli journal papers policy resolver settings storage timetables translations; do
        run cp -R "$source/$part" "$release/source/"
    done
    run pip install --no-index --no-deps --no-build-isolation "$release/source"
    run rm -rf "$release/source"
    run quietly "$release/venv/bin/schoolfilter" --help
}

make_user() {
    if [ -n "$root" ] || getent passwd "$owner" >/dev/null; then return 0; fi
    made_user=yes
    run useradd --system --user-group --home-dir "$state" --no-create-home --shell /usr/sbin/nologin "$owner"
}

make_folders() {
    if [ ! -d "$state" ]; then
        made_state=yes
        run mkdir -p "$state"
        run chmod 0700 "$state"
        if [ -z "$root" ]; then run chown "$owner:$owner" "$state"; fi
    fi
    if [ ! -d "$settings" ]; then
        made_settings=yes
        run mkdir -p "$settings"
    fi
    if [ ! -e "$config" ]; then run write_config; fi
    # The service reads its settings but cannot change them; other people of this machine cannot read them.
    if [ -z "$root" ]; then run chown root:"$owner" "$settings" "$config"; fi
    run chmod 0755 "$settings"
    run chmod 0640 "$config"
}
write_config() { # deploy/schoolfilter.toml with this machine's language, time zone and addresses
    zone=$(readlink -f /etc/localtime | sed -n 's|.*/zoneinfo/||p')
    case "$zone" in Asia/*) ;; *) zone=Asia/Almaty ;; esac
    case "$zone" in Asia/Bishkek) country=kg ;; *) country=kz ;; esac
    case "$tongue" in kk | ky | en) words=$tongue ;; *) words=ru ;; esac
    listen='"0.0.0.0:53"'
    if [ -e /proc/net/if_inet6 ]; then listen="$listen, \"[::]:53\""; fi
    sed -e "s|^country = .*|country = \"$country\"|" -e "s|^language = .*|language = \"$words\"|" \
        -e "s|^time_zone = .*|time_zone = \"$zone\"|" -e "s|^listen = .*|listen = [$listen]|" \
        -e "s|^state = .*|state = \"$state\"|" "$source/deploy/schoolfilter.toml" >"$config.new"
    mv "$config.new" "$config"
}

prepare_state() { # the new version judges the settings; on a first install it makes the policy and the starter lists
    run quietly filter config check
    if [ ! -e "$state/policy.db" ]; then run quietly filter init; fi
}

free_port() { # switch off systemd-resolved's stub; programs of this machine then ask the network's servers directly
    if [ "$holder" != resolved ]; then return 0; fi
    freed_port=yes
    run mkdir -p "$(dirname "$stub_off")"
    run write_stub_off
    case "$(readlink "$resolv")" in *stub-resolv.conf) run ln -sfn /run/systemd/resolve/resolv.conf "$resolv" ;; esac
    run systemctl restart systemd-resolved
}
write_stub_off() { printf '# By schoolfilter: port 53 belongs to the filter.\n[Resolve]\nDNSStubListener=no\n' >"$stub_off"; }

switch_over() { # on an upgrade, devices get no answers for a second or two from here
    if [ -n "$old_release" ]; then
        for file in "$command" "$unit"; do if [ -e "$file" ]; then run cp -p "$file" "$release/before/"; fi; done
    fi
    if is_running; then
        was_running=yes
        run systemctl stop schoolfilter
    fi
    if [ -n "$old_release" ] && [ -e "$state/policy.db" ]; then
        # A new version may change the form of the policy file: this copy is the way back, and is kept.
        kept_policy=$state/backup/$(basename "$release")
        run as_owner mkdir -p "$kept_policy"
        run copy_policy "$state" "$kept_policy"
        # A new version may not read the index of the old one, and without one nothing is blocked by category: it is compiled
        # anew here, and what is kept is the way back. Files of lists are replaced, never changed, so a link is a copy.
        if [ -d "$state/lists" ]; then run as_owner cp -al "$state/lists" "$kept_policy/lists"; fi
    fi
    switched=yes
    if [ -n "$kept_policy" ]; then run quietly filter init; fi
    run point_to "$release"
    run mkdir -p "$(dirname "$command")"
    run install -m 0755 "$source/deploy/schoolfilter.sh" "$command"
    if has_systemd; then
        run mkdir -p "$(dirname "$unit")"
        run install -m 0644 "$source/deploy/schoolfilter.service" "$unit"
        run systemctl daemon-reload
        run systemctl enable --quiet schoolfilter
        run as_owner rm -f "$ready"
        run systemctl start schoolfilter
    fi
}

wait_until_it_answers() {
    if ! has_systemd || [ "$dry" = yes ]; then return 0; fi
    tries=0
    until [ -e "$ready" ]; do
        tries=$((tries + 1))
        if [ "$tries" -ge 30 ]; then
            journalctl --unit schoolfilter --lines 20 --no-pager >&2 || true
            return 1
        fi
        sleep 1
    done
}

forget_old_releases() { # keep this version and the one before it
    for folder in "$home"/releases/*; do
        if [ "$folder" != "$release" ] && [ "$folder" != "$old_release" ]; then rm -rf "$folder"; fi
    done
}

tell_next_steps() {
    if ! has_systemd && [ -z "$root" ]; then
        say 'This machine has no systemd: start the filter by hand, at each boot too:  sudo schoolfilter run'
    fi
    address=$(hostname -I 2>/dev/null | cut -d ' ' -f 1) || address=""
    say 'Installed. Two things are left to do:'
    say " 1. Write the school's name into %s" "$config"
    say ' 2. In the router: give this machine a fixed address and name it as the ONLY DNS server of DHCP: %s' "${address:-?}"
    say 'How, for each kind of router: docs/router-dhcp.md'
}

uninstall() {
    if ! ask "Take schoolfilter away? First put the router's DNS back: devices that still ask this machine will have no internet."; then
        stop 'Nothing was changed.'
    fi
    if has_systemd && [ -e "$unit" ]; then run systemctl disable --now --quiet schoolfilter; fi
    run rm -f "$unit" "$command"
    if has_systemd; then run systemctl daemon-reload; fi
    if [ -e "$stub_off" ]; then run give_port_back; fi
    run rm -rf "$home"
    if [ "$purge" = no ]; then
        say 'Taken away. Kept: %s and %s (settings, policy, lists, query log).' "$settings" "$state"
        return 0
    fi
    run rm -rf "$settings" "$state"
    if [ -z "$root" ] && getent passwd "$owner" >/dev/null; then run userdel "$owner"; fi
    say 'Everything was taken away.'
}

# ---------------------------------------------------------------- what is done, in order

if [ "$(id -u)" != 0 ] && [ -z "$root" ] && [ "$dry" = no ]; then
    stop 'Expected the right to install (root). Next step:  sudo sh %s' "$0"
fi
if [ "$action" = uninstall ]; then
    uninstall
    exit 0
fi
check_system
find_python
check_port
if [ -L "$link" ]; then old_release=$(dirname "$(readlink "$link")"); fi

begin 'building the new version'
build_release
begin 'user and folders'
make_user
make_folders
begin 'settings, policy and starter lists'
prepare_state
begin 'port 53'
free_port
begin 'starting'
switch_over
wait_until_it_answers
finished=yes
if [ "$dry" = yes ]; then exit 0; fi

forget_old_releases
# What doctor finds is told but undoes nothing: the provider's line may be down at this moment.
if has_systemd; then filter doctor || true; fi
tell_next_steps
