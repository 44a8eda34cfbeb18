# shellcheck shell=bash
# The guest's (L2's) initramfs: busybox and an /init, as .cpio and .cpio.gz, and the modules a guest
# needs for its devices as an archive of their own to put behind it; and what makes a guest tell of itself.

prepare_guest_initramfs() {
    is_current "$cache/guest/initramfs.cpio.gz" "$cache/guest/made-from" && return
    local stage=$scratch/guest-stage
    stage_busybox "$stage"
    install -m 755 "$parts/guest-init" "$stage/init"
    pack_archive "$stage" "$scratch/initramfs.cpio"
    gzip -n -9 <"$scratch/initramfs.cpio" >"$scratch/initramfs.cpio.gz"

    pack_modules "$cache/guest"

    stage=$scratch/guest-report
    mkdir -p "$stage/bin"
    install -m 755 "$parts/guest-report" "$stage/bin/report"
    pack_archive "$stage" "$scratch/report.cpio"

    install_file "$scratch/report.cpio" "$cache/guest/report.cpio"
    install_file "$scratch/initramfs.cpio" "$cache/guest/initramfs.cpio"
    install_file "$scratch/initramfs.cpio.gz" "$cache/guest/initramfs.cpio.gz"
    touch "$cache/guest/initramfs.cpio.gz" # Says that it is current, whether or not it changed.
}

# Packs the modules of a kernel's folder, and which of them to load, as modules.cpio there.
pack_modules() {
    local folder=$1 stage=$scratch/guest-modules
    rm -rf "$stage"
    mkdir -p "$stage"
    cp -r "$folder/modules/lib" "$stage/lib"
    printf '%s\n' "$guest_modules" >"$stage/lib/modules/load"
    pack_archive "$stage" "$scratch/modules.cpio"
    install_file "$scratch/modules.cpio" "$folder/modules.cpio"
}
