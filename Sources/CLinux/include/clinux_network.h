// Network interfaces: taps, and the few settings of an interface that a tap needs. All answer a value or
// 0, or -errno. A name is one the kernel could have made: 1 to 15 bytes.
#ifndef ROOST_CLINUX_NETWORK_H
#define ROOST_CLINUX_NETWORK_H

#include <stdint.h>
#include <sys/types.h>

// Attaches an open /dev/net/tun to the tap of this name, which is made if there is none: Ethernet frames,
// each behind a virtio_net_hdr, one queue.
int clinux_tap_attach(int descriptor, const char *name);
// 1 if the tap stays when it is closed, -EBADFD if it is gone.
int clinux_tap_is_persistent(int descriptor);
int clinux_tap_set_persistent(int descriptor, int is_persistent);
// The size of the header in front of each frame, in bytes.
int clinux_tap_set_header_size(int descriptor, int size);
// What the reader takes: TUN_F_… bits.
int clinux_tap_set_offloads(int descriptor, unsigned offloads);

int clinux_interface_mtu(const char *name);
int clinux_interface_set_mtu(const char *name, int mtu);
int clinux_interface_bring_up(const char *name);

// readv(2) and writev(2), of struct iovec, that answer a count or -errno and retry EINTR.
ssize_t clinux_readv(int descriptor, const void *segments, int count);
ssize_t clinux_writev(int descriptor, const void *segments, int count);

// Moves the calling thread, and what it starts, into a new network namespace; or into the one that an
// open /proc/…/ns/net names.
int clinux_unshare_network(void);
int clinux_enter_network(int descriptor);

#endif
