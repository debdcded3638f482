#!/bin/sh
# The units: what systemd says of them, and that the sandbox is as tight as promised (2.0 or better).
# Needs no running systemd. tests/systemd.sh [BINARY]
set -u
cd "$(dirname "$0")/.." || exit 1
binary=$(readlink -f "${1:-build/digestd}")
failed=0

say() { # say ok|FAIL what
    echo "$1 systemd: $2"
    [ "$1" = ok ] || failed=1
}

if ! command -v systemd-analyze >/dev/null 2>&1; then
    echo "skip systemd: there is no systemd-analyze"
    exit 0
fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# The units name an installed binary; here it is the one that was built.
for unit in digestd.service digestd.socket; do
    sed "s|/usr/local/bin/digestd|$binary|" "systemd/$unit" >"$tmp/$unit"
done
said=$(systemd-analyze verify --man=no "$tmp/digestd.service" "$tmp/digestd.socket" 2>&1)
if [ $? -eq 0 ] && [ -z "$said" ]; then
    say ok "the units are well-formed"
else
    say FAIL "the units: $said"
fi

if said=$(systemd-analyze security --offline=true --threshold=20 --no-pager systemd/digestd.service 2>&1)
then
    say ok "$(echo "$said" | sed -n 's/.*\(Overall exposure level.*: [0-9.]*\).*/\1/p')"
else
    say FAIL "the sandbox is looser than 2.0: $(echo "$said" | tail -n 1)"
fi

# What the daemon and `make install` rely on.
for line in Type=notify NotifyAccess=main DynamicUser=yes StateDirectory=digestd \
    'ExecReload=/usr/local/bin/digestd check -c /etc/digestd/digestd.conf' \
    'ExecReload=/bin/kill -HUP $MAINPID'; do
    if grep -qxF "$line" systemd/digestd.service; then
        say ok "$line"
    else
        say FAIL "no line $line"
    fi
done
exit $failed
