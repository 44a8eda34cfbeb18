# shellcheck shell=bash
# Initramfs archives whose bytes depend on their contents only.

# Packs a folder: fixed times and owners, names sorted, devices and inodes renumbered.
pack_archive() {
    local folder=$1 archive=$2
    find "$folder" -exec touch --no-dereference --date=@0 {} +
    (cd "$folder" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
        cpio --quiet --null --create --format=newc --reproducible --owner=+0:+0) >"$archive" ||
        fail "cannot pack $archive"
}

# The part every initramfs has: busybox. It finds its own applets, so one link is enough.
stage_busybox() {
    local stage=$1
    mkdir -p "$stage"/{bin,dev,proc,sys,tmp}
    cp "$cache/packages/busybox" "$stage/bin/busybox"
    ln -s busybox "$stage/bin/sh"
}
