#include <sstream>

#include "fuzz_target.hpp"
#include "video/matroska_extras.hpp"

namespace {

int look_at(fsrcnn::Bytes bytes) {
  std::istringstream file(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  return static_cast<int>(fsrcnn::matroska_extras(file).size());
}

}  // namespace

FSRCNN_FUZZ_TARGET(bytes, look_at(bytes))
