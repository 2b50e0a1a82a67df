#include "picture/exif_in_tiff.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <sstream>

#include "base/atomic_output.hpp"
#include "base/file.hpp"
#include "picture/tiff_folders.hpp"
#include "support/exif_block.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiff.hpp"

namespace fsrcnn {
namespace {

constexpr bool kBigEndian = std::endian::native == std::endian::big;

TEST(ExifInTiff, IsListedInTheFirstFolder) {
  const test::TemporaryFolder folder;
  // What libtiff writes lies behind the block.
  const std::string block = test::exif_block(kBigEndian);
  std::vector<unsigned char> bytes(block.begin(), block.end());
  bytes.resize(bytes.size() + bytes.size() % 2);
  const uint32_t second = test::append_folder(bytes, 0, {test::number_field(256, 7)}, 0);
  const uint32_t first =
      test::append_folder(bytes, 0, {test::number_field(256, 5), test::number_field(274, 1)}, second);
  std::memcpy(bytes.data() + 4, &first, sizeof(first));
  write_file(folder / "a.tif", std::as_bytes(std::span(bytes)));
  list_exif_in_tiff(folder / "a.tif", block);

  const std::vector<std::byte> all = read_file(folder / "a.tif", 100000);
  std::istringstream file(std::string(reinterpret_cast<const char*>(all.data()), all.size()));
  TiffFolders folders(file);
  const auto fields = [&](uint64_t at) { return folders.read(at, 10000, [](const TiffField&) { return true; }); };
  std::vector<uint16_t> tags;
  for (const TiffField& field : fields(folders.first())) {
    tags.push_back(field.tag);
    if (field.tag == 0x013B) {
      EXPECT_EQ(std::string(field.value.begin(), field.value.end() - 1), "A. Person");
    }
    if (field.tag == 274) {
      EXPECT_EQ(field.value[kBigEndian ? 3 : 0], 1) << "the file's own, not the block's";
    }
  }
  EXPECT_EQ(tags, (std::vector<uint16_t>{256, 0x010F, 274, 0x013B, 0x8769}));
  EXPECT_EQ(folders.next(folders.first()), second) << "the next page";
}

TEST(ExifInTiff, OfADamagedBlockIsNotListed) {
  const test::TemporaryFolder folder;
  const std::string block = test::exif_block(kBigEndian), tiff = test::tiff_of({{}}, test::kBlackSamples);
  for (size_t size = 0; size < block.size(); ++size) {
    write_file(folder / "a.tif", as_bytes(tiff));
    list_exif_in_tiff(folder / "a.tif", block.substr(0, size));
  }
}

}  // namespace
}  // namespace fsrcnn
