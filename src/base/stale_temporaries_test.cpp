#include "base/stale_temporaries.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "base/atomic_output.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;

TEST(StaleTemporaries, AreRemovedByTheNextOutput) {
  const TemporaryFolder folder;
  std::ofstream(folder / temporary_name()) << "half a picture";
  fs::create_directories(folder / temporary_name() / "inner");
  // Not ours, or not certainly: an older version's, a copy, something like it.
  const std::vector<std::string> others = {".fsrcnn.0123456789abcdef", ".fsrcnn.0123456789abcdef.tmp.bak",
                                           ".fsrcnn.0123456789abcdeg.tmp", "0123456789abcdef.tmp"};
  for (const std::string& name : others) std::ofstream(folder / name) << "x";
  fs::create_symlink(folder / others[0], folder / ".fsrcnn.00000000000000aa.tmp");
  write_file(folder / "a", as_bytes("x"));
  std::vector<std::string> expected = others;
  expected.insert(expected.end(), {"a", ".fsrcnn.00000000000000aa.tmp"});
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(folder.names(), expected);
}

TEST(StaleTemporaries, ThoseOfLivingProcessesStay) {
  const TemporaryFolder folder;
  AtomicOutput file(folder / "a", AtomicOutput::Kind::file), tree(folder / "b", AtomicOutput::Kind::folder);
  remove_stale_temporaries(folder.path() / ".");  // by another name, for each is looked at once
  EXPECT_EQ(folder.names().size(), 2U);
  file.commit();
  tree.commit();
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace fsrcnn
