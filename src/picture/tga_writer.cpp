#include "picture/tga_writer.hpp"

#include <array>
#include <utility>

namespace fsrcnn {

void write_tga(const PictureHeader& picture, SampleRows& rows, FileTarget& file) {
  constexpr std::byte kColours{2}, kGray{3}, kFromTheTop{0x20}, kAlphaBits{8};
  const auto planes = static_cast<size_t>(picture.planes());
  // Gray with alpha has no kind of its own that programs agree on.
  const size_t channels = planes == 2 ? 4 : planes;
  const auto low = [](int64_t number) { return static_cast<std::byte>(number & 0xFF); };
  std::array<std::byte, 18> header{};
  header[2] = channels == 1 ? kGray : kColours;
  header[12] = low(picture.width), header[13] = low(picture.width >> 8);
  header[14] = low(picture.height), header[15] = low(picture.height >> 8);
  header[16] = static_cast<std::byte>(8 * channels);
  header[17] = kFromTheTop | (picture.has_alpha ? kAlphaBits : std::byte{0});
  file.write(header);
  for (int64_t row = 0; row < picture.height;) {
    RowBlock block = rows.next();
    std::vector<std::byte> pixels;
    for (size_t at = 0; at < block.samples.size(); at += planes) {
      const std::byte* const sample = block.samples.data() + at;
      switch (planes) {
        case 1: pixels.push_back(sample[0]); break;
        case 2: pixels.insert(pixels.end(), {sample[0], sample[0], sample[0], sample[1]}); break;
        case 3: pixels.insert(pixels.end(), {sample[2], sample[1], sample[0]}); break;
        default: pixels.insert(pixels.end(), {sample[2], sample[1], sample[0], sample[3]});
      }
    }
    file.write(pixels);
    row += block.rows;
  }
}

}  // namespace fsrcnn
