// Reads every number of a JSON file of nested lists by simdjson's on-demand parser, and prints the seconds it took.
#include <simdjson.h>

#include <chrono>
#include <cstdio>
#include <vector>

static void read(simdjson::ondemand::value value, std::vector<double> &numbers) {
    if (value.type() == simdjson::ondemand::json_type::array) {
        for (auto element : value.get_array()) read(element.value(), numbers);
    } else {
        numbers.push_back(value.get_double());
    }
}

int main(int, char **arguments) {
    auto text = simdjson::padded_string::load(arguments[1]).value();
    auto start = std::chrono::steady_clock::now();
    simdjson::ondemand::parser parser;
    auto document = parser.iterate(text);
    std::vector<double> numbers;
    for (auto field : document.get_object()) {
        numbers.clear();
        read(field.value(), numbers);
    }
    std::printf("%.9f\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}
