#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/file.hpp"
#include "base/tensor.hpp"

namespace fsrcnn {

/// A self-contained page for the browser: `page` with the shared style in place of "/*STYLE*/", and `data` in place of
/// "/*DATA*/", escaped so that it cannot end its script. Invalid UTF-8 becomes U+FFFD.
std::string fill_page(std::string_view page, const nlohmann::json& data);

std::string base64(Bytes bytes);

/// A gray or RGB picture (1, 1 or 3, H, W) with samples in [0, 1], as a PNG file of 8 bits in a data: URI.
std::string png_uri(const Tensor<float>& planes);

}  // namespace fsrcnn
