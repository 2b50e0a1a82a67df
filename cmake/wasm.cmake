# For WebAssembly: Debian's emscripten, and node, which runs what the build makes. Needs emscripten 3.1.69, for the C++
# library's <stop_token>. FSRCNN_DEPENDENCIES is where ./scripts/test.sh has built the libraries that Debian has for other
# systems only.
include(/usr/share/emscripten/cmake/Modules/Platform/Emscripten.cmake)
set(CMAKE_CXX_FLAGS_INIT "-msimd128 -fwasm-exceptions -fexperimental-library")
# Tests read their files where they lie, and return what main returns.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-sALLOW_MEMORY_GROWTH=1 -sMAXIMUM_MEMORY=4GB -sNODERAWFS=1 -sEXIT_RUNTIME=1")
set(BUILD_SHARED_LIBS OFF CACHE BOOL "" FORCE)
list(APPEND CMAKE_FIND_ROOT_PATH ${FSRCNN_DEPENDENCIES})
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES FSRCNN_DEPENDENCIES)
