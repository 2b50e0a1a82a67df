#include "picture/anymap_writer.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/file.hpp"

namespace fsrcnn {

void write_pam(const PictureHeader& picture, int bits, SampleRows& rows, FileTarget& file) {
  const int64_t planes = picture.planes();
  const std::string head = fmt::format("P7\nWIDTH {}\nHEIGHT {}\nDEPTH {}\nMAXVAL {}\nTUPLTYPE {}{}\nENDHDR\n",
                                       picture.width, picture.height, planes, (1 << bits) - 1,
                                       planes < 3 ? "GRAYSCALE" : "RGB", picture.has_alpha ? "_ALPHA" : "");
  file.write(as_bytes(head));
  for (int64_t row = 0; row < picture.height;) {
    RowBlock block = rows.next();
    if (bits == 16 && std::endian::native == std::endian::little) {
      for (size_t at = 0; at < block.samples.size(); at += 2) std::swap(block.samples[at], block.samples[at + 1]);
    }
    file.write(block.samples);
    row += block.rows;
  }
}

void write_pfm(const PictureHeader& picture, SampleRows& rows, FileTarget& file) {
  constexpr bool kIsLittle = std::endian::native == std::endian::little;
  file.write(as_bytes(fmt::format("{}\n{} {}\n{}\n", picture.planes() < 3 ? "Pf" : "PF", picture.width, picture.height,
                                  kIsLittle ? "-1.0" : "1.0")));
  std::vector<RowBlock> blocks;
  for (int64_t row = 0; row < picture.height; row += blocks.back().rows) blocks.push_back(rows.next());
  const auto row_bytes = static_cast<size_t>(picture.width * picture.planes()) * sizeof(float);
  for (; !blocks.empty(); blocks.pop_back()) {
    const std::span<const std::byte> samples = blocks.back().samples;
    for (size_t end = samples.size(); end > 0; end -= row_bytes)
      file.write(samples.subspan(end - row_bytes, row_bytes));
  }
}

}  // namespace fsrcnn
