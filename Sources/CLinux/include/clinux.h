// Linux interfaces that Swift's Glibc module does not show, and the few that cannot be written in
// Swift: variadic calls, code that runs inside a signal handler, copies of memory that others change.
#ifndef ROOST_CLINUX_H
#define ROOST_CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

// memcpy for memory that a running guest may change meanwhile. Never inlined, so that the compiler
// on the Swift side cannot reason about what was read (it may not assume two reads agree).
void clinux_copy_shared(void *destination, const void *source, size_t size);
void clinux_fill_shared(void *destination, int byte, size_t size);

// File descriptors. All answer a descriptor or -errno.
int clinux_open(const char *path, int flags, unsigned mode);
int clinux_eventfd(void);  // non-blocking, close-on-exec
int clinux_signalfd(const int *signals, int count);  // non-blocking, close-on-exec
int clinux_memfd_create(const char *name, unsigned flags);

// pread(2)/pwrite(2)/read(2)/write(2) that answer a count or -errno and retry EINTR.
ssize_t clinux_read(int descriptor, void *buffer, size_t size);
ssize_t clinux_write(int descriptor, const void *buffer, size_t size);
ssize_t clinux_pread(int descriptor, void *buffer, size_t size, off_t offset);

// An exclusive lock on an open file without waiting: 0, or -errno (-EWOULDBLOCK if another holds it).
int clinux_try_lock(int descriptor);

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

// The controlling terminal's settings are put back by every way out of the process, crash signals
// included: the handler below calls only async-signal-safe functions.
int clinux_terminal_make_raw(int descriptor);
void clinux_terminal_restore(void);
int clinux_terminal_size(int descriptor, unsigned short *columns, unsigned short *rows);

// Pseudo-terminal master and the path of its slave; a descriptor or -errno.
int clinux_open_pseudo_terminal(char *slave_path, size_t size);

#endif
