#include "fuzz_target.hpp"
#include "model/formats/onnx.hpp"
#include "model/model.hpp"

namespace {

// The model's own bytes stand for the file beside it.
fsrcnn::StateDict parse(fsrcnn::Bytes bytes) {
  return fsrcnn::parse_onnx(
      bytes, "fuzz", [&](const std::string& /*name*/) { return std::vector<std::byte>(bytes.begin(), bytes.end()); });
}

}  // namespace

FSRCNN_FUZZ_TARGET(bytes, fsrcnn::model_from_state_dict(parse(bytes), "fuzz"))
