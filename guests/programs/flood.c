// As many bytes on the serial port as asked for, as fast as it takes them: lines of 64 bytes, numbered from 0.
#include "arguments.h"
#include "console.h"
#include "machine.h"

#define LINE_BYTES 64
#define LINES_PER_WRITE 64
#define NUMBER_DIGITS 12

static char lines[LINES_PER_WRITE][LINE_BYTES];

static void fill_line(char *line, uint64_t number) {
    static const char prefix[] = "flood ", letters[] = "abcdefghijklmnopqrstuvwxyz";
    unsigned column = 0;
    for (; prefix[column]; column++) line[column] = prefix[column];
    for (unsigned digit = NUMBER_DIGITS; digit--; number /= 10) line[column + digit] = (char)('0' + number % 10);
    column += NUMBER_DIGITS;
    line[column++] = ' ';
    for (unsigned letter = 0; column < LINE_BYTES - 1; letter++) line[column++] = letters[letter % 26];
    line[column] = '\n';
}

int program(void) {
    uint64_t bytes = 1 << 20, code = 0;
    const struct parameter parameters[] = {NUMBER("bytes", &bytes), NUMBER_UP_TO("code", &code, 255)};
    ARGUMENTS_READ(parameters);

    for (uint64_t number = 0; bytes; number += LINES_PER_WRITE) {
        for (unsigned i = 0; i < LINES_PER_WRITE; i++) fill_line(lines[i], number + i);
        uint64_t size = bytes < sizeof lines ? bytes : sizeof lines;
        console_write(lines[0], size);
        bytes -= size;
    }
    return (int)code;
}
