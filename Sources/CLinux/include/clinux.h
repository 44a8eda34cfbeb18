// Linux interfaces that Swift's Glibc module does not show, and the few that cannot be written in
// Swift: variadic calls, code that runs inside a signal handler, copies of memory that others change.
#ifndef ROOST_CLINUX_H
#define ROOST_CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

#include "clinux_stream.h"
#include "clinux_block.h"
#include "clinux_network.h"
#include "clinux_scheduling.h"

// memcpy for memory that a running guest may change meanwhile. Never inlined, so that the compiler
// on the Swift side cannot reason about what was read (it may not assume two reads agree).
void clinux_copy_shared(void *destination, const void *source, size_t size);

// Whether all bytes are zero.
int clinux_is_zero(const void *bytes, size_t size);
// memmem(3), which is GNU's.
const void *clinux_find_bytes(const void *bytes, size_t size, const void *pattern, size_t length);
void clinux_fill_shared(void *destination, int byte, size_t size);

// Pages of files that are mapped into the range may be lost when a file is truncated. From this call on a
// touch by this process finds a page of zeros instead of ending it. One range a process: 0 or -errno.
int clinux_survive_lost_pages(void *start, size_t size);
// How many pages were lost and replaced so far.
unsigned long clinux_lost_pages(void);

// File descriptors. All answer a descriptor or -errno.
int clinux_open(const char *path, int flags, unsigned mode);
int clinux_eventfd(void);  // non-blocking, close-on-exec
int clinux_signalfd(const int *signals, int count);  // non-blocking, close-on-exec
int clinux_memfd_create(const char *name, unsigned flags);

// Goes on in a child in a session of its own, and ends this process; before there are threads.
int clinux_daemonize(void);
// To a posix_spawn_file_actions_t: closes all descriptors from this one on. 0 or -errno.
int clinux_spawn_close_from(void *actions, int first);

// pread(2)/pwrite(2)/read(2)/write(2) that answer a count or -errno and retry EINTR.
ssize_t clinux_read(int descriptor, void *buffer, size_t size);
ssize_t clinux_write(int descriptor, const void *buffer, size_t size);
ssize_t clinux_pread(int descriptor, void *buffer, size_t size, off_t offset);
ssize_t clinux_pwrite(int descriptor, const void *buffer, size_t size, off_t offset);

// Random bytes of the kernel's: a count, which may be less than asked for, or -errno.
ssize_t clinux_random(void *buffer, size_t size);

// An exclusive lock on an open file without waiting: 0, or -errno (-EWOULDBLOCK if another holds it).
int clinux_try_lock(int descriptor);
// Whether another holds such a lock: 1 or 0, or -errno.
int clinux_is_locked(int descriptor);

// Local stream sockets (AF_UNIX), non-blocking and close-on-exec: a descriptor or -errno. The path has
// at most 107 bytes; the file has exactly this mode.
int clinux_local_listen(const char *path, unsigned mode, int backlog);
// Sends one datagram; a path that begins with '@' is an abstract name.
int clinux_local_datagram(const char *path, const void *bytes, size_t size);
int clinux_local_connect(const char *path);
int clinux_accept(int listener);
// write(2) without SIGPIPE: a count or -errno.
ssize_t clinux_send(int descriptor, const void *buffer, size_t size);
// Who made the other end: 0 or -errno.
int clinux_peer_user(int descriptor, unsigned *user);

// Readiness of many descriptors: epoll(7). All answer a descriptor, a count or 0, or -errno.
// The token, which comes back with an event, is two halves, so that this structure is the kernel's
// packed one without being packed.
struct clinux_epoll_event {
  uint32_t events;
  uint32_t slot;
  uint32_t generation;
};
int clinux_epoll(void);  // close-on-exec
int clinux_epoll_add(int epoll, int descriptor, struct clinux_epoll_event event);
int clinux_epoll_change(int epoll, int descriptor, struct clinux_epoll_event event);
int clinux_epoll_remove(int epoll, int descriptor);
// A signal is no event: 0.
int clinux_epoll_wait(int epoll, struct clinux_epoll_event *events, int count, int timeout_milliseconds);

// timerfd(2) on the monotonic clock, non-blocking, close-on-exec. A first time of 0 disarms it.
int clinux_timerfd(void);
int clinux_timerfd_set(int descriptor, uint64_t first_nanoseconds, uint64_t interval_nanoseconds);

// futex(2), private to this process. The wait ends when woken, by a signal, or at once if the word is
// not what is expected: the caller looks again.
void clinux_futex_wait(const void *word, uint32_t expected);
void clinux_futex_wake(const void *word, int count);
static inline void clinux_spin_hint(void) { __builtin_ia32_pause(); }

// Threads and signals. `clinux_kick_signal` is the signal that only interrupts KVM_RUN.
int clinux_kick_signal(void);
int clinux_install_kick_handler(void);
// For the calling thread, whose mask may come from a thread that blocks everything.
void clinux_unblock_kick_signal(void);
int clinux_block_signals(const int *signals, int count);
int clinux_ignore_signal(int signal);
// The next signal of a signalfd, or -errno.
int clinux_next_signal(int descriptor);
// The kernel keeps the first 15 bytes.
void clinux_name_thread(const char *name);

// Other processes: pidfd_open(2) and pidfd_getfd(2), a descriptor or -errno; gettid(2).
int clinux_pidfd_open(int process);
int clinux_pidfd_getfd(int pidfd, int descriptor);
// process_vm_readv(2) to one place: the bytes read, or -errno. `ranges` are `count` pairs of address and length.
long clinux_read_process(int process, void *destination, size_t size, const uint64_t *ranges, size_t count);
int clinux_thread_identifier(void);
// How many processors this process may run on: sched_getaffinity(2).
int clinux_available_processors(void);
// All threads allocate from one heap, instead of each from one of its own.
void clinux_share_heap(void);

// The controlling terminal's settings are put back by every way out of the process, crash signals
// included: the handler below calls only async-signal-safe functions.
int clinux_terminal_make_raw(int descriptor);
void clinux_terminal_restore(void);
int clinux_terminal_size(int descriptor, unsigned short *columns, unsigned short *rows);

// Pseudo-terminal master and the path of its slave; a descriptor or -errno.
int clinux_open_pseudo_terminal(char *slave_path, size_t size);

#endif
