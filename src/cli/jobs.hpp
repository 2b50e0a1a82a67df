#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/error.hpp"

namespace fsrcnn::cli {

/// One file to upscale, and where to.
struct Job {
  std::filesystem::path input, output;
  bool make_folder = false;  ///< the output's folder is made if it is missing
  bool is_film = false;
  bool from_folder = false;    ///< it was found there, not named
  std::optional<Error> error;  ///< why it cannot be done, if already known
  bool in_place = false;       ///< the output is the input's file
  bool is_preview = false;     ///< of a film: the output is a picture
};

struct JobOptions {
  std::vector<std::string> inputs;  ///< files and folders
  std::string output;               ///< a file for one file, else a folder; empty if in_place
  bool recursive = false;           ///< folders in folders too
  std::string format = {};          ///< suffix of the outputs without its dot; empty: the inputs'
  bool in_place = false;            ///< pictures are replaced
  bool previews = false;            ///< of one film, a picture is written
};

/// The files to upscale, in the given order, and those of a folder sorted by name. Of a folder: pictures by content or
/// name, and films by name; outputs keep its structure. A folder without these, or that cannot be read, is a job with
/// an error. Files of folders that would have the same output get names with both suffixes. `warnings` gets a message
/// about other files of a folder. Throws Error(usage) if two named inputs would have the same output, an output is an
/// input, or a format is unsupported.
std::vector<Job> plan_jobs(const JobOptions& options, std::vector<std::string>& warnings);

/// Adds --overwrite, of all commands that write pictures or films.
void add_overwrite(CLI::App& command, bool& overwrite);

/// Throws Error(usage) if the output exists, unless it may be overwritten. What is no file, e.g. /dev/null, may.
void check_may_write(const std::filesystem::path& output, bool overwrite);

}  // namespace fsrcnn::cli
