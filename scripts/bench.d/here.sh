# shellcheck shell=bash
# The benchmarks on this machine.

# shellcheck disable=SC2154  # The settings are the main script's.
run_here() {
    [[ ${benchmarks[*]} == introspection || (-r /dev/kvm && -w /dev/kvm) ]] || fail "$exit_unavailable" "there is no /dev/kvm that this user may use"
    if [[ ${benchmarks[*]} != introspection ]] && ! command -v qemu-system-x86_64 >/dev/null; then
        say "QEMU does not take part: please install qemu-system-x86"
    fi
    print_machine
    # The newest that scripts/test.d/dump-tools has installed.
    local volatility
    for volatility in "$checkout"/.build/dump-tools-*/bin/vol; do
        if [[ -x $volatility && " ${benchmarks[*]} " == *" introspection "* ]]; then
            options+=(--volatility "$volatility")
            break
        fi
    done
    [[ -z $json ]] || options+=(--json "$json")
    [[ $exact_end != check ]] || options+=(--check)
    "$products/roost-bench" "$(join_words , "${benchmarks[@]}")" --raw "$raw" --roost-vmm "$products/roost-vmm" \
        --roost "$products/roost" --roostd "$products/roostd" --guests "$checkout/.build/guests" "${options[@]}"
}

join_words() {
    local IFS=$1
    shift
    printf '%s' "$*"
}

print_machine() {
    local kvm=()
    for kvm in /sys/module/kvm_*; do :; done
    printf 'machine: %s; %s CPUs; Linux %s; %s; load %s\n' \
        "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -r)" \
        "${kvm##*/}" "$(cut -d' ' -f1 /proc/loadavg)"
    printf 'commit:  %s%s; roost-vmm as built, %s bytes, not stripped\n\n' \
        "$(git -C "$checkout" rev-parse --short HEAD 2>/dev/null || echo none)" \
        "$([[ -z $(git -C "$checkout" status --porcelain 2>/dev/null) ]] || echo ' and changes')" \
        "$(stat -L -c %s "$products/roost-vmm")"
}
