#include "cli/jobs.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn::cli {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;

// Names tell what these are, for they have no content.
void touch(const fs::path& path) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << "x";
}

struct Plan {
  std::vector<Job> jobs;
  std::vector<std::string> warnings;
};

Plan plan(const JobOptions& options) {
  Plan result;
  result.jobs = plan_jobs(options, result.warnings);
  return result;
}

TEST(Jobs, OneFileBecomesTheFileThatIsNamed) {
  const TemporaryFolder folder;
  touch(folder / "a.jpg");
  const Plan p = plan({.inputs = {(folder / "a.jpg").string()}, .output = (folder / "b.png").string()});
  ASSERT_EQ(p.jobs.size(), 1U);
  EXPECT_EQ(p.jobs[0].output, folder / "b.png");
  EXPECT_FALSE(p.jobs[0].is_film);
  EXPECT_FALSE(p.jobs[0].make_folder);
}

TEST(Jobs, FilesGoIntoAFolderUnderNamesThatCanBeWritten) {
  const TemporaryFolder folder;
  for (const char* name : {"a.jpg", "b.gif", "c.mp4", "d.divx"}) touch(folder / name);
  const fs::path out = folder / "out";
  const auto input = [&](const char* name) { return (folder / name).string(); };
  const Plan p =
      plan({.inputs = {input("a.jpg"), input("b.gif"), input("c.mp4"), input("d.divx")}, .output = out.string()});
  ASSERT_EQ(p.jobs.size(), 4U);
  EXPECT_EQ(p.jobs[0].output, out / "a.jpg");
  EXPECT_EQ(p.jobs[1].output.stem(), "b");
  EXPECT_EQ(p.jobs[2].output, out / "c.mp4");
  EXPECT_EQ(p.jobs[3].output, out / "d.mkv") << "no file is written under this name";
  for (const Job& job : p.jobs) EXPECT_TRUE(job.make_folder);
  EXPECT_TRUE(p.jobs[2].is_film && p.jobs[3].is_film);
  const Plan png = plan({.inputs = {input("a.jpg"), input("c.mp4")}, .output = out.string(), .format = "png"});
  EXPECT_EQ(png.jobs[0].output, out / "a.png");
  EXPECT_EQ(png.jobs[1].output, out / "c.mp4") << "--format is for pictures";
}

TEST(Jobs, AFoldersFilesComeByNameAndLieAsTheyDid) {
  const TemporaryFolder folder;
  for (const char* name : {"in/b.png", "in/a.png", "in/.hidden.png", "in/notes.txt", "in/deep/c.png"})
    touch(folder / name);
  const fs::path in = folder / "in", out = folder / "out";
  const Plan flat = plan({.inputs = {in.string()}, .output = out.string()});
  ASSERT_EQ(flat.jobs.size(), 2U);
  EXPECT_EQ(flat.jobs[0].output, out / "a.png");
  EXPECT_EQ(flat.jobs[1].output, out / "b.png");
  EXPECT_TRUE(flat.jobs[0].from_folder);
  ASSERT_EQ(flat.warnings.size(), 1U);
  EXPECT_NE(flat.warnings[0].find("notes.txt"), std::string::npos);
  const Plan deep = plan({.inputs = {in.string()}, .output = out.string(), .recursive = true});
  ASSERT_EQ(deep.jobs.size(), 3U);
  EXPECT_EQ(deep.jobs[2].output, out / "deep" / "c.png");
  // The outputs of a run before are no inputs.
  touch(in / "x2" / "old.png");
  EXPECT_EQ(plan({.inputs = {in.string()}, .output = (in / "x2").string(), .recursive = true}).jobs.size(), 3U);
}

TEST(Jobs, AFolderWithoutInputsIsAFailureOfItsOwn) {
  const TemporaryFolder folder;
  touch(folder / "in" / "notes.txt");
  const Plan p = plan({.inputs = {(folder / "in").string()}, .output = (folder / "out").string()});
  ASSERT_EQ(p.jobs.size(), 1U);
  ASSERT_TRUE(p.jobs[0].error);
  EXPECT_EQ(p.jobs[0].error->code(), ErrorCode::input);
}

TEST(Jobs, NamesThatClashAreToldBeforeAnyWork) {
  const TemporaryFolder folder;
  for (const char* name : {"a.png", "one/a.gif", "two/a.gif", "in/b.gif", "in/b.jpg"}) touch(folder / name);
  const std::string a = (folder / "a.png").string(), out = (folder / "out").string();
  EXPECT_TRUE(error_of([&] { plan({.inputs = {a}, .output = a}); }).starts_with("2: "));
  EXPECT_TRUE(error_of([&] { plan({.inputs = {a}, .output = (folder / "." / "a.png").string()}); }).starts_with("2: "));
  EXPECT_TRUE(error_of([&] {
                plan({.inputs = {(folder / "one/a.gif").string(), (folder / "two/a.gif").string()}, .output = out});
              }).starts_with("2: "));
  // Those of a folder get both suffixes, and fail alone if that is a name, too.
  const auto outputs = [&] {
    std::vector<std::string> names;
    for (const Job& job : plan({.inputs = {(folder / "in").string()}, .output = out, .format = "png"}).jobs) {
      names.push_back(job.error ? "error" : job.output.filename().string());
    }
    return names;
  };
  EXPECT_EQ(outputs(), (std::vector<std::string>{"b.gif.png", "b.jpg.png"}));
  touch(folder / "in/b.gif.png");
  EXPECT_EQ(outputs(), (std::vector<std::string>{"error", "error", "b.jpg.png"}));
}

TEST(Jobs, RefusesOutputsThatCannotBe) {
  const TemporaryFolder folder;
  for (const char* name : {"a.png", "b.png", "c.mkv"}) touch(folder / name);
  const auto path = [&](const char* name) { return (folder / name).string(); };
  EXPECT_TRUE(error_of([&] { plan({.inputs = {""}, .output = path("x.png")}); }).starts_with("2: "));
  EXPECT_TRUE(error_of([&] { plan({.inputs = {path("a.png")}, .output = path("x.doc")}); }).starts_with("2: "));
  EXPECT_TRUE(error_of([&] {
                plan({.inputs = {path("a.png")}, .output = path("x.jpg"), .format = "png"});
              }).starts_with("2: "));
  EXPECT_TRUE(error_of([&] {
                plan({.inputs = {path("a.png"), path("c.mkv")}, .output = path("b.png")});
              }).starts_with("2: "));
  EXPECT_TRUE(error_of([&] { plan({.inputs = {path("c.mkv")}, .output = path("x.png")}); }).starts_with("2: "));
}

}  // namespace
}  // namespace fsrcnn::cli
