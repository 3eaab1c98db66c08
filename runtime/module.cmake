# The file of tuned choices is JSON.
find_package(nlohmann_json REQUIRED)
target_link_libraries(adze_runtime PRIVATE nlohmann_json::nlohmann_json)
