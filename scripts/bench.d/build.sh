# shellcheck shell=bash
# What takes part, built: Roost in release, as its build leaves it (not stripped), and the C program.

# shellcheck disable=SC2154  # The paths are the main script's.
build_contestants() {
    say "building"
    local log product
    log=$(mktemp)
    for product in roost roost-vmm roostd roost-bench; do
        if ! swift build --configuration release --product "$product" >"$log" 2>&1; then
            cat "$log" >&2
            rm -f "$log"
            fail "$exit_unavailable" "$product cannot be built"
        fi
    done
    rm -f "$log"
    "$checkout/scripts/build-guests" >/dev/null
    build_raw
    # Pages of a program that are not yet on the disk would count as its private dirty memory.
    sync
}

build_raw() {
    local source=$checkout/bench/raw/raw.c clang
    [[ -e $raw && ! $source -nt $raw ]] && return
    clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
    mkdir -p "${raw%/*}"
    "$clang" -O2 -static -std=gnu11 -Wall -Wextra -Werror -o "$raw.new" "$source"
    mv "$raw.new" "$raw"
}
