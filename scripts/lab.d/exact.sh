# shellcheck shell=bash
# The exact mode: one processor that counts its instructions as time, and nothing from outside that
# could differ between two runs. Every setting here is needed for that; docs/lab.md tells more.

readonly exact_machine=(
    -accel "tcg,thread=single" -smp 1
    -icount "shift=0,sleep=off" # A nanosecond an instruction; waiting is skipped.
    -rtc "clock=vm,base=2026-01-01T00:00:00"
    -seed 1
    -cpu "max,+svm,-rdrand,-rdseed"
)

# Whether a huge page is had depends on where things lie, and zeroing one is 4 million instructions.
readonly exact_kernel_words="nokaslr norandmaps random.trust_cpu=off random.trust_bootloader=off transparent_hugepage=never"

# Copies files to the same absolute paths below FOLDER, programs with their libraries.
stage_exact_files() {
    local folder=$1 asked path file
    shift
    for asked in "$@"; do
        [[ -e $asked ]] || fail "--file: no such file: $asked"
        path=$(realpath --no-symlinks -- "$asked")
        mkdir -p "$folder${path%/*}"
        cp --recursive --dereference --no-target-directory -- "$path" "$folder$path"
        while IFS= read -r -d '' file; do
            stage_libraries "$folder" "$path${file#"$folder$path"}"
        done < <(find "$folder$path" -type f -print0)
    done
}

stage_libraries() {
    local folder=$1 program=$2 library
    [[ $(head -c 4 -- "$program" | tr -d '\0') == $'\x7fELF' ]] || return 0
    # "name => /path (address)", or "/path (address)" for the loader itself.
    while read -r library; do
        [[ -e $folder$library ]] && continue
        mkdir -p "$folder${library%/*}" # As written, so that "bin/../lib" can be walked too.
        cp --dereference -- "$library" "$folder$library"
    done < <({ ldd "$program" 2>/dev/null || true; } | sed -n 's/^\(.* => \|[[:space:]]*\)\(\/.*\) (0x[0-9a-f]*)$/\2/p')
}
