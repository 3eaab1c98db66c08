# adze_module(NAME [DEPS ...]): one static library adze_NAME from all sources below NAME/.
#
# The infix of a file name chooses how it is compiled (docs/adding-a-kernel.md):
#   x.cpp           once, baseline
#   x.simd.cpp      once per target of ADZE_SIMD_TARGETS, with ADZE_TARGET naming the inner namespace
#   x.avx2.cpp      once, with that ISA's flags; likewise x.avx512.cpp
# DEPS lists every folder that NAME may include; the ctest layering.NAME fails on any other include.
include_guard()

set(ADZE_FLAGS_portable "")
set(ADZE_FLAGS_avx2 -mavx2 -mfma -mf16c -mbmi -mbmi2 -mlzcnt)
set(ADZE_FLAGS_avx512 ${ADZE_FLAGS_avx2} -mavx512f -mavx512cd -mavx512dq -mavx512bw -mavx512vl
                      -mprefer-vector-width=512)
if(ADZE_X86)
  set(ADZE_SIMD_TARGETS portable avx2 avx512)
else()
  set(ADZE_SIMD_TARGETS portable)
endif()
# Variants are optimised in every build type: at -O0 they would leave weak symbols holding instructions that the
# CPU may lack, and the linker keeps one copy for the whole program.
set(ADZE_VARIANT_OPTIONS -O2 -fno-exceptions -Wno-maybe-uninitialized -Wno-uninitialized -Wno-psabi)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Following every unrolled accumulator for the debugger takes most of a debug build's time.
  list(APPEND ADZE_VARIANT_OPTIONS -fno-var-tracking-assignments)
endif()

function(adze_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPS")
  set(dir ${CMAKE_SOURCE_DIR}/${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${dir}/*.cpp)
  set(plain ${sources})
  list(FILTER plain EXCLUDE REGEX "\\.(simd|avx2|avx512)\\.cpp$")
  if(NOT plain)
    return()
  endif()
  add_library(adze_${name} STATIC ${plain})
  target_link_libraries(adze_${name} PUBLIC adze_options)
  foreach(dep IN LISTS arg_DEPS)
    target_link_libraries(adze_${name} PUBLIC adze_${dep})
  endforeach()
  _adze_add_variants(${name} "${sources}")
  if(EXISTS ${dir}/module.cmake)
    include(${dir}/module.cmake)
  endif()
  add_test(NAME layering.${name}
           COMMAND ${CMAKE_COMMAND} -DMODULE=${name} "-DALLOWED=${name};${arg_DEPS}" -DROOT=${CMAKE_SOURCE_DIR}
                   -P ${CMAKE_SOURCE_DIR}/cmake/CheckLayering.cmake)
endfunction()

function(_adze_add_variants name sources)
  set(simd ${sources})
  list(FILTER simd INCLUDE REGEX "\\.simd\\.cpp$")
  foreach(target IN LISTS ADZE_SIMD_TARGETS)
    set(files ${simd})
    if(NOT target STREQUAL "portable")
      set(own ${sources})
      list(FILTER own INCLUDE REGEX "\\.${target}\\.cpp$")
      list(APPEND files ${own})
    endif()
    if(files)
      add_library(adze_${name}_${target} OBJECT ${files})
      target_link_libraries(adze_${name}_${target} PRIVATE adze_options)
      target_compile_options(adze_${name}_${target} PRIVATE ${ADZE_FLAGS_${target}} ${ADZE_VARIANT_OPTIONS})
      if(ADZE_SANITIZE)
        # Kernels meet guard pages in every build; checked at each element they would take minutes to compile and to
        # test. Options of sources come behind those of the target, which turn the checks on.
        set_source_files_properties(${files} PROPERTIES COMPILE_OPTIONS -fno-sanitize=all)
      endif()
      target_compile_definitions(adze_${name}_${target} PRIVATE ADZE_TARGET=${target} ADZE_TARGET_${target}=1)
      target_sources(adze_${name} PRIVATE $<TARGET_OBJECTS:adze_${name}_${target}>)
      if(BUILD_TESTING OR ADZE_BUILD_TESTS)
        add_test(NAME isa-leak.${name}.${target}
                 COMMAND ${CMAKE_COMMAND} "-DOBJECTS=$<TARGET_OBJECTS:adze_${name}_${target}>" -DTARGET=${target}
                         -DNM=${CMAKE_NM} -P ${CMAKE_SOURCE_DIR}/cmake/CheckIsaLeak.cmake)
      endif()
    endif()
  endforeach()
endfunction()

# adze_name_list(OUT_FILE MACRO NAMES...): writes MACRO(name) lines, the registry of whatever the build found.
function(adze_name_list out macro)
  set(text "")
  foreach(item IN LISTS ARGN)
    string(APPEND text "${macro}(${item})\n")
  endforeach()
  file(CONFIGURE OUTPUT ${out} CONTENT "${text}" @ONLY)
endfunction()
