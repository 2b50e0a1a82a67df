#include "base/file.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "base/error.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail_to_read(const fs::path& path, const std::string& why) {
  fail(ErrorCode::io, "reading '{}' failed: {}", to_utf8(path), why);
}

}  // namespace

std::string to_utf8(const fs::path& path) {
  const std::u8string text = path.u8string();
  return {text.begin(), text.end()};
}

fs::path path_of_utf8(std::string_view path) { return std::u8string(path.begin(), path.end()); }

bool is_empty_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && fs::file_size(path, error) == 0 && !error;
}

std::string lower_suffix(const fs::path& path) {
  std::string suffix = to_utf8(path.extension());
  std::transform(suffix.begin(), suffix.end(), suffix.begin(), [](unsigned char c) { return std::tolower(c); });
  return suffix;
}

std::vector<std::byte> read_file(const fs::path& path, int64_t limit_bytes) {
  std::error_code error;
  if (fs::is_directory(path, error)) fail_to_read(path, "it is a folder");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) fail_to_read(path, std::generic_category().message(errno == 0 ? EIO : errno));
  // A pipe does not say how much will come, so read until the end and hold to the limit on the way.
  std::error_code unknown;
  uintmax_t told = fs::file_size(path, unknown);
  if (unknown) told = 0;
  std::vector<std::byte> bytes;
  size_t size = 0;
  for (;;) {
    if (std::max<uintmax_t>(told, size) > static_cast<uintmax_t>(limit_bytes)) {
      fail_to_read(path, fmt::format("it is larger than {} MiB, the limit for such a file", limit_bytes >> 20));
    }
    bytes.resize(std::max(static_cast<size_t>(told) + 1, size + 4096));
    errno = 0;
    file.read(reinterpret_cast<char*>(bytes.data() + size), static_cast<std::streamsize>(bytes.size() - size));
    size += static_cast<size_t>(file.gcount());
    if (file.bad()) fail_to_read(path, std::generic_category().message(errno == 0 ? EIO : errno));
    if (file.eof()) break;
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace fsrcnn
