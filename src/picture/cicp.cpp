#include "picture/cicp.hpp"

#include <fmt/format.h>

namespace fsrcnn {
namespace {

std::string primaries_name(int number) {
  switch (number) {
    case 1: return "BT.709";
    case 2: return "unknown";
    case 4: return "BT.470 M";
    case 5: return "BT.601 (625 lines)";
    case 6: return "BT.601 (525 lines)";
    case 9: return "BT.2020";
    case 11: return "DCI-P3";
    case 12: return "Display P3";
    default: return fmt::format("number {}", number);
  }
}

std::string transfer_name(int number) {
  switch (number) {
    case 1:
    case 6:
    case 14:
    case 15: return "BT.709";
    case 2: return "unknown";
    case 4: return "gamma 2.2";
    case 5: return "gamma 2.8";
    case 8: return "linear";
    case 13: return "sRGB";
    case 16: return "PQ";
    case 18: return "HLG";
    default: return fmt::format("number {}", number);
  }
}

}  // namespace

Cicp of_luma_and_chroma(const std::optional<Cicp>& colours, bool has_profile) {
  constexpr uint8_t kBt601 = 6, kBt2020 = 9;
  Cicp result = colours.value_or(has_profile ? Cicp{} : Cicp{1, 13});
  // Those that all decoders know.
  const bool is_known = result.matrix == 1 || result.matrix == 5 || result.matrix == kBt601 || result.matrix == kBt2020;
  if (!is_known) result.matrix = result.primaries == kBt2020 ? kBt2020 : kBt601;
  return result;
}

std::string describe(const Cicp& colours) {
  return fmt::format("{} primaries and {} transfer", primaries_name(colours.primaries),
                     transfer_name(colours.transfer));
}

}  // namespace fsrcnn
