// Sockets of every kind and state that lasts, for whoever looks into the guest from outside.
//
//     sockets    makes them, prints the number of the process that keeps them, and leaves it behind
//
// The loopback device has to be up. Nothing moves once the number is printed.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void check(int result, const char *what) {
    if (result >= 0) return;
    fprintf(stderr, "sockets: cannot %s: %s\n", what, strerror(errno));
    exit(1);
}

// A name of either internet family, or of a path; one that begins with '@' is abstract.
struct name {
    socklen_t size;
    union {
        struct sockaddr any;
        struct sockaddr_in version4;
        struct sockaddr_in6 version6;
        struct sockaddr_un local;
    };
};

static struct name internet(const char *address, unsigned port) {
    struct name name = {.size = sizeof name.version4};
    name.version4.sin_family = AF_INET;
    name.version4.sin_port = htons((unsigned short)port);
    if (inet_pton(AF_INET, address, &name.version4.sin_addr) == 1) return name;
    name.size = sizeof name.version6;
    memset(&name.version6, 0, sizeof name.version6);
    name.version6.sin6_family = AF_INET6;
    name.version6.sin6_port = htons((unsigned short)port);
    check(inet_pton(AF_INET6, address, &name.version6.sin6_addr) - 1, "read an address");
    return name;
}

static struct name local(const char *path) {
    struct name name = {.local = {.sun_family = AF_UNIX}};
    size_t length = strlen(path);
    memcpy(name.local.sun_path, path, length + 1);
    // The length of an abstract name tells where it ends.
    name.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] != '@'));
    if (path[0] == '@') name.local.sun_path[0] = 0;
    return name;
}

static int bound(struct name name, int type) {
    int socket_number = socket(name.any.sa_family, type, 0);
    check(socket_number, "make a socket");
    check(bind(socket_number, &name.any, name.size), "bind");
    return socket_number;
}

static int listening(struct name name, int type, int backlog) {
    int socket_number = bound(name, type);
    check(listen(socket_number, backlog), "listen");
    return socket_number;
}

static int connected(struct name name, int type) {
    int socket_number = socket(name.any.sa_family, type, 0);
    check(socket_number, "make a socket");
    check(connect(socket_number, &name.any, name.size), "connect");
    return socket_number;
}

static int accepted(int listener) {
    int socket_number = accept(listener, NULL, NULL);
    check(socket_number, "accept");
    return socket_number;
}

static void send_bytes(int socket_number, const char *bytes) {
    check((int)send(socket_number, bytes, strlen(bytes), 0), "send");
}

static void make_stream_sockets(const char *address, unsigned port) {
    // A connection with bytes that nobody reads; one that is closed on one side; one that nobody has accepted.
    int listener = listening(internet(address, port), SOCK_STREAM, 7);
    int client = connected(internet(address, port), SOCK_STREAM);
    accepted(listener);
    send_bytes(client, "hello");
    int half_closed = connected(internet(address, port), SOCK_STREAM);
    accepted(listener);
    check(shutdown(half_closed, SHUT_WR), "end sending");
    connected(internet(address, port), SOCK_STREAM);
}

static void make_datagram_sockets(const char *address, unsigned port) {
    bound(internet(address, port), SOCK_DGRAM);
    send_bytes(connected(internet(address, port), SOCK_DGRAM), "datagram");
}

static void make_unix_sockets(void) {
    int listener = listening(local("/tmp/stream"), SOCK_STREAM, 5);
    int client = connected(local("/tmp/stream"), SOCK_STREAM);
    accepted(listener);
    send_bytes(client, "hello");
    bound(local("@roost-datagram"), SOCK_DGRAM);
    connected(local("@roost-datagram"), SOCK_DGRAM);
    int pair[2];
    check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), "make a pair");
    // Neither bound nor connected.
    check(socket(AF_UNIX, SOCK_STREAM, 0), "make a socket");
}

int main(void) {
    make_stream_sockets("127.0.0.1", 7000);
    make_stream_sockets("::1", 7001);
    listening(internet("0.0.0.0", 7002), SOCK_STREAM, 1);
    listening(internet("::", 7003), SOCK_STREAM, 1);
    make_datagram_sockets("127.0.0.1", 7004);
    make_datagram_sockets("::1", 7005);
    bound(internet("::", 7006), SOCK_DGRAM);
    make_unix_sockets();
    // One that a user other than root has made.
    check(setresuid(1000, 1000, 0), "become another user");
    listening(internet("127.0.0.1", 7007), SOCK_STREAM, 1);
    check(setresuid(0, 0, 0), "become root again");

    pid_t keeper = fork();
    check(keeper, "fork");
    if (keeper > 0) {
        printf("%d\n", keeper);
        return 0;
    }
    // Whoever reads the number waits for the end of this, too.
    for (int number = 0; number < 3; number++) close(number);
    for (;;) pause();
}
