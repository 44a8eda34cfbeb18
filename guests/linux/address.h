// The ends of a stream, written as one word: tcp:HOST:PORT, vsock:CID:PORT or unix:PATH. A CID may be "any".
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

struct address {
    struct sockaddr_storage bytes;
    socklen_t length;
};

// False if the text is no address.
bool address_parse(const char *text, struct address *address);
