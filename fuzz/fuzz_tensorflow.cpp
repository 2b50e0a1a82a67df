#include "fuzz_target.hpp"
#include "model/formats/tensorflow.hpp"
#include "model/model.hpp"

FSRCNN_FUZZ_TARGET(bytes, fsrcnn::model_from_state_dict(fsrcnn::parse_tensorflow(bytes, "fuzz"), "fuzz"))
