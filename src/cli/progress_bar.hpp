#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace fsrcnn::cli {

/// A line on stderr that shows progress and the remaining time. Shows nothing if stderr is not a terminal, or if quiet.
class ProgressBar {
 public:
  /// is_turn: if given, whether it may be shown now, where there are several.
  explicit ProgressBar(bool quiet, std::function<bool()> is_turn = nullptr);
  ~ProgressBar() { finish(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// share in [0, 1]
  void update(double share);
  /// For a film; `before`: frames that were done when the bar started; frames: 0 if unknown.
  void update(int64_t frames_done, int64_t frames, int64_t before);

  /// Removes the line.
  void finish() noexcept;

 private:
  bool is_visible() const { return visible_ && (!is_turn_ || is_turn_()); }
  void show(const std::string& line) const;
  double elapsed_s() const;

  bool visible_;
  std::function<bool()> is_turn_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// "[#####.....]  50%  0:12 left", as wide as given or less.
std::string format_progress(double share, double elapsed_s, int columns);
/// "[##...]  50%  120/240 frames  6.5/s  0:18 left", or "120 frames  6.5/s".
std::string format_frames(int64_t frames_done, int64_t frames, int64_t before, double elapsed_s, int columns);

}  // namespace fsrcnn::cli
