// What a disk needs of Linux: io_uring without a library, reads and writes at a place in a file, holes,
// locks, and what a file or block device says about itself.
#ifndef ROOST_CLINUX_BLOCK_H
#define ROOST_CLINUX_BLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// One thing to do with a file.
enum clinux_file_operation {
  CLINUX_FILE_READ = 0,
  CLINUX_FILE_WRITE = 1,
  // A write that is on the medium when it is done.
  CLINUX_FILE_WRITE_THROUGH = 2,
  // What was written is on the medium when it is done; times need not be (fdatasync).
  CLINUX_FILE_SYNCHRONIZE = 3,
  // The range reads as zeros and takes no room. The file's size stays.
  CLINUX_FILE_PUNCH_HOLE = 4,
  // The range reads as zeros and keeps its room. The file's size stays.
  CLINUX_FILE_ZERO_RANGE = 5,
};

struct clinux_file_command {
  const void *vectors;  // of struct iovec
  uint64_t offset;
  uint64_t length;  // of a range
  uint64_t token;
  uint32_t vector_count;
  uint32_t operation;
};

// Carries a command out: a count of bytes or 0, or -errno. Signals are waited out.
int64_t clinux_file_execute(int descriptor, const struct clinux_file_command *command);
// Reads what is in memory already: a count, or -errno, which is -EAGAIN if nothing is.
int64_t clinux_file_read_cached(int descriptor, const void *vectors, uint32_t count, uint64_t offset);

// io_uring(7). Offsets are from the start of the one mapping that both rings share.
struct clinux_ring_layout {
  uint32_t submission_head;
  uint32_t submission_tail;
  uint32_t submission_mask;
  uint32_t submission_count;
  uint32_t submission_array;
  uint32_t completion_head;
  uint32_t completion_tail;
  uint32_t completion_mask;
  uint32_t completion_count;
  uint32_t completions;
  uint64_t ring_size;
  uint64_t entries_size;
  // Where the submission entries are mapped from.
  uint64_t entries_offset;
};
struct clinux_ring_completion {
  uint64_t token;
  int32_t result;
  uint32_t flags;
};
// A descriptor, or -errno; -ENOSYS also for a kernel whose rings lack what is used here (before 5.6).
int clinux_ring_setup(uint32_t entries, struct clinux_ring_layout *layout);
// Lets commands name descriptors by their place in the list: 0 or -errno.
int clinux_ring_register_files(int ring, const int *descriptors, uint32_t count);
// Submits entries and waits until so many are complete: how many were submitted, or -errno.
int clinux_ring_enter(int ring, uint32_t to_submit, uint32_t to_wait_for);
// Fills the entry with a number. `file` is the place in the registered list.
void clinux_ring_fill(void *entries, uint32_t index, int file, const struct clinux_file_command *command);

// Locks the whole file on behalf of this open file, without waiting: 0, or -errno (-EAGAIN or -EACCES if
// another holds it). The lock ends with the open file, and does not belong to a process.
int clinux_lock_open_file(int descriptor, int exclusive);
// Gives it up.
void clinux_unlock_open_file(int descriptor);

// What a block device says about itself: 0 or -errno.
struct clinux_block_device {
  uint64_t size;  // bytes
  uint32_t logical_block;
  uint32_t physical_block;
  uint32_t least_io;
  uint32_t best_io;
};
int clinux_block_device_facts(int descriptor, struct clinux_block_device *facts);

// Alignments of memory and offsets for O_DIRECT: 0, or -errno if the kernel does not tell. 0 and 0 is a
// file that cannot be opened so.
int clinux_direct_flag(void);  // O_DIRECT
int clinux_direct_alignment(int descriptor, uint32_t *memory, uint32_t *offset);

#endif
