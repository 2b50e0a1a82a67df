#include "base/file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(File, ReadsWhatWasWritten) {
  const TemporaryFolder folder;
  const fs::path path = folder / "a";
  for (const size_t size : {0, 1, 4095, 4096, 4097, 100000}) {
    const std::string text(size, 'x');
    write_file(path, as_bytes(text));
    const std::vector<std::byte> bytes = read_file(path, 100000);
    EXPECT_EQ(bytes.size(), size);
    EXPECT_EQ(text_of(path), text);
  }
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a"});
}

TEST(File, SaysWhyItCannotRead) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { read_file(folder / "none", 1); }),
            "5: reading '" + (folder / "none").string() + "' failed: No such file or directory");
  EXPECT_EQ(error_of([&] { read_file(folder.path(), 1); }),
            "5: reading '" + folder.path().string() + "' failed: it is a folder");
  write_file(folder / "large", as_bytes(std::string(10, 'x')));
  EXPECT_EQ(read_file(folder / "large", 10).size(), 10U);
  EXPECT_NE(error_of([&] { read_file(folder / "large", 9); }).find("more than the 0 MiB"), std::string::npos);
  // A device without end, which says that it has no bytes.
  EXPECT_NE(error_of([&] { read_file("/dev/zero", 1 << 20); }).find("more than the 1 MiB"), std::string::npos);
}

TEST(AtomicOutput, LeavesNothingBehindWithoutCommit) {
  const TemporaryFolder folder;
  write_file(folder / "kept", as_bytes("old"));
  {
    const AtomicOutput output(folder / "kept", AtomicOutput::Kind::file);
    write_file_directly(output.temporary(), as_bytes("half"));
    const AtomicOutput other(folder / "folder", AtomicOutput::Kind::folder);
    write_file_directly(other.temporary() / "inside", as_bytes("half"));
    EXPECT_EQ(folder.names().size(), 3U);
  }
  EXPECT_EQ(folder.names(), std::vector<std::string>{"kept"});
  EXPECT_EQ(text_of(folder / "kept"), "old");
}

TEST(AtomicOutput, ReplacesWholeOnCommit) {
  const TemporaryFolder folder;
  write_file(folder / "kept", as_bytes("old"));
  fs::create_symlink("kept", folder / "link");
  AtomicOutput output(folder / "link", AtomicOutput::Kind::file);
  write_file_directly(output.temporary(), as_bytes("new"));
  output.commit();
  EXPECT_EQ(text_of(folder / "kept"), "new") << "what a link points to is replaced, not the link";
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  struct stat info {};
  ASSERT_EQ(stat((folder / "kept").c_str(), &info), 0);
  const mode_t mask = umask(0);
  umask(mask);
  EXPECT_EQ(info.st_mode & 0777, 0666U & ~mask) << "others may read it as any new file";
}

TEST(AtomicOutput, TakesLongNamesAndLinksToNothing) {
  const TemporaryFolder folder;
  const std::string longest(255, 'n');
  write_file(folder / longest, as_bytes("x"));
  EXPECT_EQ(text_of(folder / longest), "x");
  fs::create_symlink("later", folder / "link");
  write_file(folder / "link", as_bytes("y"));
  EXPECT_EQ(text_of(folder / "later"), "y");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  fs::create_symlink("loop", folder / "loop");
  EXPECT_NE(error_of([&] { write_file(folder / "loop", as_bytes("z")); }).find("link to itself"), std::string::npos);
}

TEST(AtomicOutput, KeepsTheModeOfWhatItReplaces) {
  const TemporaryFolder folder;
  write_file(folder / "secret", as_bytes("old"));
  ASSERT_EQ(chmod((folder / "secret").c_str(), 0600), 0);
  write_file(folder / "secret", as_bytes("new"));
  struct stat info {};
  ASSERT_EQ(stat((folder / "secret").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST(AtomicOutput, ASignalHandlerCanRemoveTheTemporaries) {
  const TemporaryFolder folder;
  const AtomicOutput file(folder / "a", AtomicOutput::Kind::file);
  const AtomicOutput tree(folder / "b", AtomicOutput::Kind::folder);
  fs::create_directory(tree.temporary() / "inner");
  for (int i = 0; i < 100; ++i) write_file_directly(tree.temporary() / "inner" / std::to_string(i), {});
  EXPECT_EQ(folder.names().size(), 2U);
  remove_temporary_files();
  EXPECT_EQ(folder.names().size(), 0U);
}

TEST(AtomicOutput, LeavesNothingBehindWhereverASignalComes) {
  const TemporaryFolder folder;
  for (int round = 0; round < 300; ++round) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      (void)std::signal(SIGALRM, [](int) {
        remove_temporary_files();
        _exit(0);
      });
      (void)ualarm(500 + 7 * round, 0);
      for (;;) {
        const AtomicOutput file(folder / "a", AtomicOutput::Kind::file);
        const AtomicOutput tree(folder / "b", AtomicOutput::Kind::folder);
      }
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    ASSERT_EQ(folder.names(), std::vector<std::string>{}) << round;
  }
}

TEST(AtomicOutput, RefusesWhatItWouldDestroy) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "full");
  write_file(folder / "full" / "file", as_bytes("x"));
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  const auto make = [&](const char* name, AtomicOutput::Kind kind) {
    return error_of([&] { const AtomicOutput output(folder / name, kind); });
  };
  EXPECT_NE(make("full", AtomicOutput::Kind::file).find("not an ordinary file"), std::string::npos);
  EXPECT_NE(make("pipe", AtomicOutput::Kind::file).find("not an ordinary file"), std::string::npos);
  EXPECT_NE(make("full", AtomicOutput::Kind::folder).find("it exists already"), std::string::npos);
  EXPECT_NE(make("none/file", AtomicOutput::Kind::file).find("No such file or directory"), std::string::npos);
}

}  // namespace
}  // namespace fsrcnn
