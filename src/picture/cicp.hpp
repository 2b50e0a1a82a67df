#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace fsrcnn {

/// How a picture codes colours, by the numbers of ITU-T H.273 (CICP), as AVIF, HEIC and PNG store them. 2 is unknown.
struct Cicp {
  uint8_t primaries = 2, transfer = 2;
  uint8_t matrix = 2;  ///< of luma and chroma; 0: the file has RGB

  bool operator==(const Cicp&) const = default;
  /// Whether it says the same as no numbers: sRGB, or nothing.
  bool is_srgb() const { return (primaries == 1 || primaries == 2) && (transfer == 13 || transfer == 2); }
};

/// What a file with luma and chroma says of a picture's colours; if they are unknown, those of sRGB, unless a profile
/// says them.
Cicp of_luma_and_chroma(const std::optional<Cicp>& colours, bool has_profile);

/// In words: "BT.2020 primaries and PQ transfer".
std::string describe(const Cicp& colours);

}  // namespace fsrcnn
