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
for unit in digestd.service digestd.socket digestd-fetch.socket digestd-fetch@.service; do
    sed "s|/usr/local/bin/digestd|$binary|" "systemd/$unit" >"$tmp/$unit"
done
said=$(systemd-analyze verify --man=no "$tmp/digestd.service" "$tmp/digestd.socket" \
    "$tmp/digestd-fetch.socket" "$tmp/digestd-fetch@.service" 2>&1)
if [ $? -eq 0 ] && [ -z "$said" ]; then
    say ok "the units are well-formed"
else
    say FAIL "the units: $said"
fi

for unit in digestd.service digestd-fetch@.service; do
    if said=$(systemd-analyze security --offline=true --threshold=20 --no-pager "systemd/$unit" 2>&1)
    then
        say ok "$unit: $(echo "$said" | sed -n 's/.*\(Overall exposure level.*: [0-9.]*\).*/\1/p')"
    else
        say FAIL "$unit: the sandbox is looser than 2.0: $(echo "$said" | tail -n 1)"
    fi
done

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

# The fetch service as systemd starts it: a connection, handed over. LC_WHO says who ran the command.
cat >"$tmp/page.sh" <<'EOF'
echo "<html><body><p>#Run by $LC_WHO at $1</p><p>Text.</p><p>....</p></body></html>"
EOF
cat >"$tmp/digestd.conf" <<EOF
[daemon]
state-dir = $tmp/state
profile-dir = $PWD/conf/profiles
[source page]
url = http://page.invalid/
profile = digest
fetch-command = sh $tmp/page.sh %u
EOF
poll() {
    env LC_WHO=us DIGESTD_FETCH_SOCKET="$tmp/socket" "$binary" poll -c "$tmp/digestd.conf" 2>&1 |
        cut -f 2,4
}
expect() { # expect "what it says" "what it means"
    said=$(poll)
    if [ "$said" = "$1" ]; then say ok "$2"; else say FAIL "$2: $said"; fi
}
tab=$(printf '\t')
systemd-socket-activate --accept -l "$tmp/socket" -E LC_WHO=the-service \
    "$binary" serve-fetch -c "$tmp/digestd.conf" >"$tmp/activate" 2>&1 </dev/null &
service=$!
trap 'kill $service 2>/dev/null; rm -rf "$tmp"' EXIT
tries=0
while [ ! -S "$tmp/socket" ] && [ $tries -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
expect "new${tab}Run by the-service at http://page.invalid/" "a fetch-command is run by the service"
kill $service
wait $service 2>/dev/null
expect "renamed${tab}Run by us at http://page.invalid/" "without the service it is run here"
said=$("$binary" serve-fetch -c "$tmp/digestd.conf" 2>&1)
if [ $? -eq 3 ] && [ "$said" = "digestd: serve-fetch answers a connection that systemd hands over: \
enable digestd-fetch.socket" ]; then
    say ok "serve-fetch by hand says what it is for"
else
    say FAIL "serve-fetch by hand: $said"
fi
exit $failed
