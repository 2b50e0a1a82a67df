#include "fuzz_target.hpp"
#include "network/builtin.hpp"

namespace {

fsrcnn::Network with_scales(fsrcnn::Bytes bytes) {
  static const fsrcnn::Network network = fsrcnn::builtin_network("fsrcnn-s-x2").value();
  fsrcnn::Network scaled = network;
  fsrcnn::apply_scales(scaled, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "fuzz");
  return scaled;
}

}  // namespace

FSRCNN_FUZZ_TARGET(bytes, with_scales(bytes))
