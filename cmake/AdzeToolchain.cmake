# Language level, warnings, baseline instruction set, sanitizers and output folders: what every target shares.
include_guard()

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")

find_package(Threads REQUIRED)

add_library(adze_options INTERFACE)
target_include_directories(adze_options INTERFACE ${CMAKE_SOURCE_DIR})
target_link_libraries(adze_options INTERFACE Threads::Threads)
# A contracted a*b+c rounds once where another compiler or ISA rounds twice: every FMA in adze is written as one.
target_compile_options(adze_options INTERFACE -Wall -Wextra -Wshadow -ffp-contract=off -fno-math-errno)
if(ADZE_WERROR)
  target_compile_options(adze_options INTERFACE -Werror)
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(ADZE_X86 TRUE)
  target_compile_options(adze_options INTERFACE -march=x86-64-v2)
endif()
target_compile_definitions(adze_options INTERFACE $<$<CONFIG:Debug>:ADZE_ASSERTS=1>)
if(ADZE_SANITIZE)
  target_compile_options(adze_options INTERFACE -fsanitize=${ADZE_SANITIZE} -fno-sanitize-recover=all
                                                -fno-omit-frame-pointer -g)
  target_link_options(adze_options INTERFACE -fsanitize=${ADZE_SANITIZE})
endif()
