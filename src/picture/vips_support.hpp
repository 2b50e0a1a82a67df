#pragma once

#include <vips/vips.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fsrcnn {

// libvips helpers shared by the readers and writers of pictures.

struct VipsUnref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <class T>
using VipsPtr = std::unique_ptr<T, VipsUnref>;

/// Whether an image has a field of metadata.
inline bool has(VipsImage* image, const char* field) { return vips_image_get_typeof(image, field) != 0; }

/// Starts libvips once, before any other call to it. Throws Error(io).
void start_vips();

/// Whether libvips has an operation, whose module is loaded if it is in one: "heifload_source".
bool has_operation(const std::string& name);

/// libvips' message about the last failure, on one line and without what only its authors can use.
std::string vips_message();

/// Lines of such a message, in the words that matter.
std::string plain_message(std::string_view lines);

/// What libvips has warned of since the last call, by any thread.
std::vector<std::string> take_vips_warnings();

/// Replaces the image by the result of a libvips operation. Throws Error(input), which names the file.
void replace(std::shared_ptr<VipsImage>& image, const std::filesystem::path& path,
             const std::function<int(VipsImage*, VipsImage**)>& operation);

}  // namespace fsrcnn
