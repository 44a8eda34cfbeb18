# shellcheck shell=bash
# The lab's machine: how QEMU is started, watched and ended.

# Without five-level page tables: every walk of the emulated MMU is a level shorter.
readonly shared_machine=(
    -accel "tcg,thread=multi,tb-size=512"
    -cpu "max,+svm,-la57"
    -virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"
)

readonly kernel_words="console=ttyS0 panic=-1 quiet mitigations=off"
# Left alone the kernel distrusts the emulated TSC, and each reading of the clock is a device access.
readonly shared_kernel_words="tsc=reliable"

# shellcheck disable=SC2154  # The settings are the main script's.
run_in_lab() {
    local run machine tails=() status=0
    run=$(mktemp -d "$cache/run/XXXXXX")
    trap 'end_machine; rm -rf "$run"' EXIT
    for signal in INT TERM HUP; do
        # shellcheck disable=SC2064  # The name is needed now.
        trap "end_machine; rm -rf '$run'; trap - $signal EXIT; kill -$signal $$" "$signal"
    done
    exec {run_lock}<"$run"
    flock "$run_lock"

    make_job_archive "$run/job" "$run/job.cpio" "$@"
    cat "$cache/outer/base.cpio" "$run/job.cpio" >"$run/initrd"
    rm "$run/job.cpio"
    touch "$run"/{out,err,status}

    start_machine
    follow "$run/out" >&1 &
    tails+=($!)
    follow "$run/err" >&2 &
    tails+=($!)
    wait "$machine" || status=$?
    machine=
    wait "${tails[@]}" || true
    tails=()
    conclude "$status" "$run"
}

# timeout(1) keeps the time limit. Each process is killed with its parent, so nothing is left even
# if this script gets SIGKILL. QEMU runs in the run's folder, so that no path of the host has to be
# quoted for its option parser.
start_machine() {
    local machine_options words=$kernel_words
    if [[ $mode == exact ]]; then
        machine_options=("${exact_machine[@]}")
        words+=" $exact_kernel_words"
    else
        machine_options=("${shared_machine[@]}" -smp "$cpus")
        words+=" $shared_kernel_words"
    fi
    setpriv --pdeathsig KILL timeout --kill-after=5 "${timeout_seconds:-900}" \
        setpriv --pdeathsig KILL env --chdir="$run" qemu-system-x86_64 \
        -nodefaults -no-user-config -no-reboot -display none -m "$memory_mib" \
        "${machine_options[@]}" \
        -kernel "$cache/outer/vmlinux" -initrd initrd -append "$words" \
        -chardev file,id=console,path=console -serial chardev:console \
        -device virtio-serial-pci,id=ports,max_ports=4,ioeventfd=off \
        -chardev file,id=out,path=out -device virtserialport,bus=ports.0,nr=1,chardev=out \
        -chardev file,id=err,path=err -device virtserialport,bus=ports.0,nr=2,chardev=err \
        -chardev file,id=status,path=status -device virtserialport,bus=ports.0,nr=3,chardev=status \
        </dev/null >"$run/qemu" 2>&1 &
    machine=$!
}

# Prints a file as it grows, until the machine has ended and all of it is printed. Going through a
# file, and not a pipe, keeps what was written last even if our reader is slow.
follow() {
    exec setpriv --pdeathsig KILL tail --bytes=+1 --follow --sleep-interval=0.05 --pid="$machine" "$1"
}

end_machine() {
    local process
    for process in ${machine:+"$machine"} "${tails[@]}"; do
        kill "$process" 2>/dev/null || true
    done
    wait
    machine=
    tails=()
}

# Tells how it went, by exit status.
conclude() {
    local machine_status=$1 run=$2 word rest
    if ((machine_status == exit_timed_out)); then
        keep_console "$run"
        say "time limit of ${timeout_seconds:-900} s reached (console: $kept_console)"
        exit "$exit_timed_out"
    fi
    read -r word rest <"$run/status" || true
    case ${word:-} in
        exit)
            if $keep_log; then
                keep_console "$run"
                say "console: $kept_console"
            fi
            exit "$rest"
            ;;
        fail) say "$rest" ;;
        *) say "the lab ended before the command did (QEMU's status $machine_status)" ;;
    esac
    keep_console "$run"
    say "the end of $kept_console:"
    tail -n 15 "$kept_console" >&2
    exit "$exit_lab_failed"
}

keep_console() {
    kept_console=$(mktemp "$cache/log/$(date +%Y%m%d-%H%M%S).XXXX")
    cat "$1/qemu" "$1/console" >"$kept_console" 2>/dev/null || true
}
