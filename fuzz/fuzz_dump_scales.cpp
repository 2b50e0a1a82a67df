#include "fuzz_target.hpp"
#include "porting/dump_scales.hpp"

FSRCNN_FUZZ_TARGET(bytes, fsrcnn::parse_dump_scales({reinterpret_cast<const char*>(bytes.data()), bytes.size()}))
