#include "device.h"

#include "apic.h"
#include "console.h"
#include "interrupts.h"
#include "machine.h"
#include "memory.h"
#include "places.h"
#include "processor.h"

#define MAX_DEVICES 32
#define MAGIC 0x74726976 // "virt"
#define MODERN 2
#define RESET_LOOKS 1000000

static struct virtio_device devices[MAX_DEVICES];
static unsigned device_count;

static void add(uint64_t address, unsigned interrupt) {
    memory_map_physical(address, PAGE_BYTES);
    struct virtio_device device = {.address = address, .interrupt = interrupt};
    if (device_count == MAX_DEVICES || virtio_read(&device, VIRTIO_MAGIC) != MAGIC) return;
    device.id = virtio_read(&device, VIRTIO_DEVICE_ID);
    if (!device.id) return;
    if (virtio_read(&device, VIRTIO_VERSION) != MODERN) {
        print("virtio: the device at 0x%lx is not of version 2 (QEMU: -global virtio-mmio.force-legacy=false)\n", address);
        return;
    }
    unsigned at = device_count++;
    for (; at && devices[at - 1].address > address; at--) devices[at] = devices[at - 1];
    devices[at] = device;
}

struct virtio_device *virtio_at(unsigned number) {
    static bool was_searched;
    if (!was_searched) places_find(add);
    was_searched = true;
    return number < device_count ? &devices[number] : NULL;
}

struct virtio_device *virtio_find(uint32_t id, unsigned number) {
    struct virtio_device *device;
    unsigned found = 0;
    for (unsigned i = 0; (device = virtio_at(i)); i++) {
        if (device->id == id && found++ == number) return device;
    }
    print("virtio: %u devices of kind %u, no number %u among them\n", found, id, number);
    machine_exit(EXIT_UNAVAILABLE);
}

void virtio_reset(struct virtio_device *device) {
    virtio_write(device, VIRTIO_STATUS, 0);
    for (unsigned i = 0; i < RESET_LOOKS; i++) {
        if (!virtio_read(device, VIRTIO_STATUS)) return;
    }
    print("virtio: the device at 0x%lx does not reset\n", device->address);
    machine_exit(EXIT_FAILED);
}

void virtio_open(struct virtio_device *device, uint64_t wanted) {
    virtio_reset(device);
    virtio_write(device, VIRTIO_STATUS, VIRTIO_ACKNOWLEDGE);
    virtio_write(device, VIRTIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    device->offered = 0;
    for (unsigned half = 0; half < 2; half++) {
        virtio_write(device, VIRTIO_DEVICE_FEATURES_SELECT, half);
        device->offered |= (uint64_t)virtio_read(device, VIRTIO_DEVICE_FEATURES) << 32 * half;
    }
    device->features = device->offered & (wanted | VIRTIO_VERSION_1);
    for (unsigned half = 0; half < 2; half++) {
        virtio_write(device, VIRTIO_DRIVER_FEATURES_SELECT, half);
        virtio_write(device, VIRTIO_DRIVER_FEATURES, (uint32_t)(device->features >> 32 * half));
    }
    virtio_write(device, VIRTIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    if (virtio_has(device, VIRTIO_VERSION_1) && virtio_read(device, VIRTIO_STATUS) & VIRTIO_FEATURES_OK) return;
    print("virtio: the device at 0x%lx offers 0x%lx and refuses 0x%lx\n", device->address, device->offered,
          device->features);
    machine_exit(EXIT_FAILED);
}

void virtio_start(struct virtio_device *device) {
    if (!device->vector) {
        static bool apic_is_started;
        if (!apic_is_started) apic_start();
        apic_is_started = true;
        device->vector =
            interrupts_take_vector((volatile uint32_t *)(device->address + VIRTIO_INTERRUPT_STATUS),
                                   (volatile uint32_t *)(device->address + VIRTIO_INTERRUPT_ACKNOWLEDGE));
        io_apic_route(device->interrupt, device->vector);
    }
    virtio_write(device, VIRTIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}

uint8_t virtio_configuration8(const struct virtio_device *device, unsigned offset) {
    return *(volatile uint8_t *)(device->address + VIRTIO_CONFIGURATION + offset);
}

uint64_t virtio_configuration64(const struct virtio_device *device, unsigned offset) {
    for (;;) {
        uint32_t generation = virtio_read(device, VIRTIO_CONFIGURATION_GENERATION);
        uint64_t low = virtio_read(device, VIRTIO_CONFIGURATION + offset);
        uint64_t value = (uint64_t)virtio_read(device, VIRTIO_CONFIGURATION + offset + 4) << 32 | low;
        if (virtio_read(device, VIRTIO_CONFIGURATION_GENERATION) == generation) return value;
    }
}

volatile uint64_t *virtio_interrupts(const struct virtio_device *device) {
    return interrupt_count(0, device->vector);
}

uint32_t virtio_take_causes(const struct virtio_device *device) {
    return __atomic_exchange_n(&interrupt_source(device->vector)->causes, 0, __ATOMIC_RELAXED);
}
