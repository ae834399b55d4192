#!/bin/sh
# Installed as /usr/local/bin/schoolfilter: what a person types.
#
# The filter runs as a user of its own, and its policy, lists and log belong to that user. Were a command to run as root,
# it would leave files there that the filter could no longer write. So this script lets go of root first, as the service
# does, and keeps one privilege only: to open port 53 (for `sudo schoolfilter run` on a machine without systemd).
#
# Commands that write a file to carry away get a porter: a process with the rights of the person behind sudo, which makes
# the file where they may write and the filter may not, so that it is theirs (cli/porter.py).
set -eu
program=/opt/schoolfilter/venv/bin/schoolfilter
python=/opt/schoolfilter/venv/bin/python
config=/etc/schoolfilter/schoolfilter.toml
owner=schoolfilter

if [ "$(id -u)" = 0 ]; then
    umask 077
    export HOME=/var/lib/schoolfilter
    export SUDO_USER="${SUDO_USER:-root}" # who gave the command: recorded with each change
    writes=no
    for word; do
        case "$word" in
            export | print | act | report | handover | briefing | parents | referral) writes=yes ;;
        esac
    done
    set -- setpriv --reuid="$owner" --regid="$owner" --init-groups --no-new-privs \
        --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service --bounding-set=-all,+net_bind_service \
        -- "$program" "$@"
    if [ "$writes" = yes ]; then set -- "$python" -I -m cli.porter "$@"; fi
    exec "$@"
fi

case " $* " in
    *" --help "*) ;; # anyone may read the help
    *)
        if [ ! -r "$config" ]; then
            echo "schoolfilter: expected the right to read $config, found that you ($(id -un)) may not." >&2
            echo "Next step: run it with sudo:  sudo schoolfilter $*" >&2
            exit 1
        fi
        ;;
esac
exec "$program" "$@"
