#include "picture/vips_support.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/error.hpp"

namespace fsrcnn {
namespace {

std::mutex warnings_mutex;
std::vector<std::string> warnings;

std::string on_one_line(std::string message) {
  while (!message.empty() && message.back() == '\n') message.pop_back();
  std::replace(message.begin(), message.end(), '\n', ';');
  return message;
}

void keep_warning(const char*, GLogLevelFlags, const char* message, void*) {
  constexpr size_t kMost = 100;  // a decoder may have one for each row
  const std::scoped_lock lock(warnings_mutex);
  if (warnings.size() < kMost) warnings.push_back(on_one_line(message));
}

}  // namespace

std::string vips_message() {
  const std::string message = on_one_line(vips_error_buffer());
  vips_error_clear();
  return message.empty() ? "no reason given" : message;
}

std::vector<std::string> take_vips_warnings() {
  const std::scoped_lock lock(warnings_mutex);
  return std::exchange(warnings, {});
}

void start_vips() {
  static const bool started = [] {
    if (VIPS_INIT("fsrcnn") != 0) fail(ErrorCode::io, "libvips failed to start: {}", vips_message());
    // If several threads request a damaged part, it reports the failure to one and gives the others black. One thread
    // also asks for rows in their order, which is how they are made here.
    vips_concurrency_set(1);
    // Nothing is read twice, and what its cache holds (unfinished temporary files among it) would stay behind.
    vips_cache_set_max(0);
    // Its warnings would go to stderr between our own lines.
    g_log_set_handler("VIPS", G_LOG_LEVEL_WARNING, keep_warning, nullptr);
    return true;
  }();
  (void)started;
}

void replace(std::shared_ptr<VipsImage>& image, const std::filesystem::path& path,
             const std::function<int(VipsImage*, VipsImage**)>& operation) {
  VipsImage* result = nullptr;
  if (operation(image.get(), &result) != 0) {
    fail(ErrorCode::input, "'{}' is damaged: {}", path.string(), vips_message());
  }
  image.reset(result, VipsUnref());
}

}  // namespace fsrcnn
