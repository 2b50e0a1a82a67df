#include "picture/vips_support.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace fsrcnn {

std::string vips_message() {
  std::string message = vips_error_buffer();
  vips_error_clear();
  while (!message.empty() && message.back() == '\n') message.pop_back();
  std::replace(message.begin(), message.end(), '\n', ';');
  return message.empty() ? "no reason given" : message;
}

void start_vips() {
  static const bool started = [] {
    if (VIPS_INIT("fsrcnn") != 0) fail(ErrorCode::io, "libvips does not start: {}", vips_message());
    // Of several threads that want a damaged part, it tells only one and gives the others a black one. One thread also
    // asks for rows in their order, which is how they are made here.
    vips_concurrency_set(1);
    // Nothing is read twice, and what its cache holds (unfinished temporary files among it) would stay behind.
    vips_cache_set_max(0);
    // Its warnings would go to stderr between our own lines; errors reach us anyway.
    g_log_set_handler(
        "VIPS", G_LOG_LEVEL_WARNING, [](const char*, GLogLevelFlags, const char*, void*) {}, nullptr);
    return true;
  }();
  (void)started;
}

}  // namespace fsrcnn
