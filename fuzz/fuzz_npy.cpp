#include "fuzz_target.hpp"
#include "model/formats/npy.hpp"

FSRCNN_FUZZ_TARGET(bytes, fsrcnn::parse_npy(bytes, "fuzz"))
