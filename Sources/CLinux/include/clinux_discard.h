// Giving memory back to the kernel.
#ifndef ROOST_CLINUX_DISCARD_H
#define ROOST_CLINUX_DISCARD_H

#include <stddef.h>
#include <sys/types.h>

// madvise(2) with MADV_DONTNEED: 0 or -errno.
int clinux_discard(void *start, size_t size);
// The same for many ranges (struct iovec) of this process in one call, process_madvise(2): the bytes done, which may be
// fewer than asked for, or -errno. Kernels before 6.14 do not take it (-EBADF or -EINVAL).
ssize_t clinux_discard_ranges(const void *ranges, size_t count);
// Fresh anonymous pages in place of whatever is mapped there: 0 or -errno.
int clinux_map_fresh(void *start, size_t size);

#endif
