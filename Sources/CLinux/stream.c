#define _GNU_SOURCE
#include "clinux_stream.h"

#include <errno.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

static struct msghdr message(const void *buffers, size_t count) {
  return (struct msghdr){.msg_iov = (struct iovec *)buffers, .msg_iovlen = count < IOV_MAX ? count : IOV_MAX};
}

ssize_t clinux_stream_receive(int descriptor, const void *buffers, size_t count) {
  struct msghdr header = message(buffers, count);
  ssize_t result;
  do {
    // Without room for it, what comes beside the bytes (descriptors) is dropped by the kernel.
    result = recvmsg(descriptor, &header, MSG_DONTWAIT);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

ssize_t clinux_stream_send(int descriptor, const void *buffers, size_t count) {
  struct msghdr header = message(buffers, count);
  ssize_t result;
  do {
    result = sendmsg(descriptor, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

ssize_t clinux_stream_peek(int descriptor, void *buffer, size_t size) {
  ssize_t result;
  do {
    result = recv(descriptor, buffer, size, MSG_DONTWAIT | MSG_PEEK);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

int clinux_socket_file(const char *path, uint64_t *device, uint64_t *inode, int *is_socket) {
  struct stat status;
  if (lstat(path, &status) < 0) return -errno;
  *device = status.st_dev;
  *inode = status.st_ino;
  *is_socket = S_ISSOCK(status.st_mode);
  return 0;
}

long clinux_raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
  }
  return limit.rlim_cur > LONG_MAX ? LONG_MAX : (long)limit.rlim_cur;
}
