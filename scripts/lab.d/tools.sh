# shellcheck shell=bash
# What a guest tests its devices with, as an archive to put behind its initramfs: fio, e2fsprogs and
# our own programs of guests/linux (these also as files, since they run on both sides of a device).

readonly tool_packages="fio libaio1 libnuma1 zlib1g libc6 e2fsprogs libext2fs2 libcom-err2 libblkid1 libuuid1"
readonly tool_programs="usr/bin/fio sbin/mke2fs sbin/e2fsck"

prepare_guest_tools() {
    prepare_tool_packages
    is_current "$cache/guest/tools.cpio" "$checkout/guests/linux" "$cache/packages/tools/made-from" && return
    local stage=$scratch/tools-stage program
    mkdir -p "$stage/bin" "$scratch/tools"
    build_guest_program hog
    build_guest_program records
    build_guest_program stream address
    cp "$scratch"/tools/* "$stage/bin/"
    cp -r "$cache"/packages/tools/{lib,lib64,usr,sbin} "$stage/"
    ln -s mke2fs "$stage/sbin/mkfs.ext4"
    pack_archive "$stage" "$scratch/tools.cpio"

    mkdir -p "$cache/guest/tools"
    for program in "$scratch"/tools/*; do
        install_file "$program" "$cache/guest/tools/${program##*/}"
    done
    install_file "$scratch/tools.cpio" "$cache/guest/tools.cpio"

    # For guests that are dumped: an archive of its own, as those tell of what they hold.
    stage=$scratch/sockets-stage
    mkdir -p "$stage/bin"
    build_guest_program sockets
    mv "$scratch/tools/sockets" "$stage/bin/"
    pack_archive "$stage" "$scratch/sockets.cpio"
    install_file "$scratch/sockets.cpio" "$cache/guest/sockets.cpio"
    touch "$cache/guest/tools.cpio" # Says that it is current, whether or not it changed.
}

# Builds a static program of the sources named, the first of which names the program too.
build_guest_program() {
    local sources=("${@/#/$checkout/guests/linux/}")
    find_clang
    "$clang" -O2 -static -std=gnu11 -Wall -Wextra -Werror "-ffile-prefix-map=$checkout/=" -Wl,--build-id=none -s \
        -o "$scratch/tools/$1" "${sources[@]/%/.c}" ||
        fail "cannot build guests/linux/$1.c"
}

# Sets clang to the Swift toolchain's, which building Roost needs anyway.
find_clang() {
    command -v swift >/dev/null || fail "no Swift toolchain: its clang builds the guest's tools (scripts/setup)"
    clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
}

# Unpacks the packages and keeps the programs and the libraries these load.
prepare_tool_packages() {
    local kept=$cache/packages/tools wanted="$tool_packages: $tool_programs" tree=$scratch/tools-tree package program
    [[ -e $kept/made-from && $(<"$kept/made-from") == "$wanted" ]] && return
    say "fetching $tool_packages"
    for package in $tool_packages; do
        dpkg-deb --extract "$(fetch_package "$package")" "$tree" || fail "cannot unpack $package"
    done
    add_absent_libraries "$tree" usr/bin/fio
    local stage=$scratch/tools-kept
    mkdir -p "$stage/usr/bin" "$stage/sbin"
    for program in $tool_programs; do
        cp "$tree/$program" "$stage/$program"
        keep_libraries "$tree" "$stage" "$program"
    done
    printf '%s\n' "$wanted" >"$stage/made-from"
    rm -rf "$kept"
    mv -T "$stage" "$kept"
}

# Debian's fio is linked with a dozen network storage libraries: 80 MB, which no test calls. In their
# place comes one small library that has all the names, in the versions asked for.
add_absent_libraries() {
    local tree=$1 program=$1/$2 library libraries=() names=$scratch/absent.names
    find_clang
    local nm=("${clang%/*}/llvm-nm" --dynamic --format=just-symbols)
    readarray -t libraries < <(find "$tree" -type f -name '*.so.*')
    # NAME or NAME@VERSION, of those that the libraries we have do not define.
    LC_ALL=C comm -23 <("${nm[@]}" --undefined-only --no-weak "$program" | sed 's/@@*/@/' | LC_ALL=C sort -u) \
        <("${nm[@]}" --defined-only "${libraries[@]}" | sed '/:$/d; s/@@*/@/; p; s/@.*//' | LC_ALL=C sort -u) >"$names"
    sed 's/@.*//; s/.*/void &(void) { __builtin_trap(); }/' "$names" >"$scratch/absent.c"
    awk -F@ 'NF > 1 { names[$2] = names[$2] " " $1 ";" } END { for (version in names) print version " {" names[version] " };" }' \
        "$names" | LC_ALL=C sort >"$scratch/absent.versions"
    "$clang" -shared -nostdlib -fPIC -fuse-ld=lld -Os -w -s -Wl,--build-id=none \
        "-Wl,--version-script=$scratch/absent.versions" -o "$scratch/absent.so" "$scratch/absent.c" ||
        fail "cannot make a stand-in for fio's storage libraries"
    while read -r library; do
        [[ -n $(find "$tree" -name "$library" -print -quit) ]] ||
            cp "$scratch/absent.so" "$tree/usr/lib/x86_64-linux-gnu/$library"
    done < <(needed_libraries "$program")
}

needed_libraries() {
    LC_ALL=C "${clang%/*}/llvm-objdump" --private-headers "$1" | awk '$1 == "NEEDED" { print $2 }'
}

# Copies what a program of the tree loads. The tree's own loader tells: it knows no other folder.
keep_libraries() {
    local tree=$1 stage=$2 program=$3 library path
    path=$tree/lib/x86_64-linux-gnu:$tree/usr/lib/x86_64-linux-gnu
    mkdir -p "$stage"/{lib/x86_64-linux-gnu,lib64}
    cp --dereference "$tree/lib64/ld-linux-x86-64.so.2" "$stage/lib64/"
    while read -r library; do
        [[ $library == "$tree"/* ]] || fail "$program needs $library, which is in none of: $tool_packages"
        cp --dereference "$library" "$stage/lib/x86_64-linux-gnu/"
    done < <(env -i "$tree/lib64/ld-linux-x86-64.so.2" --inhibit-cache --library-path "$path" --list "$tree/$program" |
        sed -n 's/^[[:space:]]*\([^ ]*\) => \(.*\) (0x[0-9a-f]*)$/\2/p; s/^[[:space:]]*\([^ ]*\) => not found$/\1/p' |
        grep -v '/ld-linux-x86-64\.so\.2$')
}
