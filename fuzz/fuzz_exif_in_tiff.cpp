#include <sstream>
#include <string>

#include "fuzz_target.hpp"
#include "picture/exif_in_tiff.hpp"

namespace {

void read_exif(fsrcnn::Bytes bytes) {
  std::istringstream tiff(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  fsrcnn::exif_of_tiff(tiff);
}

}  // namespace

FSRCNN_FUZZ_TARGET(bytes, read_exif(bytes))
