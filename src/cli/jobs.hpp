#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace fsrcnn::cli {

/// One file to upscale, and where to.
struct Job {
  std::filesystem::path input, output;
  bool make_folder = false;  ///< the output's folder is made if it is missing
  bool is_film = false;
  bool from_folder = false;    ///< it was found there, not named
  std::optional<Error> error;  ///< why it cannot be done, known already
};

struct JobOptions {
  std::vector<std::string> inputs;  ///< files and folders
  std::string output;               ///< a file for one file, else a folder
  bool recursive = false;           ///< folders in folders too
  std::string format;               ///< suffix of the outputs without its dot; empty: the inputs'
};

/// The files to upscale, in the order given and those of a folder by name; of a folder those that are pictures by
/// content or by name, and films by name. A folder's outputs lie as its inputs do. A folder that has neither or cannot
/// be read is a job with an error, and so are files of folders that would have one output. `warnings` gets what a
/// folder has besides, for people. Throws Error(usage) if two inputs that were named would have one output, an output
/// is an input, or a form cannot be written.
std::vector<Job> plan_jobs(const JobOptions& options, std::vector<std::string>& warnings);

}  // namespace fsrcnn::cli
