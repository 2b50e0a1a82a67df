#include <string_view>

#include "fuzz_target.hpp"
#include "network/formats/word_file.hpp"
#include "network/fsrcnn.hpp"

namespace {

/// The first byte chooses the form.
void parse(fsrcnn::Bytes bytes) {
  if (bytes.empty()) return;
  const auto form = static_cast<fsrcnn::WordForm>(static_cast<unsigned>(bytes[0]) % 3);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  fsrcnn::network_from_state_dict(fsrcnn::parse_word_file(text.substr(1), form, "fuzz"), "fuzz");
}

}  // namespace

FSRCNN_FUZZ_TARGET(bytes, parse(bytes))
