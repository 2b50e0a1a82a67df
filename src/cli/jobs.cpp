#include "cli/jobs.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <sstream>

#include <fmt/ranges.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "cli/peek.hpp"
#include "picture/output_format.hpp"
#include "picture/picture_format.hpp"
#include "picture/picture_writer.hpp"
#include "video/film_muxer.hpp"

namespace fsrcnn::cli {
namespace fs = std::filesystem;

namespace {

bool is_folder(const fs::path& path) {
  std::error_code error;
  return path != "-" && fs::is_directory(path, error);
}

constexpr std::array kFilmSuffixes = {
    ".mkv",  ".mp4", ".mov",  ".m4v", ".webm", ".avi",  ".wmv", ".flv",  ".ts",   ".mts", ".m2ts", ".mpg",  ".vob",
    ".ogv",  ".y4m", ".3gp",  ".3g2", ".mxf",  ".mpeg", ".asf", ".f4v",  ".ogg",  ".ogm", ".m2v",  ".mk3d", ".nut",
    ".divx", ".rm",  ".rmvb", ".dv",  ".h264", ".264",  ".avc", ".hevc", ".h265", ".265", ".vc1"};

bool has_film_suffix(const fs::path& path) {
  return std::find(kFilmSuffixes.begin(), kFilmSuffixes.end(), lower_suffix(path)) != kFilmSuffixes.end();
}

bool is_ordinary(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool is_picture_on_standard_input() {
  const std::string start = peek(STDIN_FILENO);
  if (start.empty() && isatty(STDIN_FILENO) == 0) fail(ErrorCode::input, "standard input is empty");
  std::istringstream stream(start);
  return picture_format(stream, "") != nullptr;
}

// By content; a damaged picture is recognised by its name, and for a pipe the output's name decides.
bool is_film(const fs::path& path, bool into_picture = true) {
  std::error_code unknown;
  if (path == "-") return !is_picture_on_standard_input();
  if (has_film_suffix(path)) return true;
  if (is_writable(path) || is_folder(path) || !fs::exists(path, unknown) || is_empty_file(path)) return false;
  return is_ordinary(path) ? !is_picture(path) : !into_picture;
}

bool is_writable_film(const fs::path& name) {
  try {
    container_of(name);
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// Its own suffix where pictures are written so, else PNG; of films, else Matroska.
fs::path output_name(fs::path name, bool film, const std::string& suffix) {
  if (film) return is_writable_film(name) ? name : name.replace_extension(".mkv");
  if (!suffix.empty()) return name.replace_extension(suffix);
  return is_writable(name) ? name : name.replace_extension(".png");
}

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

Job failed(const fs::path& input, ErrorCode code, const std::string& message) {
  Job job;
  job.input = input;
  job.error = Error(code, message);
  return job;
}

/// What a folder has to upscale.
struct Found {
  std::vector<fs::path> files;
  std::vector<Job> failures;     ///< folders that cannot be read
  std::vector<fs::path> others;  ///< neither pictures nor films
};

void look_into(const fs::path& folder, bool recursive, const fs::path& left_out, Found& found) {
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const fs::path& path = entry->path();
    std::error_code unknown;
    if (is_hidden(path)) continue;
    if (entry->is_directory(unknown)) {
      // Links are not followed, because they may form a cycle; and outputs of an earlier run are not inputs.
      if (recursive && !entry->is_symlink(unknown) && !fs::equivalent(path, left_out, unknown)) {
        look_into(path, recursive, left_out, found);
      }
    } else if (entry->exists(unknown) && !entry->is_regular_file(unknown)) {
      continue;  // reading a pipe might never end
    } else if (is_writable(path) || has_film_suffix(path) || is_picture(path)) {
      // A damaged picture is recognised by its name, and reported.
      found.files.push_back(path);
    } else {
      found.others.push_back(path);
    }
  }
  if (error) {
    found.failures.push_back(
        failed(folder, ErrorCode::io, fmt::format("reading '{}' failed: {}", folder.string(), error.message())));
  }
}

/// The files of a folder to upscale, by name.
Found files_of(const fs::path& folder, bool recursive, const fs::path& left_out) {
  Found found;
  look_into(folder, recursive, left_out, found);
  if (found.files.empty() && found.failures.empty()) {
    found.failures.push_back(failed(folder, ErrorCode::input,
                                    fmt::format("'{}' contains no pictures or films{}", folder.string(),
                                                recursive ? "" : "; use --recursive to include subfolders")));
  }
  std::sort(found.files.begin(), found.files.end());
  return found;
}

/// The canonical name of a file; if it has none (a pipe), the given name.
fs::path canonical_name(const fs::path& path) {
  std::error_code unknown;
  const fs::path name = fs::weakly_canonical(path, unknown);
  return unknown ? path.lexically_normal() : name;
}

// The rest is found out when the film is opened.
void check_film_output(const Job& job) {
  if (job.output != "-" && !job.is_preview && is_writable(job.output)) {
    fail(ErrorCode::usage, "'{}' is a film or of unknown format, so it cannot be written as the picture '{}'",
         job.input.string(), job.output.string());
  }
}

/// The jobs of each output, in their order.
std::map<fs::path, std::vector<Job*>> jobs_by_output(std::vector<Job>& jobs) {
  std::map<fs::path, std::vector<Job*>> by_output;
  for (Job& job : jobs) {
    // Standard output, where it is also an input's name.
    if (!job.error && job.output != "-") by_output[canonical_name(job.output)].push_back(&job);
  }
  return by_output;
}

/// Of a folder's files that would have the same output, those of other formats keep their own suffix, too: a.psd beside
/// a.png becomes a.psd.png.
void make_names_differ(std::vector<Job>& jobs) {
  for (const auto& [output, same] : jobs_by_output(jobs)) {
    for (Job* const job : same) {
      if (same.size() == 1 || !job->from_folder || job->input.extension() == job->output.extension()) continue;
      job->output.replace_filename(job->input.filename().string() + job->output.extension().string());
    }
  }
}

void check_names(std::vector<Job>& jobs) {
  std::map<fs::path, const Job*> inputs;
  for (const Job& job : jobs) inputs.emplace(canonical_name(job.input), &job);
  for (Job& job : jobs) {
    if (job.error) continue;
    if (job.is_film)
      check_film_output(job);
    else if (job.output != "-" && !is_writable(job.output))
      check_writable({}, job.output);  // says which can be
    if (job.output == "-" || job.in_place) continue;
    if (const auto input = inputs.find(canonical_name(job.output)); input != inputs.end()) {
      if (input->second == &job) {
        fail(ErrorCode::usage, "the output '{}' is the input itself; choose another name, or use --in-place",
             job.output.string());
      }
      fail(ErrorCode::usage, "the output '{}' of '{}' is another input; choose another name", job.output.string(),
           job.input.string());
    }
  }
  for (const auto& [output, same] : jobs_by_output(jobs)) {
    if (same.size() == 1) continue;
    const Error clash(ErrorCode::usage,
                      fmt::format("'{}' and '{}' would both be written to '{}'; use different names or folders",
                                  same[0]->input.string(), same[1]->input.string(), same[1]->output.string()));
    for (Job* const job : same) {
      if (!job->from_folder) throw Error(clash);
      job->error = clash;
    }
  }
}

/// A picture that becomes its own output.
Job in_place(const fs::path& file, bool from_folder) {
  if (file == "-") fail(ErrorCode::usage, "standard input cannot be replaced; give an --output");
  std::error_code unknown;
  // A link stays one: what it leads to is replaced.
  const fs::path target = fs::is_symlink(file, unknown) ? fs::canonical(file, unknown) : file;
  Job job{file, target.empty() ? file : target, false, is_film(file), from_folder, {}, true};
  if (job.is_film) {
    job.error = Error(ErrorCode::usage, fmt::format("'{}' is a film or of unknown format, which --in-place does not "
                                                    "replace; give an --output",
                                                    file.string()));
  } else if (!is_writable(job.output)) {
    job.error = Error(ErrorCode::usage, fmt::format("'{}' cannot be replaced: pictures cannot be written as '{}'; give "
                                                    "an --output",
                                                    file.string(), file.extension().string()));
  }
  return job;
}

}  // namespace

std::vector<Job> plan_jobs(const JobOptions& options, std::vector<std::string>& warnings) {
  const fs::path output = options.output;
  for (const std::string& input : options.inputs) {
    if (input.empty()) fail(ErrorCode::usage, "an input is '', an empty name; is a variable empty?");
  }
  const std::string suffix = options.format.empty() ? "" : "." + options.format;
  if (!suffix.empty() && !is_writable("a" + suffix)) {
    fail(ErrorCode::usage, "--format '{}' is none that pictures can be written as; supported: {}", options.format,
         fmt::join(writable_suffixes(), ", "));
  }
  const bool into_folder =
      options.inputs.size() > 1 || is_folder(options.inputs.front()) || is_folder(output) || output.filename().empty();
  std::vector<Job> jobs;
  if (options.in_place && !options.output.empty()) {
    fail(ErrorCode::usage, "--in-place replaces the inputs; omit --output");
  }
  if (options.in_place && !options.format.empty()) {
    fail(ErrorCode::usage, "--in-place keeps the inputs' formats; omit --format, or give an --output");
  }
  if (output == "-" && (options.inputs.size() > 1 || is_folder(options.inputs.front()))) {
    fail(ErrorCode::usage, "only one picture or film can go to standard output; give a folder as --output");
  }
  if (!options.in_place && options.output.empty()) {
    fail(ErrorCode::usage, "--output is missing: the file or folder to write to, or --in-place to replace pictures");
  }
  if (!into_folder && !options.in_place) {
    if (!suffix.empty() && output != "-" && lower_suffix(output) != lower_suffix("a" + suffix)) {
      fail(ErrorCode::usage, "the output '{}' does not end in .{}; omit --format, or give a folder", output.string(),
           options.format);
    }
    const bool film = is_film(options.inputs.front(), is_writable(output) && !options.previews);
    jobs.push_back({options.inputs.front(), output, false, film, false, {}});
    jobs.back().is_preview = options.previews;
  } else {
    std::error_code unknown;
    if (!options.in_place && fs::exists(output, unknown) && !is_folder(output)) {
      fail(ErrorCode::usage, "'{}' is a file, but several inputs need a folder as output", output.string());
    }
    if (!options.in_place && !fs::exists(output, unknown) && (is_writable(output) || has_film_suffix(output))) {
      fail(ErrorCode::usage,
           "'{}' is the name of a file, but {} need a folder as output; to name a folder so, end it with a /",
           output.string(), options.inputs.size() > 1 ? "several inputs" : "the files of a folder");
    }
    for (const fs::path input : options.inputs) {
      if (!is_folder(input)) {
        if (options.in_place) {
          jobs.push_back(in_place(input, false));
          continue;
        }
        const bool film = is_film(input);
        jobs.push_back({input, output / output_name(input.filename(), film, suffix), true, film, false, {}});
        continue;
      }
      const Found found = files_of(input, options.recursive, output);
      for (const fs::path& file : found.files) {
        if (options.in_place) {
          jobs.push_back(in_place(file, true));
          continue;
        }
        const bool film = is_film(file);
        jobs.push_back(
            {file, output / output_name(file.lexically_relative(input), film, suffix), true, film, true, {}});
      }
      if (!found.others.empty()) {
        warnings.push_back(
            fmt::format("{} in '{}' skipped, neither pictures nor films: '{}'{}",
                        found.others.size() == 1 ? "1 file" : fmt::format("{} files", found.others.size()),
                        input.string(), std::min_element(found.others.begin(), found.others.end())->string(),
                        found.others.size() > 1 ? ", ..." : ""));
      }
      jobs.insert(jobs.end(), found.failures.begin(), found.failures.end());
    }
  }
  make_names_differ(jobs);
  check_names(jobs);
  return jobs;
}

void add_overwrite(CLI::App& command, bool& overwrite) {
  command.add_flag("--overwrite", overwrite, "Replace an output that exists");
}

void check_may_write(const fs::path& output, bool overwrite) {
  std::error_code error;
  if (overwrite || output == "-" || !fs::is_regular_file(output, error)) return;
  fail(ErrorCode::usage, "the output '{}' exists already; use --overwrite to replace it, or choose another name",
       output.string());
}

}  // namespace fsrcnn::cli
