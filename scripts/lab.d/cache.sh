# shellcheck shell=bash
# The cache: .build/lab below the checkout.
#
#   packages/  what the Debian packages gave     guest/  kernel and initramfs for test guests (L2)
#   outer/     kernel and initramfs of the lab   run/    one folder for each lab now running
#   kernels/   more kernels, if asked for        log/    consoles of labs that failed
#   lock       held while any of the above is made
#
# Everything is made beside its place and renamed into it, so a reader sees all of it or nothing.

readonly cache=$checkout/.build/lab
scratch=

prepare_lab() {
    [[ $(uname -sm) == "Linux x86_64" ]] || fail "the lab needs Linux on x86_64"
    mkdir -p "$cache"/{packages,outer,guest,run,log} 2>/dev/null || fail "cannot write to $cache"
    with_cache_lock prepare_everything
    sweep_run_folders
}

prepare_kernels() {
    prepare_lab
    with_cache_lock prepare_more_kernels
}

prepare_everything() {
    require_tools
    prepare_emulator
    prepare_busybox
    prepare_kernel outer linux-image-amd64 "$outer_modules $outer_modules_on_demand"
    prepare_kernel guest linux-image-cloud-amd64 "$guest_modules"
    prepare_outer_initramfs
    prepare_guest_initramfs
    prepare_guest_tools
    prepare_debian
}

# Runs a function while no other lab changes the cache.
with_cache_lock() {
    exec {cache_lock}>"$cache/lock"
    # In the background, since bash runs its traps at once only while it waits for such a process.
    setpriv --pdeathsig KILL flock "$cache_lock" &
    helpers=($!)
    wait "${helpers[@]}"
    helpers=()
    rm -rf "$cache"/scratch.* # Who made these was killed: the lock is ours now.
    scratch=$(mktemp -d "$cache/scratch.XXXXXX")
    "$@"
    rm -rf "$scratch"
    scratch=
    exec {cache_lock}>&-
}

# Puts a finished file in its place, unless the same bytes are there already: then the old one keeps
# its time stamp, and nobody rebuilds for nothing.
install_file() {
    local from=$1 to=$2
    if ! cmp --silent -- "$from" "$to"; then
        mv -T -- "$from" "$to"
    fi
}

# True if the file is there and neither the lab's scripts nor the other files named are newer.
is_current() {
    [[ -e $1 && -z $(find "$parts" "${@:2}" -newer "$1" -print -quit) ]]
}

# Removes what a killed lab left. A lab holds a lock on its folder as long as any of its processes
# lives; the minute is for one that has made its folder and not yet locked it.
sweep_run_folders() {
    find "$cache/run" -mindepth 1 -maxdepth 1 -mmin +1 \
        -exec flock --nonblock {} rm -rf {} \; 2>/dev/null || true
}
