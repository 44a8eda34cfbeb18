# shellcheck shell=bash
# Which kernel modules are taken along.

# Loaded when the lab starts, by mode; dependencies are found, not listed.
readonly outer_modules_channel="virtio_pci virtio_console"
readonly outer_modules_shared="9pnet_virtio 9p overlay zram br_netfilter"
readonly outer_modules_always="kvm-amd tun"
readonly outer_modules="$outer_modules_channel $outer_modules_shared $outer_modules_always"

# There for modprobe, and for the kernel itself when it asks for one (zram for its compressors).
readonly outer_modules_on_demand="vhost_net vhost_vsock vsock_loopback veth dummy macvtap loop nbd
    lzo-rle lzo lz4 zstd lz4hc 842 nf_tables nft_chain_nat nft_masq nft_ct nf_conntrack fuse vfio-pci
    binfmt_misc dm-mod configfs"

# What a guest may need to find its devices.
readonly guest_modules="virtio_pci virtio_mmio virtio_blk virtio_net virtio_console virtio_balloon
    virtio-rng vmw_vsock_virtio_transport virtiofs ext4 vfat button evdev"

# Copies the named modules and all they depend on to a tree of their own that modprobe can use.
# Names the kernel has not (another version, or built in) are left out.
select_modules() {
    local tree=$1 selected=$2 release source path
    shift 2
    release=$(basename "$tree"/lib/modules/*)
    source=$tree/lib/modules/$release
    "$cache/packages/busybox" depmod -b "$tree" "$release" || fail "depmod failed"
    while read -r path; do
        mkdir -p "$selected/lib/modules/$release/${path%/*}"
        unpack_module "$source/$path" "$selected/lib/modules/$release/$path"
    done < <(module_order "$source/modules.dep" "$@")
    cp "$source"/modules.{builtin,order} "$selected/lib/modules/$release/"
    "$cache/packages/busybox" depmod -b "$selected" "$release" || fail "depmod failed"
}

# Newer Debian packages compress the modules; plain ones load faster and with any insmod.
unpack_module() {
    case $1 in
        *.xz) xz --decompress --stdout "$1" >"${2%.xz}" ;;
        *) cp "$1" "$2" ;;
    esac
}

# Prints the paths of the named modules and their dependencies, each after those it needs.
# modules.dep has lines "path: path...".
module_order() {
    local dependencies=$1
    shift
    awk -v wanted="$*" '
        function key(path) {
            sub(/.*\//, "", path)
            sub(/\.ko.*/, "", path)
            gsub(/-/, "_", path)
            return path
        }
        function visit(name,    list, count, i) {
            if (!(name in path_of) || name in seen) return
            seen[name] = 1
            count = split(needs[name], list, " ")
            for (i = 1; i <= count; i++) visit(key(list[i]))
            print path_of[name]
        }
        {
            path = $1
            sub(/:$/, "", path)
            path_of[key(path)] = path
            needs[key(path)] = substr($0, length($1) + 2)
        }
        END {
            count = split(wanted, names, " ")
            for (i = 1; i <= count; i++) visit(key(names[i]))
        }' "$dependencies"
}
