#include "fuzz_target.hpp"
#include "network/formats/npy.hpp"

FSRCNN_FUZZ_TARGET(bytes, fsrcnn::parse_npy(bytes, "fuzz"))
