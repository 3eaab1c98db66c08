# cpp-httplib's layout depends on its build's feature macros, which only pkg-config tells; one file includes it.
find_package(PkgConfig REQUIRED)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
find_package(simdjson REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
target_link_libraries(adze_server PRIVATE PkgConfig::HTTPLIB simdjson::simdjson OpenSSL::SSL ZLIB::ZLIB)
target_compile_definitions(adze_server PRIVATE ADZE_VERSION="${PROJECT_VERSION}")
