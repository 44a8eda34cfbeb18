# shellcheck shell=bash
# What comes from Debian: tools are installed, kernels and busybox only fetched and unpacked, since
# installing them would change the machine (boot loader; busybox-static evicts busybox).

# What apt is told beside: nothing, or another suite (use_suite).
apt_options=()

# Has apt know the packages of SUITE alone, with lists of our own: the machine's settings stay as they are.
use_suite() {
    local suite=$1 folder=$cache/packages/apt-$1
    mkdir -p "$folder/lists"
    # From where this machine's own packages of the release come.
    debian_sources | awk -v release="$(debian_codename)" -v suite="$suite" '
        $3 == release && $4 == "main" {
            print "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]", $2, suite, $4
            exit
        }' >"$folder/sources"
    [[ -s $folder/sources ]] || fail "apt does not say where Debian's packages come from"
    apt_options=(-o "Dir::Etc::SourceList=$folder/sources" -o Dir::Etc::SourceParts=-
        -o "Dir::State::Lists=$folder/lists" -o Dir::Cache::PkgCache= -o Dir::Cache::SrcPkgCache=)
    say "apt-get update ($suite)"
    apt-get update "${apt_options[@]}" >"$scratch/apt.log" 2>&1 ||
        fail "apt-get update ($suite) failed: $(tail -n 1 "$scratch/apt.log")"
}

# Installs the programs the lab needs, or says which packages are missing.
require_tools() {
    require_programs qemu-system-x86_64:qemu-system-x86 cpio:cpio xz:xz-utils lz4:lz4 cmp:diffutils \
        flock:util-linux setpriv:util-linux ldd:libc-bin mmdebstrap:mmdebstrap mkfs.ext4:e2fsprogs
}

# Each as PROGRAM:PACKAGE.
require_programs() {
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
    done
    ((${#missing[@]} > 0)) || return 0

    command -v apt-get >/dev/null || fail "please install: ${missing[*]}"
    ((EUID == 0)) || fail "please install, as root: apt-get install ${missing[*]}"
    say "installing ${missing[*]}"
    refresh_lists_if_empty
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "${missing[@]}" >"$scratch/apt.log" 2>&1 ||
        fail "apt-get install ${missing[*]} failed: $(tail -n 1 "$scratch/apt.log")"
}

refresh_lists_if_empty() {
    compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null || refresh_lists
}

refresh_lists() {
    ((EUID == 0)) || fail "apt's lists are missing or old; please run, as root: apt-get update"
    say "apt-get update"
    apt-get update "${apt_options[@]}" -o DPkg::Lock::Timeout=300 >"$scratch/apt.log" 2>&1 ||
        fail "apt-get update failed: $(tail -n 1 "$scratch/apt.log")"
}

# Fetches a package's file; prints its path.
fetch_package() {
    local name=$1 folder=$scratch/fetched/$1
    command -v apt-get >/dev/null || fail "apt-get is needed to fetch the package $name"
    mkdir -p "$folder"
    refresh_lists_if_empty
    # A mirror drops old versions: a failure may only mean that the lists are out of date.
    if ! download_into "$folder" "$name"; then
        refresh_lists
        download_into "$folder" "$name" ||
            fail "cannot fetch the package $name: $(tail -n 1 "$scratch/apt.log")"
    fi
    printf '%s\n' "$folder"/*.deb
}

download_into() {
    local folder=$1 name=$2 options=("${apt_options[@]}")
    # The sandbox user _apt may not write in the checkout.
    ((EUID == 0)) && options+=(-o APT::Sandbox::User=root)
    (cd "$folder" && apt-get download "${options[@]}" "$name" >"$scratch/apt.log" 2>&1)
}

# The real kernel package behind a name such as linux-image-amd64.
resolve_package() {
    local found
    refresh_lists_if_empty
    found=$(apt-cache depends "${apt_options[@]}" --important "$1" 2>/dev/null | awk '/Depends: linux-image-/ { print $2; exit }')
    [[ -n $found ]] || fail "apt knows no package $1"
    printf '%s\n' "$found"
}

prepare_busybox() {
    [[ -e $cache/packages/busybox ]] && return
    local package
    package=$(fetch_package busybox-static)
    dpkg-deb --fsys-tarfile "$package" | tar -xO ./bin/busybox >"$scratch/busybox" ||
        fail "no busybox in $package"
    chmod 755 "$scratch/busybox"
    install_file "$scratch/busybox" "$cache/packages/busybox"
}
