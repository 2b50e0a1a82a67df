#include "base/atomic_output.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

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

mode_t mode_of(const fs::path& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777;
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
  EXPECT_NE(error_of([&] { write_file(folder / "loop", as_bytes("z")); }).find("symbolic link to itself"),
            std::string::npos);
}

TEST(AtomicOutput, FailuresNameTheDestination) {
  const TemporaryFolder folder;
  const AtomicOutput output(folder / "tree", AtomicOutput::Kind::folder);
  const std::string error =
      error_of([&] { write_file_directly(output.temporary() / "none" / "1.npy", as_bytes("x")); });
  EXPECT_EQ(error, "5: writing '" + (folder / "tree/none/1.npy").string() + "' failed: No such file or directory");
}

TEST(AtomicOutput, KeepsTheModeOfWhatItReplaces) {
  const TemporaryFolder folder;
  write_file(folder / "secret", as_bytes("old"));
  ASSERT_EQ(chmod((folder / "secret").c_str(), 0600), 0);
  write_file(folder / "secret", as_bytes("new"));
  EXPECT_EQ(mode_of(folder / "secret"), 0600U);
}

// A umask for the time of a test.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(umask(mask)) {}
  ~Umask() { umask(before_); }
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;

 private:
  mode_t before_;
};

TEST(AtomicOutput, NewOnesHaveTheModeOfAnyNewFile) {
  for (const mode_t mask : {0022U, 0027U, 0077U, 0000U}) {
    const Umask changed(mask);
    const TemporaryFolder folder;
    write_file(folder / "file", as_bytes("x"));
    AtomicOutput tree(folder / "tree", AtomicOutput::Kind::folder);
    tree.commit();
    EXPECT_EQ(mode_of(folder / "file"), 0666U & ~mask);
    EXPECT_EQ(mode_of(folder / "tree"), 0777U & ~mask);
  }
}

// The umask belongs to the whole process: another thread's files would be open to everybody for a moment.
TEST(AtomicOutput, LeavesTheUmaskAlone) {
  const Umask changed(0077);
  const TemporaryFolder ours, theirs;
  std::atomic<bool> done = false;
  const std::jthread writer([&] {
    for (int i = 0; i < 2000; ++i) const AtomicOutput output(ours / "file", AtomicOutput::Kind::file);
    done = true;
  });
  for (int i = 0; !done; ++i) {
    const fs::path path = theirs / std::to_string(i);
    std::ofstream(path) << "secret";
    ASSERT_EQ(mode_of(path), 0600U) << i;
    fs::remove(path);
  }
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
  EXPECT_NE(make("full", AtomicOutput::Kind::file).find("not a regular file"), std::string::npos);
  EXPECT_NE(make("pipe", AtomicOutput::Kind::file).find("not a regular file"), std::string::npos);
  EXPECT_NE(make("full", AtomicOutput::Kind::folder).find("it already exists"), std::string::npos);
  EXPECT_NE(make("none/file", AtomicOutput::Kind::file).find("No such file or directory"), std::string::npos);
}

}  // namespace
}  // namespace fsrcnn
