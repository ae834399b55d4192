#!/bin/sh
# Install the independent judges that the tests use (Debian's packages). Says what is missing if it may not install.
set -eu
missing=""
need() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing="$missing $2"; }
need dig bind9-dnsutils
need kdig knot-dnsutils
need dnsperf dnsperf
need unbound unbound
need dnsmasq dnsmasq-base
need ip iproute2
need cc gcc
need shellcheck shellcheck
need systemd-analyze systemd
need minisign minisign
need pdftoppm poppler-utils
need zbarimg zbar-tools
need ssh-keygen openssh-client
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "The tests use these packages, which are not installed:$missing" >&2
    echo "Install them first:  sudo apt-get install$missing" >&2
    exit 1
fi
apt-get update -qq
# shellcheck disable=SC2086 # a list of packages is meant
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
# A Debian package starts its server at once; the tests start their own on loopback.
for unit in unbound; do
    command -v systemctl >/dev/null 2>&1 && systemctl disable --now "$unit" >/dev/null 2>&1 || true
done
