#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <istream>
#include <vector>

namespace fsrcnn {

// TIFF's folders (IFDs), of which EXIF is made too: "TIFF Revision 6.0" (Adobe, 1992) and "BigTIFF" (libtiff, 2011).

struct TiffField {
  uint16_t tag = 0, type = 0;
  uint32_t count = 0;
  std::vector<unsigned char> value;  ///< in the machine's byte order
};

template <class T>
void put(std::vector<unsigned char>& to, T value) {
  for (const unsigned char byte : std::bit_cast<std::array<unsigned char, sizeof(T)>>(value)) to.push_back(byte);
}

template <class T>
T get(const unsigned char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

/// Reads the folders of a TIFF or BigTIFF of any byte order. What is damaged is left out.
class TiffFolders {
 public:
  /// The stream must outlive this.
  explicit TiffFolders(std::istream& file);

  /// Where the first folder begins; 0 if this is no TIFF.
  uint64_t first() const { return first_; }

  /// The fields of the folder at `offset` that are wanted (which are shown without their values) and have values of up
  /// to `most_bytes` together.
  std::vector<TiffField> read(uint64_t offset, size_t most_bytes, bool (*wanted)(const TiffField&));

  /// Position of the field with the start of the folder after the one at `offset`; 0 if that one is damaged.
  uint64_t link_of(uint64_t offset);
  /// Where the folder after the one at `offset` begins; 0 if it is the last, or damaged.
  uint64_t next(uint64_t offset);

 private:
  template <class T>
  T read_number();

  std::istream& file_;
  bool swapped_ = false, big_ = false;
  uint64_t first_ = 0;
};

}  // namespace fsrcnn
