#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "video/film_pipeline.hpp"

namespace fsrcnn {

/// The folder beside an output in which its segments wait for each other, and the journal that says whose they are.
/// A segment has its name only when it is whole and on the disk.
class FilmJournal {
 public:
  /// Makes the folder, or opens the one that an earlier call left if its journal says the same of `job` (input, model,
  /// options, segments). Throws Error(usage) if it does not, or if another process is at work, and Error(io).
  FilmJournal(const std::filesystem::path& folder, const nlohmann::json& job);
  ~FilmJournal();
  FilmJournal(const FilmJournal&) = delete;
  FilmJournal& operator=(const FilmJournal&) = delete;

  std::filesystem::path segment(size_t number) const;
  /// Where a segment is written before it is whole.
  std::filesystem::path unfinished() const { return folder_ / "unfinished.nut"; }

  /// What an earlier call, or this one, made; none if the segment is not done, or what is there of it is damaged.
  std::optional<PartResult> done(size_t number) const;
  /// The segment is not whole after all, so that the next call makes it again.
  void drop(const std::filesystem::path& segment) const;
  /// The unfinished segment is whole.
  void publish(size_t number, const PartResult& result);
  /// The whole film, a file in the folder, gets its name, and the folder goes.
  void deliver(const std::filesystem::path& whole, const std::filesystem::path& output);

 private:
  /// What is said of a segment.
  std::filesystem::path said(size_t number) const { return segment(number).replace_extension(".json"); }

  std::filesystem::path folder_;
  int lock_ = -1;
};

}  // namespace fsrcnn
