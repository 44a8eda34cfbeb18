#include "queue.h"

#include "console.h"
#include "interrupts.h"
#include "machine.h"
#include "pool.h"
#include "processor.h"
#include "text.h"

#define NO_INTERRUPT 1 // flags of the available ring
#define NO_NOTIFY 1    // flags of the used ring

static volatile uint16_t *used_event(const struct virtio_queue *queue) {
    return &queue->available->ring[queue->size];
}

static volatile uint16_t *available_event(const struct virtio_queue *queue) {
    return (volatile uint16_t *)&queue->used->ring[queue->size];
}

static void full_barrier(void) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void write_address(const struct virtio_queue *queue, unsigned offset, volatile void *address) {
    virtio_write(queue->device, offset, (uint32_t)(uint64_t)address);
    virtio_write(queue->device, offset + 4, (uint32_t)((uint64_t)address >> 32));
}

static size_t available_bytes(const struct virtio_queue *queue) {
    return sizeof *queue->available + sizeof(uint16_t) * (queue->size + 1u);
}

static size_t used_bytes(const struct virtio_queue *queue) {
    return sizeof *queue->used + sizeof *queue->used->ring * queue->size + sizeof(uint16_t);
}

bool queue_make(struct virtio_queue *queue, struct virtio_device *device, uint16_t number,
                struct virtio_queue_settings settings) {
    *queue = (struct virtio_queue){.device = device, .number = number, .is_polled = settings.is_polled};
    virtio_write(device, VIRTIO_QUEUE_SELECT, number);
    uint32_t largest = virtio_read(device, VIRTIO_QUEUE_SIZE_MAX);
    if (!largest) return false;
    queue->size = (uint16_t)(settings.size && settings.size < largest ? settings.size : largest);
    queue->table_size = virtio_has(device, VIRTIO_INDIRECT) ? settings.table_size : 0;
    queue->descriptors = pool_take(sizeof *queue->descriptors * queue->size);
    if (queue->table_size) {
        queue->tables = pool_take(sizeof *queue->tables * queue->size * queue->table_size);
    }
    queue->available = pool_take(available_bytes(queue));
    queue->used = pool_take(used_bytes(queue));
    queue->tokens = pool_take(sizeof *queue->tokens * queue->size);
    queue_make_again(queue);
    return true;
}

void queue_make_again(struct virtio_queue *queue) {
    memset((void *)queue->available, 0, available_bytes(queue));
    memset((void *)queue->used, 0, used_bytes(queue));
    for (uint16_t i = 0; i < queue->size; i++) queue->descriptors[i].next = (uint16_t)(i + 1);
    queue->free = queue->next_available = queue->notified = queue->next_used = 0;
    queue->free_count = queue->size;
    if (queue->is_polled) queue->available->flags = NO_INTERRUPT;
    // With event indices the flag is not looked at: an index just passed is the one that comes last.
    if (queue->is_polled) *used_event(queue) = UINT16_MAX;

    virtio_write(queue->device, VIRTIO_QUEUE_SELECT, queue->number);
    virtio_write(queue->device, VIRTIO_QUEUE_SIZE, queue->size);
    write_address(queue, VIRTIO_QUEUE_DESCRIPTORS, queue->descriptors);
    write_address(queue, VIRTIO_QUEUE_DRIVER, queue->available);
    write_address(queue, VIRTIO_QUEUE_DEVICE, queue->used);
    virtio_write(queue->device, VIRTIO_QUEUE_READY, 1);
}

static void fill(struct virtio_descriptor *descriptor, const struct virtio_part *part, bool is_writable) {
    descriptor->address = (uint64_t)part->address;
    descriptor->length = part->length;
    descriptor->flags = is_writable ? DESCRIPTOR_WRITE : 0;
}

// A table of its own for the request; returns the only descriptor used.
static uint16_t add_indirect(struct virtio_queue *queue, const struct virtio_part *parts, unsigned readable,
                             unsigned count) {
    uint16_t head = queue->free;
    struct virtio_descriptor *descriptor = &queue->descriptors[head];
    struct virtio_descriptor *table = queue->tables + (size_t)head * queue->table_size;
    for (unsigned i = 0; i < count; i++) {
        fill(&table[i], &parts[i], i >= readable);
        if (i + 1 == count) break;
        table[i].flags |= DESCRIPTOR_NEXT;
        table[i].next = (uint16_t)(i + 1);
    }
    queue->free = descriptor->next;
    queue->free_count--;
    descriptor->address = (uint64_t)table;
    descriptor->length = (uint32_t)(sizeof *table * count);
    descriptor->flags = DESCRIPTOR_INDIRECT;
    return head;
}

static uint16_t add_chain(struct virtio_queue *queue, const struct virtio_part *parts, unsigned readable,
                          unsigned count) {
    uint16_t head = queue->free;
    struct virtio_descriptor *descriptor = NULL;
    for (unsigned i = 0; i < count; i++) {
        if (descriptor) descriptor->flags |= DESCRIPTOR_NEXT;
        descriptor = &queue->descriptors[queue->free];
        fill(descriptor, &parts[i], i >= readable);
        queue->free = descriptor->next;
    }
    queue->free_count = (uint16_t)(queue->free_count - count);
    return head;
}

bool queue_add(struct virtio_queue *queue, const struct virtio_part *parts, unsigned readable, unsigned writable,
               uint16_t token) {
    unsigned count = readable + writable;
    bool is_indirect = count > 1 && count <= queue->table_size;
    if (queue->free_count < (is_indirect ? 1 : count)) return false;
    uint16_t head = is_indirect ? add_indirect(queue, parts, readable, count) : add_chain(queue, parts, readable, count);
    queue->tokens[head] = token;
    queue->available->ring[queue->next_available % queue->size] = head;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    queue->available->index = ++queue->next_available;
    return true;
}

void queue_notify(struct virtio_queue *queue) {
    uint16_t added = (uint16_t)(queue->next_available - queue->notified);
    if (!added) return;
    queue->notified = queue->next_available;
    full_barrier();
    bool is_wanted;
    if (virtio_has(queue->device, VIRTIO_EVENT_INDEX)) {
        is_wanted = (uint16_t)(queue->next_available - *available_event(queue) - 1) < added;
    } else {
        is_wanted = !(queue->used->flags & NO_NOTIFY);
    }
    if (!is_wanted) return;
    queue->notifications++;
    virtio_write(queue->device, VIRTIO_QUEUE_NOTIFY, queue->number);
}

bool queue_has_used(const struct virtio_queue *queue) {
    return queue->used->index != queue->next_used;
}

static _Noreturn void device_is_wrong(const struct virtio_queue *queue, const char *what, uint64_t value) {
    print("queue %u of the device at 0x%lx: %s %lu\n", queue->number, queue->device->address, what, value);
    machine_exit(EXIT_FAILED);
}

bool queue_take(struct virtio_queue *queue, uint16_t *token, uint32_t *written) {
    if (!queue_has_used(queue)) return false;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    uint16_t outstanding = (uint16_t)(queue->next_available - queue->next_used);
    if ((uint16_t)(queue->used->index - queue->next_used) > outstanding) {
        device_is_wrong(queue, "more used than made available, index", queue->used->index);
    }
    uint32_t head = queue->used->ring[queue->next_used % queue->size].head;
    *written = queue->used->ring[queue->next_used % queue->size].length;
    if (head >= queue->size) device_is_wrong(queue, "used a head that is none:", head);
    queue->next_used++;
    if (queue->is_polled) *used_event(queue) = (uint16_t)(queue->next_used - 1);
    *token = queue->tokens[head];

    uint16_t last = (uint16_t)head, count = 1;
    for (; queue->descriptors[last].flags & DESCRIPTOR_NEXT; count++) last = queue->descriptors[last].next;
    queue->descriptors[last].next = queue->free;
    queue->free = (uint16_t)head;
    queue->free_count = (uint16_t)(queue->free_count + count);
    return true;
}

static bool has_more_than(const struct virtio_queue *queue, uint16_t ahead) {
    return (uint16_t)(queue->used->index - queue->next_used) > ahead;
}

bool queue_arm(struct virtio_queue *queue, uint16_t ahead) {
    queue->available->flags = 0;
    *used_event(queue) = (uint16_t)(queue->next_used + ahead);
    full_barrier();
    return !has_more_than(queue, ahead);
}

void queue_wait(struct virtio_queue *queue, uint16_t ahead) {
    if (queue->is_polled) {
        while (!has_more_than(queue, ahead)) spin_hint();
        return;
    }
    volatile uint64_t *interrupts = virtio_interrupts(queue->device);
    while (!has_more_than(queue, ahead)) {
        uint64_t seen = *interrupts;
        if (!queue_arm(queue, ahead)) return;
        interrupts_halt_until(interrupts, seen + 1);
    }
}
