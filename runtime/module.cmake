# The file of tuned choices is JSON.
find_package(nlohmann_json REQUIRED)
target_link_libraries(adze_runtime PRIVATE nlohmann_json::nlohmann_json)
set_property(SOURCE ${dir}/c/library.cpp APPEND PROPERTY COMPILE_DEFINITIONS ADZE_VERSION="${PROJECT_VERSION}")
