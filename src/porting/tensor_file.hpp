#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.hpp"
#include "network/formats/npy.hpp"
#include "network/network.hpp"
#include "porting/number_type.hpp"

namespace fsrcnn {

/// A dump: a tensor as somebody's file holds it.
struct TensorFile {
  NpyArray values;
  /// False where the form does not tell the shape (raw; text or hex without a remark): then it is (1, 1, 1, count), or
  /// of a text (1, 1, rows, columns), and may be given another with as many values.
  bool has_shape = true;
  std::string read_as = {};  ///< where the form leaves it open, as hexadecimal words do: what they were taken for

  const Shape& shape() const;
  int64_t count() const { return shape().count(); }
  bool is_float32() const { return std::holds_alternative<Tensor<float>>(values); }
  /// As float32, rounded where the file has more.
  Tensor<float> to_float() const;
};

/// Reads a dump; its suffix tells the form:
///
///     .npy                   NumPy's
///     .txt, .dat, .csv       decimal numbers between blanks, commas, semicolons or line ends; comments begin with '#'
///                            or "//"; in a .csv no field is empty, and a first line without numbers is left out
///     .h                     the numbers between the first pair of braces after a '='
///     .hex, .mem             words of hexadecimal digits, as $readmemh reads them: 8 digits are float32's bits, 16
///                            float64's; others, also 8 that make no sensible float32, are integers in two's
///                            complement, of 32 (or 64) bits where the words have different widths, as C's %x writes
///                            them
///     .f32, .raw, .bin       float32, little endian; .f64: float64
///     .png, .jpg, .tif, ...  a picture: (1, C, H, W) in [0, 1]
///
/// A comment "shape 1 56 32 32 type q3.12" in a text tells what it says: integers of a fixed-point type are divided by
/// 2^n. Throws Error(input), Error(io).
TensorFile read_tensor(const std::filesystem::path& path);

/// Whether the suffix is one of these forms' above pictures.
bool is_dump(const std::filesystem::path& path);

/// The same for the forms that are text. `suffix` chooses as above, with its dot.
TensorFile parse_tensor_text(std::string_view text, std::string_view suffix, const std::string& source);

enum class TensorFormat { npy, txt, hex, header };

/// ".npy", ".txt", ".hex" or ".h".
std::string_view suffix_of(TensorFormat format);

/// The bytes of a file that read_tensor() reads back bit for bit. Fixed-point values, which must be words' values, are
/// written as the words, but as values in .npy. `name` is the array's in a C header.
template <class T>
std::vector<std::byte> format_tensor(const Tensor<T>& tensor, const NumberType& type, TensorFormat format,
                                     const std::string& name);

/// A network's input: a dump of (1, channels, H, W), or a picture: its luma (BT.601) or, for RGB, its three planes, of
/// the range that the network reads. Whole numbers from 0 to 255 in a dump are divided by 255. Throws Error(input),
/// also where a dump's values are far from [0, 1] or it does not tell its height and width.
Tensor<float> read_input(const std::filesystem::path& path, Colours colours = Colours::luma,
                         ValueRange range = ValueRange::limited);
/// The same for a network; integers in a dump are read by the scale that the network states for its input. `read_as`
/// is told if values were changed.
Tensor<float> read_input(const std::filesystem::path& path, const Network& network, std::string* read_as = nullptr);

}  // namespace fsrcnn
