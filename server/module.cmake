# cpp-httplib's layout depends on its build's feature macros, which only pkg-config tells; one file includes it.
find_package(PkgConfig REQUIRED)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
find_package(simdjson REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
target_link_libraries(adze_server PRIVATE PkgConfig::HTTPLIB simdjson::simdjson OpenSSL::SSL ZLIB::ZLIB)
target_compile_definitions(adze_server PRIVATE ADZE_VERSION="${PROJECT_VERSION}")

# The OpenAPI document becomes part of the program.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${dir}/control/openapi.json)
file(READ ${dir}/control/openapi.json openapi)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/server/openapi.inc CONTENT "R\"json(${openapi})json\"" @ONLY)
target_include_directories(adze_server PRIVATE ${CMAKE_BINARY_DIR}/generated/server)
