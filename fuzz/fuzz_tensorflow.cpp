#include "fuzz_target.hpp"
#include "network/formats/tensorflow.hpp"

FSRCNN_FUZZ_TARGET(bytes, fsrcnn::parse_tensorflow(bytes, "fuzz"))
