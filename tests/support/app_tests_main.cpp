#include <gtest/gtest.h>

#include "picture/decode_apart.hpp"

// Pictures are decoded as the program does it: in processes of their own, which are this one once more.
int main(int argc, char** argv) {
  fsrcnn::decode_pictures_apart(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
