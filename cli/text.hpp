// How the command writes: durations, names of any bytes, JSON, columns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

// "250ms", "1.5s", "30s", "1m05s", "2h03m", "4d07h".
std::string human_duration(int64_t ms);

// Reads "500ms", "30s", "5m", "1h" or "0". Throws UsageError that names the flag.
int64_t duration_ms(const char *flag, const std::string &text);

// A duration as flock(1) takes it, "5" or "0.5" for seconds, with its unit; anything else unchanged.
std::string with_unit(const std::string &text);

// The bytes of a name for a terminal: what is not printable UTF-8 as \xHH, a backslash doubled.
std::string printable(std::string_view bytes);

// A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD; see json_name.
std::string json_string(std::string_view bytes);

// "name":"..." and, where the name is not UTF-8, also "name_hex":"..." with its exact bytes.
std::string json_name(std::string_view name);

// Rows with their columns aligned, the first row being the heading.
std::string aligned(const std::vector<std::vector<std::string>> &rows);

// Writes to stdout. Throws Failure if that cannot be done, as on a full disk.
void print(const std::string &text);

// Writes "redilock: text" and a newline to stderr.
void complain(const std::string &text);

}  // namespace cli
