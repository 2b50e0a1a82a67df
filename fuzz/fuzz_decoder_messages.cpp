#include "fuzz_target.hpp"
#include "picture/decoder_messages.hpp"

namespace {

void unpack(fsrcnn::Bytes bytes) {
  fsrcnn::unpack_start({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, 1 << 20);
}

}  // namespace

FSRCNN_FUZZ_TARGET(bytes, unpack(bytes))
