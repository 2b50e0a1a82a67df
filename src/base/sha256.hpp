#pragma once

#include <glib.h>

#include <memory>
#include <string>

#include "base/file.hpp"

namespace fsrcnn {

/// SHA-256 of the bytes in hexadecimal digits, as sha256sum prints it.
inline std::string sha256(Bytes bytes) {
  const auto* const data = reinterpret_cast<const guchar*>(bytes.data());
  const std::unique_ptr<gchar, decltype(&g_free)> digits(
      g_compute_checksum_for_data(G_CHECKSUM_SHA256, data, bytes.size()), g_free);
  return digits.get();
}

}  // namespace fsrcnn
