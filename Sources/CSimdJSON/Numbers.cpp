#include "CSimdJSON.h"

#include <charconv>
#include <cmath>
#include <cstring>

namespace {

template <typename Number>
size_t write_floating(Number value, char *text) {
    if (!std::isfinite(value)) {
        std::memcpy(text, "null", 4);
        return 4;
    }
    // The text has at most 24 bytes: the sign, 17 digits, the point, and five of the exponent.
    char *end = std::to_chars(text, text + SEGSCORE_JSON_NUMBER_SIZE, value).ptr;
    for (const char *character = text; character < end; character += 1) {
        if (*character == '.' || *character == 'e') return static_cast<size_t>(end - text);
    }
    // Whole numbers keep a point, so that readers which tell integers apart see the type that was written.
    std::memcpy(end, ".0", 2);
    return static_cast<size_t>(end - text) + 2;
}

}  // namespace

size_t segscore_json_write_float(float value, char *text) { return write_floating(value, text); }

size_t segscore_json_write_double(double value, char *text) { return write_floating(value, text); }

size_t segscore_json_write_integer(long long value, char *text) {
    return static_cast<size_t>(std::to_chars(text, text + SEGSCORE_JSON_NUMBER_SIZE, value).ptr - text);
}
