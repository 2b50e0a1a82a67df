#include "fuzz_target.hpp"
#include "network/formats/tflite.hpp"

FSRCNN_FUZZ_TARGET(bytes, fsrcnn::parse_tflite(bytes, "fuzz"))
