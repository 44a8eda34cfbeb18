#include "cperf.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
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
