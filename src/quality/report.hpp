#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "quality/evaluate.hpp"

namespace fsrcnn {

/// Results of a run of `eval`.
struct Report {
  Protocol protocol;
  int64_t scale;
  std::string model;  ///< its name; empty without one
  std::vector<Evaluation> evaluations;
};

/// "protocol A: ...", as one line of text.
std::string description_of(Protocol protocol, int64_t scale);

/// Its figures, for programs; an infinite PSNR is null.
nlohmann::ordered_json to_json(const Report& report);

/// One self-contained HTML page: the figures in a table, and each picture's crop: original, bicubic,
/// model, and their errors, enlarged.
std::string to_html(const Report& report);

}  // namespace fsrcnn
