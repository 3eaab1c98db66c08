target_link_libraries(runtime_tests PRIVATE adze_onnx_proto)
target_compile_definitions(runtime_tests PRIVATE ADZE_VERSION="${PROJECT_VERSION}")
if(ADZE_SANITIZE)
  # It replaces malloc, as the sanitizers do.
  set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/runtime/allocation_test.cpp PROPERTIES HEADER_FILE_ONLY ON)
endif()

add_executable(memory_tests runtime/memory.cpp)
target_link_libraries(memory_tests PRIVATE adze_runtime adze_onnx_proto adze_test_support)
add_test(NAME memory COMMAND memory_tests)
set_tests_properties(memory PROPERTIES LABELS fast TIMEOUT 120)
