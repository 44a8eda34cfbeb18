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
    local name quoted words=(env -i "PATH=$PATH" "HOME=${HOME:-/root}") line=exec
    for name in $(compgen -e ROOST_ || true); do
        words+=("$name=${!name}")
    done
    # shellcheck disable=SC2016  # The inner shell expands these.
    words+=(ROOST_LAB=1 chroot . /bin/sh -c 'cd "$1" && shift && exec "$@"' lab "$checkout" "$@")
    for name in "${words[@]}"; do
        quote "$name"
        line+=" $quoted"
    done

    quote "$checkout"
    printf '%s\n' "mode=$mode" "directory=$quoted" \
        "modules_channel='$outer_modules_channel'" \
        "modules_shared='$outer_modules_shared'" \
        "modules_always='$outer_modules_always'" \
        "run_job() {" "    $line" "}"
}

# Sets quoted: any word as one word for a POSIX shell. Quotes keep every byte but the quote itself.
quote() {
    local LC_ALL=C
    quoted=\'${1//\'/\'\\\'\'}\'
}
