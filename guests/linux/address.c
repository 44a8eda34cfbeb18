#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <linux/vm_sockets.h>

// Reads a number up to the end or to a colon; moves behind it. False if there is none.
static bool read_number(const char **text, unsigned long limit, unsigned long *number) {
    char *end;
    if (**text < '0' || **text > '9') return false;
    *number = strtoul(*text, &end, 10);
    if (*number > limit || (*end != '\0' && *end != ':')) return false;
    *text = *end == ':' ? end + 1 : end;
    return true;
}

static bool parse_tcp(const char *text, struct address *address) {
    struct sockaddr_in *in = (struct sockaddr_in *)&address->bytes;
    char host[INET_ADDRSTRLEN] = "";
    const char *colon = strrchr(text, ':');
    unsigned long port;
    if (colon == NULL || (size_t)(colon - text) >= sizeof host) return false;
    memcpy(host, text, colon - text);
    colon++;
    if (!read_number(&colon, 65535, &port) || inet_pton(AF_INET, host, &in->sin_addr) != 1) return false;
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)port);
    address->length = sizeof *in;
    return true;
}

static bool parse_vsock(const char *text, struct address *address) {
    struct sockaddr_vm *vm = (struct sockaddr_vm *)&address->bytes;
    unsigned long cid = VMADDR_CID_ANY, port;
    if (strncmp(text, "any:", 4) == 0)
        text += 4;
    else if (!read_number(&text, UINT32_MAX, &cid))
        return false;
    if (!read_number(&text, UINT32_MAX, &port)) return false;
    vm->svm_family = AF_VSOCK;
    vm->svm_cid = (unsigned)cid;
    vm->svm_port = (unsigned)port;
    address->length = sizeof *vm;
    return true;
}

static bool parse_unix(const char *text, struct address *address) {
    struct sockaddr_un *un = (struct sockaddr_un *)&address->bytes;
    size_t length = strlen(text);
    if (length == 0 || length >= sizeof un->sun_path) return false;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, text, length + 1);
    address->length = sizeof *un;
    return true;
}

bool address_parse(const char *text, struct address *address) {
    *address = (struct address){0};
    if (strncmp(text, "tcp:", 4) == 0) return parse_tcp(text + 4, address);
    if (strncmp(text, "vsock:", 6) == 0) return parse_vsock(text + 6, address);
    if (strncmp(text, "unix:", 5) == 0) return parse_unix(text + 5, address);
    return false;
}
