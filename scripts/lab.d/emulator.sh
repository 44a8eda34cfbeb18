# shellcheck shell=bash
# The QEMU that emulates the lab's machine. Before 8.1 it may execute code that another processor has just
# overwritten; before 9.1 a nested guest entered in an interrupt shadow may stand still for ever (docs/lab.md). Where
# the machine's own is older, Debian's backports' is unpacked for the lab, and not installed: benchmarks against QEMU
# and the exact figures keep the release's.

readonly emulator_fit_from=9.1
# What the lab's machine runs on: a program, and options that say where its firmware is.
emulator=(qemu-system-x86_64)

prepare_emulator() {
    local folder=$cache/packages/qemu
    [[ -e $folder/made-from ]] && return
    rm -rf "$folder"
    mkdir -p "$scratch/qemu"
    if emulator_is_fit qemu-system-x86_64; then
        printf 'installed\n' >"$scratch/qemu/made-from"
    elif (unpack_emulator "$scratch/qemu"); then # A subshell: its failure is none of the lab's.
        printf 'backports\n' >"$scratch/qemu/made-from"
    else
        # Not kept: the next run tries again.
        say "QEMU is older than $emulator_fit_from, and backports have none that runs here: guests may break now and then"
        return
    fi
    mv -T "$scratch/qemu" "$folder"
}

# Has the lab run on what prepare_emulator found.
use_emulator() {
    local folder=$cache/packages/qemu
    [[ -x $folder/usr/bin/qemu-system-x86_64 ]] || return 0
    emulator=("$folder/usr/bin/qemu-system-x86_64" -L "$folder/usr/share/qemu" -L /usr/share/seabios)
}

# Whether it starts here, and is new enough.
emulator_is_fit() {
    local version
    version=$("$1" --version 2>/dev/null | sed -nE '1s/^QEMU emulator version ([0-9.]+).*/\1/p') || return
    [[ -n $version ]] && printf '%s\n' "$emulator_fit_from" "$version" | sort --check=quiet --version-sort
}

unpack_emulator() {
    local folder=$1 suite
    suite=$(debian_codename)-backports
    use_suite "$suite"
    unpack_from "qemu-system-x86/$suite" "$folder" './usr/bin/qemu-system-x86_64' &&
        unpack_from "qemu-system-data/$suite" "$folder" './usr/share/qemu/*.bin' &&
        emulator_is_fit "$folder/usr/bin/qemu-system-x86_64"
}

# Unpacks the files of a package that match a pattern.
unpack_from() {
    local package
    say "fetching $1"
    package=$(fetch_package "$1") || return
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$2" --wildcards "$3"
}
