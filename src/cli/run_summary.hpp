#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/error.hpp"

namespace fsrcnn::cli {

/// What became of one input.
struct InputSummary {
  enum class Status { done, damaged, skipped, failed };  ///< damaged: done, but the input was not whole

  std::string kind;  ///< "picture" or "film"; empty if it is not known
  std::string input, output;
  Status status = Status::failed;
  int64_t width = 0, height = 0;                ///< of the input
  int64_t output_width = 0, output_height = 0;  ///< pixels
  int64_t frames = 1;                           ///< upscaled
  std::string model;                            ///< its name, or its file's
  int64_t model_scale = 0;
  std::string method;                                  ///< how the size was reached, and the encoder
  double seconds = 0;                                  ///< in all
  std::vector<std::pair<std::string, double>> stages;  ///< seconds of each; stages overlap
  int64_t strips = 0, strips_reused = 0;               ///< where frames are compared with the ones before
  std::vector<std::string> warnings;
  std::optional<Error> error;  ///< if it failed
};

/// Result of a run of the program.
struct RunSummary {
  std::string cpu;
  int threads = 0;
  double seconds = 0;
  std::vector<InputSummary> inputs;
  std::vector<std::string> warnings;  ///< of what is no input
  std::optional<Error> error;         ///< if nothing could be begun
  int signal = 0;                     ///< that stopped it

  int64_t count(InputSummary::Status status) const;
  /// 128 plus the signal's number if one stopped it, 0 if all inputs are done, the error's code if the only input
  /// failed, else 1.
  int exit_code() const;
};

/// For --json; README.md describes it.
nlohmann::ordered_json to_json(const RunSummary& summary);

/// The error of `work`; `out_of_memory` is the message if memory runs out.
std::optional<Error> error_of(const std::function<void()>& work, const std::string& out_of_memory);

/// The last step of a command: prints the summary if it is JSON, and ends the program with its exit code.
void finish(const RunSummary& summary, bool json);

}  // namespace fsrcnn::cli
