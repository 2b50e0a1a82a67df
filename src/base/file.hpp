#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fsrcnn {

using Bytes = std::span<const std::byte>;

/// A path as UTF-8, for messages and JSON.
std::string to_utf8(const std::filesystem::path& path);
std::filesystem::path path_of_utf8(std::string_view path);

/// The whole file. Throws Error(io) if it cannot be read, or has more than limit_bytes.
std::vector<std::byte> read_file(const std::filesystem::path& path, int64_t limit_bytes);

/// Whether it is a regular file without content.
bool is_empty_file(const std::filesystem::path& path);

/// The suffix in lower case: ".png" for "A.PNG".
std::string lower_suffix(const std::filesystem::path& path);

/// The bytes of a text.
inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace fsrcnn
