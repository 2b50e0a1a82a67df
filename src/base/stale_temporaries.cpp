#include "base/stale_temporaries.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <random>
#include <set>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "base/descriptor.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

// Versions before 0.2 lock nothing, and their names end before the suffix.
constexpr std::string_view kPrefix = ".fsrcnn.", kSuffix = ".tmp", kDigits = "0123456789abcdef";
constexpr size_t kRandomDigits = 16;

bool is_temporary_name(std::string_view name) {
  if (name.size() != kPrefix.size() + kRandomDigits + kSuffix.size()) return false;
  return name.starts_with(kPrefix) && name.ends_with(kSuffix) &&
         name.substr(kPrefix.size(), kRandomDigits).find_first_not_of(kDigits) == std::string_view::npos;
}

/// Whether locks of other processes can be trusted: statfs(2)'s numbers of btrfs, ext2 to ext4, f2fs, overlayfs, tmpfs,
/// xfs, zfs.
bool is_local(const fs::path& folder) {
  constexpr std::array<uint32_t, 7> kLocal = {0x9123683E, 0xEF53,     0xF2F52010, 0x794C7630,
                                              0x01021994, 0x58465342, 0x2FC12FC1};
  struct statfs info {};
  return statfs(folder.c_str(), &info) == 0 &&
         std::find(kLocal.begin(), kLocal.end(), static_cast<uint32_t>(info.f_type)) != kLocal.end();
}

void remove_if_stale(const fs::path& path) {
  const Descriptor descriptor(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (descriptor.get() < 0 || fstat(descriptor.get(), &info) != 0 || info.st_uid != geteuid()) return;
  if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return;
  std::error_code ignored;
  if (flock(descriptor.get(), LOCK_EX | LOCK_NB) == 0) fs::remove_all(path, ignored);
}

}  // namespace

std::string temporary_name() {
  std::random_device random;
  return fmt::format("{}{:08x}{:08x}{}", kPrefix, random(), random(), kSuffix);
}

bool lock_temporary(int descriptor, const fs::path& path) {
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) return errno != EWOULDBLOCK;
  struct stat here {
  }, there{};
  return fstat(descriptor, &here) == 0 && stat(path.c_str(), &there) == 0 && here.st_ino == there.st_ino;
}

void remove_stale_temporaries(const fs::path& folder) {
  static std::mutex mutex;
  static std::set<fs::path> seen;
  {
    const std::scoped_lock lock(mutex);
    if (!seen.insert(folder).second) return;
  }
  if (!is_local(folder)) return;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    if (is_temporary_name(entry->path().filename().string())) remove_if_stale(entry->path());
  }
}

}  // namespace fsrcnn
