#include "CSimdJSON.h"

// The parser returns errors and does not throw them.
#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

namespace ondemand = simdjson::ondemand;

namespace {

segscore_json_status status_of(simdjson::error_code error) {
    switch (error) {
    case simdjson::SUCCESS: return SEGSCORE_JSON_OK;
    case simdjson::EMPTY: return SEGSCORE_JSON_EMPTY;
    case simdjson::UTF8_ERROR: return SEGSCORE_JSON_UTF8;
    case simdjson::STRING_ERROR:
    case simdjson::UNESCAPED_CHARS: return SEGSCORE_JSON_STRING;
    case simdjson::NUMBER_ERROR: return SEGSCORE_JSON_NUMBER;
    case simdjson::UNCLOSED_STRING:
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT: return SEGSCORE_JSON_INCOMPLETE;
    case simdjson::TRAILING_CONTENT: return SEGSCORE_JSON_TRAILING;
    case simdjson::DEPTH_ERROR: return SEGSCORE_JSON_DEEP;
    case simdjson::CAPACITY: return SEGSCORE_JSON_LONG;
    case simdjson::MEMALLOC: return SEGSCORE_JSON_MEMORY;
    default: return SEGSCORE_JSON_SYNTAX;
    }
}

bool starts_with(std::string_view text, std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
}

/// Whether a token is one of the numbers that Python writes and JSON does not have.
bool is_not_finite(std::string_view token) {
    return starts_with(token, "NaN") || starts_with(token, "Infinity") || starts_with(token, "-Infinity");
}

std::string_view trimmed(std::string_view token) {
    const size_t end = token.find_last_not_of(" \t\n\r");
    return token.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

/// Doubles in memory of `malloc`, which can be given away. From the first on there is room for all of them, so that
/// they are never copied; the system gives pages of it only as they are written.
class Doubles {
public:
    explicit Doubles(size_t limit) : capacity(limit) {}

    ~Doubles() { std::free(elements); }

    bool append(double value) {
        if (!elements && !begin()) return false;
        if (count == capacity) return false;
        elements[count++] = value;
        return true;
    }

    /// Gives the elements away, without the room that they do not need.
    double *release() {
        void *fitted = std::realloc(elements, (count > 0 ? count : 1) * sizeof(double));
        double *result = fitted ? static_cast<double *>(fitted) : elements;
        elements = nullptr;
        return result;
    }

    size_t count = 0;

private:
    bool begin() {
        if (capacity > SIZE_MAX / sizeof(double)) return false;
        elements = static_cast<double *>(std::malloc((capacity > 0 ? capacity : 1) * sizeof(double)));
        return elements;
    }

    double *elements = nullptr;
    const size_t capacity;
};

/// Reads one nested list. The first list at each depth sets the shape, and all others must agree with it.
class ArrayReader {
public:
    ArrayReader(segscore_json_fault &fault, size_t limit) : elements(limit), fault(fault) {}

    segscore_json_status read(ondemand::array list, size_t depth) {
        if (depth == SEGSCORE_JSON_DEPTH) return fail(SEGSCORE_JSON_ARRAY_DEEP, depth);
        if (rank < depth + 1) rank = depth + 1;
        size_t count = 0;
        for (auto element : list) {
            path[depth] = count;
            ondemand::value value;
            if (auto error = element.get(value)) return fail(status_of(error), depth + 1);
            // If the list is too long, the rest of its elements are only counted.
            if (!is_known[depth] || count < shape[depth]) {
                const auto status = read_element(value, depth);
                if (status != SEGSCORE_JSON_OK) return status;
            }
            count += 1;
        }
        if (!is_known[depth]) {
            is_known[depth] = true;
            shape[depth] = count;
        } else if (count != shape[depth]) {
            fault.expected = shape[depth];
            fault.actual = count;
            return fail(SEGSCORE_JSON_RAGGED, depth);
        }
        return SEGSCORE_JSON_OK;
    }

    Doubles elements;
    size_t shape[SEGSCORE_JSON_DEPTH] = {};
    size_t rank = 0;

private:
    segscore_json_status read_element(ondemand::value &value, size_t depth) {
        ondemand::json_type type;
        if (auto error = value.type().get(type)) return fail_at(value, status_of(error), depth);
        double number = 0;
        switch (type) {
        case ondemand::json_type::array: {
            if (leaf_depth == depth + 1) return fail(SEGSCORE_JSON_MIXED, depth + 1);
            ondemand::array list;
            if (auto error = value.get_array().get(list)) return fail(status_of(error), depth + 1);
            return read(list, depth + 1);
        }
        case ondemand::json_type::number:
            if (auto error = value.get_double().get(number)) return fail_at(value, status_of(error), depth);
            break;
        case ondemand::json_type::boolean: {
            bool flag;
            if (auto error = value.get_bool().get(flag)) return fail_at(value, status_of(error), depth);
            number = flag ? 1 : 0;
            break;
        }
        case ondemand::json_type::null:
        case ondemand::json_type::string:
        case ondemand::json_type::object: return fail(SEGSCORE_JSON_NOT_NUMBER, depth + 1);
        default: return fail_at(value, SEGSCORE_JSON_SYNTAX, depth);
        }
        if (rank != depth + 1) return fail(SEGSCORE_JSON_MIXED, depth + 1);
        leaf_depth = depth + 1;
        return elements.append(number) ? SEGSCORE_JSON_OK : fail(SEGSCORE_JSON_MEMORY, 0);
    }

    segscore_json_status fail(segscore_json_status status, size_t path_count) {
        fault.path_count = path_count;
        std::memcpy(fault.path, path, sizeof path);
        return status;
    }

    /// Fails at a scalar that could not be read.
    segscore_json_status fail_at(ondemand::value &value, segscore_json_status status, size_t depth) {
        return fail(is_not_finite(value.raw_json_token()) ? SEGSCORE_JSON_NOT_FINITE : status, depth + 1);
    }

    segscore_json_fault &fault;
    size_t path[SEGSCORE_JSON_DEPTH] = {};
    bool is_known[SEGSCORE_JSON_DEPTH] = {};
    /// The number of lists around a number; 0 until there is one.
    size_t leaf_depth = 0;
};

}  // namespace

struct segscore_json {
    ondemand::parser parser;
    ondemand::document document;
    simdjson::simdjson_result<ondemand::object_iterator> member, end;
    ondemand::value value;
    bool has_begun = false;
    const char *text = nullptr;
    size_t count = 0;
    ptrdiff_t offset = 0;
    std::vector<segscore_json_string> strings;
    segscore_json_fault fault = {};

    segscore_json_status fail(segscore_json_status status) {
        const char *place = nullptr;
        fault.position = -1;
        if (document.current_location().get(place) == simdjson::SUCCESS && place >= text && place <= text + count) {
            fault.position = offset + (place - text);
        }
        return status;
    }

    segscore_json_status fail(simdjson::error_code error) { return fail(status_of(error)); }

    /// Reads a list of strings, or of a few numbers; anything else in it makes the value another kind.
    segscore_json_status read_list(segscore_json_value &result) {
        ondemand::array list;
        if (auto error = value.get_array().get(list)) return fail(error);
        strings.clear();
        result.kind = SEGSCORE_JSON_VALUE_STRINGS;
        for (auto element : list) {
            ondemand::value item;
            if (auto error = element.get(item)) return fail(error);
            ondemand::json_type type;
            if (auto error = item.type().get(type)) return fail(error);
            const bool is_number = type == ondemand::json_type::number;
            if (is_number && strings.empty()) result.kind = SEGSCORE_JSON_VALUE_NUMBERS;
            const bool is_alike = is_number ? result.kind == SEGSCORE_JSON_VALUE_NUMBERS
                                            : type == ondemand::json_type::string &&
                                                  result.kind == SEGSCORE_JSON_VALUE_STRINGS;
            if (!is_alike || (is_number && strings.size() == SEGSCORE_JSON_NUMBERS)) {
                result.kind = SEGSCORE_JSON_VALUE_OTHER;
                return SEGSCORE_JSON_OK;
            }
            std::string_view string;
            double number;
            if (is_number) {
                string = trimmed(item.raw_json_token());
                if (auto error = item.get_double().get(number)) return fail(error);
            } else if (auto error = item.get_string().get(string)) {
                return fail(error);
            }
            strings.push_back({string.data(), string.size()});
        }
        result.strings = strings.data();
        result.string_count = strings.size();
        return SEGSCORE_JSON_OK;
    }

    /// Reads an object of strings; anything else in it makes the value another kind.
    segscore_json_status read_object(segscore_json_value &result) {
        ondemand::object object;
        if (auto error = value.get_object().get(object)) return fail(error);
        strings.clear();
        for (auto member : object) {
            ondemand::field field;
            if (auto error = std::move(member).get(field)) return fail(error);
            std::string_view name, string;
            if (auto error = field.unescaped_key().get(name)) return fail(error);
            ondemand::json_type type;
            if (auto error = field.value().type().get(type)) return fail(error);
            if (type != ondemand::json_type::string) return read_members(object, result);
            if (auto error = field.value().get_string().get(string)) return fail(error);
            strings.push_back({name.data(), name.size()});
            strings.push_back({string.data(), string.size()});
        }
        result.kind = SEGSCORE_JSON_VALUE_OBJECT;
        result.strings = strings.data();
        result.string_count = strings.size();
        return SEGSCORE_JSON_OK;
    }

    /// Reads the text of an object, from whose members some were read.
    segscore_json_status read_members(ondemand::object &object, segscore_json_value &result) {
        bool is_empty;
        if (auto error = object.reset().get(is_empty)) return fail(error);
        std::string_view text;
        if (auto error = object.raw_json().get(text)) return fail(error);
        text = trimmed(text);
        const bool is_short = text.size() <= SEGSCORE_JSON_MEMBERS;
        result.kind = is_short ? SEGSCORE_JSON_VALUE_MEMBERS : SEGSCORE_JSON_VALUE_OTHER;
        result.text = {text.data(), text.size()};
        return SEGSCORE_JSON_OK;
    }

    segscore_json_status read_scalar(ondemand::json_type type, segscore_json_value &result) {
        std::string_view string;
        switch (type) {
        case ondemand::json_type::null: {
            result.kind = SEGSCORE_JSON_VALUE_NULL;
            // The older of the supported versions answers with a plain bool, the later ones with a result.
            const auto token = trimmed(value.raw_json_token());
            return token == "null" ? SEGSCORE_JSON_OK : fail(SEGSCORE_JSON_SYNTAX);
        }
        case ondemand::json_type::boolean:
            result.kind = SEGSCORE_JSON_VALUE_BOOL;
            if (auto error = value.get_bool().get(result.boolean)) return fail(error);
            return SEGSCORE_JSON_OK;
        case ondemand::json_type::number:
            result.kind = SEGSCORE_JSON_VALUE_NUMBER;
            string = trimmed(value.raw_json_token());
            if (auto error = value.get_double().get(result.number)) {
                return fail(is_not_finite(string) ? SEGSCORE_JSON_NOT_FINITE : status_of(error));
            }
            result.text = {string.data(), string.size()};
            return SEGSCORE_JSON_OK;
        case ondemand::json_type::string:
            result.kind = SEGSCORE_JSON_VALUE_STRING;
            if (auto error = value.get_string().get(string)) return fail(error);
            result.text = {string.data(), string.size()};
            return SEGSCORE_JSON_OK;
        case ondemand::json_type::array: return read_list(result);
        case ondemand::json_type::object: return read_object(result);
        default: result.kind = SEGSCORE_JSON_VALUE_OTHER; return SEGSCORE_JSON_OK;
        }
    }
};

namespace {

/// Whether simdjson's parser got memory for its buffers. It allocates one for strings, and if it has its checks for
/// development one for positions, and writes there without looking whether there was memory
/// (`ondemand::parser::allocate`). The buffers are private members, which only an explicit instantiation may name.
template <typename Owner, typename Owner::Member member> struct Reaching {
    friend typename Owner::Member reach(Owner) { return member; }
};
struct Strings {
    using Member = std::unique_ptr<uint8_t[]> ondemand::parser::*;
    friend Member reach(Strings);
};
template struct Reaching<Strings, &ondemand::parser::string_buf>;
#if SIMDJSON_DEVELOPMENT_CHECKS
struct Positions {
    using Member = std::unique_ptr<ondemand::token_position[]> ondemand::parser::*;
    friend Member reach(Positions);
};
template struct Reaching<Positions, &ondemand::parser::start_positions>;
#endif

bool has_buffers(const ondemand::parser &parser) {
#if SIMDJSON_DEVELOPMENT_CHECKS
    if (!(parser.*reach(Positions()))) return false;
#endif
    return static_cast<bool>(parser.*reach(Strings()));
}

}  // namespace

segscore_json_measure segscore_json_measure_text(const char *text, size_t count) {
    segscore_json_measure measure = {};
    // Places are operators, quotes, and the starts of everything else. They are counted without branches, so that
    // vectors can do it.
    unsigned char before = 1;
    for (size_t start = 0; start < count;) {
        const size_t end = count - start < 4096 ? count : start + 4096;
        uint32_t operators = 0, scalars = 0;
        for (size_t i = start; i < end; i++) {
            const auto byte = static_cast<unsigned char>(text[i]);
            const unsigned char is_operator = (byte == ',') | (byte == ':') | (byte == '"') |
                                              ((byte | 0x20) == '{') | ((byte | 0x20) == '}');
            const unsigned char is_between = is_operator | (byte <= ' ');
            operators += is_operator;
            scalars += before & !is_between;
            before = is_between;
        }
        measure.places += operators + scalars;
        measure.scalars += scalars;
        start = end;
    }
    // A quote that is escaped ends no string.
    const char *const end = text + count;
    const char *place = text;
    while ((place = static_cast<const char *>(std::memchr(place, '"', static_cast<size_t>(end - place))))) {
        const char *const begin = ++place;
        while (place < end && *place != '"') place += *place == '\\' && place + 1 < end ? 2 : 1;
        measure.strings += 1;
        measure.string_bytes += static_cast<size_t>(place - begin);
        if (place >= end) break;
        place += 1;
    }
    return measure;
}

size_t segscore_json_padding(void) { return simdjson::SIMDJSON_PADDING; }

segscore_json *segscore_json_open(void) { return new (std::nothrow) segscore_json; }

void segscore_json_close(segscore_json *json) { delete json; }

segscore_json_status segscore_json_begin(segscore_json *json, const char *text, size_t count, size_t capacity) {
    // A byte order mark may be ignored (RFC 8259, section 8.1); not every version of the parser does.
    json->offset = starts_with({text, count}, "\xEF\xBB\xBF") ? 3 : 0;
    json->text = text + json->offset;
    json->count = count - static_cast<size_t>(json->offset);
    json->has_begun = false;
    json->fault = {};
    json->fault.position = -1;
    const size_t readable = capacity - static_cast<size_t>(json->offset);
    const auto padded = simdjson::padded_string_view(json->text, json->count, readable);
    if (auto error = json->parser.iterate(padded).get(json->document)) return status_of(error);
    if (!has_buffers(json->parser)) return SEGSCORE_JSON_MEMORY;
    ondemand::object object;
    if (auto error = json->document.get_object().get(object)) {
        return error == simdjson::INCORRECT_TYPE ? SEGSCORE_JSON_NOT_OBJECT : json->fail(error);
    }
    json->member = object.begin();
    json->end = object.end();
    return SEGSCORE_JSON_OK;
}

segscore_json_status segscore_json_next(segscore_json *json, segscore_json_string *name) {
    if (json->has_begun) ++json->member;
    json->has_begun = true;
    if (!(json->member != json->end)) {
        const auto place = json->document.current_location();
        return place.error() == simdjson::OUT_OF_BOUNDS ? SEGSCORE_JSON_END : json->fail(SEGSCORE_JSON_TRAILING);
    }
    auto field = *json->member;
    std::string_view key;
    if (auto error = field.unescaped_key().get(key)) return json->fail(error);
    if (auto error = field.value().get(json->value)) return json->fail(error);
    *name = {key.data(), key.size()};
    return SEGSCORE_JSON_OK;
}

segscore_json_status segscore_json_read_array(segscore_json *json, segscore_json_array *array, size_t limit) {
    json->fault = {};
    ondemand::json_type type;
    if (auto error = json->value.type().get(type)) {
        const bool is_special = is_not_finite(json->value.raw_json_token());
        return json->fail(is_special ? SEGSCORE_JSON_NOT_FINITE : status_of(error));
    }
    if (type != ondemand::json_type::array) {
        const bool is_special = is_not_finite(json->value.raw_json_token());
        return json->fail(is_special ? SEGSCORE_JSON_NOT_FINITE : SEGSCORE_JSON_NOT_LIST);
    }
    ondemand::array list;
    if (auto error = json->value.get_array().get(list)) return json->fail(error);
    ArrayReader reader(json->fault, limit);
    const auto status = reader.read(list, 0);
    if (status != SEGSCORE_JSON_OK) return json->fail(status);
    array->count = reader.elements.count;
    array->elements = reader.elements.release();
    array->rank = reader.rank;
    std::memcpy(array->shape, reader.shape, sizeof reader.shape);
    return SEGSCORE_JSON_OK;
}

bool segscore_json_is_object(segscore_json *json) {
    ondemand::json_type type;
    return json->value.type().get(type) == simdjson::SUCCESS && type == ondemand::json_type::object;
}

segscore_json_status segscore_json_read_value(segscore_json *json, segscore_json_value *value) {
    json->fault = {};
    *value = {};
    ondemand::json_type type;
    if (auto error = json->value.type().get(type)) {
        const bool is_special = is_not_finite(json->value.raw_json_token());
        return json->fail(is_special ? SEGSCORE_JSON_NOT_FINITE : status_of(error));
    }
    try {
        return json->read_scalar(type, *value);
    } catch (const std::bad_alloc &) {
        return json->fail(SEGSCORE_JSON_MEMORY);
    }
}

segscore_json_fault segscore_json_last_fault(const segscore_json *json) { return json->fault; }
