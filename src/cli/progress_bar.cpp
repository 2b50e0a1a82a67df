#include "cli/progress_bar.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

namespace fsrcnn::cli {
namespace {

constexpr const char* kEraseLine = "\r\x1b[K";

int terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string time_left(double seconds) {
  const auto left_s = static_cast<int64_t>(std::ceil(seconds));
  if (left_s >= 3600) return fmt::format("{}:{:02}:{:02} left", left_s / 3600, left_s / 60 % 60, left_s % 60);
  return fmt::format("{}:{:02} left", left_s / 60, left_s % 60);
}

// "[####....] NUMBERS". The numbers' room is fixed, so that the bar does not grow and shrink with them.
std::string with_bar(double share, const std::string& numbers, int columns, int room) {
  const int cells = std::clamp(columns - room, 0, 40);
  if (cells < 5) return numbers;
  const int filled = static_cast<int>(std::floor(share * cells));
  return fmt::format("[{}{}] {}", std::string(filled, '#'), std::string(cells - filled, '.'), numbers);
}

}  // namespace

std::string format_progress(double share, double elapsed_s, int columns) {
  share = std::clamp(share, 0.0, 1.0);
  std::string numbers = fmt::format("{:3.0f}%", std::floor(100 * share));
  if (share > 0 && share < 1) numbers += "  " + time_left(elapsed_s / share * (1 - share));
  return with_bar(share, numbers, columns, 24);
}

std::string format_frames(int64_t frames_done, int64_t frames, int64_t before, double elapsed_s, int columns) {
  const double rate = static_cast<double>(frames_done - before) / std::max(elapsed_s, 1e-9);
  if (frames <= 0) return fmt::format("{} frames  {:.1f}/s", frames_done, rate);
  const double share = std::clamp(static_cast<double>(frames_done) / static_cast<double>(frames), 0.0, 1.0);
  std::string numbers =
      fmt::format("{:3.0f}%  {}/{} frames  {:.1f}/s", std::floor(100 * share), frames_done, frames, rate);
  if (rate > 0 && frames_done < frames) {
    numbers += "  " + time_left(static_cast<double>(frames - frames_done) / rate);
  }
  return with_bar(share, numbers, columns, 54);
}

ProgressBar::ProgressBar(bool quiet, std::function<bool()> is_turn)
    : visible_(!quiet && isatty(STDERR_FILENO) != 0), is_turn_(std::move(is_turn)) {}

void ProgressBar::update(double share) {
  if (is_visible()) show(format_progress(share, elapsed_s(), terminal_columns()));
}

void ProgressBar::update(int64_t frames_done, int64_t frames, int64_t before) {
  if (is_visible()) show(format_frames(frames_done, frames, before, elapsed_s(), terminal_columns()));
}

void ProgressBar::show(const std::string& line) const {
  fmt::print(stderr, "{}{}", kEraseLine, line);
  std::fflush(stderr);
}

double ProgressBar::elapsed_s() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void ProgressBar::finish() noexcept {
  if (visible_) std::fputs(kEraseLine, stderr);
  visible_ = false;
}

}  // namespace fsrcnn::cli
