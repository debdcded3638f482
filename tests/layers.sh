#!/bin/sh
# The walls of the house: who may include whom, and what pure rooms may call.
# Usage: tests/layers.sh BUILD_FOLDER (with the objects of the release)
set -eu
build=${1:-build}
failed=0
fail() {
    echo "layers: $*" >&2
    failed=1
}

# A room, then the faces it may include besides its own.
knows='
base
profile: base
conf: base profile
proc: base
fetch: base model conf profile proc
digest: base model profile
store: base model
feed: base model
site: base feed model
http: base feed site model
engine: base model profile conf fetch proc digest store feed site
service: base conf profile
cli: base model profile conf fetch proc digest store feed site http engine service
'

# What the objects of a pure room may need of others: other rooms it knows, memory and strings, and
# the libraries that it is there to use. No clock, file, socket, thread, no ev_, curl_, sqlite3_.
common='mem(cpy|move|set|cmp|chr|mem|rchr)|str(len|cmp|chr|rchr|dup|ndup|ncmp|cspn|spn|pbrk|tol|toul)
        malloc|calloc|realloc|free|qsort|qsort_r|bsearch|abort|atoi|llabs|malloc_usable_size
        v?snprintf|__v?snprintf_chk|__mem(cpy|move|set)_chk|__str(cpy|cat)_chk|__stack_chk_fail
        __(a|ub|t)san_.*|__errno_location|__ctype_(b|tolower|toupper)_loc|_GLOBAL_OFFSET_TABLE_|__tls_get_addr'
pure_base='XXH3_.*|timegm|gmtime_r|mallopt|malloc_trim'
pure_profile='pcre2_.*|_*xml.*'
pure_digest='uuid_(generate_sha1|get_template|unparse_lower)|html.*|xml.*|iconv(_open|_close)?|json_.*|uchardet_.*|md_html|utf8proc_.*'
pure_feed='xml.*|json_.*|deflate.*|ZSTD_.*|BrotliEncoder.*|timegm|gmtime_r'
pure_rooms='base profile digest feed'
# Single files of rooms that also touch the world.
pure_files='fetch/schedule fetch/turns fetch/fresh http/request http/reply'

for room in $(echo "$knows" | sed -n 's/^\([a-z]*\).*/\1/p'); do
    may="$room $(echo "$knows" | sed -n "s/^$room: *//p")"
    for file in daemon/"$room"/*.[ch]; do
        [ -e "$file" ] || continue
        for header in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file"); do
            [ -e "daemon/$room/$header" ] && continue
            face=${header%.h}
            [ -e "include/$header" ] || fail "$file includes $header, which is no face of a room"
            case " $may " in
            *" $face "*) ;;
            *) fail "$file includes $header, which $room may not know" ;;
            esac
        done
    done
done

# Every header stands alone.
for header in include/*.h; do
    echo "#include \"${header#include/}\"" |
        ${CC:-cc} -std=c11 -D_GNU_SOURCE -Iinclude -fsyntax-only -x c - ||
        fail "$header does not compile alone"
done

own_symbols() {
    for known in $1; do
        for object in "$build"/daemon/"$known"/*.o; do
            [ -e "$object" ] && nm --defined-only -g "$object" | awk 'NF == 3 {print $3}'
        done
    done
}

check_symbols() { # what, objects, rooms it may know, allowed
    allowed=$(echo "$common $4" | tr '\n ' '||' | sed 's/||*/|/g; s/^|//; s/|$//')
    mine=$(own_symbols "$3" | sort -u)
    for symbol in $(nm -u $2 | awk 'NF == 2 && $1 == "U" {print $2}' | sort -u); do
        printf '%s\n' "$mine" | grep -qx -- "$symbol" && continue
        printf '%s\n' "$symbol" | grep -qxE -- "$allowed" && continue
        fail "$1 is pure and may not need $symbol"
    done
}

for room in $pure_rooms; do
    may="$room $(echo "$knows" | sed -n "s/^$room: *//p")"
    eval "allowed=\$pure_$room"
    check_symbols "$room" "$(echo "$build"/daemon/"$room"/*.o)" "$may" "$allowed"
done
for file in $pure_files; do
    room=${file%/*}
    [ -e "$build/daemon/$file.o" ] || fail "daemon/$file.c is gone: say in tests/layers.sh where it went"
    may="$room $(echo "$knows" | sed -n "s/^$room: *//p")"
    check_symbols "$file" "$build/daemon/$file.o" "$may" ""
done

[ "$failed" = 0 ] && echo "layers: every room knows only whom it may"
exit "$failed"
