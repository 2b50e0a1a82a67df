#include "cli/jobs.hpp"

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "picture/picture_reader.hpp"
#include "picture/picture_writer.hpp"

namespace fsrcnn::cli {
namespace fs = std::filesystem;

namespace {

/// Its own suffix where pictures are written so, else PNG.
fs::path output_name(fs::path name, const std::string& format) {
  if (!format.empty()) return name.replace_extension(format);
  return is_writable(name) ? name : name.replace_extension(".png");
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

/// The files of a folder to upscale, by name.
std::vector<fs::path> files_of(const fs::path& folder, bool recursive, const fs::path& left_out) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const fs::path& path = entry->path();
    std::error_code unknown;
    if (entry->is_directory(unknown)) {
      // The outputs of a run before are no inputs.
      if (!recursive || is_hidden(path) || fs::equivalent(path, left_out, unknown)) entry.disable_recursion_pending();
    } else if (!is_hidden(path) && (is_writable(path) || is_picture(path))) {
      // A damaged picture is known by its name, and its failure is told.
      files.push_back(path);
    }
  }
  if (error) fail(ErrorCode::io, "'{}' cannot be read: {}", folder.string(), error.message());
  if (files.empty()) {
    fail(ErrorCode::input, "'{}' has no pictures in it{}", folder.string(),
         recursive ? "" : "; --recursive looks into its folders too");
  }
  std::sort(files.begin(), files.end());
  return files;
}

void check_names(const std::vector<Job>& jobs) {
  std::map<fs::path, const Job*> inputs, outputs;
  for (const Job& job : jobs) inputs.emplace(fs::weakly_canonical(job.input), &job);
  for (const Job& job : jobs) {
    if (!is_writable(job.output)) check_writable({}, job.output);  // says which can be
    const fs::path output = fs::weakly_canonical(job.output);
    if (const auto input = inputs.find(output); input != inputs.end()) {
      if (input->second == &job) {
        fail(ErrorCode::usage, "the output '{}' is the input itself; give another name", job.output.string());
      }
      fail(ErrorCode::usage, "the output '{}' of '{}' is another input; give another name", job.output.string(),
           job.input.string());
    }
    const auto [first, added] = outputs.emplace(output, &job);
    if (!added) {
      fail(ErrorCode::usage, "'{}' and '{}' would both become '{}'; give them other names or folders",
           first->second->input.string(), job.input.string(), job.output.string());
    }
  }
}

}  // namespace

std::vector<Job> plan_jobs(const JobOptions& options) {
  const fs::path output = options.output;
  const std::string suffix = options.format.empty() ? "" : "." + options.format;
  if (!suffix.empty() && !is_writable("a" + suffix)) check_writable({}, "OUTPUT" + suffix);
  const bool into_folder =
      options.inputs.size() > 1 || is_folder(options.inputs.front()) || is_folder(output) || output.filename().empty();
  std::vector<Job> jobs;
  if (!into_folder) {
    if (!suffix.empty() && output.extension() != suffix) {
      fail(ErrorCode::usage, "the output '{}' is not .{}; leave out --format, or give a folder", output.string(),
           options.format);
    }
    jobs.push_back({options.inputs.front(), output, false});
  } else {
    if (fs::exists(output) && !is_folder(output)) {
      fail(ErrorCode::usage, "'{}' is a file, but several inputs need a folder", output.string());
    }
    for (const fs::path input : options.inputs) {
      if (!is_folder(input)) {
        jobs.push_back({input, output / output_name(input.filename(), suffix), true});
        continue;
      }
      for (const fs::path& file : files_of(input, options.recursive, output)) {
        jobs.push_back({file, output / output_name(file.lexically_relative(input), suffix), true});
      }
    }
  }
  check_names(jobs);
  return jobs;
}

}  // namespace fsrcnn::cli
