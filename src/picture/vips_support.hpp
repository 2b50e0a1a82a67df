#pragma once

#include <vips/vips.h>

#include <memory>
#include <string>

namespace fsrcnn {

// What the readers and writers of pictures share of libvips.

struct VipsUnref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <class T>
using VipsPtr = std::unique_ptr<T, VipsUnref>;

/// Starts libvips once; before anything else of it is called. Throws Error(io).
void start_vips();

/// libvips' own account of the last failure, on one line.
std::string vips_message();

}  // namespace fsrcnn
