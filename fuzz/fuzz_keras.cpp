#include "fuzz_target.hpp"
#include "network/formats/keras.hpp"

FSRCNN_FUZZ_TARGET(bytes, fsrcnn::parse_keras(bytes, "fuzz", 2))
