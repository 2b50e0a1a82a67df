#include "cli/engine_choice.hpp"

#include <gtest/gtest.h>

#include "base/cpu.hpp"
#include "support/golden.hpp"

namespace fsrcnn::cli {
namespace {

const UpscalerOptions kOptions = {.threads = 1, .cpu = "reference"};  // packs nothing

TEST(EngineChoice, TakesTheGeneralModelWhoseScaleIsNearest) {
  EngineChoice choice(ModelOption{}, kOptions);
  EXPECT_EQ(choice.first().scale(), 2);
  EXPECT_EQ(choice.name_of(choice.first()), "fsrcnn-x2");
  EXPECT_EQ(&choice.engine_for(std::nullopt), &choice.first());
  for (const int64_t scale : {2, 3, 4}) {
    Engine& engine = choice.engine_for(static_cast<double>(scale));
    EXPECT_EQ(engine.scale(), scale);
    EXPECT_EQ(choice.name_of(engine), "fsrcnn-x" + std::to_string(scale));
    EXPECT_EQ(&choice.engine_for(static_cast<double>(scale)), &engine) << "loaded once";
  }
  EXPECT_EQ(choice.engine_for(1.5).scale(), 2);
  EXPECT_EQ(choice.engine_for(9.0).scale(), 3) << "twice";
}

TEST(EngineChoice, TakesTheModelForCompressedPicturesIfThereIsOne) {
  for (const char* model : {"", "auto"}) {
    EngineChoice choice({.model = model, .scale = {}}, kOptions);
    EXPECT_EQ(choice.name_of(choice.engine_for(std::nullopt, true)), "fsrcnn-video-x2");
    EXPECT_EQ(choice.name_of(choice.engine_for(2.0, true)), "fsrcnn-video-x2");
    EXPECT_EQ(choice.name_of(choice.engine_for(3.0, true)), "fsrcnn-x3");
    EXPECT_EQ(choice.name_of(choice.engine_for(2.0)), "fsrcnn-x2");
  }
  EngineChoice named({.model = "fsrcnn-x2", .scale = {}}, kOptions), scaled({.model = "", .scale = 2}, kOptions);
  EXPECT_EQ(named.name_of(named.engine_for(2.0, true)), "fsrcnn-x2");
  EXPECT_EQ(scaled.name_of(scaled.engine_for(2.0, true)), "fsrcnn-x2");
}

TEST(EngineChoice, KeepsToTheModelThatWasAskedFor) {
  EngineChoice named({.model = "fsrcnn-s-x2", .scale = {}}, kOptions);
  EXPECT_EQ(named.name_of(named.engine_for(4.0)), "fsrcnn-s-x2");
  EngineChoice scaled({.model = {}, .scale = 3}, kOptions);
  EXPECT_EQ(scaled.name_of(scaled.engine_for(2.0)), "fsrcnn-x3");
}

TEST(EngineChoice, RefusesWhatThereIsNot) {
  EXPECT_TRUE(test::error_of([] { EngineChoice({.model = "fsrcnn-x2", .scale = 3}, kOptions); }).starts_with("4: "));
  EXPECT_TRUE(test::error_of([] { EngineChoice({.model = "/none/such", .scale = {}}, kOptions); }).starts_with("4: "));
  EXPECT_TRUE(test::error_of([] { EngineChoice(ModelOption{}, {.cpu = "z80"}); }).starts_with("2: unknown CPU 'z80'"));
}

}  // namespace
}  // namespace fsrcnn::cli
