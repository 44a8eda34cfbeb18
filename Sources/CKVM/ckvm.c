#include "ckvm.h"

#include <errno.h>
#include <sys/ioctl.h>

long ckvm_ioctl(int descriptor, unsigned long request, unsigned long argument) {
  int result = ioctl(descriptor, request, argument);
  return result < 0 ? -(long)errno : result;
}

long ckvm_ioctl_pointer(int descriptor, unsigned long request, void *argument) {
  int result = ioctl(descriptor, request, argument);
  return result < 0 ? -(long)errno : result;
}
