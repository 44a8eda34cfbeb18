#include "console.h"

#include <stdarg.h>
#include <stdbool.h>

#include "ring0.h"

struct line {
    char text[512];
    size_t length;
};

void console_write(const char *bytes, size_t size) {
    in_ring0(ring0_console_write, bytes, size, 0);
}

static void append(struct line *line, char character) {
    if (line->length < sizeof line->text) line->text[line->length++] = character;
}

static void append_number(struct line *line, uint64_t value, unsigned base, unsigned width, char padding) {
    char digits[20];
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    for (; width > count; width--) append(line, padding);
    while (count) append(line, digits[--count]);
}

void print(const char *format, ...) {
    struct line line;
    line.length = 0;
    va_list arguments;
    va_start(arguments, format);
    for (; *format; format++) {
        if (*format != '%') {
            append(&line, *format);
            continue;
        }
        format++;
        char padding = *format == '0' ? '0' : ' ';
        unsigned width = 0;
        while (*format >= '0' && *format <= '9') width = width * 10 + (unsigned)(*format++ - '0');
        bool is_long = *format == 'l';
        if (is_long) format++;
        switch (*format) {
        case 's':
            for (const char *text = va_arg(arguments, const char *); *text; text++) append(&line, *text);
            break;
        case 'c':
            append(&line, (char)va_arg(arguments, int));
            break;
        case 'd': {
            int64_t value = is_long ? va_arg(arguments, int64_t) : va_arg(arguments, int);
            if (value < 0) append(&line, '-');
            append_number(&line, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10, width, padding);
            break;
        }
        case 'u':
        case 'x': {
            uint64_t value = is_long ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned);
            append_number(&line, value, *format == 'x' ? 16 : 10, width, padding);
            break;
        }
        default:
            append(&line, *format);
        }
    }
    va_end(arguments);
    console_write(line.text, line.length);
}
