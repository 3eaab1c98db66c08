# libinference_engine: the C interface of runtime/c as a shared and a static library, and what other programs' builds
# find it by: the header, inference_engine.pc, and the CMake package adze with the targets adze::inference_engine and
# adze::inference_engine_static.
include_guard()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(ADZE_C_API ${CMAKE_SOURCE_DIR}/runtime/c)
# The library's compatibility, apart from adze's version.
file(STRINGS ${ADZE_C_API}/inference.h abi REGEX "^#define INFERENCE_ABI_VERSION")
string(REGEX REPLACE "[^0-9]" "" ADZE_ABI_VERSION "${abi}")

set(objects $<TARGET_OBJECTS:adze_onnx_proto>)
foreach(module kernels graph runtime)
  list(APPEND objects $<TARGET_OBJECTS:adze_${module}>)
  foreach(isa IN LISTS ADZE_SIMD_TARGETS)
    if(TARGET adze_${module}_${isa})
      list(APPEND objects $<TARGET_OBJECTS:adze_${module}_${isa}>)
    endif()
  endforeach()
endforeach()

# What the static library's users must link too, as far as this build found it.
set(private_libraries protobuf-lite)
get_target_property(linked adze_graph LINK_LIBRARIES)
foreach(pair "JPEG::JPEG=jpeg" "PNG::PNG=png" "TIFF::TIFF=tiff" "PkgConfig::WEBP=webp" "PkgConfig::OPENJPEG=openjp2")
  string(REGEX MATCH "(.*)=(.*)" none ${pair})
  if(CMAKE_MATCH_1 IN_LIST linked)
    list(APPEND private_libraries ${CMAKE_MATCH_2})
  endif()
endforeach()
list(APPEND private_libraries stdc++ m pthread)

add_library(inference_engine SHARED $<TARGET_OBJECTS:adze_runtime>)
target_link_libraries(inference_engine PRIVATE adze_graph adze_kernels)
target_link_options(inference_engine PRIVATE -Wl,--version-script=${ADZE_C_API}/exports.map)
set_target_properties(inference_engine PROPERTIES VERSION ${ADZE_ABI_VERSION}.${PROJECT_VERSION}
                      SOVERSION ${ADZE_ABI_VERSION} LINK_DEPENDS ${ADZE_C_API}/exports.map)

add_library(inference_engine_static STATIC ${objects})
target_link_libraries(inference_engine_static INTERFACE ${private_libraries})
set_target_properties(inference_engine_static PROPERTIES OUTPUT_NAME inference_engine)

foreach(library inference_engine inference_engine_static)
  set_target_properties(${library} PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(${library} INTERFACE $<BUILD_INTERFACE:${ADZE_C_API}>
                                                  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()

install(TARGETS inference_engine inference_engine_static EXPORT adze)
install(FILES ${ADZE_C_API}/inference.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(package ${CMAKE_BINARY_DIR}/generated/package)
list(TRANSFORM private_libraries PREPEND "-l" OUTPUT_VARIABLE private_flags)
list(JOIN private_flags " " private_flags)
file(RELATIVE_PATH to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_SOURCE_DIR}/cmake/inference_engine.pc.in ${package}/inference_engine.pc @ONLY)
install(FILES ${package}/inference_engine.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(folder ${CMAKE_INSTALL_LIBDIR}/cmake/adze)
install(EXPORT adze NAMESPACE adze:: FILE adzeConfig.cmake DESTINATION ${folder})
write_basic_package_version_file(${package}/adzeConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${package}/adzeConfigVersion.cmake DESTINATION ${folder})
