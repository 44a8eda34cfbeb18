#define _GNU_SOURCE
#include "clinux_block.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// glibc 2.36 has a struct statx of its own without the alignments.
#ifndef STATX_DIOALIGN
#define STATX_DIOALIGN 0x00002000U
#endif

_Static_assert(sizeof(struct clinux_ring_completion) == sizeof(struct io_uring_cqe), "a completion is the kernel's");

static int range_mode(uint32_t operation) {
  int mode = operation == CLINUX_FILE_PUNCH_HOLE ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
  return mode | FALLOC_FL_KEEP_SIZE;
}

int64_t clinux_file_execute(int descriptor, const struct clinux_file_command *command) {
  int64_t result;
  do {
    const struct iovec *vectors = command->vectors;
    int count = (int)command->vector_count;
    off_t offset = (off_t)command->offset;
    switch (command->operation) {
      case CLINUX_FILE_READ: result = preadv(descriptor, vectors, count, offset); break;
      case CLINUX_FILE_WRITE: result = pwritev(descriptor, vectors, count, offset); break;
      case CLINUX_FILE_WRITE_THROUGH: result = pwritev2(descriptor, vectors, count, offset, RWF_DSYNC); break;
      case CLINUX_FILE_SYNCHRONIZE: result = fdatasync(descriptor); break;
      case CLINUX_FILE_PUNCH_HOLE:
      case CLINUX_FILE_ZERO_RANGE:
        result = fallocate(descriptor, range_mode(command->operation), offset, (off_t)command->length);
        break;
      default: return -EINVAL;
    }
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

int64_t clinux_file_read_cached(int descriptor, const void *vectors, uint32_t count, uint64_t offset) {
  ssize_t result = preadv2(descriptor, vectors, (int)count, (off_t)offset, RWF_NOWAIT);
  return result < 0 ? -errno : result;
}

static int setup(uint32_t entries, uint32_t flags, struct io_uring_params *parameters) {
  memset(parameters, 0, sizeof *parameters);
  parameters->flags = flags;
  int ring = (int)syscall(__NR_io_uring_setup, entries, parameters);
  return ring < 0 ? -errno : ring;
}

int clinux_ring_setup(uint32_t entries, struct clinux_ring_layout *layout) {
  struct io_uring_params parameters;
  // Completions that need the submitter's thread wait until it enters the kernel (5.19).
  int ring = setup(entries, IORING_SETUP_CLAMP | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL, &parameters);
  if (ring == -EINVAL) ring = setup(entries, IORING_SETUP_CLAMP, &parameters);
  if (ring < 0) return ring;
  // The last came with 5.6, as did the operations that are used here.
  uint32_t needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_RW_CUR_POS;
  if ((parameters.features & needed) != needed) {
    close(ring);
    return -ENOSYS;
  }
  const struct io_sqring_offsets *submission = &parameters.sq_off;
  const struct io_cqring_offsets *completion = &parameters.cq_off;
  uint64_t submission_end = submission->array + parameters.sq_entries * sizeof(uint32_t);
  uint64_t completion_end = completion->cqes + parameters.cq_entries * sizeof(struct io_uring_cqe);
  *layout = (struct clinux_ring_layout){
      .submission_head = submission->head,
      .submission_tail = submission->tail,
      .submission_mask = parameters.sq_entries - 1,
      .submission_count = parameters.sq_entries,
      .submission_array = submission->array,
      .completion_head = completion->head,
      .completion_tail = completion->tail,
      .completion_mask = parameters.cq_entries - 1,
      .completion_count = parameters.cq_entries,
      .completions = completion->cqes,
      .ring_size = submission_end > completion_end ? submission_end : completion_end,
      .entries_size = parameters.sq_entries * sizeof(struct io_uring_sqe),
      .entries_offset = IORING_OFF_SQES,
  };
  return ring;
}

int clinux_ring_register_files(int ring, const int *descriptors, uint32_t count) {
  long result = syscall(__NR_io_uring_register, ring, IORING_REGISTER_FILES, descriptors, count);
  return result < 0 ? -errno : 0;
}

int clinux_ring_enter(int ring, uint32_t to_submit, uint32_t to_wait_for) {
  unsigned flags = to_wait_for ? IORING_ENTER_GETEVENTS : 0;
  long result = syscall(__NR_io_uring_enter, ring, to_submit, to_wait_for, flags, NULL, 0);
  return result < 0 ? -errno : (int)result;
}

void clinux_ring_fill(void *entries, uint32_t index, int file, const struct clinux_file_command *command) {
  struct io_uring_sqe *entry = (struct io_uring_sqe *)entries + index;
  memset(entry, 0, sizeof *entry);
  entry->fd = file;
  entry->flags = IOSQE_FIXED_FILE;
  entry->user_data = command->token;
  entry->off = command->offset;
  int is_write = command->operation != CLINUX_FILE_READ;
  const struct iovec *first = command->vectors;
  switch (command->operation) {
    case CLINUX_FILE_WRITE_THROUGH: entry->rw_flags = RWF_DSYNC; /* fallthrough */
    case CLINUX_FILE_READ:
    case CLINUX_FILE_WRITE:
      // One segment needs no list.
      if (command->vector_count == 1) {
        entry->opcode = is_write ? IORING_OP_WRITE : IORING_OP_READ;
        entry->addr = (uint64_t)(uintptr_t)first->iov_base;
        entry->len = (uint32_t)first->iov_len;
      } else {
        entry->opcode = is_write ? IORING_OP_WRITEV : IORING_OP_READV;
        entry->addr = (uint64_t)(uintptr_t)command->vectors;
        entry->len = command->vector_count;
      }
      break;
    case CLINUX_FILE_SYNCHRONIZE:
      entry->opcode = IORING_OP_FSYNC;
      entry->fsync_flags = IORING_FSYNC_DATASYNC;
      entry->off = 0;
      break;
    default:
      entry->opcode = IORING_OP_FALLOCATE;
      entry->addr = command->length;
      entry->len = (uint32_t)range_mode(command->operation);
      break;
  }
}

int clinux_lock_open_file(int descriptor, int exclusive) {
  struct flock whole = {.l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};
  return fcntl(descriptor, F_OFD_SETLK, &whole) < 0 ? -errno : 0;
}

void clinux_unlock_open_file(int descriptor) {
  struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
  fcntl(descriptor, F_OFD_SETLK, &whole);
}

int clinux_block_device_facts(int descriptor, struct clinux_block_device *facts) {
  int logical = 0;
  unsigned physical = 0, least = 0, best = 0;
  if (ioctl(descriptor, BLKGETSIZE64, &facts->size) < 0) return -errno;
  if (ioctl(descriptor, BLKSSZGET, &logical) < 0) return -errno;
  if (ioctl(descriptor, BLKPBSZGET, &physical) < 0) return -errno;
  if (ioctl(descriptor, BLKIOMIN, &least) < 0) return -errno;
  if (ioctl(descriptor, BLKIOOPT, &best) < 0) return -errno;
  facts->logical_block = (uint32_t)logical;
  facts->physical_block = physical;
  facts->least_io = least;
  facts->best_io = best;
  return 0;
}

int clinux_direct_flag(void) { return O_DIRECT; }

int clinux_direct_alignment(int descriptor, uint32_t *memory, uint32_t *offset) {
  struct statx facts;
  memset(&facts, 0, sizeof facts);
  if (syscall(__NR_statx, descriptor, "", AT_EMPTY_PATH, STATX_DIOALIGN, &facts) < 0) return -errno;
  if (!(facts.stx_mask & STATX_DIOALIGN)) return -EOPNOTSUPP;
  *memory = facts.stx_dio_mem_align;
  *offset = facts.stx_dio_offset_align;
  return 0;
}
