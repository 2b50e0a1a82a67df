#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "video/film_pipeline.hpp"

namespace fsrcnn {

/// The folder beside an output with its finished segments, and the journal of the job that they belong to. A segment
/// gets its name when it is complete and on disk.
class FilmJournal {
 public:
  /// Creates the folder, or opens the one of an earlier call if its journal describes the same `job` (input, model,
  /// options, segments). Throws Error(usage) if it does not, or if another process uses it, and Error(io).
  FilmJournal(const std::filesystem::path& folder, const nlohmann::json& job);
  ~FilmJournal();
  FilmJournal(const FilmJournal&) = delete;
  FilmJournal& operator=(const FilmJournal&) = delete;

  std::filesystem::path segment(size_t number) const;
  /// Path of the segment being written.
  std::filesystem::path unfinished() const { return folder_ / "unfinished.nut"; }

  /// The result of a segment made by this or an earlier call; none if it is not done or damaged.
  std::optional<PartResult> done(size_t number) const;
  /// Drops a damaged segment, so that the next call makes it again.
  void drop(const std::filesystem::path& segment) const;
  /// Removes the folder if it has no finished segment: of a job that was refused nothing is to be resumed.
  void remove_if_empty() const;
  /// Publishes the segment being written.
  void publish(size_t number, const PartResult& result);
  /// Moves the complete film, a file in the folder, to its name, and removes the folder.
  void deliver(const std::filesystem::path& whole, const std::filesystem::path& output);

 private:
  /// What is said of a segment.
  std::filesystem::path said(size_t number) const { return segment(number).replace_extension(".json"); }

  std::filesystem::path folder_;
  int lock_ = -1;
};

}  // namespace fsrcnn
