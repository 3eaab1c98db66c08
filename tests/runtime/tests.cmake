target_link_libraries(runtime_tests PRIVATE adze_onnx_proto)
if(ADZE_SANITIZE)
  # It replaces malloc, as the sanitizers do.
  set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/runtime/allocation_test.cpp PROPERTIES HEADER_FILE_ONLY ON)
endif()
