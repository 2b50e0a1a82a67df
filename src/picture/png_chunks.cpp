#include "picture/png_chunks.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <utility>

#include "picture/boxes.hpp"

namespace fsrcnn {
namespace {

uint32_t number_of(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

bool near(uint32_t value, uint32_t of_srgb) { return std::max(value, of_srgb) - std::min(value, of_srgb) <= 50; }

/// White and primaries, times 100000.
bool are_srgb_primaries(std::string_view chunk) {
  constexpr std::array<uint32_t, 8> kSrgb = {31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000};
  for (size_t i = 0; i < kSrgb.size(); ++i) {
    if (!near(number_of(chunk.substr(4 * i)), kSrgb[i])) return false;
  }
  return true;
}

constexpr std::string_view kSignature = "\x89PNG\r\n\x1a\n";

bool is_text(std::string_view name) { return name == "tEXt" || name == "zTXt" || name == "iTXt"; }

/// Calls visit(name, size) with the file at the content of each chunk, until it returns false or the end.
template <class Visit>
void walk(std::istream& file, const Visit& visit) {
  constexpr int kMostChunks = 1 << 20;
  std::string start(8, '\0');
  if (!file.read(start.data(), 8) || start != kSignature) return;
  for (int i = 0; i < kMostChunks && file.read(start.data(), 8); ++i) {
    const std::streamoff content = file.tellg();
    const uint32_t size = number_of(start);
    if (!visit(start.substr(4), size)) return;
    file.clear();
    file.seekg(content + size + 4);  // behind its CRC
  }
}

}  // namespace

std::string png_chunk(std::string_view type, Bytes content) {
  std::string bytes = big_endian(content.size());
  bytes += type;
  bytes.append(reinterpret_cast<const char*>(content.data()), content.size());
  const std::string_view summed = std::string_view(bytes).substr(4);
  return bytes += big_endian(crc32_z(0, reinterpret_cast<const Bytef*>(summed.data()), summed.size()));
}

std::string_view keyword_of(std::string_view text_chunk) {
  const std::string_view content = text_chunk.substr(std::min<size_t>(4, text_chunk.size()));
  return content.substr(0, content.find('\0'));
}

bool is_plain_text(std::string_view text_chunk) {
  const std::string_view keyword = keyword_of(text_chunk);
  return keyword != "XML:com.adobe.xmp" && !keyword.starts_with("Raw profile type ");
}

PngChunks png_chunks(std::istream& file) {
  const std::map<std::string, uint32_t> wanted = {{"acTL", 8}, {"cHRM", 32}, {"cICP", 4},
                                                  {"gAMA", 4}, {"IHDR", 13}, {"pHYs", 9}};
  std::map<std::string, std::string> chunks;
  PngChunks result;
  uint64_t left = 64 << 20;  // bytes of metadata
  bool before_samples = true;
  walk(file, [&](const std::string& name, uint32_t size) {
    const auto read = [&] {
      std::string bytes(size, '\0');
      return file.read(bytes.data(), size) ? bytes : std::string();
    };
    before_samples = before_samples && name != "IDAT";
    const auto known = wanted.find(name);
    if (before_samples && chunks.size() <= 100) {
      std::string& bytes = chunks[name];
      if (known != wanted.end() && size == known->second) bytes = read();
    }
    if (name == "iCCP" && before_samples && size <= left) {
      left -= size;
      const std::string bytes = read();
      const size_t name_end = bytes.find('\0');
      if (name_end != std::string::npos && name_end + 2 < bytes.size()) result.profile = bytes.substr(name_end + 2);
    }
    if ((is_text(name) || name == "eXIf") && size <= left) {
      left -= size;
      if (std::string bytes = read(); name == "eXIf") {
        result.exif = std::move(bytes);
      } else if (!bytes.empty()) {
        result.texts.push_back(name + bytes);
      }
    }
    return name != "IEND";
  });
  const auto has = [&](const char* name) { return chunks.contains(name) && !chunks[name].empty(); };
  result.animated = has("acTL") && number_of(chunks["acTL"]) > 1;
  result.has_resolution = has("pHYs") && chunks["pHYs"].back() == 1;
  if (has("pHYs") && chunks["pHYs"].back() == 0) {
    // Per unit there are more pixels where they are narrower.
    const uint32_t across = number_of(chunks["pHYs"]), down = number_of(std::string_view(chunks["pHYs"]).substr(4));
    if (across > 0 && down > 0) result.pixel_aspect = {down, across};
  }
  if (has("IHDR")) {
    result.width = number_of(chunks["IHDR"]);
    result.height = number_of(std::string_view(chunks["IHDR"]).substr(4));
  }
  result.interlaced = has("IHDR") && chunks["IHDR"].back() != 0;
  // The first of cICP, iCCP, sRGB and the other two holds.
  if (has("cICP")) {
    const std::string& numbers = chunks["cICP"];
    result.numbers = {static_cast<uint8_t>(numbers[0]), static_cast<uint8_t>(numbers[1]),
                      static_cast<uint8_t>(numbers[2])};
  } else if (!chunks.contains("iCCP") && !chunks.contains("sRGB")) {
    if (has("gAMA") && !near(number_of(chunks["gAMA"]), 45455)) result.colours.emplace_back("gAMA");
    if (has("cHRM") && !are_srgb_primaries(chunks["cHRM"])) result.colours.emplace_back("cHRM");
  }
  result.has_packed_metadata = !std::all_of(result.texts.begin(), result.texts.end(), is_plain_text);
  return result;
}

std::optional<std::string> png_with_metadata(std::string_view begun, std::string_view exif,
                                             const std::vector<std::string>& texts) {
  std::string head(begun.substr(0, kSignature.size()));
  for (size_t at = head.size(); at + 8 <= begun.size();) {
    const size_t bytes = size_t{number_of(begun.substr(at))} + 12;
    const std::string_view name = begun.substr(at + 4, 4);
    if (name == "IDAT") {
      if (!exif.empty()) head += png_chunk("eXIf", as_bytes(exif));
      for (const std::string& text : texts) {
        const std::string_view type = std::string_view(text).substr(0, 4);
        if (is_text(type)) head += png_chunk(type, as_bytes(text).subspan(4));
      }
      return head += begun.substr(at);
    }
    if (bytes > begun.size() - at) break;
    if (name != "eXIf" && !is_text(name)) head += begun.substr(at, bytes);
    at += bytes;
  }
  return std::nullopt;
}

}  // namespace fsrcnn
