#include "hostile.h"

#include "console.h"
#include "machine.h"
#include "memory.h"
#include "pool.h"
#include "processor.h"
#include "queue.h"
#include "text.h"
#include "time.h"

#define RING_BYTES (32 << 10) // for a queue, in which each part has a quarter, or half
#define RINGS_BYTES (8 * RING_BYTES)
#define BUFFERS_BYTES (1 << 20)
#define GARBAGE_BYTES (256 << 10)
#define LARGEST_QUEUE 512
#define SETTLE_MICROSECONDS 200

#define QEMU_WINDOWS 0xfe000000
#define CANARY 0xa5

static uint64_t below(struct hostile *hostile, uint64_t limit) {
    return random_below(&hostile->numbers, limit);
}

static bool chance(struct hostile *hostile, unsigned one_in) {
    return !below(hostile, one_in);
}

void hostile_begin(struct hostile *hostile, struct virtio_device *device, uint64_t seed, uint64_t deeds) {
    uint64_t start, bytes = pool_take_rest(&start);
    if (bytes < RINGS_BYTES + BUFFERS_BYTES + GARBAGE_BYTES) {
        print("hostile: too little memory\n");
        machine_exit(EXIT_UNAVAILABLE);
    }
    *hostile = (struct hostile){
        .device = device,
        .numbers = random_from(seed),
        .deeds = deeds ? deeds : UINT64_MAX,
        .window_bytes = device->address >= QEMU_WINDOWS ? 0x200 : 0x1000,
        .rings = start,
        .buffers = start + RINGS_BYTES,
        .garbage = start + RINGS_BYTES + BUFFERS_BYTES,
        .end_of_ram = start + bytes,
    };
}

// Nothing in it is the address, or the number of a page, of the guest's own memory: what the device writes there, or
// discards, must not be what this program lives on.
static uint64_t nonsense(struct hostile *hostile) {
    if (chance(hostile, 2)) return random_next(&hostile->numbers) | 0x8000000080000000;
    return hostile->buffers + below(hostile, BUFFERS_BYTES);
}

static void refill_garbage(struct hostile *hostile) {
    uint64_t *words = (uint64_t *)hostile->garbage;
    for (uint64_t i = 0; i < GARBAGE_BYTES / sizeof *words; i++) words[i] = nonsense(hostile);
    if (hostile->device->id != VIRTIO_BLOCK) return;
    // Every fourth of a page might be the header of a request.
    for (uint64_t at = 0; at < GARBAGE_BYTES; at += 1024) {
        uint32_t *header = (uint32_t *)(hostile->garbage + at);
        header[0] = (uint32_t)below(hostile, 16);
        uint64_t sector = chance(hostile, 4) ? random_next(&hostile->numbers) : below(hostile, 1 << 12);
        memcpy(header + 2, &sector, sizeof sector);
    }
}

static uint32_t any_length(struct hostile *hostile) {
    static const uint32_t lengths[] = {0, 1, 2, 4, 15, 16, 511, 512, 4096, 65536, 0x7fffffff, 0x80000000, 0xffffffff};
    if (chance(hostile, 2)) return lengths[below(hostile, sizeof lengths / sizeof *lengths)];
    // Rather short: what lies in memory, the device may well serve.
    return (uint32_t)random_next(&hostile->numbers) >> (12 + below(hostile, 20));
}

// Somewhere outside the RAM, over its end, or in the page at 0, which nobody uses.
static void put_outside(struct hostile *hostile, struct virtio_descriptor *descriptor) {
    descriptor->length = any_length(hostile);
    switch (below(hostile, 6)) {
    case 0: descriptor->address = hostile->end_of_ram + below(hostile, 1 << 20); break;
    case 1: descriptor->address = hostile->end_of_ram - 1 - below(hostile, PAGE_BYTES); break;
    case 2: descriptor->address = 0 - 1 - below(hostile, PAGE_BYTES); break;
    case 3: descriptor->address = hostile->device->address + below(hostile, hostile->window_bytes); break;
    case 4: descriptor->address = 1ULL << (40 + below(hostile, 24)); break;
    default:
        descriptor->address = 0;
        descriptor->length %= PAGE_BYTES;
    }
}

static void put_inside(struct hostile *hostile, struct virtio_descriptor *descriptor) {
    bool is_writable = descriptor->flags & DESCRIPTOR_WRITE;
    uint64_t start = is_writable ? hostile->buffers : hostile->garbage;
    uint64_t bytes = is_writable ? BUFFERS_BYTES : GARBAGE_BYTES;
    descriptor->address = start + below(hostile, bytes - 65536);
    if (!is_writable) descriptor->address &= ~1023UL;
    // A balloon takes its time for each page number.
    descriptor->length = (uint32_t)below(hostile, hostile->device->id == VIRTIO_BALLOON ? 1024 : 65536);
    if (chance(hostile, 2)) descriptor->length = is_writable ? 512 : 16;
}

static void set_address(struct hostile *hostile, unsigned offset, uint64_t address) {
    virtio_write(hostile->device, offset, (uint32_t)address);
    virtio_write(hostile->device, offset + 4, (uint32_t)(address >> 32));
}

static void set_queue(struct hostile *hostile, const struct hostile_queue *queue, uint32_t size) {
    virtio_write(hostile->device, VIRTIO_QUEUE_SELECT, queue->number);
    virtio_write(hostile->device, VIRTIO_QUEUE_SIZE, size);
    set_address(hostile, VIRTIO_QUEUE_DESCRIPTORS, (uint64_t)queue->descriptors);
    set_address(hostile, VIRTIO_QUEUE_DRIVER, (uint64_t)queue->available);
    set_address(hostile, VIRTIO_QUEUE_DEVICE, (uint64_t)queue->used);
    virtio_write(hostile->device, VIRTIO_QUEUE_READY, 1);
}

// As a good driver does, with whatever features and sizes.
static void set_up(struct hostile *hostile) {
    struct virtio_device *device = hostile->device;
    hostile->resets++;
    virtio_open(device, random_next(&hostile->numbers) & ~VIRTIO_FEATURE(33)); // addresses stay physical
    memset((void *)hostile->rings, 0, RINGS_BYTES);
    hostile->queue_count = 0;
    for (uint16_t number = 0; number < 8; number++) {
        virtio_write(device, VIRTIO_QUEUE_SELECT, number);
        uint32_t largest = virtio_read(device, VIRTIO_QUEUE_SIZE_MAX);
        if (!largest) continue;
        if (largest > LARGEST_QUEUE) largest = LARGEST_QUEUE;
        uint32_t size = 1u << below(hostile, 10);
        uint64_t ring = hostile->rings + (uint64_t)number * RING_BYTES;
        struct hostile_queue *queue = &hostile->queues[hostile->queue_count++];
        *queue = (struct hostile_queue){
            .number = number,
            .size = (uint16_t)(size < largest ? size : largest),
            .descriptors = (struct virtio_descriptor *)ring,
            .available = (volatile struct virtio_available *)(ring + RING_BYTES / 2),
            .used = (volatile struct virtio_used *)(ring + RING_BYTES * 3 / 4),
        };
        set_queue(hostile, queue, queue->size);
    }
    virtio_write(device, VIRTIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}

static struct hostile_queue *any_queue(struct hostile *hostile) {
    return &hostile->queues[below(hostile, hostile->queue_count)];
}

static void notify(struct hostile *hostile, uint32_t value) {
    virtio_write(hostile->device, VIRTIO_QUEUE_NOTIFY, value);
}

static void offer(struct hostile *hostile, struct hostile_queue *queue, uint16_t head) {
    queue->available->ring[queue->next++ % queue->size] = head;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    queue->available->index = queue->next;
    notify(hostile, queue->number);
}

// A chain from descriptor 0 on that a device could serve.
static unsigned make_chain(struct hostile *hostile, struct hostile_queue *queue) {
    unsigned count = 1 + (unsigned)below(hostile, queue->size < 6 ? queue->size : 6);
    unsigned readable = (unsigned)below(hostile, count + 1);
    for (unsigned i = 0; i < count; i++) {
        struct virtio_descriptor *descriptor = &queue->descriptors[i];
        descriptor->flags = i >= readable ? DESCRIPTOR_WRITE : 0;
        put_inside(hostile, descriptor);
        if (i + 1 < count) descriptor->flags |= DESCRIPTOR_NEXT;
        descriptor->next = (uint16_t)(i + 1);
    }
    return count;
}

static struct virtio_descriptor *any_of(struct hostile *hostile, struct hostile_queue *queue, unsigned count) {
    return &queue->descriptors[below(hostile, count)];
}

static bool make_loop(struct hostile *hostile) {
    struct hostile_queue *queue = any_queue(hostile);
    unsigned count = make_chain(hostile, queue);
    queue->descriptors[count - 1].flags |= DESCRIPTOR_NEXT;
    queue->descriptors[count - 1].next = (uint16_t)below(hostile, count);
    offer(hostile, queue, 0);
    return true;
}

static bool leave_memory(struct hostile *hostile) {
    struct hostile_queue *queue = any_queue(hostile);
    unsigned count = make_chain(hostile, queue);
    put_outside(hostile, any_of(hostile, queue, count));
    offer(hostile, queue, 0);
    return true;
}

static bool use_odd_lengths(struct hostile *hostile) {
    struct hostile_queue *queue = any_queue(hostile);
    unsigned count = make_chain(hostile, queue);
    any_of(hostile, queue, count)->length = any_length(hostile);
    offer(hostile, queue, 0);
    return true;
}

static bool mix_directions(struct hostile *hostile) {
    struct hostile_queue *queue = any_queue(hostile);
    unsigned count = make_chain(hostile, queue);
    for (unsigned i = 0; i < count; i++) {
        queue->descriptors[i].flags ^= chance(hostile, 2) ? DESCRIPTOR_WRITE : 0;
        put_inside(hostile, &queue->descriptors[i]);
    }
    offer(hostile, queue, 0);
    return true;
}

static bool use_wrong_numbers(struct hostile *hostile) {
    struct hostile_queue *queue = any_queue(hostile);
    unsigned count = make_chain(hostile, queue);
    if (chance(hostile, 2)) {
        struct virtio_descriptor *descriptor = any_of(hostile, queue, count);
        descriptor->flags |= DESCRIPTOR_NEXT;
        descriptor->next = (uint16_t)random_next(&hostile->numbers);
        offer(hostile, queue, 0);
    } else {
        offer(hostile, queue, (uint16_t)(queue->size + below(hostile, 65536u - queue->size)));
    }
    return true;
}

static bool jump(struct hostile *hostile) {
    struct hostile_queue *queue = any_queue(hostile);
    make_chain(hostile, queue);
    queue->next = (uint16_t)(queue->next + random_next(&hostile->numbers));
    queue->available->index = queue->next;
    notify(hostile, queue->number);
    return true;
}

static bool abuse_tables(struct hostile *hostile) {
    static const uint32_t lengths[] = {0, 1, 8, 16, 17, 32, 4096, 65536, 16 * 65536, 0xfffffff0, 0xffffffff};
    struct hostile_queue *queue = any_queue(hostile);
    unsigned count = make_chain(hostile, queue);
    struct virtio_descriptor *descriptor = any_of(hostile, queue, count);
    // A table is read, hence lies where everything in it is nonsense.
    descriptor->flags &= (uint16_t)~DESCRIPTOR_WRITE;
    put_inside(hostile, descriptor);
    descriptor->length = lengths[below(hostile, sizeof lengths / sizeof *lengths)];
    if (chance(hostile, 4)) put_outside(hostile, descriptor);
    descriptor->flags |= DESCRIPTOR_INDIRECT;
    struct virtio_descriptor *table = (struct virtio_descriptor *)hostile->garbage;
    if (chance(hostile, 2)) {
        // A table that leads to itself, or back to its beginning.
        table[0].flags = DESCRIPTOR_NEXT | (chance(hostile, 2) ? DESCRIPTOR_INDIRECT : 0);
        table[0].next = (uint16_t)below(hostile, 4);
        table[0].address = hostile->garbage;
        table[0].length = 64;
        descriptor->address = hostile->garbage;
    }
    offer(hostile, queue, 0);
    return true;
}

static bool set_odd_sizes(struct hostile *hostile) {
    static const uint32_t sizes[] = {0, 1, 3, 7, 100, 255, 257, 1000, 1025, 32768, 65535, 65536, 0xffffffff};
    struct hostile_queue *queue = any_queue(hostile);
    make_chain(hostile, queue);
    virtio_write(hostile->device, VIRTIO_QUEUE_SELECT, queue->number);
    if (chance(hostile, 2)) virtio_write(hostile->device, VIRTIO_QUEUE_READY, 0);
    set_queue(hostile, queue, sizes[below(hostile, sizeof sizes / sizeof *sizes)]);
    offer(hostile, queue, 0);
    return true;
}

static uint64_t any_place(struct hostile *hostile) {
    struct virtio_descriptor outside;
    put_outside(hostile, &outside);
    if (chance(hostile, 2)) return outside.address;
    return hostile->rings + below(hostile, RINGS_BYTES); // most of them not aligned
}

static bool move_queue(struct hostile *hostile) {
    struct hostile_queue *queue = any_queue(hostile);
    make_chain(hostile, queue);
    offer(hostile, queue, 0);
    virtio_write(hostile->device, VIRTIO_QUEUE_SELECT, queue->number);
    static const unsigned parts[] = {VIRTIO_QUEUE_DESCRIPTORS, VIRTIO_QUEUE_DRIVER, VIRTIO_QUEUE_DEVICE};
    if (chance(hostile, 2)) virtio_write(hostile->device, VIRTIO_QUEUE_READY, 0);
    set_address(hostile, parts[below(hostile, 3)], any_place(hostile));
    virtio_write(hostile->device, VIRTIO_QUEUE_READY, (uint32_t)below(hostile, 3));
    offer(hostile, queue, 0);
    return true;
}

static bool scribble_on_rings(struct hostile *hostile) {
    struct hostile_queue *queue = any_queue(hostile);
    uint64_t *words = (uint64_t *)queue->descriptors;
    for (unsigned i = 0; i < 64; i++) words[below(hostile, RING_BYTES / sizeof *words)] = nonsense(hostile);
    notify(hostile, queue->number);
    return true;
}

static void access(struct hostile *hostile, uint64_t offset, unsigned width, bool is_write) {
    // The low half of an address must not become one of the guest's own memory; low memory is nobody's.
    uint64_t value = chance(hostile, 4) ? below(hostile, 4) : nonsense(hostile);
    uint64_t address = hostile->device->address + offset;
    switch (width) {
    case 1:
        if (is_write) *(volatile uint8_t *)address = (uint8_t)value;
        else (void)*(volatile uint8_t *)address;
        break;
    case 2:
        if (is_write) *(volatile uint16_t *)address = (uint16_t)value;
        else (void)*(volatile uint16_t *)address;
        break;
    case 4:
        if (is_write) *(volatile uint32_t *)address = (uint32_t)value;
        else (void)*(volatile uint32_t *)address;
        break;
    default:
        if (is_write) *(volatile uint64_t *)address = value;
        else (void)*(volatile uint64_t *)address;
    }
}

static bool access_registers(struct hostile *hostile) {
    for (unsigned i = 0; i < 32; i++) {
        unsigned width = 1u << below(hostile, 4);
        uint64_t limit = chance(hostile, 2) ? 0x200 : hostile->window_bytes;
        uint64_t offset = below(hostile, limit - width + 1);
        if (chance(hostile, 2)) offset &= ~(uint64_t)(width - 1);
        access(hostile, offset, width, chance(hostile, 2));
    }
    return true;
}

static bool storm(struct hostile *hostile) {
    struct hostile_queue *queue = any_queue(hostile);
    make_chain(hostile, queue);
    offer(hostile, queue, 0);
    for (unsigned i = 0; i < 200; i++) {
        notify(hostile, chance(hostile, 2) ? queue->number : (uint32_t)random_next(&hostile->numbers) >> below(hostile, 32));
    }
    return true;
}

static bool set_nonsense_status(struct hostile *hostile) {
    for (unsigned i = 0; i < 4; i++) {
        virtio_write(hostile->device, VIRTIO_STATUS, (uint32_t)random_next(&hostile->numbers) >> below(hostile, 32));
        virtio_write(hostile->device, VIRTIO_DRIVER_FEATURES_SELECT, (uint32_t)below(hostile, 4));
        virtio_write(hostile->device, VIRTIO_DRIVER_FEATURES, (uint32_t)random_next(&hostile->numbers));
        virtio_write(hostile->device, VIRTIO_INTERRUPT_ACKNOWLEDGE, (uint32_t)random_next(&hostile->numbers));
    }
    notify(hostile, any_queue(hostile)->number);
    return true;
}

// Once the reset is over, the device may write to memory no more.
static bool reset_midway(struct hostile *hostile) {
    for (unsigned i = 0; i < 8; i++) {
        struct hostile_queue *queue = any_queue(hostile);
        make_chain(hostile, queue);
        offer(hostile, queue, 0);
    }
    virtio_reset(hostile->device);
    uint64_t bytes = RINGS_BYTES + BUFFERS_BYTES;
    volatile uint8_t *memory = memset((void *)hostile->rings, CANARY, bytes);
    time_wait_microseconds(SETTLE_MICROSECONDS);
    for (uint64_t i = 0; i < bytes; i++) {
        if (memory[i] == CANARY) continue;
        print("hostile: the device wrote to 0x%lx after it was reset\n", hostile->rings + i);
        return false;
    }
    return true;
}

// For comparison, and so that there is something to disturb.
static bool be_good(struct hostile *hostile) {
    struct hostile_queue *queue = any_queue(hostile);
    make_chain(hostile, queue);
    offer(hostile, queue, 0);
    return true;
}

static const struct {
    const char *name;
    bool (*run)(struct hostile *hostile);
} deeds[] = {
    {"loop", make_loop},
    {"outside memory", leave_memory},
    {"odd lengths", use_odd_lengths},
    {"mixed directions", mix_directions},
    {"wrong numbers", use_wrong_numbers},
    {"index jump", jump},
    {"indirect tables", abuse_tables},
    {"queue sizes", set_odd_sizes},
    {"queue moved", move_queue},
    {"scribbled rings", scribble_on_rings},
    {"register accesses", access_registers},
    {"notification storm", storm},
    {"nonsense status", set_nonsense_status},
    {"reset midway", reset_midway},
    {"nothing bad", be_good},
};
#define DEED_COUNT (sizeof deeds / sizeof *deeds)

const char *hostile_deed(struct hostile *hostile) {
    uint32_t status = virtio_read(hostile->device, VIRTIO_STATUS);
    bool is_broken = status & VIRTIO_NEEDS_RESET;
    if (is_broken) hostile->broken++;
    if (is_broken || !(status & VIRTIO_DRIVER_OK) || !hostile->queue_count || chance(hostile, 4)) set_up(hostile);
    if (chance(hostile, 4)) refill_garbage(hostile);
    unsigned which;
    do which = (unsigned)below(hostile, DEED_COUNT);
    while (!(hostile->deeds >> which & 1));
    return deeds[which].run(hostile) ? deeds[which].name : NULL;
}
