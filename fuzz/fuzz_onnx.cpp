#include "fuzz_target.hpp"
#include "model/formats/onnx.hpp"
#include "model/model.hpp"

FSRCNN_FUZZ_TARGET(bytes, fsrcnn::model_from_state_dict(fsrcnn::parse_onnx(bytes, "fuzz"), "fuzz"))
