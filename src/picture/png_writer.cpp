#include "picture/png_writer.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_pool.hpp"
#include "picture/boxes.hpp"
#include "picture/deflate.hpp"
#include "picture/metadata.hpp"
#include "picture/png_chunks.hpp"
#include "picture/row_bands.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace {

using Octets = std::vector<std::byte>;

void write_chunk(FileTarget& file, std::string_view type, Bytes content) {
  file.write(as_bytes(png_chunk(type, content)));
}

enum Filter : uint8_t { none = 0, paeth = 4 };

/// A way to compress a band.
struct Way {
  Filter filter;
  Deflation deflation;
};

/// Photographs are best predicted, after which little repeats; of drawings and letters much does.
std::vector<Way> ways_for(std::optional<int> compression) {
  if (compression == 0) return {{none, {0, false}}};
  const int level = compression.value_or(6);
  std::vector<Way> ways = {{paeth, {level, true}}, {none, {level, false}}};
  if (compression) ways.push_back({paeth, {level, false}});
  return ways;
}

/// Each byte less what Paeth's predictor makes of those to its left, above and above left (PNG, 9.4).
void predict(const uint8_t* row, const uint8_t* above, int64_t bytes, int64_t pixel, uint8_t* to) {
  for (int64_t i = 0; i < pixel; ++i) to[i] = static_cast<uint8_t>(row[i] - above[i]);
  for (int64_t i = pixel; i < bytes; ++i) {
    const int left = row[i - pixel], up = above[i], corner = above[i - pixel];
    const int to_left = std::abs(up - corner), to_up = std::abs(left - corner),
              to_corner = std::abs(left + up - 2 * corner);
    const int predicted = to_left <= to_up && to_left <= to_corner ? left : to_up <= to_corner ? up : corner;
    to[i] = static_cast<uint8_t>(row[i] - predicted);
  }
}

struct Layout {
  int64_t row_bytes, pixel_bytes;
  int bits;
};

/// Rows of a band, in the file's byte order and with their filter's number before each.
Octets filtered(const RowBand& band, const Layout& layout, Filter filter, int64_t first, int64_t count) {
  const int64_t bytes = layout.row_bytes;
  const auto in_order = [&](const std::byte* row, std::vector<uint8_t>& copy) {
    copy.assign(static_cast<size_t>(bytes), 0);
    if (row == nullptr) return;
    std::memcpy(copy.data(), row, static_cast<size_t>(bytes));
    if (layout.bits != 16 || std::endian::native == std::endian::big) return;
    for (int64_t i = 0; i < bytes; i += 2) std::swap(copy[static_cast<size_t>(i)], copy[static_cast<size_t>(i) + 1]);
  };
  std::vector<uint8_t> above, row;
  in_order(first > 0 ? band.samples + (first - 1) * bytes : band.above, above);
  Octets result(static_cast<size_t>(count * (bytes + 1)));
  for (int64_t y = 0; y < count; ++y) {
    in_order(band.samples + (first + y) * bytes, row);
    auto* const to = reinterpret_cast<uint8_t*>(result.data()) + y * (bytes + 1);
    *to = filter;
    if (filter == none) {
      std::memcpy(to + 1, row.data(), static_cast<size_t>(bytes));
    } else {
      predict(row.data(), above.data(), bytes, layout.pixel_bytes, to + 1);
    }
    row.swap(above);
  }
  return result;
}

/// The way that makes the least of some of the band's rows.
Way choose(const std::vector<Way>& ways, const RowBand& band, const Layout& layout) {
  constexpr int64_t kPart = 16;
  const int64_t rows = std::max<int64_t>(1, band.rows / kPart), first = (band.rows - rows) / 2;
  Way best = ways.front();
  size_t least = SIZE_MAX;
  for (const Way& way : ways) {
    if (ways.size() == 1) break;
    const size_t size = zlib_stream(filtered(band, layout, way.filter, first, rows), way.deflation).size();
    if (size < least) best = way;
    least = std::min(least, size);
  }
  return best;
}

/// The pixels, as one stream of zlib's in as many chunks as there are bands.
void write_pixels(const PictureHeader& picture, const Layout& layout, SampleRows& rows, FileTarget& file,
                  const std::vector<Way>& ways) {
  struct Piece {
    Way way;
    Octets filtered, deflated;
    uLong sum = 0;
  };
  const int64_t band_rows = std::max<int64_t>(1, kBandBytes / layout.row_bytes);
  Octets before;  // the band before, as it was deflated
  uLong sum = adler32(0, nullptr, 0);
  for_bands(rows, picture.height, layout.row_bytes, band_rows, [&](const std::vector<RowBand>& bands) {
    std::vector<Piece> pieces(bands.size());
    const auto count = static_cast<int64_t>(bands.size());
    parallel_for(count, [&](int64_t i) {
      const auto k = static_cast<size_t>(i);
      Piece& piece = pieces[k];
      piece.way = choose(ways, bands[k], layout);
      piece.filtered = filtered(bands[k], layout, piece.way.filter, 0, bands[k].rows);
      piece.sum = adler32_z(adler32(0, nullptr, 0), reinterpret_cast<const Bytef*>(piece.filtered.data()),
                            piece.filtered.size());
    });
    parallel_for(count, [&](int64_t i) {
      const auto k = static_cast<size_t>(i);
      const bool last = bands[k].first_row + bands[k].rows == picture.height;
      pieces[k].deflated =
          deflate_piece(pieces[k].filtered, k > 0 ? pieces[k - 1].filtered : before, pieces[k].way.deflation, last);
    });
    for (size_t k = 0; k < pieces.size(); ++k) {
      Octets& deflated = pieces[k].deflated;
      sum = adler32_combine(sum, pieces[k].sum, static_cast<z_off_t>(pieces[k].filtered.size()));
      if (bands[k].first_row == 0) {
        constexpr std::array kHeader = {std::byte{0x78}, std::byte{0x01}};  // a window of 32 KiB
        deflated.insert(deflated.begin(), kHeader.begin(), kHeader.end());
      }
      if (bands[k].first_row + bands[k].rows == picture.height) {
        const std::string end = big_endian(sum);
        const Bytes bytes = as_bytes(end);
        deflated.insert(deflated.end(), bytes.begin(), bytes.end());
      }
      write_chunk(file, "IDAT", deflated);
    }
    before = std::move(pieces.back().filtered);
  });
}

/// What the picture is, before the pixels.
void write_description(const PictureHeader& picture, VipsImage* description, FileTarget& file) {
  if (picture.colours) {
    // RGB of full range.
    const std::string numbers = {static_cast<char>(picture.colours->primaries),
                                 static_cast<char>(picture.colours->transfer), 0, 1};
    write_chunk(file, "cICP", as_bytes(numbers));
  }
  if (const std::string profile = blob_of(description, VIPS_META_ICC_NAME); !profile.empty()) {
    const Octets deflated = zlib_stream(as_bytes(profile), {});
    std::string content("icc\0\0", 5);
    content.append(reinterpret_cast<const char*>(deflated.data()), deflated.size());
    write_chunk(file, "iCCP", as_bytes(content));
  }
  if (picture.has_other_aspect() && !knows_resolution(description)) {
    const auto& [width, height] = picture.pixel_aspect;
    write_chunk(file, "pHYs", as_bytes(big_endian(height) + big_endian(width) + '\0'));
  }
  if (!knows_resolution(description)) return;
  const auto per_metre = [](double per_millimetre) {
    return big_endian(static_cast<uint64_t>(std::clamp(std::round(1000 * per_millimetre), 0.0, 4294967295.0)));
  };
  write_chunk(file, "pHYs", as_bytes(per_metre(description->Xres) + per_metre(description->Yres) + '\1'));
}

}  // namespace

void write_png(const PictureHeader& picture, int bits, SampleRows& rows, VipsImage* description, FileTarget& file,
               std::optional<int> compression) {
  const auto bands = static_cast<int>(picture.planes());
  const Layout layout{picture.width * bands * bits / 8, int64_t{bands} * bits / 8, bits};
  constexpr std::array kColours = {0, 4, 2, 6};  // gray, gray and alpha, RGB, RGBA
  file.write(as_bytes("\x89PNG\r\n\x1a\n"));
  std::string header =
      big_endian(static_cast<uint64_t>(picture.width)) + big_endian(static_cast<uint64_t>(picture.height));
  header += {static_cast<char>(bits), static_cast<char>(kColours[static_cast<size_t>(bands) - 1]), 0, 0, 0};
  write_chunk(file, "IHDR", as_bytes(header));
  write_description(picture, description, file);
  write_pixels(picture, layout, rows, file, ways_for(compression));
  write_chunk(file, "IEND", {});
}

}  // namespace fsrcnn
