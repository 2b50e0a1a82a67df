#include "base/file.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;

void write(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

TEST(File, ReadsAllBytes) {
  const TemporaryFolder folder;
  for (const size_t size : {0, 1, 4095, 4096, 4097, 100000}) {
    std::string text(size, 'x');
    for (size_t i = 0; i < size; i += 7) text[i] = static_cast<char>(i % 256);  // line ends and ends of file, too
    write(folder / "a", text);
    const std::vector<std::byte> bytes = read_file(folder / "a", 100000);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), text);
  }
}

TEST(File, ReadsNamesInAnyScript) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / path_of_utf8("\xc3\xa9\xe8\xb6\x85\xf0\x9f\x8e\x9e.BIN");
  write(path, "film");
  EXPECT_EQ(read_file(path, 4).size(), 4U);
  EXPECT_EQ(to_utf8(path.filename()), "\xc3\xa9\xe8\xb6\x85\xf0\x9f\x8e\x9e.BIN");
  EXPECT_EQ(lower_suffix(path), ".bin");
}

TEST(File, SaysWhyItCannotRead) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { read_file(folder / "none", 1); }),
            "5: reading '" + to_utf8(folder / "none") + "' failed: No such file or directory");
  EXPECT_EQ(error_of([&] { read_file(folder.path(), 1); }),
            "5: reading '" + to_utf8(folder.path()) + "' failed: it is a folder");
  write(folder / "large", std::string(10, 'x'));
  EXPECT_EQ(read_file(folder / "large", 10).size(), 10U);
  EXPECT_NE(error_of([&] { read_file(folder / "large", 9); }).find("larger than 0 MiB"), std::string::npos);
}

TEST(File, StopsReadingADeviceWithoutEnd) {
  if (!fs::exists("/dev/zero")) GTEST_SKIP() << "there is no /dev/zero";
  // It says that it has no bytes.
  EXPECT_NE(error_of([&] { read_file("/dev/zero", 1 << 20); }).find("larger than 1 MiB"), std::string::npos);
}

}  // namespace
}  // namespace fsrcnn
