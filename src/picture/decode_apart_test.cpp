#include "picture/decode_apart.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "picture/picture_reader.hpp"
#include "picture/picture_writer.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

// All tests of pictures decode in other processes; these are about the processes.

namespace fsrcnn {
namespace {

using test::error_of;
using test::TemporaryFolder;

/// The processes that this one has started and that have not ended.
std::vector<pid_t> children() {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "stat");
    const std::string stat{std::istreambuf_iterator<char>(file), {}};
    const size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos) continue;
    std::istringstream after(stat.substr(name_end + 1));
    char state = 0;
    pid_t parent = 0;
    after >> state >> parent;
    if (parent == getpid() && state != 'Z') found.push_back(std::stoi(name));
  }
  std::sort(found.begin(), found.end());
  return found;
}

Picture noise(int64_t size, uint32_t seed = 1) {
  Picture picture;
  picture.planes = test::random_tensor({1, 3, size, size}, seed);
  return picture;
}

TEST(DecodeApart, GivesWhatDecodingHereGives) {
  ASSERT_TRUE(decodes_apart());
  const TemporaryFolder folder;
  for (const char* name : {"a.png", "a.jpg", "a.tif", "a.webp", "a.avif", "a.jxl"}) {
    SCOPED_TRACE(name);
    for (const int64_t size : {7, 700}) {
      write_picture(noise(size), folder / name);
      PictureFile file(folder / name, open_picture_file(folder / name));
      const PictureFormat& format = require_format(file);
      const std::unique_ptr<RowDecoder> here = decode_here(std::move(file), format, kMostPixels);
      const std::unique_ptr<RowDecoder> there = decode_apart(folder / name, kMostPixels);
      ASSERT_EQ(there->start().row_bytes(), here->start().row_bytes());
      ASSERT_EQ(there->start().rows(), size);
      EXPECT_EQ(there->start().white, here->start().white);
      std::vector<std::byte> ours(static_cast<size_t>(size * here->start().row_bytes())), theirs(ours.size());
      here->read(ours.data(), size);
      // In parts of any size.
      const auto row = static_cast<size_t>(there->start().row_bytes());
      there->read(theirs.data(), 1);
      there->read(theirs.data() + row, 5);
      there->read(theirs.data() + 6 * row, size - 6);
      EXPECT_EQ(ours, theirs);
      EXPECT_EQ(there->damage(), here->damage());
    }
  }
}

TEST(DecodeApart, OneProcessServesManyPictures) {
  const TemporaryFolder folder;
  write_picture(noise(20), folder / "a.png");
  std::ofstream(folder / "bad.png") << "\x89PNG\r\n\x1a\n";
  read_picture(folder / "a.png");
  const std::vector<pid_t> before = children();
  ASSERT_EQ(before.size(), 1U);
  for (int i = 0; i < 20; ++i) {
    read_picture(folder / "a.png");
    EXPECT_EQ(PictureReader(folder / "a.png").header().width, 20) << "and its rows are not wanted";
    EXPECT_TRUE(error_of([&] { PictureReader(folder / "bad.png"); }).starts_with("3: ")) << "nor are there any";
  }
  EXPECT_EQ(children(), before);
}

TEST(DecodeApart, ManyAtOnce) {
  const TemporaryFolder folder;
  std::vector<std::jthread> threads;
  for (uint32_t i = 0; i < 8; ++i) write_picture(noise(100, i), folder / fmt::format("{}.tif", i));
  std::vector<Picture> pictures(8);
  for (uint32_t i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] { pictures[i] = read_picture(folder / fmt::format("{}.tif", i)); });
  }
  threads.clear();
  for (uint32_t i = 0; i < 8; ++i) {
    EXPECT_LE(test::max_difference(pictures[i].planes, noise(100, i).planes), 0.5 / 255 + 1e-6) << i;
  }
  EXPECT_LE(children().size(), 4U) << "so many wait for more";
}

// Whoever gives up in the middle, the next one gets its own picture.
TEST(DecodeApart, APictureMayBeGivenUp) {
  const TemporaryFolder folder;
  write_picture(noise(900), folder / "large.png");
  write_picture(noise(20), folder / "small.png");
  for (int i = 0; i < 3; ++i) {
    {
      PictureReader reader(folder / "large.png");
      Tensor<float> rows({1, 3, 10, 900});
      reader.read(rows);
    }
    EXPECT_EQ(read_picture(folder / "small.png").header.width, 20);
  }
}

// A picture that shrinks may be done before its last rows are read.
TEST(DecodeApart, TheLastRowsMayBeLeft) {
  const TemporaryFolder folder;
  write_picture(noise(900), folder / "a.png");
  PictureReader reader(folder / "a.png");
  Tensor<float> rows({1, 3, 10, 900});
  reader.read(rows);
  EXPECT_EQ(reader.damage(), std::vector<std::string>());
}

TEST(DecodeApart, ADeathIsAnErrorOfThePicture) {
  const TemporaryFolder folder;
  write_picture(noise(900), folder / "a.png");
  for (const int signal_number : {SIGSEGV, SIGABRT, SIGKILL, SIGXCPU, SIGALRM}) {
    SCOPED_TRACE(strsignal(signal_number));
    if (FSRCNN_SANITIZED && signal_number == SIGSEGV) continue;  // a sanitizer has its own way
    PictureReader reader(folder / "a.png");
    ASSERT_EQ(children().size(), 1U);
    kill(children().front(), signal_number);
    const std::string error = error_of([&] {
      Tensor<float> rows({1, 3, 900, 900});
      reader.read(rows);
    });
    const std::string cause = signal_number == SIGSEGV   ? "crashed (Segmentation fault)"
                              : signal_number == SIGABRT ? "crashed (Aborted)"
                              : signal_number == SIGKILL ? "was killed, maybe because memory ran out"
                              : signal_number == SIGXCPU ? "took longer than a picture of its size can take"
                                                         : "stood still for a minute";
    EXPECT_EQ(error, "3: '" + (folder / "a.png").string() + "' cannot be decoded: the PNG decoder " + cause +
                         ". The file is damaged, or of a kind that this decoder does not support; try another program "
                         "to convert it");
    EXPECT_EQ(read_picture(folder / "a.png").header.width, 900) << "by another process";
  }
}

TEST(DecodeApart, ADeathBetweenPicturesIsNobodysError) {
  const TemporaryFolder folder;
  write_picture(noise(20), folder / "a.png");
  read_picture(folder / "a.png");
  for (const pid_t id : children()) {
    kill(id, SIGKILL);
    siginfo_t ended;
    waitid(P_PID, static_cast<id_t>(id), &ended, WEXITED | WNOWAIT);
  }
  EXPECT_EQ(read_picture(folder / "a.png").header.width, 20);
}

}  // namespace
}  // namespace fsrcnn
