#include "fuzz_target.hpp"
#include "picture/gif_check.hpp"

FSRCNN_FUZZ_TARGET(bytes, fsrcnn::check_gif(bytes))
