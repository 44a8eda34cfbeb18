# shellcheck shell=bash
# The two kernels: Debian's amd64 flavour for the lab itself (it has 9p and kvm_amd), its cloud
# flavour as the stock guest. Once unpacked, the cache is used and apt is not asked again.

prepare_outer_kernel() {
    [[ -e $cache/outer/vmlinux ]] && return
    local tree=$scratch/outer
    fetch_kernel linux-image-amd64 "$tree"
    unpack_vmlinux "$tree"/boot/vmlinuz-* "$scratch/vmlinux"
    # shellcheck disable=SC2046,SC2086  # A list of names without blanks.
    select_modules "$tree" "$scratch/modules" $outer_modules $outer_modules_on_demand
    rm -rf "$cache/outer/modules"
    mv -T "$scratch/modules" "$cache/outer/modules"
    mv -T "$scratch/vmlinux" "$cache/outer/vmlinux" # Last: its presence says that all is there.
    rm -rf "$tree"
}

prepare_guest_kernel() {
    [[ -e $cache/guest/vmlinux ]] && return
    local tree=$scratch/guest
    fetch_kernel linux-image-cloud-amd64 "$tree"
    unpack_vmlinux "$tree"/boot/vmlinuz-* "$scratch/vmlinux"
    # shellcheck disable=SC2086  # A list of names without blanks.
    select_modules "$tree" "$scratch/modules" $guest_modules
    rm -rf "$cache/guest/modules"
    mv -T "$scratch/modules" "$cache/guest/modules"
    mv -T "$tree"/boot/vmlinuz-* "$cache/guest/bzImage"
    mv -T "$tree"/boot/config-* "$cache/guest/config"
    mv -T "$scratch/vmlinux" "$cache/guest/vmlinux" # Last: its presence says that all is there.
    rm -rf "$tree"
}

fetch_kernel() {
    local name=$1 tree=$2 real package
    real=$(resolve_package "$name")
    say "fetching $real"
    package=$(fetch_package "$real")
    dpkg-deb --extract "$package" "$tree" || fail "cannot unpack $package"
    rm -f "$package"
}

# Takes the ELF kernel out of a bzImage. The setup header says where its payload lies
# (Documentation/arch/x86/boot.rst: payload_offset and payload_length, protocol 2.08), and its first
# bytes how it is packed.
unpack_vmlinux() {
    local image=$1 elf=$2 setup_sectors offset length magic unpack=()
    [[ $(bytes_at "$image" $((0x202)) 4) == 48647253 ]] || fail "$image is no bzImage" # "HdrS"
    setup_sectors=$(number_at "$image" $((0x1f1)) 1)
    ((setup_sectors > 0)) || setup_sectors=4 # Zero means four, for very old boot loaders.
    offset=$(((setup_sectors + 1) * 512 + $(number_at "$image" $((0x248)) 4)))
    length=$(number_at "$image" $((0x24c)) 4)

    magic=$(bytes_at "$image" "$offset" 4)
    case $magic in
        fd377a58) unpack=(xz --decompress --stdout) ;;
        02214c18) unpack=(lz4 --decompress --stdout) ;; # The legacy frame.
        28b52ffd) unpack=(zstd --decompress --stdout) ;;
        *) fail "$image: payload of unknown kind (starts with $magic)" ;;
    esac
    command -v "${unpack[0]}" >/dev/null || fail "please install, as root: apt-get install ${unpack[0]}"
    # Kbuild adds the unpacked size, four bytes that are no part of the packed stream.
    dd if="$image" iflag=skip_bytes,count_bytes skip="$offset" count="$((length - 4))" bs=1M status=none |
        "${unpack[@]}" >"$elf" || fail "cannot unpack $image"
    [[ $(bytes_at "$elf" 0 4) == 7f454c46 ]] || fail "$image does not hold an ELF kernel"
}

# COUNT bytes of a file as hexadecimal digits.
bytes_at() {
    od -A n -t x1 -j "$2" -N "$3" "$1" | tr -d ' \n'
}

# COUNT bytes of a file as a little-endian number.
number_at() {
    od -A n -t "u$3" --endian=little -j "$2" -N "$3" "$1" | tr -d ' '
}
