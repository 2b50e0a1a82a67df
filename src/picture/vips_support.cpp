#include "picture/vips_support.hpp"

#include <gmodule.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <system_error>
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

std::filesystem::path module_folder() {
  return fmt::format("{}/vips-modules-{}.{}", FSRCNN_VIPS_LIBDIR, vips_version(0), vips_version(1));
}

/// Starts libvips without its modules. Of itself it loads all, and their libraries take longer to load than everything
/// else that a small picture needs.
int start_without_modules(const char* name) {
  std::error_code error;
  if (!std::filesystem::is_directory(module_folder(), error)) return VIPS_INIT(name);
  // It looks for its modules in the folder that this names.
  constexpr const char* kHome = "VIPSHOME";
  const char* const set = std::getenv(kHome);
  const std::optional<std::string> before = set != nullptr ? std::optional<std::string>(set) : std::nullopt;
  setenv(kHome, "/nonexistent", 1);
  const int result = VIPS_INIT(name);
  before ? setenv(kHome, before->c_str(), 1) : unsetenv(kHome);
  return result;
}

}  // namespace

std::string vips_message() {
  const std::string message = plain_message(vips_error_buffer());
  vips_error_clear();
  return message;
}

std::string plain_message(std::string_view lines) {
  // Who says it, and what follows from it; ImageMagick's places in its source.
  constexpr std::array<std::string_view, 7> kSpeakers = {
      "source input: ", "heif: ", "Invalid input: ", "magick2vips: ", "libMagick error: ", "exr2vips: ", "webp: "};
  constexpr std::array<std::string_view, 6> kConsequences = {
      "bad seek to",         "tiff2vips: read error",     "vips__tiff_openin_source: unable to open",
      "unable to read file", "unable to call JxlDecoder", "rad2vips: read error"};
  std::string result;
  for (size_t at = 0; at < lines.size();) {
    const size_t end = std::min(lines.find('\n', at), lines.size());
    std::string_view line = lines.substr(at, end - at);
    at = end + 1;
    for (size_t before = 0; before != line.size();) {
      before = line.size();
      for (const std::string_view speaker : kSpeakers) {
        if (line.starts_with(speaker)) line.remove_prefix(speaker.size());
      }
    }
    line = line.substr(0, line.find(" @ error/"));
    line = line.substr(0, line.find(" @ warning/"));
    const bool follows = std::any_of(kConsequences.begin(), kConsequences.end(), [&](std::string_view consequence) {
      return line.find(consequence) != std::string_view::npos;
    });
    if (line.empty() || follows || result.find(line) != std::string::npos) continue;
    result += (result.empty() ? "" : "; ") + std::string(line);
  }
  return result.empty() ? "its decoder gives no reason" : result;
}

std::vector<std::string> take_vips_warnings() {
  const std::scoped_lock lock(warnings_mutex);
  return std::exchange(warnings, {});
}

void start_vips() {
  static const bool started = [] {
    if (start_without_modules("fsrcnn") != 0) fail(ErrorCode::io, "libvips failed to start: {}", vips_message());
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

bool has_operation(const std::string& name) {
  for (const char* module : {"heif", "jxl", "magick"}) {
    if (!name.starts_with(module) || vips_type_find("VipsOperation", name.c_str()) != 0) continue;
    GModule* const loaded =
        g_module_open((module_folder() / fmt::format("vips-{}.so", module)).c_str(), G_MODULE_BIND_LAZY);
    if (loaded != nullptr) g_module_make_resident(loaded);  // its types are
  }
  return vips_type_find("VipsOperation", name.c_str()) != 0;
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
