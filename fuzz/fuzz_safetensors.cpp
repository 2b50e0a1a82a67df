#include "fuzz_target.hpp"
#include "network/formats/safetensors.hpp"
#include "network/fsrcnn.hpp"

FSRCNN_FUZZ_TARGET(bytes, fsrcnn::network_from_state_dict(fsrcnn::parse_safetensors(bytes, "fuzz"), "fuzz"))
