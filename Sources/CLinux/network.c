#define _GNU_SOURCE
#include <errno.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clinux_network.h"

static struct ifreq named(const char *name) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  return request;
}

static int answer(int result) { return result < 0 ? -errno : result; }

int clinux_tap_attach(int descriptor, const char *name) {
  struct ifreq request = named(name);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  return answer(ioctl(descriptor, TUNSETIFF, &request));
}

int clinux_tap_is_persistent(int descriptor) {
  struct ifreq request = named("");
  if (ioctl(descriptor, TUNGETIFF, &request) < 0) return -errno;
  return (request.ifr_flags & IFF_PERSIST) != 0;
}

int clinux_tap_set_persistent(int descriptor, int is_persistent) {
  return answer(ioctl(descriptor, TUNSETPERSIST, (unsigned long)(is_persistent != 0)));
}

int clinux_tap_set_header_size(int descriptor, int size) {
  return answer(ioctl(descriptor, TUNSETVNETHDRSZ, &size));
}

int clinux_tap_set_offloads(int descriptor, unsigned offloads) {
  return answer(ioctl(descriptor, TUNSETOFFLOAD, (unsigned long)offloads));
}

// A request about an interface goes by a socket, any one of its network namespace.
static int ask(unsigned long number, struct ifreq *request) {
  int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  int result = answer(ioctl(descriptor, number, request));
  close(descriptor);
  return result;
}

int clinux_interface_mtu(const char *name) {
  struct ifreq request = named(name);
  int result = ask(SIOCGIFMTU, &request);
  return result < 0 ? result : request.ifr_mtu;
}

int clinux_interface_set_mtu(const char *name, int mtu) {
  struct ifreq request = named(name);
  request.ifr_mtu = mtu;
  return ask(SIOCSIFMTU, &request);
}

int clinux_interface_bring_up(const char *name) {
  struct ifreq request = named(name);
  int result = ask(SIOCGIFFLAGS, &request);
  if (result < 0) return result;
  request.ifr_flags |= IFF_UP;
  return ask(SIOCSIFFLAGS, &request);
}

ssize_t clinux_readv(int descriptor, const void *segments, int count) {
  ssize_t result;
  do {
    result = readv(descriptor, segments, count);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

ssize_t clinux_writev(int descriptor, const void *segments, int count) {
  ssize_t result;
  do {
    result = writev(descriptor, segments, count);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : result;
}

int clinux_unshare_network(void) { return answer(unshare(CLONE_NEWNET)); }

int clinux_enter_network(int descriptor) { return answer(setns(descriptor, CLONE_NEWNET)); }
