// The command line: words of the form key=value.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct parameter {
    const char *key;
    uint64_t *number;        // exactly one of the two is set
    const char **text;
    uint64_t limit;          // largest number allowed; 0: any
    const char *const *choices; // texts allowed, ended by a null pointer; null: any
};

#define NUMBER(name, variable) {.key = name, .number = variable}
#define NUMBER_UP_TO(name, variable, largest) {.key = name, .number = variable, .limit = largest}
#define TEXT(name, variable, allowed) {.key = name, .text = variable, .choices = allowed}

// Sets the variables of the parameters named on the command line (the last mention counts) and leaves the others.
// tsc_khz= is understood everywhere. A word nobody knows is noted and ignored, unless Linux would know it;
// a malformed or excessive value ends the guest with EXIT_USAGE.
void arguments_read(const struct parameter *parameters, size_t count);

#define ARGUMENTS_READ(parameters) arguments_read(parameters, sizeof(parameters) / sizeof *(parameters))
