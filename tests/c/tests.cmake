# libinference_engine as other programs see it: the header in C99 and C++11, the exported symbols, the installed tree.
enable_language(C)
set(client_warnings -pedantic -Wall -Wextra -Werror)

add_library(inference_header OBJECT ${CMAKE_CURRENT_SOURCE_DIR}/c/header.cpp)
target_link_libraries(inference_header PRIVATE inference_engine)
target_compile_options(inference_header PRIVATE ${client_warnings})
set_target_properties(inference_header PROPERTIES CXX_STANDARD 11 CXX_EXTENSIONS OFF)

add_executable(inference_client ${CMAKE_CURRENT_SOURCE_DIR}/c/client.c)
target_link_libraries(inference_client PRIVATE inference_engine m)
target_compile_options(inference_client PRIVATE ${client_warnings})
set_target_properties(inference_client PROPERTIES C_STANDARD 99 C_EXTENSIONS OFF)
if(ADZE_SANITIZE)
  target_link_options(inference_client PRIVATE -fsanitize=${ADZE_SANITIZE})
endif()

set(model ${CMAKE_SOURCE_DIR}/examples/tabular/tumour.onnx)
add_test(NAME c-client COMMAND inference_client ${model})
set_tests_properties(c-client PROPERTIES LABELS fast TIMEOUT 60)
if(NOT ADZE_SANITIZE)
  add_test(NAME c-exports COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/c/exports.sh $<TARGET_FILE:inference_engine>
                                  ${ADZE_ABI_VERSION})
  add_test(NAME c-installed COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/c/installed.sh ${CMAKE_BINARY_DIR} ${model})
  set_tests_properties(c-exports c-installed PROPERTIES LABELS fast TIMEOUT 300)
  set_property(TEST c-installed PROPERTY ENVIRONMENT "CMAKE_GENERATOR=${CMAKE_GENERATOR}")
endif()
