# shellcheck shell=bash
# The initramfs of the lab itself (L1): busybox, modules and an init. It is the same for every run;
# what differs from run to run (job.sh) comes as a second archive behind it.

prepare_outer_initramfs() {
    local archive=$cache/outer/base.cpio stage=$scratch/outer-stage
    is_current "$archive" "$cache/outer/made-from" && return
    stage_busybox "$stage"
    mkdir -p "$stage"/{usr/bin,sbin,host,lower,upper,run,lab}
    ln -s ../../bin/busybox "$stage/usr/bin/env"  # For scripts that start with "#!/usr/bin/env".
    ln -s ../bin/busybox "$stage/sbin/modprobe" # The kernel calls it by this name.
    install -m 755 "$parts/l1-init" "$stage/init"
    cp -r "$cache/outer/modules/lib" "$stage/lib"
    pack_archive "$stage" "$scratch/base.cpio"
    install_file "$scratch/base.cpio" "$archive"
    touch "$archive" # Says that it is current, whether or not it changed.
}
