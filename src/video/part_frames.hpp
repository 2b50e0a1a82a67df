#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "video/film_pipeline.hpp"
#include "video/frame_filter.hpp"
#include "video/frame_plan.hpp"
#include "video/frame_reader.hpp"

namespace fsrcnn {

/// The frames of a film's parts, decoded and filtered, one part after the other. A part has the frames whose times lie
/// in its range, whatever the filter makes of the film's: between the time of the range's first frame and that of the
/// first one after it. What comes out depends only on film, plan and range: a filter that looks at a few frames starts
/// anew with each part, a few frames before it; one that remembers all sees the film from its beginning.
class PartFrames {
 public:
  /// All must outlive it. Where a part ends, its result gets the damage found in it.
  PartFrames(const Film& film, const FramePlan& plan, const std::vector<FilmPart>& parts,
             std::vector<PartResult>& results);

  struct Next {
    size_t part;
    AvFrame frame;  ///< its pts in the time base of the network's input
  };
  /// Nothing after the last. Throws what FrameReader and FrameFilter throw.
  std::optional<Next> next();

 private:
  bool sees_all() const { return !plan_.before.empty() && !plan_.reach; }
  void open();
  void finish_part();
  AvFrame filtered();
  AvFrame read();

  const Film& film_;
  const FramePlan& plan_;
  const std::vector<FilmPart>& parts_;
  std::vector<PartResult>& results_;
  size_t part_ = 0;
  std::optional<FrameReader> reader_;
  std::optional<FrameFilter> filter_;
  AvFrame kept_;  // read, but after a jump of times
  bool is_open_ = false, at_end_ = false, ends_filter_ = false;
  std::optional<int64_t> last_read_, last_;
  int64_t given_ = 0;      // the last one's time as the filter gave it
  bool is_later_ = false;  // than that
};

}  // namespace fsrcnn
