// Routes other than inference, and the methods that each path takes.
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/infer_client.h"

namespace adze::server {
namespace {

class RoutesTest : public ServerTest {
 protected:
  std::string method(const std::string& name, const std::string& path) {
    return ask(name + " " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  }
};

TEST_F(RoutesTest, HeadHasNoBody) {
  start();
  for (const char* path :
       {"/", "/metrics", "/v2/health/ready", "/v2/models/digits", "/v2/models/nope", "/nothing", "/predict"}) {
    Client client(server_->port());
    client.send(std::string("HEAD ") + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    std::string response, more;
    while (!(more = client.receive()).empty()) response += more;
    EXPECT_TRUE(response.ends_with("\r\n\r\n")) << response;
    EXPECT_GT(std::stoi(field_of(response, "Content-Length")), 0) << path;
    EXPECT_EQ(status_of(response), status_of(method(std::string(path) == "/predict" ? "PUT" : "GET", path)));
  }
}

TEST_F(RoutesTest, OtherMethodsAreToldWhichOnesGo) {
  start();
  for (const char* name : {"PUT", "DELETE", "PATCH", "TRACE", "BREW"}) {
    const std::string infer = method(name, "/v2/models/digits/infer");
    EXPECT_EQ(status_of(infer), 405) << infer;
    EXPECT_EQ(field_of(infer, "Allow"), "POST, OPTIONS");
    const std::string page = method(name, "/metrics");
    EXPECT_EQ(status_of(page), 405) << page;
    EXPECT_EQ(field_of(page, "Allow"), "GET, HEAD, OPTIONS");
    EXPECT_EQ(status_of(method(name, "/nothing")), 404);
  }
  EXPECT_EQ(status_of(ask(post("/v2/health/live", ""))), 405);
  const std::string options = method("OPTIONS", "/predict");
  EXPECT_EQ(status_of(options), 200);
  EXPECT_EQ(field_of(options, "Allow"), "POST, OPTIONS");
  EXPECT_EQ(field_of(method("OPTIONS", "*"), "Allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(status_of(method("OPTIONS", "/nothing")), 404);
}

TEST_F(RoutesTest, ConfigurationsAreAsTritonsClientsReadThem) {
  testing::ModelBuilder m;
  m.input("x", {2, 3}).output("y", {2, 3});
  testing::set(m.node("Softmax", {"x"}, {"y"}), "axis", 0);
  start([&](ServeOptions& options) {
    options.service.models.emplace_back("alone", saved(m, "alone"));
    options.service.model.preferred = {8, 32};
    options.service.model.priorities = 5;
  });
  const auto config = nlohmann::json::parse(body_of(ask(get("/v2/models/digits/versions/1/config"))));
  EXPECT_EQ(config["name"], "digits");
  EXPECT_EQ(config["max_batch_size"], 64);
  EXPECT_EQ(config["input"][0]["name"], "image");
  EXPECT_EQ(config["input"][0]["data_type"], "TYPE_FP32");
  EXPECT_EQ(config["input"][0]["dims"], (std::vector<int>{1, 8, 8}));
  EXPECT_EQ(config["input"][0]["optional"], false);
  EXPECT_EQ(config["output"][0]["dims"], (std::vector<int>{10}));
  const auto& batching = config["dynamic_batching"];
  EXPECT_EQ(batching["max_queue_delay_microseconds"], 200);
  EXPECT_EQ(batching["preferred_batch_size"], (std::vector<int>{8, 32}));
  EXPECT_EQ(batching["priority_levels"], 5);
  EXPECT_EQ(batching["default_priority_level"], 3);
  EXPECT_EQ(batching["default_queue_policy"]["max_queue_size"], 4096);
  EXPECT_FALSE(config.contains("version_policy"));  // it is the repository's, not a version's
  EXPECT_EQ(config["model_transaction_policy"]["decoupled"], false);
  const auto alone = nlohmann::json::parse(body_of(ask(get("/v2/models/alone/config"))));
  EXPECT_EQ(alone["max_batch_size"], 0);
  EXPECT_EQ(alone["input"][0]["dims"], (std::vector<int>{2, 3}));
  EXPECT_FALSE(alone.contains("dynamic_batching"));
  EXPECT_EQ(status_of(ask(get("/v2/models/nope/config"))), 404);
  const auto server = nlohmann::json::parse(body_of(ask(get("/v2"))));
  const auto has = [&](const char* name) { return std::ranges::count(server["extensions"], name) == 1; };
  EXPECT_TRUE(has("binary_tensor_data") && has("model_configuration") && has("parameters"));
}

// The document's paths and methods are those that the server takes, and no others.
TEST_F(RoutesTest, TheDocumentDescribesEveryRoute) {
  start();
  const auto document = nlohmann::json::parse(body_of(ask(get("/openapi.json"))));
  std::set<std::string> described;
  for (const auto& [path, item] : document["paths"].items()) {
    const auto& operations = item.contains("$ref")
                                 ? document.at(nlohmann::json::json_pointer(item["$ref"].get<std::string>().substr(1)))
                                 : item;
    for (const auto& [name, operation] : operations.items()) {
      if (name == "get") described.insert("GET " + path);
      if (name == "post") described.insert("POST " + path);
    }
  }
  std::set<std::string> routed;
  for (const auto& [method, path] : ControlPlane({}).paths().all()) routed.insert(method + " " + path);
  EXPECT_EQ(described, routed);
}

}  // namespace
}  // namespace adze::server
