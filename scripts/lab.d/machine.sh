# shellcheck shell=bash
# The lab's machine: how QEMU is started, watched and ended.

# Without five-level page tables: every walk of the emulated MMU is a level shorter.
readonly shared_machine=(
    -accel "tcg,thread=multi,tb-size=512"
    -cpu "max,+svm,-la57"
    -virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"
)

readonly kernel_words="console=ttyS0 panic=-1 quiet mitigations=off"
# Left alone the kernel distrusts the emulated TSC, and each reading of the clock is a device access;
# and on a busy host it may take a late timer interrupt for a broken timer, and stop.
# Should the lab itself break, its console shall say why: warnings too, and no going on after an oops.
# Whenever a processor restores its FPU's state, QEMU clears a flag of processor 0 and holds no lock: part of what that
# one changes of its flags at the same moment is lost, such as that a guest's memory is nested (docs/lab.md). So nothing
# runs on it that is not bound to it, and the machine has one processor more than was asked for.
readonly shared_kernel_words="tsc=reliable no_timer_check loglevel=5 oops=panic isolcpus=0"
# How much of the console a broken lab shows: a panic with its trace and what led to it.
readonly evidence_lines=60

# The folder of this run, the process that runs QEMU, and those that wait or print for us.
run=
machine=
helpers=()

# shellcheck disable=SC2154  # The settings are the main script's.
run_in_lab() {
    local status=0
    run=$(mktemp -d "$cache/run/XXXXXX")
    exec {run_lock}<"$run"
    flock "$run_lock"

    make_job_archive "$run/job" "$run/job.cpio" "$@"
    cat "$cache/outer/base.cpio" "$run/job.cpio" >"$run/initrd"
    rm "$run/job.cpio"
    touch "$run"/{out,err,status}

    start_machine
    follow "$run/out" >&1 &
    helpers+=($!)
    follow "$run/err" >&2 &
    helpers+=($!)
    wait "$machine" || status=$?
    machine=
    wait "${helpers[@]}" || true
    helpers=()
    conclude "$status"
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
        use_emulator
        machine_options=("${shared_machine[@]}" -smp $((cpus + 1)))
        words+=" $shared_kernel_words"
    fi
    setpriv --pdeathsig KILL timeout --kill-after=5 "${timeout_seconds:-900}" \
        setpriv --pdeathsig KILL env --chdir="$run" "${emulator[@]}" \
        -nodefaults -no-user-config -no-reboot -display none -m "$memory_mib" \
        -d cpu_reset -D resets \
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
    for process in ${machine:+"$machine"} "${helpers[@]}"; do
        kill "$process" 2>/dev/null || true
    done
    wait
    machine=
    helpers=()
}

# Ends this script, by an exit status that tells how it went.
conclude() {
    local machine_status=$1 word rest kept_console=
    if ((machine_status == exit_timed_out)); then
        keep_console
        say "time limit of ${timeout_seconds:-900} s reached (console: $kept_console)"
        [[ $mode == shared ]] || say "no output: the exact mode passes it on when the command has ended"
        exit "$exit_timed_out"
    fi
    read -r word rest <"$run/status" || true
    case ${word:-} in
        exit)
            if $keep_log; then
                keep_console
                say "console: $kept_console"
            fi
            exit "$rest"
            ;;
        fail) say "$rest" ;;
        *) say "the lab ended before the command did (QEMU's status $machine_status)" ;;
    esac
    # A kernel that panics says so on its console; a processor that shuts down can say nothing.
    if grep -q 'Triple fault' "$run/resets"; then
        say "a processor of the lab shut down by a triple fault"
    fi
    keep_console
    say "the end of $kept_console:"
    tail -n "$evidence_lines" "$kept_console" | tr -d '\r' | sed 's/^/lab: | /' >&2
    exit "$exit_lab_failed"
}

# Sets kept_console to where the console's log is now, with QEMU's own words at its end.
keep_console() {
    kept_console=$(mktemp "$cache/log/$(date +%Y%m%d-%H%M%S).XXXX")
    cat "$run/console" "$run/qemu" >"$kept_console" 2>/dev/null || true
}
