#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fsrcnn {

/// Rows, or columns, that come from others.
struct LineOrder {
  std::string id, words;      // "rows are ..."; empty: each in its place
  std::vector<int64_t> from;  // below 0: zeros
  double numbers = 0;
};

/// The rules by which n rows or columns may come in another order: fields, halves, groups, some left out or repeated.
/// The first one is the right order. `noun`: "row".
std::vector<LineOrder> line_orders(int64_t n, const std::string& noun);

}  // namespace fsrcnn
