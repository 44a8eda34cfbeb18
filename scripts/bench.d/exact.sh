# shellcheck shell=bash
# The benchmarks in the exact lab: all they need goes along in its initramfs.

# shellcheck disable=SC2154  # The settings are the main script's.
run_exact() {
    local figures files=() file words
    figures=$(mktemp)
    # shellcheck disable=SC2064  # Now: the name will be out of scope.
    trap "rm -f '$figures' '$figures.log'" EXIT
    "$checkout/scripts/lab" --prepare

    local guest=$checkout/.build/lab/guest
    for file in "$products/roost-vmm" "$products/roost-bench" "$raw" "$checkout"/.build/guests/{first,ports}.elf; do
        files+=(--file "$file")
    done
    while read -r file; do files+=(--file "$file"); done < <(qemu_files)
    words=("$products/roost-bench" "startup,exits" --counted --runs 5 --count 100000
        --only "raw,roost-vmm,qemu-microvm")
    if $exact_linux; then
        for file in "$guest"/{vmlinux,bzImage,initramfs.cpio}; do files+=(--file "$file"); done
        words=("$products/roost-bench" linux --kernel "$guest/vmlinux:$guest/bzImage"
            --initrd "$guest/initramfs.cpio" --only "roost-vmm,qemu-microvm")
    fi
    words+=(--raw "$raw" --roost-vmm "$products/roost-vmm" --guests "$checkout/.build/guests" --json - "${options[@]}")

    print_machine
    "$checkout/scripts/lab" --exact --timeout 1800 "${files[@]}" -- "${words[@]}" | tr -d '\r' | tee "$figures.log"
    # The figures are the object at the end, from the line "{" to the line "}".
    sed -n '/^{$/,/^}$/p' "$figures.log" >"$figures"
    [[ -s $figures ]] || fail 1 "the lab gave no figures"
    if [[ -n $json && $json != - ]]; then cp "$figures" "$json"; fi
    local record=$thresholds
    if $exact_linux; then record=${thresholds%.json}-linux.json; fi
    case $exact_end in
        check) "$products/roost-bench" check --thresholds "$record" --figures "$figures" ;;
        record) cp "$figures" "$record" && say "recorded in ${record#"$checkout"/}" ;;
        show) ;;
    esac
}

# QEMU and what it loads for microvm. Its libraries are found by the lab.
qemu_files() {
    local file program
    program=$(command -v qemu-system-x86_64) || return 0
    printf '%s\n' "$program"
    for file in /usr/share/qemu/bios-microvm.bin /usr/share/seabios/bios-microvm.bin \
        /usr/share/qemu/{linuxboot_dma,linuxboot,pvh,multiboot,multiboot_dma,kvmvapic}.bin; do
        [[ ! -e $file ]] || printf '%s\n' "$file"
    done
}
