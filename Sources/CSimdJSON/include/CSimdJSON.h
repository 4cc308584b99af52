#pragma once

// JSON for arrays: simdjson's on-demand parser with functions for C, and the shortest decimal text of numbers. No C++
// exception leaves these functions.

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SEGSCORE_SWIFT_NAME(name) __attribute__((swift_name(#name)))

/// The number of list levels that an array may have.
#define SEGSCORE_JSON_DEPTH 8

/// How many numbers a list has at most that is read as one value.
#define SEGSCORE_JSON_NUMBERS 1024

/// How many bytes the text of an object has at most that is read as one value.
#define SEGSCORE_JSON_MEMBERS 65536

typedef enum __attribute__((enum_extensibility(closed))) {
    SEGSCORE_JSON_OK SEGSCORE_SWIFT_NAME(ok),
    /// The object has no more members, and the text ends with it.
    SEGSCORE_JSON_END SEGSCORE_SWIFT_NAME(end),
    SEGSCORE_JSON_EMPTY SEGSCORE_SWIFT_NAME(empty),
    SEGSCORE_JSON_SYNTAX SEGSCORE_SWIFT_NAME(syntax),
    SEGSCORE_JSON_UTF8 SEGSCORE_SWIFT_NAME(utf8),
    SEGSCORE_JSON_STRING SEGSCORE_SWIFT_NAME(string),
    SEGSCORE_JSON_NUMBER SEGSCORE_SWIFT_NAME(number),
    SEGSCORE_JSON_INCOMPLETE SEGSCORE_SWIFT_NAME(incomplete),
    SEGSCORE_JSON_NOT_OBJECT SEGSCORE_SWIFT_NAME(notObject),
    SEGSCORE_JSON_TRAILING SEGSCORE_SWIFT_NAME(trailing),
    SEGSCORE_JSON_DEEP SEGSCORE_SWIFT_NAME(deep),
    SEGSCORE_JSON_LONG SEGSCORE_SWIFT_NAME(long),
    SEGSCORE_JSON_MEMORY SEGSCORE_SWIFT_NAME(memory),
    SEGSCORE_JSON_NOT_FINITE SEGSCORE_SWIFT_NAME(notFinite),
    SEGSCORE_JSON_NOT_LIST SEGSCORE_SWIFT_NAME(notList),
    SEGSCORE_JSON_NOT_NUMBER SEGSCORE_SWIFT_NAME(notNumber),
    SEGSCORE_JSON_RAGGED SEGSCORE_SWIFT_NAME(ragged),
    SEGSCORE_JSON_MIXED SEGSCORE_SWIFT_NAME(mixed),
    /// Lists are nested deeper than those of an array may be.
    SEGSCORE_JSON_ARRAY_DEEP SEGSCORE_SWIFT_NAME(arrayDeep),
} segscore_json_status;

/// Bytes of the text or of the parser, valid until the parser is closed or begins another text.
typedef struct {
    const char *start;
    size_t count;
} segscore_json_string;

/// The place of the last error, and what is wrong there.
typedef struct {
    /// The offset into the text; -1 if it is not known.
    ptrdiff_t position;
    /// The indices of the element of the list that the error is at.
    size_t path[SEGSCORE_JSON_DEPTH];
    size_t path_count;
    /// For `SEGSCORE_JSON_RAGGED`, the length that a list should have and the one that it has.
    size_t expected, actual;
} segscore_json_fault;

/// A nested list of numbers, flattened, the last index moving fastest.
typedef struct {
    /// Memory of `malloc`, which the caller has to `free`.
    double *elements;
    size_t count;
    size_t shape[SEGSCORE_JSON_DEPTH];
    size_t rank;
} segscore_json_array;

typedef enum __attribute__((enum_extensibility(closed))) {
    SEGSCORE_JSON_VALUE_NULL SEGSCORE_SWIFT_NAME(null),
    SEGSCORE_JSON_VALUE_BOOL SEGSCORE_SWIFT_NAME(bool),
    SEGSCORE_JSON_VALUE_NUMBER SEGSCORE_SWIFT_NAME(number),
    SEGSCORE_JSON_VALUE_STRING SEGSCORE_SWIFT_NAME(string),
    SEGSCORE_JSON_VALUE_STRINGS SEGSCORE_SWIFT_NAME(strings),
    /// An object whose values are strings: `strings` has each name with its value behind it.
    SEGSCORE_JSON_VALUE_OBJECT SEGSCORE_SWIFT_NAME(object),
    /// A list of numbers, at least one and at most `SEGSCORE_JSON_NUMBERS`: `strings` has their texts.
    SEGSCORE_JSON_VALUE_NUMBERS SEGSCORE_SWIFT_NAME(numbers),
    /// An object with other values, whose text has at most `SEGSCORE_JSON_MEMBERS` bytes and is not validated.
    SEGSCORE_JSON_VALUE_MEMBERS SEGSCORE_SWIFT_NAME(members),
    /// A longer object or list, or a list with other elements. The rest of it is not validated.
    SEGSCORE_JSON_VALUE_OTHER SEGSCORE_SWIFT_NAME(other),
} segscore_json_kind;

typedef struct {
    segscore_json_kind kind;
    bool boolean;
    double number;
    /// The string, or the text of the number or the members.
    segscore_json_string text;
    const segscore_json_string *strings;
    size_t string_count;
} segscore_json_value;

typedef struct segscore_json segscore_json;

/// How many bytes beyond the text must be readable.
size_t segscore_json_padding(void);

/// How many things a text has, at most, that take memory while it is parsed.
typedef struct {
    /// Places in the text that the parser keeps in four bytes each.
    size_t places;
    /// Numbers, booleans and nulls.
    size_t scalars;
    /// Strings, names among them.
    size_t strings;
    /// Bytes in strings.
    size_t string_bytes;
} segscore_json_measure;

/// Looks through a text, which need not be well formed.
segscore_json_measure segscore_json_measure_text(const char *text, size_t count);

/// Makes a parser; null if there is no memory.
segscore_json *segscore_json_open(void);
void segscore_json_close(segscore_json *json);

/// Begins to parse a text, which must hold one object and stay in place until the parser is closed.
segscore_json_status segscore_json_begin(segscore_json *json, const char *text, size_t count, size_t capacity);

/// Goes to the next member, past whatever was not read of the one before.
segscore_json_status segscore_json_next(segscore_json *json, segscore_json_string *name);

/// Reads the member's value, once, as a nested list of numbers and booleans (1 and 0), of which there are at most
/// `limit`.
segscore_json_status segscore_json_read_array(segscore_json *json, segscore_json_array *array, size_t limit);

/// Whether the member's value, which is still to be read, is an object.
bool segscore_json_is_object(segscore_json *json);

/// Reads the member's value, once.
segscore_json_status segscore_json_read_value(segscore_json *json, segscore_json_value *value);

/// The fault of the error that a function returned last.
segscore_json_fault segscore_json_last_fault(const segscore_json *json);

/// The size that the text of one number may have.
#define SEGSCORE_JSON_NUMBER_SIZE 32

/// Writes the shortest decimal text that reads back as the same number, or `null` if the number is not finite.
///
/// Returns the number of bytes written to `text`, which has room for `SEGSCORE_JSON_NUMBER_SIZE`.
size_t segscore_json_write_float(float value, char *text);
size_t segscore_json_write_double(double value, char *text);
size_t segscore_json_write_integer(long long value, char *text);

#ifdef __cplusplus
}
#endif
