# shellcheck shell=bash
# The two kernels: Debian's amd64 flavour for the lab itself (it has 9p and kvm_amd), its cloud
# flavour as the stock guest. Once they are unpacked apt is not asked again: the versions stay until
# .build/lab is removed.

# Fills FOLDER of the cache with bzImage, vmlinux, config, version and the named modules of the kernel
# behind PACKAGE.
prepare_kernel() {
    local folder=$cache/$1 package=$2 modules=$3 wanted="$2: $3" real file tree=$scratch/$1-tree
    [[ -e $folder/made-from && $(<"$folder/made-from") == "$wanted" ]] && return

    real=$(resolve_package "$package")
    say "fetching $real"
    file=$(fetch_package "$real")
    dpkg-deb --extract "$file" "$tree" || fail "cannot unpack $file"

    mv -T "$tree"/boot/vmlinuz-* "$scratch/bzImage"
    mv -T "$tree"/boot/config-* "$scratch/config"
    dpkg-deb --show "$file" >"$scratch/version"
    unpack_vmlinux "$scratch/bzImage" "$scratch/vmlinux"
    # shellcheck disable=SC2086  # A list of names without blanks.
    select_modules "$tree" "$scratch/modules" $modules
    rm -rf "$tree" "$file" "$folder/modules"

    for file in modules bzImage config version vmlinux; do
        mv -T "$scratch/$file" "$folder/$file"
    done
    printf '%s\n' "$wanted" >"$scratch/made-from"
    mv -T "$scratch/made-from" "$folder/made-from" # Last: it says that all is there.
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
