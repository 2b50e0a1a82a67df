#include "video/theora_repeat.hpp"

#include <algorithm>
#include <iterator>

namespace fsrcnn {
namespace {

class BitWriter {
 public:
  // The highest first.
  void put(int count, unsigned value) {
    while (count-- > 0) {
      if (used_ == 0) bytes_.push_back(0);
      bytes_.back() = static_cast<uint8_t>(bytes_.back() | (value >> count & 1) << (7 - used_));
      used_ = (used_ + 1) % 8;
    }
  }
  std::vector<uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
  int used_ = 0;
};

// Theora's specification, 7.2.1: a bit, and how often it comes, in runs of at most 4129; after such a one the bit is
// said again.
void put_zeros(BitWriter& bits, int count) {
  struct Code {
    int first, prefix_bits, extra_bits;
    unsigned prefix;
  };
  static constexpr Code kCodes[] = {{34, 6, 12, 0b111111}, {18, 6, 4, 0b111110}, {10, 5, 3, 0b11110}, {6, 4, 2, 0b1110},
                                    {4, 3, 1, 0b110},      {2, 2, 1, 0b10},      {1, 1, 0, 0}};
  constexpr int kLongest = 4129;
  while (count > 0) {
    const int run = std::min(count, kLongest);
    bits.put(1, 0);
    const auto* code =
        std::find_if(std::begin(kCodes), std::end(kCodes), [&](const Code& c) { return run >= c.first; });
    bits.put(code->prefix_bits, code->prefix);
    bits.put(code->extra_bits, static_cast<unsigned>(run - code->first));
    count -= run;
  }
}

}  // namespace

std::vector<uint8_t> theora_repeat(int width, int height, AVPixelFormat pixels) {
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(pixels);
  constexpr int kMacroblock = 16, kSuperblock = 32;
  const auto up = [](int size, int step) { return (size + step - 1) / step; };
  const int w = up(width, kMacroblock) * kMacroblock, h = up(height, kMacroblock) * kMacroblock;
  const int luma = up(w, kSuperblock) * up(h, kSuperblock),
            chroma = up(w >> d.log2_chroma_w, kSuperblock) * up(h >> d.log2_chroma_h, kSuperblock);
  BitWriter bits;
  bits.put(1, 0);                      // a picture
  bits.put(1, 1);                      // by the one before
  bits.put(6, 63);                     // quantizer
  bits.put(1, 0);                      // no other one
  put_zeros(bits, luma + 2 * chroma);  // superblocks that are coded in part
  put_zeros(bits, luma + 2 * chroma);  // of the others, those that are coded
  bits.put(3, 7);                      // modes of blocks: one for each, of none
  bits.put(1, 0);                      // motion vectors
  bits.put(16, 0);                     // tables of coefficients
  return bits.take();
}

}  // namespace fsrcnn
