#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "clinux.h"

static int set_address(struct sockaddr_un *address, const char *path) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address->sun_path) return -ENAMETOOLONG;
  strcpy(address->sun_path, path);
  return 0;
}

static int new_socket(void) {
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return descriptor < 0 ? -errno : descriptor;
}

int clinux_local_listen(const char *path, unsigned mode, int backlog) {
  struct sockaddr_un address;
  int error = set_address(&address, path);
  if (error) return error;
  int descriptor = new_socket();
  if (descriptor < 0) return descriptor;
  // The file gets the socket's own mode: there is no moment at which it has another.
  if (fchmod(descriptor, mode) < 0 || bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0 ||
      listen(descriptor, backlog) < 0) {
    error = -errno;
    close(descriptor);
    return error;
  }
  return descriptor;
}

int clinux_local_connect(const char *path) {
  struct sockaddr_un address;
  int error = set_address(&address, path);
  if (error) return error;
  int descriptor = new_socket();
  if (descriptor < 0) return descriptor;
  if (connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0) {
    error = -errno;
    close(descriptor);
    return error;
  }
  return descriptor;
}

int clinux_local_datagram(const char *path, const void *bytes, size_t size) {
  struct sockaddr_un address;
  int error = set_address(&address, path);
  if (error) return error;
  socklen_t length = sizeof address;
  if (path[0] == '@') {
    // A name that is in no file system: unix(7).
    address.sun_path[0] = 0;
    length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
  }
  int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  ssize_t count = sendto(descriptor, bytes, size, MSG_NOSIGNAL, (struct sockaddr *)&address, length);
  error = count < 0 ? -errno : 0;
  close(descriptor);
  return error;
}

int clinux_accept(int listener) {
  int descriptor;
  do {
    descriptor = accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (descriptor < 0 && (errno == EINTR || errno == ECONNABORTED));
  return descriptor < 0 ? -errno : descriptor;
}

ssize_t clinux_send(int descriptor, const void *buffer, size_t size) {
  ssize_t count;
  do {
    count = send(descriptor, buffer, size, MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

int clinux_peer_user(int descriptor, unsigned *user) {
  struct ucred credentials;
  socklen_t size = sizeof credentials;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return -errno;
  *user = credentials.uid;
  return 0;
}
