// Streams with a known content, over TCP, vsock and Unix sockets; every byte that arrives is checked.
//
//     stream listen|connect ADDRESS [connections=N] [at-once=N] [send=BYTES] [receive=BYTES] [hello=TEXT]
//
// Each connection carries `send` bytes one way and `receive` bytes the other, at the same time; who has sent all
// shuts down that direction and goes on reading. More, fewer or other bytes are an error. Both ends print
//
//     stream: 1000 connections, sent 64000 sum 0123456789abcdef, received 64000 sum 0123456789abcdef
//
// and `listen` before that "stream: listening". `hello` is a line that `connect` sends first of all, for a proxy
// that answers it by a line which begins with OK. Every connection has bytes of its own: who connects sends a number
// first, which does not count. Status 1: something was wrong; 64: usage.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "address.h"
#include "pattern.h"

enum {
    MOST_AT_ONCE = 4096,
    PIECE = 256 * 1024,
    NUMBER_SIZE = 8,
};
static const uint64_t other_way = 1ull << 63; // The seed of what the listening end sends has this bit too.

struct connection {
    int socket;
    uint64_t number;
    unsigned number_done; // Bytes of the number that are sent or received.
    uint64_t sent, received;
    struct checksum sum_sent, sum_received;
    bool sent_all, received_all;
};

static struct {
    bool listens;
    struct address address;
    unsigned long connections, at_once;
    uint64_t send, receive;
    const char *hello;
} wish = {.connections = 1, .at_once = 1};

static struct {
    unsigned long begun, done;
    uint64_t sent, sum_sent, received, sum_received;
} total;

static _Noreturn void fail(const char *what, const struct connection *connection) {
    fprintf(stderr, "stream: %s", what);
    if (connection != NULL)
        fprintf(stderr, " (connection %llu, sent %llu, received %llu)", (unsigned long long)connection->number,
                (unsigned long long)connection->sent, (unsigned long long)connection->received);
    fprintf(stderr, "%s%s\n", errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
    exit(1);
}

static void begin(struct connection *connection, int socket) {
    *connection = (struct connection){
        .socket = socket, .number = total.begun++, .sum_sent = checksum_start(), .sum_received = checksum_start()};
    if (fcntl(socket, F_SETFL, O_NONBLOCK) != 0) fail("cannot set O_NONBLOCK", connection);
}

// The proxy's greeting, while the socket still blocks.
static void say_hello(int socket) {
    char answer[64] = "";
    size_t length = strlen(wish.hello), got = 0;
    if (write(socket, wish.hello, length) != (ssize_t)length || write(socket, "\n", 1) != 1) fail("cannot say hello", NULL);
    while (got < sizeof answer - 1 && (got == 0 || answer[got - 1] != '\n')) {
        errno = 0;
        if (read(socket, answer + got, 1) != 1) fail("no answer to hello", NULL);
        got++;
    }
    errno = 0;
    if (strncmp(answer, "OK", 2) != 0) fail(answer, NULL);
}

static void connect_one(struct connection *connection) {
    int s = socket(wish.address.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s < 0) fail("no socket", NULL);
    if (connect(s, (struct sockaddr *)&wish.address.bytes, wish.address.length) != 0) fail("cannot connect", NULL);
    if (wish.hello != NULL) say_hello(s);
    begin(connection, s);
}

// True if there was one to accept.
static bool accept_one(int listener, struct connection *connection) {
    int s = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (s < 0 && errno == EAGAIN) return false;
    if (s < 0) fail("cannot accept", NULL);
    begin(connection, s);
    return true;
}

static bool would_block(void) {
    return errno == EAGAIN || errno == EINTR;
}

static void send_some(struct connection *c, uint8_t *piece) {
    if (!wish.listens && c->number_done < NUMBER_SIZE) {
        uint64_t number = c->number;
        ssize_t count = send(c->socket, (uint8_t *)&number + c->number_done, NUMBER_SIZE - c->number_done, MSG_NOSIGNAL);
        if (count < 0 && !would_block()) fail("cannot send", c);
        if (count > 0) c->number_done += (unsigned)count;
        return;
    }
    uint64_t left = wish.send - c->sent;
    size_t size = left < PIECE ? (size_t)left : PIECE;
    if (size > 0) {
        pattern_fill(c->number | (wish.listens ? other_way : 0), c->sent, piece, size);
        ssize_t count = send(c->socket, piece, size, MSG_NOSIGNAL);
        if (count < 0 && would_block()) return;
        if (count < 0) fail("cannot send", c);
        checksum_add(&c->sum_sent, piece, (size_t)count);
        c->sent += (uint64_t)count;
    }
    if (c->sent == wish.send) {
        if (shutdown(c->socket, SHUT_WR) != 0) fail("cannot shut down", c);
        c->sent_all = true;
    }
}

static void receive_some(struct connection *c, uint8_t *piece) {
    bool wants_number = wish.listens && c->number_done < NUMBER_SIZE;
    uint8_t *place = wants_number ? (uint8_t *)&c->number + c->number_done : piece;
    ssize_t count = recv(c->socket, place, wants_number ? NUMBER_SIZE - c->number_done : PIECE, 0);
    if (count < 0 && would_block()) return;
    if (count < 0) fail("cannot receive", c);
    errno = 0;
    if (count == 0) {
        if (wants_number || c->received != wish.receive) fail("the stream ends too early", c);
        c->received_all = true;
        return;
    }
    if (wants_number) {
        c->number_done += (unsigned)count;
        return;
    }
    if ((uint64_t)count > wish.receive - c->received) fail("more bytes than there should be", c);
    uint64_t seed = c->number | (wish.listens ? 0 : other_way);
    size_t right = pattern_match(seed, c->received, piece, (size_t)count);
    if (right < (size_t)count) {
        c->received += right;
        fail("a wrong byte", c);
    }
    checksum_add(&c->sum_received, piece, (size_t)count);
    c->received += (uint64_t)count;
}

static void end(struct connection *c) {
    total.sent += c->sent;
    total.received += c->received;
    total.sum_sent += checksum_end(c->sum_sent);
    total.sum_received += checksum_end(c->sum_received);
    total.done++;
    close(c->socket);
}

static void run(int listener) {
    static struct connection connections[MOST_AT_ONCE];
    static struct pollfd entries[MOST_AT_ONCE + 1];
    static uint8_t piece[PIECE];
    size_t count = 0;
    while (total.done < wish.connections) {
        while (!wish.listens && count < wish.at_once && total.begun < wish.connections)
            connect_one(&connections[count++]);
        for (size_t i = 0; i < count; i++) {
            struct connection *c = &connections[i];
            bool sends = !c->sent_all && (!wish.listens || c->number_done == NUMBER_SIZE);
            short events = (short)((sends ? POLLOUT : 0) | (c->received_all ? 0 : POLLIN));
            entries[i] = (struct pollfd){.fd = c->socket, .events = events};
        }
        bool accepts = wish.listens && count < MOST_AT_ONCE && total.begun < wish.connections;
        entries[count] = (struct pollfd){.fd = accepts ? listener : -1, .events = POLLIN};
        if (poll(entries, count + 1, -1) < 0 && errno != EINTR) fail("poll", NULL);
        bool is_waiting = entries[count].revents != 0;
        for (size_t i = count; i-- > 0;) {
            struct connection *c = &connections[i];
            // A hang-up alone is seen by reading, too.
            if (!c->received_all && entries[i].revents & (POLLIN | POLLHUP | POLLERR)) receive_some(c, piece);
            if (!c->sent_all && entries[i].revents & POLLOUT) send_some(c, piece);
            if (c->sent_all && c->received_all) {
                end(c);
                *c = connections[--count];
            }
        }
        if (is_waiting && accept_one(listener, &connections[count])) count++;
    }
}

static int listen_there(void) {
    int listener = socket(wish.address.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1;
    if (listener < 0) fail("no socket", NULL);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&wish.address.bytes, wish.address.length) != 0) fail("cannot bind", NULL);
    if (listen(listener, MOST_AT_ONCE) != 0) fail("cannot listen", NULL);
    printf("stream: listening\n");
    fflush(stdout);
    return listener;
}

// Takes "name=number"; false if the word is not that.
static bool take_number(const char *word, const char *name, uint64_t *value) {
    size_t length = strlen(name);
    if (strncmp(word, name, length) != 0 || word[length] != '=') return false;
    char *end;
    *value = strtoull(word + length + 1, &end, 10);
    return end != word + length + 1 && *end == '\0';
}

static bool read_words(int count, char **words) {
    if (count < 3 || !address_parse(words[2], &wish.address)) return false;
    wish.listens = strcmp(words[1], "listen") == 0;
    if (!wish.listens && strcmp(words[1], "connect") != 0) return false;
    for (int i = 3; i < count; i++) {
        uint64_t value;
        if (take_number(words[i], "connections", &value)) wish.connections = value;
        else if (take_number(words[i], "at-once", &value)) wish.at_once = value;
        else if (take_number(words[i], "send", &value)) wish.send = value;
        else if (take_number(words[i], "receive", &value)) wish.receive = value;
        else if (strncmp(words[i], "hello=", 6) == 0) wish.hello = words[i] + 6;
        else return false;
    }
    return wish.at_once > 0 && wish.at_once <= MOST_AT_ONCE;
}

int main(int count, char **words) {
    if (!read_words(count, words)) {
        fprintf(stderr, "usage: stream listen|connect tcp:HOST:PORT|vsock:CID:PORT|unix:PATH [connections=N]\n"
                        "       [at-once=N] [send=BYTES] [receive=BYTES] [hello=TEXT]\n");
        return 64;
    }
    struct rlimit files = {MOST_AT_ONCE + 16, MOST_AT_ONCE + 16};
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) {
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max; // What there is may do.
        setrlimit(RLIMIT_NOFILE, &files);
    }
    run(wish.listens ? listen_there() : -1);
    printf("stream: %lu connections, sent %llu sum %016llx, received %llu sum %016llx\n", total.done,
           (unsigned long long)total.sent, (unsigned long long)total.sum_sent, (unsigned long long)total.received,
           (unsigned long long)total.sum_received);
    return 0;
}
