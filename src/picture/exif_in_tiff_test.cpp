#include "picture/exif_in_tiff.hpp"

#include <gtest/gtest.h>
#include <libexif/exif-data.h>

#include <array>
#include <initializer_list>
#include <sstream>
#include <string>

namespace fsrcnn {
namespace {

/// Writes TIFFs of any byte order, number by number.
class TiffText {
 public:
  TiffText(bool big_endian, bool big_tiff) : big_endian_(big_endian), big_tiff_(big_tiff) {
    add(big_endian ? 0x4D4D : 0x4949, 2);
    add(big_tiff ? 43 : 42, 2);
    if (big_tiff) add(8, 4);  // the size of an offset, and two zeros
    add_offset(big_tiff ? 16 : 8);
  }

  void add(uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) bytes_ += static_cast<char>(value >> (8 * (big_endian_ ? bytes - 1 - i : i)));
  }
  void add_offset(uint64_t value) { add(value, big_tiff_ ? 8 : 4); }

  struct Number {
    uint64_t value;
    int bytes;
  };

  /// A field whose value stands in it, with zeros behind it.
  void add_field(uint16_t tag, uint16_t type, uint64_t count, std::initializer_list<Number> numbers) {
    add(tag, 2);
    add(type, 2);
    add_offset(count);
    int rest = big_tiff_ ? 8 : 4;
    for (const auto& [value, bytes] : numbers) {
      add(value, bytes);
      rest -= bytes;
    }
    for (; rest > 0; --rest) add(0, 1);
  }

  std::string bytes_;

 private:
  bool big_endian_, big_tiff_;
};

/// A folder with an artist and details of the exposure, as a TIFF without samples.
std::string tiff_with_exif(bool big_endian, bool big_tiff) {
  using Number = TiffText::Number;
  TiffText tiff(big_endian, big_tiff);
  const int offset = big_tiff ? 8 : 4, count = big_tiff ? 8 : 2, folder = count + 3 * (4 + 2 * offset) + offset;
  const int artist = (big_tiff ? 16 : 8) + folder, details = artist + 10, exposure = details + folder;
  const auto pointer = [&](int to) { return Number{static_cast<uint64_t>(to), offset}; };
  tiff.add(3, count);
  tiff.add_field(256, 3, 1, {{1000, 2}});
  tiff.add_field(315, 2, 10, {pointer(artist)});
  tiff.add_field(0x8769, big_tiff ? 18 : 4, 1, {pointer(details)});
  tiff.add_offset(0);
  tiff.bytes_ += std::string("A. Person\0", 10);
  tiff.add(3, count);
  if (big_tiff) {
    tiff.add_field(0x829A, 5, 1, {{1, 4}, {60, 4}});
  } else {
    tiff.add_field(0x829A, 5, 1, {pointer(exposure)});
  }
  tiff.add_field(0x8827, 3, 2, {{200, 2}, {800, 2}});
  tiff.add_field(0xA002, 4, 1, {{70000, 4}});
  tiff.add_offset(0);
  tiff.add(1, 4);
  tiff.add(60, 4);
  return tiff.bytes_;
}

std::vector<std::byte> exif_of(const std::string& tiff) {
  std::istringstream stream(tiff);
  return exif_of_tiff(stream);
}

/// What EXIF's own library finds in a block.
std::string text_of(const std::vector<std::byte>& block, ExifIfd folder, int tag) {
  std::string bytes("Exif\0\0", 6);
  bytes.append(reinterpret_cast<const char*>(block.data()), block.size());
  ExifData* data = exif_data_new_from_data(reinterpret_cast<const unsigned char*>(bytes.data()),
                                           static_cast<unsigned int>(bytes.size()));
  std::array<char, 100> text{};
  ExifEntry* entry = exif_content_get_entry(data->ifd[folder], static_cast<ExifTag>(tag));
  if (entry != nullptr) exif_entry_get_value(entry, text.data(), text.size());
  exif_data_unref(data);
  return entry == nullptr ? "none" : text.data();
}

TEST(ExifInTiff, IsFoundInEveryByteOrder) {
  for (const bool big_tiff : {false, true}) {
    for (const bool big_endian : {false, true}) {
      SCOPED_TRACE(std::string(big_tiff ? "BigTIFF" : "TIFF") + (big_endian ? ", big endian" : ", little endian"));
      const std::vector<std::byte> block = exif_of(tiff_with_exif(big_endian, big_tiff));
      EXPECT_EQ(text_of(block, EXIF_IFD_0, EXIF_TAG_ARTIST), "A. Person");
      EXPECT_EQ(text_of(block, EXIF_IFD_0, EXIF_TAG_IMAGE_WIDTH), "none")
          << "the stored picture's, not the photograph's";
      EXPECT_EQ(text_of(block, EXIF_IFD_EXIF, EXIF_TAG_EXPOSURE_TIME), "1/60 sec.");
      EXPECT_EQ(text_of(block, EXIF_IFD_EXIF, EXIF_TAG_ISO_SPEED_RATINGS), "200, 800");
      EXPECT_EQ(text_of(block, EXIF_IFD_EXIF, EXIF_TAG_PIXEL_X_DIMENSION), "70000");
    }
  }
}

TEST(ExifInTiff, TakesWhatIsWholeOfADamagedFile) {
  const std::string tiff = tiff_with_exif(false, false);
  for (size_t size = 0; size < tiff.size(); ++size) {
    const std::vector<std::byte> block = exif_of(tiff.substr(0, size));
    const bool has_artist = !block.empty() && text_of(block, EXIF_IFD_0, EXIF_TAG_ARTIST) == "A. Person";
    EXPECT_EQ(has_artist, size >= 60) << size << " bytes";
  }
  std::string endless = tiff;
  endless.replace(8 + 2 + 24 + 8, 4, std::string("\x08\0\0\0", 4));  // the folder of details is the first one
  EXPECT_EQ(text_of(exif_of(endless), EXIF_IFD_0, EXIF_TAG_ARTIST), "A. Person");
}

TEST(ExifInTiff, LeavesOutWhatNoJpegHolds) {
  TiffText tiff(false, false);
  tiff.add(2, 2);
  tiff.add_field(315, 2, 2, {{'A', 2}});
  tiff.add_field(316, 2, 100000, {{38, 4}});
  tiff.add_offset(0);
  tiff.bytes_ += std::string(100000, 'x');
  const std::vector<std::byte> block = exif_of(tiff.bytes_);
  EXPECT_EQ(text_of(block, EXIF_IFD_0, EXIF_TAG_ARTIST), "A");
  EXPECT_LT(block.size(), 100U);
}

}  // namespace
}  // namespace fsrcnn
