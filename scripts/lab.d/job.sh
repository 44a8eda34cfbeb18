# shellcheck shell=bash
# What one run is to do, as an archive for the lab's initramfs: /lab/job, a shell fragment that the
# init reads, and in exact mode the files the command needs.

# shellcheck disable=SC2154  # The settings are the main script's.
make_job_archive() {
    local folder=$1 archive=$2
    shift 2
    mkdir -p "$folder/lab" "$folder$checkout"
    write_job "$@" >"$folder/lab/job"
    if ((${#exact_files[@]} > 0)); then
        stage_exact_files "$folder" "${exact_files[@]}"
    fi
    pack_archive "$folder" "$archive"
    rm -rf "$folder"
}

# The command starts with a clean environment: PATH, HOME and what concerns Roost.
write_job() {
    local name words=(env -i "PATH=$PATH" "HOME=${HOME:-/root}")
    for name in $(compgen -e ROOST_ || true); do
        words+=("$name=${!name}")
    done
    # shellcheck disable=SC2016  # The inner shell expands these.
    words+=(ROOST_LAB=1 chroot . /bin/sh -c 'cd "$1" && shift && exec "$@"' lab "$checkout" "$@")

    printf 'mode=%s\n' "$mode"
    printf 'directory=%s\n' "$(quote "$checkout")"
    printf 'modules_channel="%s"\n' "$outer_modules_channel"
    printf 'modules_shared="%s"\n' "$outer_modules_shared"
    printf 'modules_always="%s"\n' "$outer_modules_always"
    printf 'run_job() {\n    exec'
    for name in "${words[@]}"; do
        printf ' %s' "$(quote "$name")"
    done
    printf '\n}\n'
}

# Any word as one word for a POSIX shell: quotes keep every byte but the quote itself.
quote() {
    local LC_ALL=C quoted=${1//\'/\'\\\'\'}
    printf "'%sx" "$quoted'" | head -c -1
}
