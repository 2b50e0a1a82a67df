// PNG and TIFF, whose rows are compressed in bands by all threads: what libvips reads of them is what was written.
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "picture/picture_reader.hpp"
#include "picture/picture_writer.hpp"
#include "picture/vips_support.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

using test::TemporaryFolder;

enum class Content { noise, photograph, flat };

/// Levels of so many bits, as fractions of white.
Tensor<float> picture_of(Content content, int64_t planes, int64_t height, int64_t width, int bits) {
  Tensor<float> picture = test::random_tensor({1, planes, height, width}, 3);
  const double white = bits == 32 ? 1 : (1 << bits) - 1;
  for (int64_t k = 0; k < planes; ++k) {
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        float& value = picture(0, k, y, x);
        const double noise = std::fmod(std::abs(value), 1.0), smooth = 0.5 + 0.4 * std::sin(0.01 * (x + k * y));
        const double level = content == Content::noise        ? noise
                             : content == Content::photograph ? 0.98 * smooth + 0.02 * noise
                                                              : (x / 40 + y / 30 + k) % 5 / 4.0;
        value = static_cast<float>(bits == 32 ? level : std::round(level * white) / white);
      }
    }
  }
  return picture;
}

PictureHeader header_of(const Tensor<float>& planes, int bits, int64_t frames = 1) {
  PictureHeader header;
  header.colour_planes = planes.shape().c > 2 ? 3 : 1;
  header.has_alpha = planes.shape().c % 2 == 0;
  header.bits = bits;
  header.linear = bits == 32 && header.colour_planes == 3;
  header.width = planes.shape().w;
  header.height = planes.shape().h / frames;
  header.frames = frames;
  return header;
}

/// Gives `at_once` rows at a time.
RowSource rows_of(const Tensor<float>& planes, int64_t at_once) {
  return [&planes, at_once, next = int64_t{0}]() mutable {
    const auto [n, c, h, w] = planes.shape();
    const int64_t rows = std::min(at_once, h - next);
    if (rows <= 0) return Tensor<float>();
    Tensor<float> block({1, c, rows, w});
    for (int64_t k = 0; k < c; ++k) std::copy_n(planes.row(0, k, next), rows * w, block.plane(0, k));
    next += rows;
    return block;
  };
}

std::vector<std::byte> written(const Tensor<float>& planes, const std::filesystem::path& path, int bits,
                               int64_t at_once, const Encoding& encoding = {}, int64_t frames = 1) {
  const PictureHeader header = header_of(planes, bits, frames);
  write_picture(header, path, rows_of(planes, at_once), encoding);
  return read_file(path, 1 << 28);
}

TEST(BandWriters, EveryKindOfSampleIsReadAsWritten) {
  const TemporaryFolder folder;
  for (const char* name : {"a.png", "a.tif"}) {
    for (const int bits : {8, 16, 32}) {
      if (bits == 32 && std::string(name) == "a.png") continue;
      for (const int64_t planes : {1, 2, 3, 4}) {
        for (const Content content : {Content::noise, Content::photograph, Content::flat}) {
          // Several bands; less than one; a single pixel.
          for (const auto& [height, width] : {std::pair<int64_t, int64_t>{400, 1201}, {7, 5}, {1, 1}}) {
            if (height == 400 && content == Content::noise && planes > 2) continue;  // long, and nothing new
            const Tensor<float> picture = picture_of(content, planes, height, width, bits);
            written(picture, folder / name, bits, 64);
            const Picture again = read_picture(folder / name);
            SCOPED_TRACE(testing::Message() << name << ", " << bits << " bits, " << planes << " planes, " << width);
            ASSERT_EQ(again.header.bits, bits);
            ASSERT_EQ(again.header.has_alpha, planes % 2 == 0);
            ASSERT_LE(test::max_difference(again.planes, picture), again.header.linear ? 1e-6 : 0);
          }
        }
      }
    }
  }
}

// libvips does not look at the checksums; others do.
TEST(BandWriters, ChunksAndPixelsHaveTheirChecksums) {
  const TemporaryFolder folder;
  for (const Content content : {Content::photograph, Content::flat}) {
    const std::vector<std::byte> file = written(picture_of(content, 3, 700, 1201, 8), folder / "a.png", 8, 64);
    const auto* const bytes = reinterpret_cast<const Bytef*>(file.data());
    const auto number = [&](size_t at) {
      return uint32_t{bytes[at]} << 24 | uint32_t{bytes[at + 1]} << 16 | uint32_t{bytes[at + 2]} << 8 | bytes[at + 3];
    };
    std::vector<Bytef> stream;
    int chunks = 0;
    for (size_t at = 8; at < file.size(); ++chunks) {
      const uint32_t size = number(at);
      ASSERT_EQ(number(at + 8 + size), crc32(0, bytes + at + 4, size + 4)) << "chunk " << chunks;
      if (std::memcmp(bytes + at + 4, "IDAT", 4) == 0)
        stream.insert(stream.end(), bytes + at + 8, bytes + at + 8 + size);
      at += size + 12;
    }
    EXPECT_GT(chunks, 4) << "a header, several bands, an end";
    std::vector<Bytef> pixels(700 * (1 + 3 * 1201) + 1);
    uLongf size = pixels.size();
    EXPECT_EQ(uncompress(pixels.data(), &size, stream.data(), stream.size()), Z_OK);
    EXPECT_EQ(size, pixels.size() - 1);
  }
}

// How many bands are compressed at once depends on the threads and on the rows that come.
TEST(BandWriters, BytesDependOnThePictureAlone) {
  const TemporaryFolder folder;
  for (const char* name : {"a.png", "a.tif"}) {
    for (const Content content : {Content::photograph, Content::flat}) {
      const Tensor<float> picture = picture_of(content, 3, 700, 1201, 8);
      const std::vector<std::byte> whole = written(picture, folder / name, 8, 700);
      for (const int64_t at_once : {1, 7, 145, 146, 699}) {
        ASSERT_EQ(written(picture, folder / name, 8, at_once), whole) << name << ", " << at_once << " rows at once";
      }
    }
  }
}

TEST(BandWriters, CompressionIsWithoutLossAndMakesTheSizeThatItSays) {
  const TemporaryFolder folder;
  for (const char* name : {"a.png", "a.tif"}) {
    const Tensor<float> picture = picture_of(Content::photograph, 3, 300, 1201, 8);
    std::vector<size_t> sizes;
    for (const std::optional<int> compression : {std::optional<int>(0), {}, {9}}) {
      sizes.push_back(written(picture, folder / name, 8, 64, {.compression = compression}).size());
      ASSERT_EQ(read_picture(folder / name).planes, picture);
    }
    const size_t plain = 300 * 1201 * 3;
    EXPECT_GT(sizes[0], plain);
    EXPECT_LT(sizes[0], plain + plain / 200 + 1000);
    EXPECT_LT(sizes[1], plain / 2);
    EXPECT_LE(sizes[2], sizes[1]);
  }
}

// What is drawn repeats, and is not predicted; a photograph is.
TEST(BandWriters, FilesAreNotLargerThanThoseOfLibvips) {
  const TemporaryFolder folder;
  for (const Content content : {Content::noise, Content::photograph, Content::flat}) {
    const Tensor<float> picture = picture_of(content, 3, 700, 1201, 8);
    for (const char* name : {"a.png", "a.tif"}) {
      const size_t size = written(picture, folder / name, 8, 64).size();
      const std::string saved = (folder / ("vips" + std::string(name + 1))).string(),
                        saver = saved + (saved.ends_with(".tif") ? "[compression=deflate,predictor=horizontal]" : "");
      VipsImage* const image = vips_image_new_from_file((folder / name).c_str(), nullptr);
      ASSERT_NE(image, nullptr);
      const VipsPtr<VipsImage> owner(image);
      ASSERT_EQ(vips_image_write_to_file(image, saver.c_str(), nullptr), 0);
      EXPECT_LE(static_cast<double>(size), 1.03 * static_cast<double>(std::filesystem::file_size(saved)))
          << name << ", content " << static_cast<int>(content);
    }
  }
}

TEST(BandWriters, PagesAreReadAsWritten) {
  const TemporaryFolder folder;
  for (const int64_t rows : {7, 300}) {
    const Tensor<float> pages = picture_of(Content::photograph, 3, 3 * rows, 1201, 8);
    written(pages, folder / "a.tif", 8, 50, {}, 3);
    PictureReader reader(folder / "a.tif");
    EXPECT_EQ(reader.header().frames, 3);
    EXPECT_EQ(reader.header().height, rows);
    Tensor<float> again(pages.shape());
    for (int64_t page = 0; page < 3; ++page) {
      Tensor<float> block({1, 3, rows, 1201});
      reader.read(block);
      for (int64_t k = 0; k < 3; ++k) std::copy_n(block.plane(0, k), rows * 1201, again.row(0, k, page * rows));
    }
    EXPECT_EQ(again, pages);
  }
}

TEST(BandWriters, AnErrorOfTheSourceIsPassedOnAndNothingStays) {
  const TemporaryFolder folder;
  const Tensor<float> picture = picture_of(Content::photograph, 3, 300, 1201, 8);
  for (const char* name : {"a.png", "a.tif"}) {
    RowSource rows = rows_of(picture, 10);
    int calls = 0;
    const auto fails = [&] {
      if (++calls == 20) fail(ErrorCode::input, "row 190 is damaged");
      return rows();
    };
    try {
      write_picture(header_of(picture, 8), folder / name, fails);
      FAIL() << name;
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "row 190 is damaged");
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << name;
    // Rows that are missing are an error, too.
    EXPECT_THROW(write_picture(header_of(picture, 8), folder / name, [] { return Tensor<float>(); }), Error);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << name;
  }
}

}  // namespace
}  // namespace fsrcnn
