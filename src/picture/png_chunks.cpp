#include "picture/png_chunks.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string_view>

namespace fsrcnn {
namespace {

uint32_t big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

bool near(uint32_t value, uint32_t of_srgb) { return std::max(value, of_srgb) - std::min(value, of_srgb) <= 50; }

/// White and primaries, times 100000.
bool are_srgb_primaries(std::string_view chunk) {
  constexpr std::array<uint32_t, 8> kSrgb = {31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000};
  for (size_t i = 0; i < kSrgb.size(); ++i) {
    if (!near(big_endian(chunk.substr(4 * i)), kSrgb[i])) return false;
  }
  return true;
}

}  // namespace

PngChunks png_chunks(std::istream& file) {
  constexpr std::string_view kSignature = "\x89PNG\r\n\x1a\n";
  const std::map<std::string, uint32_t> wanted = {{"acTL", 8}, {"cHRM", 32}, {"cICP", 4}, {"gAMA", 4}, {"IHDR", 13}};
  std::map<std::string, std::string> chunks;
  std::string start(8, '\0');
  if (!file.read(start.data(), 8) || start != kSignature) return {};
  for (std::string name; file.read(start.data(), 8) && (name = start.substr(4)) != "IDAT" && name != "IEND";) {
    const uint32_t size = big_endian(start);
    const auto known = wanted.find(name);
    std::string& bytes = chunks[name];
    if (known != wanted.end() && size == known->second) {
      bytes.resize(size);
      file.read(bytes.data(), size);
      file.ignore(4);  // its CRC
    } else {
      file.ignore(int64_t{size} + 4);
    }
    if (chunks.size() > 100) break;
  }
  const auto has = [&](const char* name) { return chunks.contains(name) && !chunks[name].empty(); };
  PngChunks result;
  result.animated = has("acTL") && big_endian(chunks["acTL"]) > 1;
  result.interlaced = has("IHDR") && chunks["IHDR"].back() != 0;
  // The first of cICP, iCCP, sRGB and the other two holds.
  if (has("cICP")) {
    // Primaries of BT.709 and sRGB's transfer.
    if (chunks["cICP"].substr(0, 2) != "\x01\x0d") result.colours.emplace_back("cICP");
  } else if (!chunks.contains("iCCP") && !chunks.contains("sRGB")) {
    if (has("gAMA") && !near(big_endian(chunks["gAMA"]), 45455)) result.colours.emplace_back("gAMA");
    if (has("cHRM") && !are_srgb_primaries(chunks["cHRM"])) result.colours.emplace_back("cHRM");
  }
  return result;
}

}  // namespace fsrcnn
