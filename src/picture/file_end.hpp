#pragma once

#include <cstdint>
#include <istream>
#include <string_view>

namespace fsrcnn {

struct FileEnd {
  bool is_cut = false;   ///< the file has less than all samples
  int64_t pictures = 1;  ///< one after the other, as in a PPM, of which decoders read the first
};

/// Checks that decoders lack: of PPM and its relatives, SGI and PSD (names of PictureFormat) they leave what is missing
/// gray or black without a message. Of other formats nothing is said.
FileEnd file_end(std::istream& file, std::string_view format);

}  // namespace fsrcnn
