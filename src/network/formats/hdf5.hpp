#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {

/// True if the bytes have HDF5's signature.
bool looks_like_hdf5(Bytes bytes);

/// Groups, attributes and arrays of an HDF5 file in memory, as Keras writes it: in the oldest version, which is h5py's
/// default. Each array is contiguous; filters, links and external files are not supported. libhdf5 is not used, because
/// a few damaged bytes crash it.
class Hdf5File {
 public:
  /// A group or an array.
  struct Object {
    std::string path;  ///< "layers/conv2d/vars/0"; "" for the root
    bool is_group;
  };

  /// `bytes` must outlive the object. All functions throw Error(model) naming `source` if the file is damaged or
  /// unsupported.
  Hdf5File(Bytes bytes, std::string source);

  /// All objects, a group before its members, in the order of names.
  const std::vector<Object>& objects() const { return objects_; }
  bool has(const std::string& path) const { return headers_.contains(path); }

  /// The extents of an array.
  std::vector<int64_t> shape(const std::string& path) const;
  /// Reads an array of floats of 16, 32 or 64 bits.
  NamedTensor read(const std::string& path);

  /// An attribute that is a text or a list of texts; empty if it is missing.
  std::vector<std::string> texts(const std::string& path, std::string_view attribute);

 private:
  struct Message {
    uint16_t type;
    Bytes data;
  };
  /// Reads numbers one after the other. Throws at the end.
  class Cursor;
  struct Type {
    enum Class { number, text, heap_texts, other } kind = other;
    size_t bytes = 0;
    ElementType element = ElementType::f32;
  };

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> what, Args&&... args) const {
    fail(ErrorCode::model, "{}: {}", source_, fmt::format(what, std::forward<Args>(args)...));
  }
  Bytes part(uint64_t offset, uint64_t size) const;
  Cursor at(uint64_t offset, std::string_view signature = {}) const;
  const std::vector<Message>& messages(const std::string& path) const;
  void count_step();
  void add_object(const std::string& path, uint64_t header, int depth);
  void add_members(const std::string& path, uint64_t tree, uint64_t heap, int depth);
  std::vector<int64_t> parse_shape(Bytes space) const;
  Type parse_type(Bytes type) const;
  std::string heap_text(Bytes reference);

  Bytes bytes_;
  std::string source_;
  std::vector<Object> objects_;
  std::map<std::string, std::vector<Message>> headers_;
  size_t steps_ = 0;
  int64_t elements_ = 0;
};

}  // namespace fsrcnn
