#!/bin/sh
# `make install` and `make uninstall` below a directory of their own: everything is there and fits
# together, a conf file of the user's is left alone, and nothing stays behind. tests/install.sh
set -u
cd "$(dirname "$0")/.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

check() { # check what command…
    what=$1
    shift
    if said=$("$@" 2>&1); then
        echo "ok install: $what"
    else
        echo "FAIL install: $what: $said"
        failed=1
    fi
}
run_make() { # with the paths in $paths, and nothing of a make that calls us
    env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make --no-print-directory "$@" $paths
}
files() {
    (cd "$tmp" && find . ! -type d | sort)
}
no_files() {
    [ -z "$(files)" ] || { files; return 1; }
}
edited_conf_stays() {
    echo '# mine' >>"$tmp/etc/digestd/digestd.conf"
    run_make install && grep -qx '# mine' "$tmp/etc/digestd/digestd.conf" &&
        run_make uninstall && grep -qx '# mine' "$tmp/etc/digestd/digestd.conf"
}

paths="prefix=$tmp/usr sysconfdir=$tmp/etc systemdsystemunitdir=$tmp/units"
check "make install" run_make install
check "the program runs" "$tmp/usr/bin/digestd" --version
check "the installed conf and its profiles have no fault" \
    "$tmp/usr/bin/digestd" check -c "$tmp/etc/digestd/digestd.conf"
check "the unit starts what was installed" \
    grep -qxF "ExecStart=$tmp/usr/bin/digestd run -c $tmp/etc/digestd/digestd.conf" \
    "$tmp/units/digestd.service"
check "no path of another installation is left" sh -c "! grep -rn '/usr/local\|[ =]/etc/' $tmp/units"
check "make uninstall" run_make uninstall
check "nothing is left behind" no_files
run_make install >/dev/null 2>&1
check "an edited conf survives both" edited_conf_stays

rm -rf "${tmp:?}"/*
paths="DESTDIR=$tmp prefix=/usr systemdsystemunitdir=/lib/systemd/system"
check "make install with DESTDIR" run_make install
check "the unit's paths are without DESTDIR" \
    grep -qxF 'ExecStart=/usr/bin/digestd run -c /etc/digestd/digestd.conf' \
    "$tmp/lib/systemd/system/digestd.service"
check "the conf is the shipped one" cmp conf/digestd.conf "$tmp/etc/digestd/digestd.conf"
check "the manual is there" test -f "$tmp/usr/share/man/man5/digestd.conf.5"
check "make uninstall with DESTDIR" run_make uninstall
check "nothing is left below DESTDIR" no_files
exit $failed
