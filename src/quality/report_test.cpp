#include "quality/report.hpp"

#include <gtest/gtest.h>

#include <glib.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/atomic_output.hpp"
#include "picture/colour.hpp"
#include "picture/picture_reader.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

/// What is in the page's script of data.
nlohmann::json data_of(const std::string& page) {
  const std::string mark = "<script id=\"data\" type=\"application/json\">";
  const size_t begin = page.find(mark) + mark.size();
  return nlohmann::json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

/// The samples of a PNG file in a data: URI, in [0, 255].
Tensor<float> decoded(const std::string& uri) {
  const test::TemporaryFolder folder;
  std::string text = uri.substr(uri.find(',') + 1);
  gsize size = 0;
  g_base64_decode_inplace(text.data(), &size);
  write_file(folder / "picture.png", as_bytes(std::string_view(text).substr(0, size)));
  Tensor<float> samples = read_picture(folder / "picture.png").planes;
  for (float& sample : samples.values()) sample = std::round(sample * 255);
  return samples;
}

Tensor<float> error_in_colours(const Tensor<float>& output, const Tensor<float>& original, float white) {
  const Shape s = original.shape();
  Tensor<float> picture({1, 3, s.h, s.w});
  for (int64_t i = 0; i < s.h * s.w; ++i) {
    const auto colour = heat_colour(std::abs(output.data()[i] - original.data()[i]) / white);
    for (int64_t k = 0; k < 3; ++k) picture.plane(0, k)[i] = std::round(255 * colour[k]);
  }
  return picture;
}

Evaluation evaluation_of(const std::string& name, double bicubic_db) {
  Evaluation e{name, 20, 10, {bicubic_db, 0.8}, Score{35, 0.9}};
  const Tensor<float> original = test::random_tensor({1, 1, 3, 5}, 1, 60, 230);
  e.crop = {7, 2, original, original, original};
  for (float& value : e.crop.original.values()) value = std::round(value);
  for (float& value : e.crop.bicubic.values()) value = std::round(value + 20);
  for (float& value : e.crop.model->values()) value = std::round(value - 5);
  e.crop.bicubic.values()[4] = e.crop.original.values()[4] - 50;
  return e;
}

TEST(Report, PageShowsWhatWasMeasured) {
  const Report report{Protocol::a, 2, "net", {evaluation_of("</script><b>", 30), evaluation_of("equal", INFINITY)}};
  const nlohmann::json data = data_of(to_html(report));
  nlohmann::json figures = data;
  figures.erase("heat");
  for (auto& picture : figures["pictures"]) picture.erase("crop");
  EXPECT_EQ(figures.dump(), nlohmann::json(to_json(report)).dump());
  EXPECT_EQ(data["pictures"][0]["name"], "</script><b>");
  EXPECT_TRUE(data["pictures"][1]["bicubic"]["psnr_db"].is_null());

  const Crop& crop = report.evaluations[0].crop;
  const nlohmann::json& shown = data["pictures"][0]["crop"];
  EXPECT_EQ(shown["left"], 7);
  EXPECT_EQ(shown["top"], 2);
  EXPECT_EQ(shown["width"], 5);
  EXPECT_EQ(shown["height"], 3);
  EXPECT_EQ(shown["white"], 50);
  EXPECT_EQ(decoded(shown["original"]), crop.original);
  EXPECT_EQ(decoded(shown["bicubic"]["picture"]), crop.bicubic);
  EXPECT_EQ(decoded(shown["model"]["picture"]), *crop.model);
  EXPECT_EQ(decoded(shown["bicubic"]["error"]), error_in_colours(crop.bicubic, crop.original, 50));
  EXPECT_EQ(decoded(shown["model"]["error"]), error_in_colours(*crop.model, crop.original, 50));
}

TEST(Report, WithoutAModel) {
  Report report{Protocol::yjn870, 3, "", {evaluation_of("a", 30)}};
  report.evaluations[0].model.reset();
  report.evaluations[0].crop.model.reset();
  const nlohmann::json data = data_of(to_html(report));
  EXPECT_FALSE(data.contains("model"));
  EXPECT_FALSE(data["mean"].contains("model"));
  EXPECT_FALSE(data["pictures"][0].contains("model"));
  EXPECT_FALSE(data["pictures"][0]["crop"].contains("model"));
  EXPECT_EQ(data["protocol"], "yjn870");
}

}  // namespace
}  // namespace fsrcnn
