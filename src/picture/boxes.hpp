#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <string>
#include <string_view>

namespace fsrcnn {

// The boxes of which JPEG 2000 and JPEG XL files are made (ISO/IEC 15444-1, annex I; ISO/IEC 18181-2), and numbers as
// they, PNG and JPEG store them.

/// A number of so many bytes; 0 at the end of the file.
uint64_t read_big_endian(std::istream& file, int bytes);

/// The low `bytes` bytes of a number, as read_big_endian() reads them.
std::string big_endian(uint64_t value, int bytes = 4);

/// Up to `size` bytes.
std::string read_text(std::istream& file, uint64_t size);

/// Calls visit for each box between two places of a file, with its name and where its content begins and ends, as long
/// as it returns true. Ends at a box that is damaged.
void walk_boxes(std::istream& file, uint64_t begin, uint64_t end,
                const std::function<bool(std::string_view name, uint64_t begin, uint64_t end)>& visit);

/// The size of a file, which is read from its beginning afterwards.
uint64_t size_of_stream(std::istream& file);

}  // namespace fsrcnn
