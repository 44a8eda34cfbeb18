// Stream sockets as a device uses them: scattered buffers, never a signal, never a wait.
#ifndef ROOST_CLINUX_STREAM_H
#define ROOST_CLINUX_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// A count, 0 at the end of input, or -errno. `buffers` are `struct iovec`, of which at most IOV_MAX are used.
ssize_t clinux_stream_receive(int descriptor, const void *buffers, size_t count);
// A count or -errno; -EPIPE without SIGPIPE.
ssize_t clinux_stream_send(int descriptor, const void *buffers, size_t count);
// As receive, into one buffer; what is looked at stays to be received.
ssize_t clinux_stream_peek(int descriptor, void *buffer, size_t size);

// Device and inode of the file itself, and whether it is a socket: 0 or -errno. Follows no link.
int clinux_socket_file(const char *path, uint64_t *device, uint64_t *inode, int *is_socket);

// Raises the limit of open descriptors to the highest this process may have: that limit or -errno.
long clinux_raise_descriptor_limit(void);

#endif
