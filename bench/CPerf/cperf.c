#include "cperf.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

int cperf_open_uprobe(uint32_t type, const char *path, uint64_t offset, int cpu) {
    struct perf_event_attr attributes = {
        .type = type,
        .size = sizeof attributes,
        .config1 = (uint64_t)path, // uprobe_path
        .config2 = offset,         // probe_offset
    };
    long result = syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
    return result < 0 ? -errno : (int)result;
}

// How often a full queue of connections is tried again, a millisecond apart.
enum { CONNECT_TRIES = 2000 };

static int connect_all(const int *sockets, int count, const struct sockaddr_un *address) {
    for (int i = 0; i < count; i++) {
        int tries = 0;
        while (connect(sockets[i], (const struct sockaddr *)address, sizeof *address) < 0) {
            if (errno != EAGAIN || ++tries == CONNECT_TRIES) return errno;
            poll(NULL, 0, 1);
        }
    }
    return 0;
}

int cperf_connect_as_another(const int *sockets, int count, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    pid_t child = fork();
    if (child < 0) return -errno;
    // An error's number is an exit status: it fits.
    if (child == 0) _exit(connect_all(sockets, count, &address));
    int status;
    if (waitpid(child, &status, 0) < 0) return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}
