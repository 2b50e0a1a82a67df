#include "fuzz_target.hpp"
#include "network/formats/onnx.hpp"

namespace {

// The model's own bytes stand for the file beside it.
void parse(fsrcnn::Bytes bytes) {
  fsrcnn::parse_onnx(bytes, "fuzz",
                     [&](const std::string& /*name*/) { return std::vector<std::byte>(bytes.begin(), bytes.end()); });
}

}  // namespace

FSRCNN_FUZZ_TARGET(bytes, parse(bytes))
