#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/file.hpp"

namespace fsrcnn {

/// The values of PyTorch's pickles. A pickle is a program for a small stack machine; this one only runs the
/// instructions that build data, and only knows the few classes that hold weights or that training scripts store beside
/// them. It cannot call anything.
class Pickle {
 public:
  /// Index of a value; values live as long as the Pickle. (Pickles may refer to themselves, so values cannot own
  /// others.)
  using Ref = uint32_t;

  struct None {};
  /// An integer too long for 64 bits, a bytes string, a number of numpy's: kept, never needed.
  struct Opaque {};
  /// "module name", one of the allowed ones.
  struct Global {
    std::string name;
  };
  struct Sequence {  ///< tuple or list
    std::vector<Ref> items;
  };
  struct Dict {
    std::vector<std::pair<Ref, Ref>> items;
    bool is_namespace = false;  ///< of argparse: its attributes are the items
  };
  struct Storage {
    std::string type;  ///< "FloatStorage"
    std::string key;   ///< of its bytes in the file
    int64_t count;     ///< elements
  };
  struct Tensor {
    Ref storage;
    int64_t offset;  ///< all in elements
    std::vector<int64_t> shape, stride;
  };
  using Value = std::variant<None, Opaque, bool, int64_t, double, std::string, Global, Sequence, Dict, Storage, Tensor>;

  /// Longest pickle (an FSRCNN's has some 4 KiB). Every value takes at least one byte of instructions and some 80 bytes
  /// of memory, so this also limits the memory.
  static constexpr size_t kLargestBytes = 1 << 20;

  /// Runs one pickle from the front of `bytes` and removes it. Throws Error(model) if it is damaged or refers to
  /// anything that is not on the list of allowed names; `source` names the file.
  Pickle(Bytes& bytes, const std::string& source);

  Ref root() const { return root_; }
  /// Number of values: Refs are 0 to size() - 1.
  Ref size() const { return static_cast<Ref>(values_.size()); }
  const Value& operator[](Ref ref) const { return values_[ref]; }

  /// The value if it is of this type, else nullptr.
  template <class T>
  const T* get(Ref ref) const {
    return std::get_if<T>(&values_[ref]);
  }

 private:
  friend class PickleMachine;
  std::vector<Value> values_;
  Ref root_ = 0;
};

}  // namespace fsrcnn
