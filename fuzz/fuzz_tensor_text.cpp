#include <array>
#include <string_view>

#include "fuzz_target.hpp"
#include "porting/tensor_file.hpp"

namespace {

/// The first byte chooses the form.
void parse(fsrcnn::Bytes bytes) {
  if (bytes.empty()) return;
  constexpr std::array<std::string_view, 4> kSuffixes = {".txt", ".hex", ".h", ".csv"};
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  fsrcnn::parse_tensor_text(text.substr(1), kSuffixes[static_cast<unsigned>(bytes[0]) % kSuffixes.size()], "fuzz");
}

}  // namespace

FSRCNN_FUZZ_TARGET(bytes, parse(bytes))
