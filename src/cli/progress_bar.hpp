#pragma once

#include <chrono>
#include <string>

namespace fsrcnn::cli {

/// A line on stderr that shows how much is done and how long the rest will take. Shows nothing if stderr is not a
/// terminal, or if told to be quiet.
class ProgressBar {
 public:
  explicit ProgressBar(bool quiet);
  ~ProgressBar() { finish(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// share in [0, 1]
  void update(double share);

  /// Removes the line.
  void finish() noexcept;

 private:
  bool visible_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// "[#####.....]  50%  0:12 left", as wide as given or less.
std::string format_progress(double share, double elapsed_s, int columns);

}  // namespace fsrcnn::cli
