# shellcheck shell=bash
# A minimal Debian for guests: .build/lab/guest/debian.ext4, and the kernel and initrd that Debian's
# own packages put into it, as debian.vmlinuz and debian.initrd. Root logs in without a password; the
# first network card has the address 192.0.2.2/24.

readonly debian_packages="linux-image-cloud-amd64 initramfs-tools zstd systemd-sysv udev kmod login iproute2"
readonly debian_size=640M # Most of it is a hole.

prepare_debian() {
    local made=$cache/guest/debian.made-from wanted
    wanted="$debian_packages $debian_size $(cat "$parts"/rootfs.sh "$parts"/rootfs-hook | sha256sum)"
    [[ -e $made && $(<"$made") == "$wanted" ]] && return
    say "making a minimal Debian (a minute)"
    local stage=$scratch/debian file
    mkdir -p "$stage"
    debian_sources >"$stage/sources"
    # What is left out is documentation; what is fixed makes two images alike.
    TMPDIR=$stage SOURCE_DATE_EPOCH=0 mmdebstrap --variant=essential --format=null \
        --include="${debian_packages// /,}" \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --customize-hook="$(printf '%q ' "$parts/rootfs-hook")\"\$1\" $(printf '%q %q' "$stage" "$debian_size")" \
        "$(debian_codename)" /dev/null "$stage/sources" >"$scratch/mmdebstrap.log" 2>&1 ||
        fail "mmdebstrap failed: $(grep -E '^(E|W|cp|mke2fs|mkfs)' "$scratch/mmdebstrap.log" | tail -n 3)"
    for file in debian.ext4 debian.vmlinuz debian.initrd; do
        mv -T "$stage/$file" "$cache/guest/$file"
    done
    printf '%s\n' "$wanted" >"$scratch/debian.made-from"
    mv -T "$scratch/debian.made-from" "$made" # Last: it says that all is there.
}

# Where this machine's own Debian packages come from.
debian_sources() {
    refresh_lists_if_empty
    # shellcheck disable=SC2016  # These are apt's own fields.
    apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' "Architecture: amd64" |
        LC_ALL=C sort -u | sed "/ $(debian_codename)/!d"
}

debian_codename() {
    sed -n 's/^VERSION_CODENAME=//p' /etc/os-release
}
