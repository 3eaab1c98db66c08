// A repository folder in a test, whose models tell their version by what they add.
#pragma once

#include <filesystem>
#include <string>

#include "tests/support/model_builder.h"
#include "tests/support/server_fixture.h"
#include "tests/support/temp_folder.h"

namespace adze::server {

// y = x + add, rows of two.
inline std::string adder(float add) {
  testing::ModelBuilder m;
  m.input("x", {-1, 2}).output("y", {-1, 2});
  m.initializer("add", Tensor::from<float>({1}, std::vector<float>{add}));
  m.node("Add", {"x", "add"}, {"y"});
  return m.serialized();
}

class RepositoryTest : public ServerTest {
 protected:
  // Renamed into its place, as a file that is in use must be replaced.
  void put(const std::string& path, const std::string& bytes) {
    std::filesystem::create_directories(std::filesystem::path(folder_.path(path)).parent_path());
    const std::string partial = folder_.write(".partial", bytes);
    std::filesystem::rename(partial, folder_.path(path));
  }
  void put_version(const std::string& name, int version, float add) {
    put(name + "/" + std::to_string(version) + "/model.onnx", adder(add));
  }
  void remove(const std::string& path) { std::filesystem::remove_all(folder_.path(path)); }
  void serve(ModelControl control = ModelControl::none, std::function<void(ServeOptions&)> change = {}) {
    start([&](ServeOptions& options) {
      options.service.models.clear();
      options.service.folder = folder_.path("");
      options.service.control = control;
      options.service.poll = std::chrono::milliseconds(10);
      if (change) change(options);
    });
  }
  std::string infer(const std::string& path) {
    return ask(post("/v2/models/" + path + "/infer",
                    R"({"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[0,0.5]}]})"));
  }
  // What follows `before` up to a comma or bracket, or all of the answer.
  static std::string after(const std::string& response, const std::string& before) {
    const std::size_t at = response.find(before);
    if (at == response.npos) return response;
    const std::size_t begin = at + before.size();
    return response.substr(begin, response.find_first_of(",]}", begin) - begin);
  }
  std::string added_by(const std::string& path) { return after(infer(path), "\"data\":["); }
  std::string index(const std::string& body = "") { return body_of(ask(post("/v2/repository/index", body))); }
  std::string load(const std::string& name, const std::string& body = "") {
    return ask(post("/v2/repository/models/" + name + "/load", body));
  }
  std::string unload(const std::string& name) { return ask(post("/v2/repository/models/" + name + "/unload", "")); }
  // Waits until it is so.
  static bool comes_true(const std::function<bool()>& what) {
    for (int i = 0; i < 1000; i++) {
      if (what()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  testing::TempFolder folder_;
};

}  // namespace adze::server
