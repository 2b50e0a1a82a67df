#include "picture/picture_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vips/vips.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/tensor.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

Descriptor open_picture_file(const fs::path& path) {
  if (path == "-") return Descriptor(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  std::error_code unknown;
  if (fs::is_directory(path, unknown)) fail(ErrorCode::io, "'{}' is a folder; expected a picture", path.string());
  Descriptor descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (descriptor.get() < 0) {
    fail(ErrorCode::io, "reading '{}' failed: {}", path.string(), std::generic_category().message(errno));
  }
  return descriptor;
}

namespace {

/// Of a pipe, which must not be opened once more: a named one would wait for another writer.
std::string read_to_the_end(int descriptor, const fs::path& path) {
  const auto limit = static_cast<size_t>(physical_memory_bytes() / 4);
  std::string content;
  for (std::string part(1 << 16, '\0');;) {
    const ssize_t bytes = read(descriptor, part.data(), part.size());
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) {
      fail(ErrorCode::io, "reading '{}' failed: {}", path.string(), std::generic_category().message(errno));
    }
    if (bytes == 0) return content;
    content.append(part, 0, static_cast<size_t>(bytes));
    if (content.size() > limit) {
      fail(ErrorCode::limit, "'{}' has more than {} MB, a quarter of the memory", path.string(), limit >> 20);
    }
  }
}

}  // namespace

PictureFile::PictureFile(fs::path path, Descriptor descriptor)
    : path_(std::move(path)),
      descriptor_(std::move(descriptor)),
      name_here_("/proc/self/fd/" + std::to_string(descriptor_.get())) {
  struct stat info {};
  if (fstat(descriptor_.get(), &info) != 0) {
    fail(ErrorCode::io, "reading '{}' failed: {}", path_.string(), std::generic_category().message(errno));
  }
  if (S_ISREG(info.st_mode)) {
    size_ = info.st_size;
  } else {
    content_ = read_to_the_end(descriptor_.get(), path_);
    size_ = std::ssize(content_);
    name_here_.clear();
  }
  if (size_ == 0) fail(ErrorCode::input, "'{}' is empty", path_.string());
}

std::unique_ptr<std::istream> PictureFile::stream() const {
  if (name_here_.empty()) return std::make_unique<std::istringstream>(content_);
  return std::make_unique<std::ifstream>(name_here_, std::ios::binary);
}

std::vector<std::byte> PictureFile::bytes() const {
  if (!name_here_.empty()) return read_file(name_here_, physical_memory_bytes() / 4);
  const Bytes all = as_bytes(content_);
  return {all.begin(), all.end()};
}

std::string PictureFile::shown(std::string message) const {
  const std::string name = path_.string();
  if (name_here_.empty()) return message;
  for (size_t at = message.find(name_here_); at != std::string::npos; at = message.find(name_here_, at + name.size())) {
    message.replace(at, name_here_.size(), name);
  }
  return message;
}

VipsSource* PictureFile::source() const {
  return name_here_.empty() ? vips_source_new_from_memory(content_.data(), content_.size())
                            : vips_source_new_from_file(name_here_.c_str());
}

}  // namespace fsrcnn
