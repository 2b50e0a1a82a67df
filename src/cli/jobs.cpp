#include "cli/jobs.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "base/error.hpp"
#include "base/file.hpp"
#include "picture/picture_reader.hpp"
#include "picture/picture_writer.hpp"

namespace fsrcnn::cli {
namespace fs = std::filesystem;

namespace {

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

constexpr std::array kFilmSuffixes = {".mkv", ".mp4", ".mov", ".m4v", ".webm", ".avi",  ".wmv", ".flv",
                                      ".ts",  ".mts", ".mpg", ".ogv", ".y4m",  ".m2ts", ".vob", ".mpeg"};

bool has_film_suffix(const fs::path& path) {
  return std::find(kFilmSuffixes.begin(), kFilmSuffixes.end(), lower_suffix(path)) != kFilmSuffixes.end();
}

// By content; a damaged picture is known by its name.
bool is_film(const fs::path& path) {
  std::error_code unknown;
  return path == "-" || has_film_suffix(path) ||
         (fs::exists(path, unknown) && !is_folder(path) && !is_writable(path) && !is_picture(path));
}

/// Its own suffix where pictures are written so, else PNG.
fs::path output_name(fs::path name, const std::string& format) {
  if (!format.empty()) return name.replace_extension(format);
  return is_writable(name) || is_film(name) ? name : name.replace_extension(".png");
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
    } else if (!is_hidden(path) && (is_writable(path) || has_film_suffix(path) || is_picture(path))) {
      // A damaged picture is known by its name, and its failure is told.
      files.push_back(path);
    }
  }
  if (error) fail(ErrorCode::io, "'{}' cannot be read: {}", folder.string(), error.message());
  if (files.empty()) {
    fail(ErrorCode::input, "'{}' has neither pictures nor films in it{}", folder.string(),
         recursive ? "" : "; --recursive looks into its folders too");
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The rest is found out when the film is opened.
void check_film_output(const Job& job) {
  if (job.output != "-" && is_writable(job.output)) {
    fail(ErrorCode::usage, "'{}' is no picture but a film (or nothing that is known), and cannot become '{}'",
         job.input.string(), job.output.string());
  }
}

void check_names(const std::vector<Job>& jobs) {
  std::map<fs::path, const Job*> inputs, outputs;
  for (const Job& job : jobs) inputs.emplace(fs::weakly_canonical(job.input), &job);
  for (const Job& job : jobs) {
    if (job.is_film)
      check_film_output(job);
    else if (!is_writable(job.output))
      check_writable({}, job.output);  // says which can be
    if (job.output == "-") continue;  // standard output, where it is also an input's name
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
    jobs.push_back({options.inputs.front(), output, false, is_film(options.inputs.front())});
  } else {
    if (fs::exists(output) && !is_folder(output)) {
      fail(ErrorCode::usage, "'{}' is a file, but several inputs need a folder", output.string());
    }
    for (const fs::path input : options.inputs) {
      if (!is_folder(input)) {
        const bool film = is_film(input);
        jobs.push_back({input, output / output_name(input.filename(), film ? "" : suffix), true, film});
        continue;
      }
      for (const fs::path& file : files_of(input, options.recursive, output)) {
        const bool film = is_film(file);
        jobs.push_back({file, output / output_name(file.lexically_relative(input), film ? "" : suffix), true, film});
      }
    }
  }
  check_names(jobs);
  return jobs;
}

}  // namespace fsrcnn::cli
