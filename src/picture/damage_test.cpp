#include <gtest/gtest.h>
#include <vips/vips.h>

#include <array>

#include "base/atomic_output.hpp"
#include "network/builtin.hpp"
#include "picture/gif_check.hpp"
#include "picture/upscale_picture.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

// Files that are not whole, but of which decoders make a picture.

namespace fsrcnn {
namespace {

using test::error_of;
using test::TemporaryFolder;

Picture random_picture(int64_t size) {
  Picture picture;
  picture.planes = test::random_tensor({1, 3, size, size}, 1);
  return picture;
}

std::vector<std::byte> file_of(const Picture& picture, const std::filesystem::path& path) {
  write_picture(picture, path);
  return read_file(path, 1 << 20);
}

std::vector<std::byte> animation(const TemporaryFolder& folder) {
  PictureHeader header;
  header.width = header.height = 24;
  header.frames = 3;
  int frame = 0;
  write_picture(header, folder / "a.gif", [&] {
    return frame++ < 3 ? test::random_tensor({1, 3, 24, 24}, static_cast<uint32_t>(frame)) : Tensor<float>();
  });
  return read_file(folder / "a.gif", 1 << 20);
}

TEST(Damage, GifThatEndsTooSoonIsAnError) {
  const TemporaryFolder folder;
  const std::vector<std::byte> whole = animation(folder);
  EXPECT_EQ(check_gif(whole), GifState::whole);
  for (size_t size = 0; size < whole.size(); ++size) {
    ASSERT_EQ(check_gif(Bytes(whole).first(size)), GifState::cut) << size;
    if (size % 50 != 0 && size + 3 < whole.size()) continue;
    write_file(folder / "cut.gif", Bytes(whole).first(size));
    EXPECT_TRUE(error_of([&] { PictureReader(folder / "cut.gif"); }).starts_with("3: ")) << size;
  }
}

// A frame whose codes are wrong is an error, or told: never passed over.
TEST(Damage, GifWithWrongCodesIsTold) {
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-x2").value());
  Picture ramp = random_picture(80);
  for (int64_t i = 0; i < ramp.planes.count(); ++i) ramp.planes.data()[i] = static_cast<float>(i % 6007) / 6007;
  const std::vector<std::byte> whole = file_of(ramp, folder / "a.gif");
  EXPECT_FALSE(upscale_picture(engine, folder / "a.gif", folder / "out.png").damaged);
  int damaged = 0, refused = 0, told = 0;
  for (size_t at = whole.size() / 2; at + 2 < whole.size(); at += 20) {
    std::vector<std::byte> bytes = whole;
    bytes[at] ^= std::byte{0x55};
    if (check_gif(bytes) == GifState::whole) continue;
    ++damaged;
    write_file(folder / "bad.gif", bytes);
    bool tells = false;
    const std::string error =
        error_of([&] { tells = upscale_picture(engine, folder / "bad.gif", folder / "out.png").damaged; });
    told += tells ? 1 : 0;
    refused += error.starts_with("3: ") ? 1 : 0;
  }
  EXPECT_GT(told, 0) << "of " << damaged << "; " << refused << " are refused";
  EXPECT_EQ(told + refused, damaged);
}

TEST(Damage, JpegWithWrongCodesIsTold) {
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-x2").value());
  std::vector<std::byte> bytes = file_of(random_picture(64), folder / "a.jpg");
  EXPECT_FALSE(upscale_picture(engine, folder / "a.jpg", folder / "out.png").damaged);
  // What fills up the end of the data is no damage.
  std::vector<std::byte> padded = bytes;
  padded.insert(padded.end() - 2, 9, std::byte{0});
  write_file(folder / "padded.jpg", padded);
  EXPECT_EQ(upscale_picture(engine, folder / "padded.jpg", folder / "out.png").warnings, std::vector<std::string>());
  // A marker in the middle: the data end there.
  const std::array marker = {std::byte{0xFF}, std::byte{0xD9}};
  bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(bytes.size() / 2), marker.begin(), marker.end());
  write_file(folder / "bad.jpg", bytes);
  const UpscaledPicture result = upscale_picture(engine, folder / "bad.jpg", folder / "bad.png");
  EXPECT_TRUE(result.damaged);
  ASSERT_EQ(result.warnings.size(), 1U);
  EXPECT_TRUE(result.warnings[0].starts_with("'" + (folder / "bad.jpg").string() + "' is damaged: VipsJpeg: "))
      << result.warnings[0];
  EXPECT_EQ(PictureReader(folder / "bad.png").header().width, 128) << "it is written all the same";
  // Nobody measures with it.
  EXPECT_EQ(error_of([&] { read_picture(folder / "bad.jpg"); }), "3: " + result.warnings[0]);
}

// libvips before 8.16 ends there, but the file is whole.
TEST(Damage, GifOfThousandsOfFramesIsNotDamaged) {
  const TemporaryFolder folder;
  std::string gif("GIF89a\1\0\1\0\x81\0\0", 13);
  gif += std::string(12, '\x40');
  for (int i = 0; i < 4200; ++i) gif += std::string("\x2C\0\0\0\0\1\0\1\0\0\2\2\x44\1\0", 15);
  write_file(folder / "a.gif", as_bytes(gif + ";"));
  PictureReader reader(folder / "a.gif");
  const bool all = reader.header().frames == 4200;
  EXPECT_TRUE(all || vips_version(1) < 16);
  for (int64_t i = 0; i < reader.header().frames; ++i) {
    Tensor<float> pixel({1, reader.header().planes(), 1, 1});
    reader.read(pixel);
  }
  const std::vector<std::string> damage = reader.damage();
  if (all) {
    EXPECT_EQ(damage, std::vector<std::string>());
    return;
  }
  EXPECT_EQ(damage, std::vector<std::string>{
                        fmt::format("'{}' has too many frames for a GIF; those after the first {} are missing",
                                    (folder / "a.gif").string(), reader.header().frames)});
}

}  // namespace
}  // namespace fsrcnn
