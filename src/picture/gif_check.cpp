#include "picture/gif_check.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace fsrcnn {
namespace {

struct Cut {};

class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}
  int byte() { return static_cast<int>(take(1)[0]); }
  int word() {
    const int low = byte();
    return low | byte() << 8;
  }
  Bytes take(size_t count) {
    if (count > bytes_.size()) throw Cut();
    const Bytes taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }
  /// A sequence of blocks, each with its length before it, up to an empty one.
  std::vector<std::byte> blocks() {
    std::vector<std::byte> all;
    for (int length = byte(); length > 0; length = byte()) {
      const Bytes block = take(static_cast<size_t>(length));
      all.insert(all.end(), block.begin(), block.end());
    }
    return all;
  }
  void skip_palette(int flags) {
    if ((flags & 0x80) != 0) take(size_t{3} << ((flags & 7) + 1));
  }

 private:
  Bytes bytes_;
};

/// Whether LZW codes make at least so many pixels, without a code that cannot be.
bool has_pixels(Bytes codes, int code_bits, int64_t pixels) {
  constexpr int kMostCodes = 4096, kMostBits = 12;
  if (code_bits < 1 || code_bits >= kMostBits) return false;
  const int clear = 1 << code_bits, end = clear + 1;
  std::array<int64_t, kMostCodes> length{};
  std::fill_n(length.begin(), clear, 1);
  int bits = code_bits + 1, next = clear + 2, previous = -1;
  uint32_t buffer = 0;
  int buffered = 0;
  for (size_t at = 0; pixels > 0;) {
    while (buffered < bits) {
      if (at == codes.size()) return false;
      buffer |= static_cast<uint32_t>(codes[at++]) << buffered;
      buffered += 8;
    }
    const int code = static_cast<int>(buffer & ((1U << bits) - 1));
    buffer >>= bits;
    buffered -= bits;
    if (code == end) return false;
    if (code == clear) {
      bits = code_bits + 1;
      next = clear + 2;
      previous = -1;
      continue;
    }
    if (code > next || (previous < 0 && code > clear) || (code == next && next == kMostCodes)) return false;
    if (previous >= 0 && next < kMostCodes) {
      length[static_cast<size_t>(next)] = length[static_cast<size_t>(previous)] + 1;
      if (++next == 1 << bits && bits < kMostBits) ++bits;
    }
    if (code >= next) return false;
    pixels -= length[static_cast<size_t>(code)];
    previous = code;
  }
  return true;
}

}  // namespace

GifState check_gif(Bytes bytes) {
  constexpr int kExtension = 0x21, kImage = 0x2C, kTrailer = 0x3B;
  constexpr size_t kSignature = 6;
  GifState state = GifState::whole;
  try {
    Reader reader(bytes);
    reader.take(kSignature + 4);
    const int flags = reader.byte();
    reader.take(2);
    reader.skip_palette(flags);
    for (int kind = reader.byte(); kind != kTrailer; kind = reader.byte()) {
      if (kind == kExtension) {
        reader.byte();
        reader.blocks();
      } else if (kind == kImage) {
        reader.take(4);
        const int64_t width = reader.word(), height = reader.word();
        reader.skip_palette(reader.byte());
        const int code_bits = reader.byte();
        if (!has_pixels(reader.blocks(), code_bits, width * height)) state = GifState::damaged;
      } else {
        return GifState::damaged;
      }
    }
  } catch (const Cut&) {
    return GifState::cut;
  }
  return state;
}

}  // namespace fsrcnn
