#include "fuzz_target.hpp"
#include "picture/decoder_messages.hpp"

namespace {

void unpack(fsrcnn::Bytes bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::vector<std::string> warnings;
  if (text.starts_with('m')) {
    fsrcnn::unpack_metadata(text.substr(1), warnings);
  } else {
    fsrcnn::unpack_start(text, 1 << 20);
  }
}

}  // namespace

FSRCNN_FUZZ_TARGET(bytes, unpack(bytes))
