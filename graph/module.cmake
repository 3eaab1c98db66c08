# The operator list from the folder, and the ONNX messages from our own proto file.
file(GLOB ops CONFIGURE_DEPENDS RELATIVE ${dir}/ops ${dir}/ops/*.cpp)
list(TRANSFORM ops REPLACE "\\.cpp$" "")
adze_name_list(${CMAKE_BINARY_DIR}/generated/graph/op_list.inc ADZE_OPS ${ops})
target_include_directories(adze_graph PRIVATE ${CMAKE_BINARY_DIR}/generated/graph)

if(EXISTS ${dir}/onnx/onnx_subset.proto)
  set(Protobuf_USE_STATIC_LIBS OFF)
  find_package(Protobuf REQUIRED)
  protobuf_generate(LANGUAGE cpp OUT_VAR proto_sources PROTOS ${dir}/onnx/onnx_subset.proto
                    IMPORT_DIRS ${dir}/onnx PROTOC_OUT_DIR ${CMAKE_BINARY_DIR}/generated/graph)
  add_library(adze_onnx_proto STATIC ${proto_sources})
  target_include_directories(adze_onnx_proto SYSTEM PUBLIC ${CMAKE_BINARY_DIR}/generated/graph)
  target_link_libraries(adze_onnx_proto PUBLIC protobuf::libprotobuf-lite)
  target_link_libraries(adze_graph PRIVATE adze_onnx_proto)
endif()
