# shellcheck shell=bash
# The kernels: Debian's amd64 flavour for the lab itself (it has 9p and kvm_amd), its cloud flavour as
# the stock guest, and more of them for who asks (--prepare-kernels). Once they are unpacked apt is not
# asked again: the versions stay until .build/lab is removed.

# Each as PACKAGE, or PACKAGE/SUITE for a suite beside the release.
readonly more_kernels="linux-image-amd64 linux-image-rt-amd64 linux-image-cloud-amd64/backports"

# Fills FOLDER of the cache with bzImage, vmlinux, config, version and the named modules of the kernel
# behind PACKAGE.
prepare_kernel() {
    local folder=$cache/$1 package=$2 modules=$3 wanted="$2: $3" real
    [[ -e $folder/made-from && $(<"$folder/made-from") == "$wanted" ]] && return
    real=$(resolve_package "$package")
    unpack_kernel "$folder" "$real" "$modules" "$wanted"
}

# Makes kernels/RELEASE for each of the further kernels, RELEASE as the kernel itself has it (uname -r).
prepare_more_kernels() {
    local word package suite real wanted made known
    mkdir -p "$cache/kernels"
    for word in $more_kernels; do
        package=${word%%/*} suite=${word#"$package"} suite=${suite#/}
        wanted="$word: $guest_modules"
        made=$cache/kernels/${word//\//-}.release # Names the folder, so that apt need not.
        if [[ -e $made ]]; then
            known=$cache/kernels/$(<"$made")/made-from
            [[ -e ${known%made-from}modules.cpio && $(<"$known") == "$wanted" ]] && continue
        fi

        local apt_options=()
        [[ -z $suite ]] || use_suite "$(debian_codename)-$suite"
        real=$(resolve_package "$package")
        real=${real#linux-image-}
        mkdir -p "$cache/kernels/$real"
        unpack_kernel "$cache/kernels/$real" "linux-image-$real" "$guest_modules" "$wanted"
        pack_modules "$cache/kernels/$real"
        printf '%s\n' "$real" >"$scratch/release"
        mv -T "$scratch/release" "$made"
    done
}

# Fills the folder from the package itself, and writes down what it was made from.
unpack_kernel() {
    local folder=$1 real=$2 modules=$3 made_from=$4 file tree=$scratch/kernel-tree
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
    printf '%s\n' "$made_from" >"$scratch/made-from"
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
