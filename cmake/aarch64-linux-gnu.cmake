# For aarch64 on another machine: Debian's cross compiler, and arm64 packages beside the machine's own, where the compiler
# and find_package look by themselves.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
# What the build makes and runs, the tests above all.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64)
