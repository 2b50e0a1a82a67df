#include "fuzz_target.hpp"
#include "network/formats/npz.hpp"
#include "network/fsrcnn.hpp"

FSRCNN_FUZZ_TARGET(bytes, fsrcnn::network_from_state_dict(fsrcnn::parse_npz(bytes, "fuzz"), "fuzz"))
